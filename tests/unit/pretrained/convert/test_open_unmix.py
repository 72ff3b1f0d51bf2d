"""Files of Open-Unmix: which stems, sizes, hop and rate they are, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import AuralflowError, CheckpointError
from auralflow.models.open_unmix import SPEC, OpenUnmix, OpenUnmixConfig, TargetNetwork
from auralflow.pretrained.convert.open_unmix import convert
from auralflow.separation.segments import Segmentation

SMALL = OpenUnmixConfig(STFTConfig(64, 16, edges="reflect"), n_hidden=4, n_layers=2, n_heard_freqs=24)
ABOUT = {"nfft": 64, "nhop": 16, "sample_rate": 8000.0, "nb_channels": 2}

Save = Callable[..., Path]


def _state(config: OpenUnmixConfig = SMALL, channels: int = 2) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return TargetNetwork(channels, config).state_dict()


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(name: str, state: Any = None, about: Any = ABOUT) -> Path:
        torch.save(_state() if state is None else state, tmp_path / name)
        if about is not None:
            (tmp_path / "separator.json").write_text(about if isinstance(about, str) else json.dumps(about))
        return tmp_path

    return write


def test_a_folder_becomes_a_model_of_all_its_stems(save: Save) -> None:
    for name in ("other-0123abcd.pth", "vocals.pth", "choir.pth", "bass_89abcdef.pth"):
        folder = save(name)
    (folder / "vocals.json").write_text("{}")
    converted = convert(folder)
    assert converted.architecture == "open_unmix"
    assert converted.spec.stems == ("vocals", "bass", "other", "choir")
    assert (converted.spec.sample_rate, converted.spec.channels) == (8000, 2)
    (member,) = converted.members
    assert member.config == SMALL
    model = OpenUnmix(converted.spec, member.config)
    model.load_state_dict(member.state)
    for key, tensor in _state().items():
        assert torch.equal(model.state_dict()[f"target_models.choir.{key}"], tensor)


def test_segments_are_as_long_in_frames_as_those_of_the_default(save: Save) -> None:
    spec = convert(save("vocals.pth")).spec
    assert (spec.segment_samples, spec.context_samples, spec.grid_samples) == (10 * 4800 + 4000, 4800, 4800)
    ours, default = Segmentation.of(spec), Segmentation.of(SPEC)
    assert ours.hop_samples * 64 == default.hop_samples
    assert ours.context_samples * 64 == default.context_samples
    assert (ours.ramp_samples, default.ramp_samples) == (4000, 22050)


def test_a_single_file_is_a_model_without_a_filter(save: Save) -> None:
    folder = save("vocals-0123abcd.pth")
    save("drums.pth")
    converted = convert(folder / "vocals-0123abcd.pth")
    assert converted.spec.stems == ("vocals",)
    assert converted.members[0].config.n_wiener_iterations == 0
    OpenUnmix(converted.spec, converted.members[0].config).load_state_dict(converted.members[0].state)


def test_sizes_are_those_of_the_tensors(save: Save) -> None:
    config = OpenUnmixConfig(
        SMALL.stft, n_hidden=6, n_layers=1, is_bidirectional=False, n_heard_freqs=10, n_wiener_iterations=0
    )
    converted = convert(save("vocals.pth", _state(config, channels=1)))
    assert converted.members[0].config == config
    assert converted.spec.channels == 1


def test_old_files_hold_the_rate_and_windows_that_are_not_needed(save: Save) -> None:
    config = OpenUnmixConfig(n_hidden=2, n_layers=1, n_heard_freqs=10, n_wiener_iterations=0)
    old = {"sample_rate": torch.tensor(48000.0), "stft.window": torch.ones(4096), "transform.0.window": torch.ones(1)}
    converted = convert(save("vocals.pth", {**old, **_state(config)}, about=None))
    assert converted.spec.sample_rate == 48000
    assert converted.members[0].config == config
    assert set(converted.members[0].state) == {f"target_models.vocals.{key}" for key in _state(config)}


@pytest.mark.parametrize(
    ("n_fft", "hop", "rate", "edges"), [(4096, 1024, 44100, "reflect"), (1024, 512, 16000, "zero")]
)
def test_published_sets_are_known_by_their_frames(save: Save, n_fft: int, hop: int, rate: int, edges: str) -> None:
    config = OpenUnmixConfig(STFTConfig(n_fft, hop, edges=edges), n_hidden=2, n_layers=1, n_heard_freqs=10)
    save("speech_f5e0d9f9.pth", _state(config, channels=1), about=None)
    converted = convert(save("noise_04a6fc2d.pth", _state(config, channels=1), about=None))
    assert converted.spec.stems == ("speech", "noise")
    assert converted.spec.sample_rate == rate
    assert converted.members[0].config == config


def _without(key: str) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in _state().items() if name != key}


@pytest.mark.parametrize(
    ("name", "state", "about", "message"),
    [
        ("model.ckpt", None, ABOUT, r"expected files called '<stem>\.pth'"),
        ("vocals.pth", {"lr": 0.1}, ABOUT, "expected the tensors of an Open-Unmix network by name"),
        ("vocals.pth", [1, 2], ABOUT, "expected the tensors of an Open-Unmix network by name"),
        ("vocals.pth", {"conv.weight": torch.zeros(3)}, ABOUT, r"no 'input_mean' with 1 axes; it has conv\.weight"),
        ("vocals.pth", {**_state(), "fc1.weight": torch.zeros(3)}, ABOUT, r"no 'fc1\.weight' with 2 axes"),
        ("vocals.pth", {**_state(), "input_mean": torch.zeros(0)}, ABOUT, "no 'input_mean'"),
        ("vocals.pth", None, None, r"expected separator\.json beside it"),
        ("vocals.pth", None, {**ABOUT, "nfft": 128}, r"separator\.json: expected nfft 64, as vocals\.pth has, got 128"),
        ("vocals.pth", None, {"nfft": 64}, r"separator\.json: expected JSON with the numbers nfft, nhop"),
        ("vocals.pth", None, "<html>", r"separator\.json: expected JSON"),
        ("vocals.pth", None, "[]", r"separator\.json: expected JSON"),
        ("vocals.pth", None, {**ABOUT, "nhop": "Infinity"}, r"separator\.json: expected JSON"),
        ("vocals.pth", None, {**ABOUT, "nhop": 1000}, r"stft\.hop_samples"),
    ],
)
def test_refuses_what_is_no_open_unmix(save: Save, name: str, state: Any, about: Any, message: str) -> None:
    with pytest.raises(AuralflowError, match=message):
        convert(save(name, state, about))


def test_refuses_two_files_of_one_stem(save: Save) -> None:
    save("vocals.pth")
    with pytest.raises(CheckpointError, match=r"one file for each stem, found vocals-0123abcd\.pth and vocals\.pth"):
        convert(save("vocals-0123abcd.pth"))


def test_refuses_networks_of_two_sizes(save: Save) -> None:
    save("drums.pth", _state(OpenUnmixConfig(SMALL.stft, n_hidden=6, n_heard_freqs=24)))
    with pytest.raises(CheckpointError, match=r"drums\.pth: is of another size than those beside it"):
        convert(save("vocals.pth"))


def test_refuses_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "vocals.pth").write_text("<!DOCTYPE html>")
    with pytest.raises(CheckpointError, match=r"vocals\.pth"):
        convert(tmp_path)
