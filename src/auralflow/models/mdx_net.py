"""MdxNet: one stem from a stereo spectrogram by a network that is an ONNX graph; inference only.

Origin: Kim et al. (2021, "KUIELab-MDX-Net: a two-stream neural network for music demixing", arXiv 2111.12203) and the
many `.onnx` files of this kind that were trained since. The graph is kept as bytes in the state, so that a bundle is
one file of weights as any other; ONNX Runtime runs it (`pip install 'auralflow[onnx]'`), on the CPU.

    mixture --stft--> lowest bins --(L re, L im, R re, R im)--> graph --> bins, zeros above --istft--> x compensation

A graph hears a fixed number of frames. Longer and shorter mixtures are cut into pieces of that length, which share
half a frame of the STFT at either end; those ends are left out.

Shape:
    `[batch, 2, time]` to `[batch, 1, 2, time]`; the graph's input and output are `[1, 4, freq, frame]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from auralflow.dsp.stft import STFTConfig, istft, stft
from auralflow.errors import CheckpointError, ConfigError
from auralflow.models.blocks.onnx_graph import OnnxGraph
from auralflow.models.blocks.waveform import check_mixture
from auralflow.spec import ModelSpec

INFERENCE_ONLY = True
"""The graph is data to torch, so that nothing in it can be trained."""


@dataclass(frozen=True)
class MdxNetConfig:
    """Options of `MdxNet`; all of them belong to the graph.

    Raises:
        ConfigError: a field has a value it cannot have.
    """

    n_fft: int = 6144
    """Samples in a frame of the STFT."""
    hop_samples: int = 1024
    """Samples from one frame to the next; at most a quarter of a frame."""
    n_freqs: int = 2048
    """Bins that the graph hears and gives, from zero up; all others of a stem are zero."""
    n_frames: int = 256
    """Frames that the graph hears and gives."""
    n_muted_bins: int = 3
    """Lowest bins that the graph gets as zeros."""
    compensation: float = 1.0
    """Factor on the stem, against what the graph was found to lose of its level."""
    denoise: bool = False
    """Run the graph on the mixture and on its negative, and take half their difference: twice the work, less hiss."""
    graph_bytes: int = 0
    """Size of the graph in the state; 0 as long as there is none."""

    def __post_init__(self) -> None:
        if self.stft.n_freqs < self.n_freqs or self.n_freqs < 1:
            raise ConfigError(
                f"config.n_freqs: expected 1 to n_fft / 2 + 1 ({self.stft.n_freqs}), got {self.n_freqs!r}"
            )
        if not 0 <= self.n_muted_bins <= self.n_freqs:
            raise ConfigError(f"config.n_muted_bins: expected 0 to n_freqs, got {self.n_muted_bins!r}")
        if self.chunk_samples <= self.n_fft:
            raise ConfigError(f"config.n_frames: expected more than a frame's length, got {self.n_frames!r}")
        if not 0 < self.compensation < 100:
            raise ConfigError(f"config.compensation: expected a factor above 0, got {self.compensation!r}")
        if self.graph_bytes < 0:
            raise ConfigError(f"config.graph_bytes: expected 0 or more, got {self.graph_bytes!r}")

    @property
    def stft(self) -> STFTConfig:
        """The STFT that the graph was trained with."""
        return STFTConfig(self.n_fft, self.hop_samples, edges="reflect")

    @property
    def chunk_samples(self) -> int:
        """What the graph hears at once."""
        return (self.n_frames - 1) * self.hop_samples

    @property
    def edge_samples(self) -> int:
        """What is left out at either end of it."""
        return self.n_fft // 2


_DEFAULT = MdxNetConfig()
SPEC = ModelSpec(("vocals",), 44100, 2, segment_samples=_DEFAULT.chunk_samples, context_samples=_DEFAULT.edge_samples)


class MdxNet(nn.Module):
    """An MDX-Net graph as a model; see the head of this file.

    Raises:
        ConfigError: the spec is not stereo, or has more than one stem.
        ShapeError: another number of channels than `spec.channels` (when called).
        CheckpointError: there is no graph in the state yet, or it is not what the config says (when called).
        MissingExtraError: ONNX Runtime is not installed (when called).
    """

    graph: Tensor

    def __init__(self, spec: ModelSpec, config: MdxNetConfig) -> None:
        super().__init__()
        if spec.channels != 2:
            raise ConfigError(f"spec.channels: expected 2, as an MDX-Net hears stereo, got {spec.channels}")
        if len(spec.stems) != 1:
            raise ConfigError(f"spec.stems: expected one, as an MDX-Net gives one, got {len(spec.stems)}")
        self.spec, self.config = spec, config
        self.register_buffer("graph", torch.zeros(config.graph_bytes, dtype=torch.uint8))
        self._running: OnnxGraph | None = None
        self.register_load_state_dict_post_hook(_forget_graph)  # type: ignore[no-untyped-call]

    def forward(self, mixture: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch stem channel time"]:
        check_mixture(mixture, self.spec)
        n_samples, chunk, edge = mixture.shape[-1], self.config.chunk_samples, self.config.edge_samples
        if n_samples == chunk:  # a segment of a song, whose ends the engine leaves out
            return self._separate(mixture).unsqueeze(1)
        step = chunk - 2 * edge
        n_chunks = -(-n_samples // step)
        padded = F.pad(mixture, (edge, edge + n_chunks * step - n_samples))
        chunks = (padded[..., i * step : i * step + chunk] for i in range(n_chunks))
        pieces = [self._separate(piece)[..., edge : chunk - edge] for piece in chunks]
        return torch.cat([mixture[..., :0], *pieces], dim=-1)[..., :n_samples].unsqueeze(1)

    def _separate(self, mixture: Float[Tensor, "batch 2 time"]) -> Float[Tensor, "batch 2 time"]:
        """The stem of one chunk."""
        config = self.config
        pairs = torch.view_as_real(stft(mixture.float(), config.stft)).permute(0, 1, 4, 2, 3)
        heard = pairs[..., config.n_muted_bins : config.n_freqs, :].flatten(1, 2)
        given = self._run(F.pad(heard, (0, 0, config.n_muted_bins, 0))).to(mixture.device)
        whole = F.pad(given, (0, 0, 0, config.stft.n_freqs - config.n_freqs)).unflatten(1, (2, 2))
        spectrogram = torch.view_as_complex(whole.permute(0, 1, 3, 4, 2).contiguous())
        return (config.compensation * istft(spectrogram, config.stft, mixture.shape[-1])).to(mixture.dtype)

    def _run(self, features: Float[Tensor, "batch 4 freq frame"]) -> Float[Tensor, "batch 4 freq frame"]:
        graph = self._load()
        given = torch.cat([graph.run(item[None]) for item in features.contiguous()])
        if self.config.denoise:
            given = (given - torch.cat([graph.run(-item[None]) for item in features])) / 2
        if given.shape != features.shape:
            raise CheckpointError(
                f"mdx_net: expected {tuple(features.shape)} from the graph, as it was given, got {tuple(given.shape)}"
            )
        return given

    def _load(self) -> OnnxGraph:
        if not self.graph.numel():
            raise CheckpointError("mdx_net: has no graph yet; load the .onnx file of a trained one")
        if self._running is None:
            self._running = OnnxGraph(self.graph.cpu().numpy().tobytes(), "mdx_net")
        expected, shape = (4, self.config.n_freqs, self.config.n_frames), self._running.input_shape[1:]
        if shape != expected and all(isinstance(size, int) for size in shape):
            raise CheckpointError(f"mdx_net: expected a graph that takes (batch, *{expected}), got (batch, *{shape})")
        return self._running


def _forget_graph(model: MdxNet, _: Any) -> None:
    model._running = None
