"""Public configs become ours key by key, and what is not known in them is refused."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import AuralflowError, CheckpointError, UnknownNameError
from auralflow.models import models
from auralflow.models.bs_roformer import BSRoformerConfig
from auralflow.models.mel_band_roformer import MelBandRoformerConfig
from auralflow.models.scnet import SPEC as SCNET_SPEC
from auralflow.models.scnet import SCNetConfig
from auralflow.models.tfc_tdf import TFCTDFConfig
from auralflow.pretrained.convert import named
from auralflow.pretrained.convert.msst import convert

AUDIO: dict[str, Any] = {"chunk_size": 16000, "num_channels": 2, "sample_rate": 16000, "min_mean_abs": 0.0}
AUDIO |= {"n_fft": 256, "hop_length": 64, "dim_f": 128}  # of TFC-TDF alone
LOSS: dict[str, Any] = {"multi_stft_resolution_loss_weight": 1.0, "multi_stft_hop_size": 147}
STFT: dict[str, Any] = {"stft_n_fft": 512, "stft_hop_length": 128, "stft_win_length": 512, "stft_normalized": False}
SIZES: dict[str, Any] = {"dim": 12, "depth": 2, "stereo": True, "num_stems": 1, "dim_head": 6, "heads": 2}
DEPTHS: dict[str, Any] = {"time_transformer_depth": 1, "freq_transformer_depth": 1, "linear_transformer_depth": 0}
ROFORMER: dict[str, Any] = (
    SIZES | DEPTHS | STFT | LOSS | {"mlp_expansion_factor": 1, "attn_dropout": 0, "ff_dropout": 0, "flash_attn": True}
)
TRAINING: dict[str, Any] = {"instruments": ["Vocals", "other"], "target_instrument": "Vocals", "lr": 1e-5}

TFC_BLOCKS: dict[str, Any] = {"num_blocks_per_scale": 2, "num_scales": 2, "scale": [2, 2], "num_subbands": 2}
TFC_TDF: dict[str, Any] = TFC_BLOCKS | {"num_channels": 6, "growth": 4, "bottleneck_factor": 2}
SCNET: dict[str, Any] = {"band_SR": [0.2, 0.3, 0.5], "band_stride": [1, 2, 4], "band_kernel": [3, 2, 4]}

CONFIGS: dict[str, dict[str, Any]] = {
    "bs_roformer": ROFORMER | {"freqs_per_bands": (8, 16, 32, 72, 129), "mask_estimator_depth": 2},
    "mel_band_roformer": ROFORMER | {"num_bands": 6, "mask_estimator_depth": 2, "sample_rate": 16000},
    "tfc_tdf": TFC_TDF | {"act": "gelu", "norm": "InstanceNorm"},
    "scnet": SCNET
    | {"dims": [4, 8, 12], "nfft": 256, "hop_size": 64, "win_size": 256, "conv_depths": [2, 1, 1]}
    | {"num_dplayer": 2, "sources": ["vocals"], "audio_channels": 2, "normalized": True},
}
"""The section `model` of a small network of each architecture."""

_STFT = STFTConfig(512, 128, edges="reflect")
_SIZES: dict[str, Any] = {"stft": _STFT, "width": 12, "depth": 2, "n_heads": 2, "head_width": 6, "mask_expansion": 1}
EXPECTED: dict[str, Any] = {
    "bs_roformer": BSRoformerConfig(**_SIZES, band_widths=(8, 16, 32, 72, 129)),
    "mel_band_roformer": MelBandRoformerConfig(**_SIZES, n_bands=6),
    "tfc_tdf": TFCTDFConfig(
        STFTConfig(256, 64, edges="reflect"), n_freqs=128, n_bands=2, n_scales=2, width=6, growth=4, bottleneck=2
    ),
    # At home SCNet stands in two versions, one of which normalises; MSST has the other.
    "scnet": SCNetConfig(
        STFTConfig(256, 64, window="rectangle", edges="reflect"),
        normalise=False,
        widths=(8, 12),
        band_shares=(0.2, 0.3, 0.5),
        band_strides=(1, 2, 4),
        band_kernels=(3, 2, 4),
        conv_depths=(2, 1, 1),
        n_dual_paths=2,
    ),
}


def write(folder: Path, state: Any, model: Any, name: str = "model.ckpt", **sections: Any) -> Path:
    """A checkpoint and its config in a folder."""
    values = {"audio": AUDIO, "model": model, "training": TRAINING, "inference": {"num_overlap": 4}} | sections
    (folder / name).with_suffix(".yaml").write_text(yaml.dump(values))
    torch.save(state, folder / name)
    return folder / name


def make(architecture: str) -> nn.Module:
    """A small network with the stem `vocals`."""
    model_class = models.load(architecture)
    module: Any = sys.modules[model_class.__module__]
    torch.manual_seed(0)
    spec = dataclasses.replace(
        module.SPEC, stems=("vocals",), sample_rate=16000, channels=2, segment_samples=16000, overlap=0.75
    )
    model: nn.Module = model_class(spec, EXPECTED[architecture])
    return model.eval()


def assert_same(got: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert got.keys() == expected.keys()
    assert all(torch.equal(got[key], expected[key]) for key in expected)


@pytest.mark.parametrize("architecture", CONFIGS)
def test_a_small_network_of_each_architecture(architecture: str, tmp_path: Path) -> None:
    model = make(architecture)
    state = model.state_dict()
    got = convert(write(tmp_path, {"epoch": 3, "model_state_dict": state}, CONFIGS[architecture]))
    assert got.architecture == architecture
    assert got.members[0].config == EXPECTED[architecture]
    assert got.spec == model.spec
    assert_same(got.members[0].state, dict(state))


DEMUCS: dict[str, Any] = {"channels": 6, "channels_time": None, "growth": 2, "depth": 2, "nfft": 256, "cac": True}
TRANSFORMER: dict[str, Any] = {"dconv_mode": 3, "dconv_comp": 3, "bottom_channels": 16, "t_layers": 2, "t_heads": 2}
DEMUCS_CONFIGS: dict[str, dict[str, Any]] = {
    "hdemucs": DEMUCS | {"depth": 6, "nfft": 4096, "channels": 2, "dconv_comp": 1, "norm_groups": 2, "hybrid": True},
    "htdemucs": DEMUCS | TRANSFORMER | {"t_hidden_scale": 1.5, "dconv_init": 0.1, "multi_freqs": [], "num_subbands": 1},
}


@pytest.mark.parametrize("architecture", DEMUCS_CONFIGS)
def test_networks_of_demucs(architecture: str, tmp_path: Path) -> None:
    """Their section is called as they are; stems, channels and length of segments stand in `training`."""
    values = {"model": architecture, architecture: DEMUCS_CONFIGS[architecture]}
    training = {"instruments": ["Drums", "bass"], "segment": 1, "samplerate": 16000, "channels": 2, "normalize": True}
    path = write(tmp_path, {"x": torch.zeros(1)}, **values, training=training, inference={"num_overlap": 2})
    got = convert(path, architecture=architecture)
    spec, config = got.spec, got.members[0].config
    assert (spec.stems, spec.sample_rate, spec.segment_samples, spec.overlap) == (("drums", "bass"), 16000, 16000, 0.5)
    assert (spec.blend, spec.normalise) == ("triangle", "none")
    assert (config.width, config.n_fft) == (values[architecture]["channels"], values[architecture]["nfft"])
    state = models.load(architecture)(spec, config).state_dict()
    path = write(
        tmp_path, {"state": state}, **values, training=training, inference={"num_overlap": 2, "normalize": True}
    )
    got = convert(path)
    assert (got.architecture, got.spec.normalise) == (architecture, "track")
    assert_same(got.members[0].state, dict(state))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: s,
        lambda s: {"state": s, "best_nsdr": 1.0},
        lambda s: {"state": {}, "best_state": s},
        lambda s: {"state": {"state_dict": {f"module.{k}": v for k, v in s.items()}}},
        lambda s: {"state_dict": {f"model.{k}": v for k, v in s.items()}, "pytorch-lightning_version": "2.0"},
        lambda s: {f"_orig_mod.module.{k}": v for k, v in s.items()},
    ],
)
def test_wrappings_of_trainers_are_taken_off(wrap: Any, tmp_path: Path) -> None:
    model = make("bs_roformer")
    got = convert(write(tmp_path, wrap(model.state_dict()), CONFIGS["bs_roformer"]))
    assert_same(got.members[0].state, dict(model.state_dict()))


def test_safetensors_are_read(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    model = make("mel_band_roformer")
    path = write(tmp_path, {}, CONFIGS["mel_band_roformer"], "model.safetensors")
    save_file({k: v.clone() for k, v in model.state_dict().items()}, path)
    assert_same(convert(tmp_path).members[0].state, dict(model.state_dict()))


def _published_bs_roformer() -> dict[str, Any]:
    """As of the 317th epoch by viperx."""
    widths = (2,) * 24 + (4,) * 12 + (12,) * 8 + (24,) * 8 + (48,) * 8 + (128, 129)
    sizes = {"dim": 512, "depth": 12, "stereo": True, "num_stems": 1, "freqs_per_bands": widths, "dim_head": 64}
    rest = {"heads": 8, "attn_dropout": 0.1, "ff_dropout": 0.1, "flash_attn": True, "dim_freqs_in": 1025}
    stft = {"stft_n_fft": 2048, "stft_hop_length": 441, "stft_win_length": 2048, "stft_normalized": False}
    loss = {"multi_stft_normalized": False, "multi_stft_resolutions_window_sizes": (4096, 2048)}
    return sizes | DEPTHS | rest | stft | loss | LOSS | {"mask_estimator_depth": 2}


def _read(tmp_path: Path, architecture: str, model: Any, **sections: Any) -> Any:
    path = write(tmp_path, {"x": torch.zeros(1)}, model, **sections)
    return convert(path, architecture=architecture)


def test_a_published_config(tmp_path: Path) -> None:
    audio = AUDIO | {"chunk_size": 352800, "sample_rate": 44100, "dim_t": 801}
    got = _read(tmp_path, "bs_roformer", _published_bs_roformer(), audio=audio, inference={"num_overlap": 2})
    assert got.members[0].config == BSRoformerConfig(width=512, depth=12, attention_dropout=0.1, dropout=0.1)
    assert (got.spec.stems, got.spec.segment_s, got.spec.overlap, got.spec.normalise) == (("vocals",), 8.0, 0.5, "none")


def test_what_a_config_leaves_out_is_as_at_its_home(tmp_path: Path) -> None:
    stft = STFTConfig(2048, 512, edges="reflect")
    depths: dict[str, Any] = {"time_depth": 2, "freq_depth": 2}
    got = _read(tmp_path, "bs_roformer", {"dim": 8, "depth": 3})
    assert got.members[0].config == BSRoformerConfig(stft=stft, width=8, depth=3, **depths)
    assert got.spec.channels == 1
    got = _read(tmp_path, "mel_band_roformer", {"dim": 8, "depth": 3, "sample_rate": 16000})
    expected = MelBandRoformerConfig(
        stft=stft, width=8, depth=3, attention_dropout=0.1, dropout=0.1, n_mask_layers=2, **depths
    )
    assert got.members[0].config == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            {"norm": "GroupNorm2", "act": "elu0.5"},
            {"norm": "group", "n_groups": 2, "activation": "elu", "elu_alpha": 0.5},
        ),
        ({"norm": "BatchNorm", "act": "relu"}, {"norm": "batch", "activation": "relu"}),
        ({"norm": None, "act": "gelu"}, {"norm": "none"}),
    ],
)
def test_words_with_numbers(words: dict[str, Any], expected: dict[str, Any], tmp_path: Path) -> None:
    got = _read(tmp_path, "tfc_tdf", TFC_TDF | words).members[0].config
    assert got == dataclasses.replace(EXPECTED["tfc_tdf"], **expected)


def test_the_config_of_the_official_scnet(tmp_path: Path) -> None:
    """It has its own sections, and its inference normalises the track and half overlaps."""
    sources = ["drums", "bass", "other", "vocals"]
    data = {"samplerate": 44100, "segment": 11, "shift": 1, "channels": 2, "normalize": True, "sources": sources}
    path = write(tmp_path, {"x": torch.zeros(1)}, {})
    path.with_suffix(".yaml").write_text(
        yaml.dump({"data": data, "model": {"sources": sources}, "optim": {"lr": 5e-4}})
    )
    got = convert(path, architecture="scnet")
    assert got.members[0].config == SCNetConfig()
    assert got.spec == dataclasses.replace(SCNET_SPEC, stems=tuple(sources), normalise="track")


def test_segments_and_normalisation_are_those_of_inference(tmp_path: Path) -> None:
    inference = {"chunk_size": 20000, "num_overlap": 8, "normalize": True}
    training = {"instruments": ["drums", "bass"], "target_instrument": None}
    got = _read(tmp_path, "bs_roformer", {"dim": 8, "depth": 1, "num_stems": 2}, inference=inference, training=training)
    assert (got.spec.segment_samples, got.spec.overlap, got.spec.normalise) == (20000, 0.875, "track")
    assert got.spec.stems == ("drums", "bass")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_residual_streams": 4}, r"model\.num_residual_streams: not known"),
        ({"linear_transformer_depth": 1}, r"model\.linear_transformer_depth: expected 0, got 1; linear attention"),
        ({"num_stems": 4}, r"model\.num_stems: expected 1, got 4"),
        ({"stft_win_length": 1024}, r"model\.stft_win_length: expected 512"),
        ({"dim": "wide"}, r"config\.width: expected int"),
        ({"dim": None}, r"config\.width: expected int"),
        ({"freqs_per_bands": [1, 2]}, r"config\.band_widths"),
        ({"stft_n_fft": "long"}, r"model\.stft_n_fft: expected a number"),
    ],
)
def test_what_is_not_known_is_refused_by_name(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(AuralflowError, match=words):
        _read(tmp_path, "bs_roformer", CONFIGS["bs_roformer"] | changes)


@pytest.mark.parametrize(
    ("architecture", "changes", "words"),
    [
        ("mel_band_roformer", {"sample_rate": 44100}, r"model\.sample_rate: expected 16000, got 44100"),
        ("tfc_tdf", {"norm": "LayerNorm"}, r"model\.norm: expected one of InstanceNorm.* got 'LayerNorm'"),
        ("tfc_tdf", {"colour": 1}, r"model\.colour: not known"),
        ("scnet", {"bandsplit_ratios": [0.1]}, r"model\.bandsplit_ratios: not known"),
        ("scnet", {"dims": [2, 8]}, r"model\.dims: expected 4 first"),
        ("scnet", {"sources": ["a", "b"]}, r"model\.sources: expected 1 as in training"),
        ("scnet", {"win_size": 128}, r"model\.win_size: expected 256"),
        ("scnet", {"num_dplayer": 3}, r"config\.n_dual_paths"),
    ],
)
def test_so_is_what_other_architectures_have(
    architecture: str, changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(AuralflowError, match=words):
        _read(tmp_path, architecture, CONFIGS[architecture] | changes)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"audio": {"sample_rate": 16000}}, r"audio\.chunk_size: missing"),
        ({"audio": {"chunk_size": 16000}}, r"audio\.sample_rate: missing"),
        ({"training": {}}, r"training\.instruments: missing"),
        ({"training": {"instruments": "vocals"}}, r"expected a list of names"),
        ({"training": {"instruments": ["a/b"]}}, r"spec\.stems"),
        ({"training": {"instruments": ["a", "b"]}}, r"model\.num_stems: expected 2, got 1"),
        ({"inference": {"num_overlap": 0}}, r"inference\.num_overlap"),
        ({"audio": [1]}, r"audio: expected a section"),
        ({"model": None}, r"expected a config with a section 'model', found audio, inference, model"),
    ],
)
def test_incomplete_configs_are_said(sections: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(AuralflowError, match=words) as caught:
        _read(tmp_path, "bs_roformer", **({"model": CONFIGS["bs_roformer"]} | sections))
    assert "\n" not in str(caught.value)


def test_the_config_is_found_or_said_to_be_missing(tmp_path: Path) -> None:
    model = make("bs_roformer")
    path = write(tmp_path, dict(model.state_dict()), CONFIGS["bs_roformer"])
    config = path.with_suffix(".yaml")
    config.rename(tmp_path / "other.yaml")
    assert convert(path).architecture == "bs_roformer"
    (tmp_path / "third.yml").write_text("model: {}")
    with pytest.raises(CheckpointError, match=r"expected model\.yaml beside it; there are other\.yaml, third\.yml"):
        convert(path)
    assert convert(path, config="other.yaml").architecture == "bs_roformer"
    with pytest.raises(CheckpointError, match="no such file"):
        convert(path, config="fourth.yaml")
    for left in ("other.yaml", "third.yml"):
        (tmp_path / left).unlink()
    with pytest.raises(CheckpointError, match=r"its config is missing; expected model\.yaml"):
        convert(path)


_GROWING = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model: !!python/object/apply:os.system ['touch {marker}']", "python/object/apply:os.system"),
        ("model: !!python/name:os.system", "python/name:os.system"),
        ("model: !!python/object/new:os.system ['touch {marker}']", "python/object/new"),
        ("model: &a {b: 1}\nc: {<<: *a}", "merge"),
        ("model: !!python/tuple [[1]]", "a tuple of other things"),
        (_GROWING, "without end"),
        ("model: [", "not readable as YAML"),
        ("just text", "expected a config with sections"),
        ("\x00", "not readable as YAML"),
        ("[" * 800, "not readable as YAML"),
    ],
)
def test_a_config_runs_nothing(text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "_MAX_VALUES", 100_000)
    marker = tmp_path / "it_ran"
    path = write(tmp_path, {"x": torch.zeros(1)}, {})
    path.with_suffix(".yaml").write_text(text.replace("{marker}", str(marker)))
    with pytest.raises(CheckpointError, match=words) as caught:
        convert(path, architecture="bs_roformer")
    assert not marker.exists()
    assert "\n" not in str(caught.value)


def test_tuples_and_small_numbers_of_public_files(tmp_path: Path) -> None:
    from auralflow.pretrained.convert.public_yaml import read_yaml

    (tmp_path / "a.yaml").write_text(
        "a: !!python/tuple\n  - 2\n  - 4\nb: 1e-3\nc: 5.0e-05\nd: &d [1, 2]\ne: 1e3x\nf: *d\n"
    )
    assert read_yaml(tmp_path / "a.yaml") == {"a": (2, 4), "b": 1e-3, "c": 5e-5, "d": [1, 2], "e": "1e3x", "f": [1, 2]}


def test_other_architectures_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, {"some.weight": torch.zeros(1)}, {})
    with pytest.raises(CheckpointError, match=r"none of bs_roformer.*: some\.weight"):
        convert(path)
    with pytest.raises(UnknownNameError, match="did you mean 'bs_roformer'"):
        convert(path, architecture="bs_rofomer")
    with pytest.raises(CheckpointError, match="got also: epoch"):
        convert(write(tmp_path, {"epoch": 1}, {}))
