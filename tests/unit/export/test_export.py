"""An export is the model: in ONNX Runtime, through the engine, and in PyTorch's own format; or it is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor, nn

from auralflow import separate
from auralflow.audio.types import Audio
from auralflow.cli import main
from auralflow.dsp.stft import STFTConfig
from auralflow.errors import CheckpointError, ConfigError, MissingExtraError, OutputError
from auralflow.export import export as export_module
from auralflow.export.description import TORCH_FILE
from auralflow.export.export import export_model
from auralflow.export.runtime import describe_export
from auralflow.models.blocks.unet import UNetConfig
from auralflow.models.conv_tasnet import ConvTasNet, ConvTasNetConfig
from auralflow.models.mdx_net import MdxNet, MdxNetConfig
from auralflow.models.spectrogram_net_simple import SpectrogramNetSimple, SpectrogramNetSimpleConfig
from auralflow.models.waveform_unet import WaveformUNet, WaveformUNetConfig
from auralflow.separation.engine import Separator
from auralflow.spec import ModelSpec

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

SPEC = ModelSpec(("vocals", "other"), 8000, 2, segment_samples=9000, context_samples=500)
# As small as they get: an export takes some hundredths of a second for every operation.
SMALL: dict[str, tuple[Callable[..., nn.Module], Any]] = {
    "spectrogram_net_simple": (
        SpectrogramNetSimple,
        SpectrogramNetSimpleConfig(STFTConfig(256, 64), UNetConfig((3, 4), 1)),
    ),
    "waveform_unet": (WaveformUNet, WaveformUNetConfig(width=3, depth=2, n_lstm_layers=1, n_hidden=3)),
    "conv_tasnet": (
        ConvTasNet,
        ConvTasNetConfig(n_filters=8, filter_samples=16, n_bottleneck=4, n_hidden=4, n_skip=4, n_blocks=1, n_repeats=2),
    ),
}


def noise(*shape: int) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    "name",
    [
        "spectrogram_net_simple",
        pytest.param("waveform_unet", marks=pytest.mark.slow),
        pytest.param("conv_tasnet", marks=pytest.mark.slow),
    ],
)
def test_an_export_is_the_model(name: str, tmp_path: Path) -> None:
    build, config = SMALL[name]
    torch.manual_seed(0)
    model = build(SPEC, config).eval()
    path = tmp_path / "net.onnx"
    report = export_model(model, name, path)
    assert set(report.parity) == {"noise", "a song"}
    assert max(report.parity.values()) < 2e-5
    assert describe_export(path).spec == SPEC
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]
    assert report.size_bytes == path.stat().st_size

    # Through the command, at another rate: the engine does all that is not the network's.
    song = noise(2, 70000).numpy()
    soundfile.write(tmp_path / "song.wav", song.T, 22050, subtype="FLOAT")
    words = ["separate", str(tmp_path / "song.wav"), "--engine", "onnx", "--out", str(tmp_path / "out"), "--quiet"]
    assert main([*words, "--model", str(path)]) == 0
    expected = Separator(model, device="cpu").separate(Audio(song, 22050))
    for stem in SPEC.stems:
        got, rate = soundfile.read(tmp_path / "out" / "song" / f"{stem}.wav", dtype="float32")
        assert rate == 22050
        largest = np.abs(expected[stem].samples).max()
        assert np.abs(got.T - expected[stem].samples).max() < 1e-4 * largest


def test_a_model_by_name_is_exported_once(
    tmp_path: Path, two_layers_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURALFLOW_CACHE", str(tmp_path / "cache"))
    soundfile.write(tmp_path / "song.wav", noise(8000).numpy(), 8000, subtype="FLOAT")
    for out in ("one", "two"):
        separate(tmp_path / "song.wav", model=two_layers_path, engine="onnx", segment=0.5, out=tmp_path / out)
    one, two = (soundfile.read(tmp_path / out / "song" / "bass.wav")[0] for out in ("one", "two"))
    assert np.array_equal(one, two)
    assert one.any()
    files = list((tmp_path / "cache" / "exports").glob("*.onnx"))
    assert [describe_export(file).spec.segment_samples for file in files] == [4000]


class Sound(nn.Module):
    """Something small."""

    def __init__(self, function: Callable[[Tensor], Tensor] = lambda mixture: -mixture) -> None:
        super().__init__()
        self.spec, self.function = SPEC, function

    def forward(self, mixture: Tensor) -> Tensor:
        return torch.stack([self.function(mixture), mixture], dim=1)


def test_for_torch(tmp_path: Path) -> None:
    model = Sound(torch.tanh)
    report = export_model(model, "net", tmp_path / "net.pt2", to="torch", segment_s=0.5)
    extra = {TORCH_FILE: ""}
    program = torch.export.load(str(report.path), extra_files=extra)
    mixture = noise(1, 2, 4000)
    torch.testing.assert_close(program.module()(mixture), model(mixture), rtol=0, atol=1e-6)
    assert json.loads(extra[TORCH_FILE])["spec"]["segment_samples"] == report.segment_samples == 4000


def test_what_cannot_be_exported_is_named(tmp_path: Path) -> None:
    def decide(mixture: Tensor) -> Tensor:
        return mixture if mixture.sum() > 0 else -mixture

    def transform(mixture: Tensor) -> Tensor:
        return torch.fft.fft(mixture.to(torch.complex64)).real

    for function, message in ((decide, "net cannot be exported"), (transform, "the operation aten.fft_fft.default")):
        with pytest.raises(ConfigError, match=message) as caught:
            export_model(Sound(function), "net", tmp_path / "net.onnx")
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_differs_from_the_model_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_module, "measure_parity", lambda *_: {"noise": 1e-7, "a song": 2e-4})
    with pytest.raises(CheckpointError, match=r"differs from the model by 2\.0e-04 on a song"):
        export_model(Sound(), "net", tmp_path / "net.pt2", to="torch")
    assert not list(tmp_path.iterdir())


def test_requests_that_cannot_be_met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Sound()
    with pytest.raises(ConfigError, match=r"out: expected a name that ends in \.onnx"):
        export_model(model, "net", tmp_path / "net.wav")
    with pytest.raises(ConfigError, match=r"segment: this model needs at least 0\.125 s"):
        export_model(model, "net", tmp_path / "net.onnx", segment_s=0.1)
    with pytest.raises(OutputError, match="there is no folder"):
        export_model(model, "net", tmp_path / "no" / "net.pt2", to="torch")
    with pytest.raises(ConfigError, match="is an ONNX graph already"):
        export_model(MdxNet(ModelSpec(("vocals",), 44100, 2, 9000), MdxNetConfig()), "net", tmp_path / "net.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'auralflow\[onnx\]'"):
        export_model(model, "net", tmp_path / "net.onnx")
