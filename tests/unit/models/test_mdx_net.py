"""MDX-Net: around any graph the model is the STFT, the graph on its lowest bins, and the way back."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor

from auralflow.api import configure
from auralflow.config import to_dict
from auralflow.errors import CheckpointError, ConfigError, ShapeError
from auralflow.models.mdx_net import MdxNet, MdxNetConfig
from auralflow.pretrained.bundle import load_bundle, save_bundle
from auralflow.separation.engine import Separator
from auralflow.spec import ModelSpec

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

N_FFT, HOP, N_FREQS, N_FRAMES = 64, 16, 24, 16
CHUNK, EDGE = HOP * (N_FRAMES - 1), N_FFT // 2
SPEC = ModelSpec(("vocals",), 44100, 2, segment_samples=CHUNK, context_samples=EDGE)


def make_graph(gains: Tensor, offset: float = 0.0, n_frames: int = N_FRAMES) -> bytes:
    """A graph that multiplies each channel and bin by a gain and adds an offset."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    shape = [1, 4, gains.shape[1], n_frames]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["input", "gains"], ["louder"]), helper.make_node("Add", ["louder", "b"], ["output"])],
        "tiny",
        [helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, shape)],
        [
            numpy_helper.from_array(gains[None, :, :, None].numpy(), "gains"),
            numpy_helper.from_array(torch.full((1,), offset).numpy(), "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    data: bytes = model.SerializeToString()
    return data


def make_model(graph: bytes, **changes: object) -> MdxNet:
    fields: dict[str, object] = {"n_fft": N_FFT, "hop_samples": HOP, "n_freqs": N_FREQS, "n_frames": N_FRAMES}
    config = MdxNetConfig(**fields | changes, graph_bytes=len(graph))  # type: ignore[arg-type]
    model = MdxNet(SPEC, config)
    model.load_state_dict({"graph": torch.frombuffer(bytearray(graph), dtype=torch.uint8)})
    return model.eval()


@pytest.fixture(scope="module")
def gains() -> Tensor:
    """One for each bin; both parts of a channel share it, so that the graph is a filter."""
    drawn = torch.rand(2, N_FREQS, generator=torch.Generator().manual_seed(0)) + 0.5
    return drawn.repeat_interleave(2, dim=0)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def reference(mixture: Tensor, gains: Tensor, n_muted: int = 3) -> Tensor:
    """One chunk by torch's own STFT."""
    window = torch.hann_window(N_FFT)
    spectrum = torch.stft(mixture.flatten(0, 1), N_FFT, HOP, window=window, return_complex=True)
    spectrum = spectrum.unflatten(0, mixture.shape[:2])
    spectrum[:, :, :n_muted] = 0
    spectrum[:, :, N_FREQS:] = 0
    spectrum[:, :, :N_FREQS] *= gains[::2, :, None]
    back = torch.istft(spectrum.flatten(0, 1), N_FFT, HOP, window=window, length=mixture.shape[-1])
    return back.unflatten(0, mixture.shape[:2])


def test_a_chunk_is_filtered_as_by_torch(gains: Tensor) -> None:
    mixture = noise(3, 2, CHUNK)
    got = make_model(make_graph(gains), compensation=1.25)(mixture)
    assert got.shape == (3, 1, 2, CHUNK)
    torch.testing.assert_close(got[:, 0], 1.25 * reference(mixture, gains), rtol=0, atol=1e-6)


def test_left_and_right_real_and_imaginary_stand_in_their_order() -> None:
    gains = torch.tensor([1.0, 1.0, 0.0, 0.0])[:, None].repeat(1, N_FREQS)
    mixture = noise(1, 2, CHUNK)
    got = make_model(make_graph(gains))(mixture)
    assert (got[0, 0, 1] == 0).all()
    assert got[0, 0, 0].abs().max() > 0.01


@pytest.mark.parametrize("n_samples", [0, 1, 175, 176, 177, CHUNK - 1, CHUNK, CHUNK + 1, 2000])
def test_a_graph_that_lets_all_through_changes_nothing_at_any_length(n_samples: int) -> None:
    n_bins = N_FFT // 2 + 1
    model = make_model(make_graph(torch.ones(4, n_bins)), n_freqs=n_bins, n_muted_bins=0)
    mixture = noise(2, 2, n_samples)
    before = mixture.clone()
    torch.testing.assert_close(model(mixture)[:, 0], mixture, rtol=0, atol=1e-6)
    assert torch.equal(mixture, before)


def test_batch_items_are_independent_and_silence_stays_silent(gains: Tensor) -> None:
    model = make_model(make_graph(gains))
    mixture = noise(2, 2, 999)
    mixture[0] = 0
    stems = model(mixture)
    assert (stems[0] == 0).all()
    torch.testing.assert_close(model(mixture[1:]), stems[1:], rtol=0, atol=1e-7)


def test_a_song_in_segments_is_the_song_in_one(gains: Tensor) -> None:
    """The engine's segments leave out what a chunk cannot answer for."""
    n_bins = N_FFT // 2 + 1
    model = make_model(make_graph(torch.full((4, n_bins), 0.5)), n_freqs=n_bins, n_muted_bins=0)
    from auralflow.audio.types import Audio

    mixture = noise(2, 5000).numpy()
    stems = Separator(model, device="cpu").separate(Audio(mixture, 44100))
    assert abs(stems["vocals"].samples - 0.5 * mixture).max() < 1e-6


def test_denoising_takes_away_what_the_graph_adds_to_silence(gains: Tensor) -> None:
    mixture = noise(1, 2, CHUNK)
    plain = make_model(make_graph(gains))(mixture)
    hissing = make_graph(gains, offset=0.1)
    assert (make_model(hissing)(mixture) - plain).abs().max() > 1e-3
    torch.testing.assert_close(make_model(hissing, denoise=True)(mixture), plain, rtol=0, atol=1e-6)


def test_a_bundle_holds_the_graph(gains: Tensor, tmp_path: Path) -> None:
    model, mixture = make_model(make_graph(gains)), noise(1, 2, 999)
    save_bundle(model, tmp_path / "b", architecture="mdx_net", config=model.config)
    assert torch.equal(load_bundle(tmp_path / "b")(mixture), model(mixture))
    assert torch.equal(copy.deepcopy(model)(mixture), model(mixture))


def test_new_weights_are_heard_at_once(gains: Tensor) -> None:
    model, mixture = make_model(make_graph(gains)), noise(1, 2, CHUNK)
    first = model(mixture)
    model.load_state_dict(make_model(make_graph(2 * gains)).state_dict())
    torch.testing.assert_close(model(mixture), 2 * first, rtol=1e-5, atol=1e-7)


def test_what_is_no_such_graph_is_refused(gains: Tensor) -> None:
    mixture = noise(1, 2, CHUNK)
    with pytest.raises(CheckpointError, match="has no graph yet"):
        MdxNet(SPEC, MdxNetConfig())(mixture)
    with pytest.raises(CheckpointError, match="cannot load it"):
        make_model(b"not a graph at all")(mixture)
    with pytest.raises(CheckpointError, match="expected a graph that takes"):
        make_model(make_graph(gains, n_frames=N_FRAMES + 1))(mixture)
    with pytest.raises(ShapeError, match="expected a mixture"):
        make_model(make_graph(gains))(mixture[:, :1])


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    for bad in ({"n_freqs": 4000}, {"n_muted_bins": -1}, {"n_frames": 3}, {"compensation": 0.0}, {"graph_bytes": -1}):
        with pytest.raises(ConfigError, match=f"config.{next(iter(bad))}"):
            MdxNetConfig(**bad)  # type: ignore[arg-type]
    for changes in ({"channels": 1}, {"stems": ("a", "b")}):
        with pytest.raises(ConfigError, match=f"spec.{next(iter(changes))}"):
            MdxNet(ModelSpec(**to_dict(SPEC) | changes), MdxNetConfig())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="mdx_net: is for inference only"):
        configure(tmp_path / "run", model="mdx_net")
