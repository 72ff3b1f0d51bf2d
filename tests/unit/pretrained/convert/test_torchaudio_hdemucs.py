"""torchaudio's names for Hybrid Demucs: what becomes of them, sizes from shapes, what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor

from auralflow.errors import CheckpointError, ConfigError
from auralflow.models.hdemucs import SPEC, HDemucs, HDemucsConfig
from auralflow.pretrained.bundle import load_bundle
from auralflow.pretrained.convert import torchaudio_hdemucs
from auralflow.pretrained.convert.foreign import convert_checkpoint
from auralflow.pretrained.convert.torchaudio_hdemucs import convert

DATA = Path(__file__).parents[3] / "data"
SMALL = HDemucsConfig(
    width=8, depth=4, n_fft=256, norm_start=2, lstm_start=2, attention_start=2, branch_compression=2.0
)
_PUBLIC = {"encoder": "freq_encoder", "decoder": "freq_decoder", "tencoder": "time_encoder", "tdecoder": "time_decoder"}


def _build(config: HDemucsConfig = SMALL) -> HDemucs:
    torch.manual_seed(0)
    return HDemucs(SPEC, config).eval()


def _name_publicly(model: HDemucs) -> dict[str, Tensor]:
    """As torchaudio has it, with the normalisation in the bare layer that nothing passes."""
    state = {}
    for key, tensor in model.state_dict().items():
        first, _, rest = key.partition(".")
        state[f"{_PUBLIC.get(first, first)}.{rest}"] = tensor
    last = len(model.tencoder) - 1
    if model.config.plan_levels()[last].norm_groups and model.tencoder[last].is_bare:
        width = model.config.plan_levels()[last].width
        state |= {f"time_encoder.{last}.norm1.{name}": torch.ones(width) for name in ("weight", "bias")}
    return state


def _save(path: Path, state: dict[str, Tensor]) -> Path:
    torch.save(state, path)
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n_fft": 1024, "depth": 5, "lstm_start": 4, "attention_start": 3},
        {"depth": 2, "norm_start": 4, "lstm_start": 2, "attention_start": 2, "context": 0},
        {"width": 16, "branch_compression": 4.0, "branch_depth": 1, "encoder_context": 1, "time_stride": 4},
    ],
)
def test_sizes_are_those_of_the_shapes(tmp_path: Path, changes: dict[str, object]) -> None:
    config = dataclasses.replace(SMALL, **changes)
    converted = convert(_save(tmp_path / "x.pt", _name_publicly(_build(config))))
    found, expected = (
        dataclasses.asdict(dataclasses.replace(c, time_stride=2) if c.depth == 2 else c)
        for c in (converted.members[0].config, config)
    )
    # What begins below the last level does not show.
    for name in ("norm_start", "lstm_start", "attention_start"):
        found[name], expected[name] = (min(values[name], config.depth) for values in (found, expected))
    assert found == expected
    assert converted.spec == SPEC


def test_bundle_separates_as_the_network_did(tmp_path: Path) -> None:
    model = _build()
    convert_checkpoint(_save(tmp_path / "x.pt", _name_publicly(model)), tmp_path / "bundle")
    mixture = torch.randn(1, 2, 3000, generator=torch.Generator().manual_seed(0))
    bundle = load_bundle(tmp_path / "bundle")  # not in inference mode, whose weights torch multiplies another way
    with torch.inference_mode():
        assert torch.equal(bundle(mixture), model(mixture))


def test_published_size_is_that_of_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.device("meta"):
        state = _name_publicly(HDemucs(SPEC, HDemucsConfig(rescale=0.0)))
    keys = [" ".join([key, *map(str, tensor.shape)]) for key, tensor in state.items()]
    assert sorted(keys) == sorted((DATA / "keys" / "torchaudio_hdemucs.txt").read_text().splitlines())
    monkeypatch.setattr(torchaudio_hdemucs, "read_state", lambda path: state)
    converted = convert(Path("hdemucs_high_trained.pt"))
    assert converted.members[0].config == HDemucsConfig()
    assert len(converted.members[0].state) == len(state) - 2


def test_other_stems_and_rates_are_told(tmp_path: Path) -> None:
    spec = dataclasses.replace(SPEC, stems=("a", "b", "c"))
    torch.manual_seed(0)
    path = _save(tmp_path / "x.pt", _name_publicly(HDemucs(spec, SMALL)))
    with pytest.raises(CheckpointError, match="expected names of its 3 stems, got drums, bass, other, vocals"):
        convert(path)
    converted = convert(path, stems=["a", "b", "c"], sample_rate=8000)
    assert (converted.spec.stems, converted.spec.sample_rate) == (("a", "b", "c"), 8000)


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("freq_encoder.0.conv.weight", r"found no 'freq_encoder\.0\.conv\.weight'"),
        ("freq_emb.embedding.weight", r"found no 'freq_emb\.embedding\.weight'"),
        ("time_encoder.", r"expected 'time_encoder\.0' and so on|found no 'time_encoder"),
        ("freq_encoder.1.", r"expected 'freq_encoder\.0' and so on, found \[0, 2, 3\]"),
    ],
)
def test_rejects_state_dicts_of_something_else(tmp_path: Path, gone: str, message: str) -> None:
    state = {key: tensor for key, tensor in _name_publicly(_build()).items() if not key.startswith(gone)}
    with pytest.raises(CheckpointError, match=message):
        convert(_save(tmp_path / "x.pt", state))


def test_rejects_the_size_for_medium_rates(tmp_path: Path) -> None:
    """Its branches do not meet as those of the package `demucs` do."""
    state = _name_publicly(_build())
    state["freq_emb.embedding.weight"] = torch.zeros(16, 8)
    with pytest.raises(ConfigError, match=r"config\.n_fft: with 128 one frequency is left"):
        convert(_save(tmp_path / "x.pt", state))
