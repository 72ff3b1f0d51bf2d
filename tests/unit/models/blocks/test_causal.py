"""Frames that end with the present: there and back, what each hears, and how late a stream is."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from auralflow.dsp.stft import STFTConfig
from auralflow.errors import ConfigError
from auralflow.models.blocks.causal import CausalFrames

CONFIGS = [
    STFTConfig(64, 16),
    STFTConfig(64, 32),
    STFTConfig(60, 7),
    STFTConfig(64, 20, window="rectangle"),
    STFTConfig(8, 2),
]


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _pass(frames: CausalFrames, mixture: Tensor, lengths: tuple[int, ...], latency_samples: int) -> Tensor:
    """A stream through analysis and synthesis, nothing changed in between."""
    state = frames.initial_state(len(mixture), mixture.shape[1], 1, latency_samples, mixture)
    passed, start, turn = [], 0, 0
    while start < mixture.shape[-1]:
        block = mixture[..., start : start + lengths[turn % len(lengths)]]
        spectrogram, state = frames.analyse(block, state)
        part, state = frames.synthesise(spectrogram.unsqueeze(1), state, block.shape[-1])
        passed.append(part[:, 0])
        start, turn = start + block.shape[-1], turn + 1
    return torch.cat(passed, -1)


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("n_samples", [0, 1, 15, 16, 17, 331])
def test_whole_signals_go_there_and_back(config: STFTConfig, n_samples: int) -> None:
    frames, signal = CausalFrames(config), _noise(2, 3, n_samples)
    torch.testing.assert_close(frames.inverse(frames.transform(signal), n_samples), signal)


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("lengths", [(1,), (16,), (3, 29, 1), (400,)])
@pytest.mark.parametrize("more", [0, 5])
def test_a_stream_comes_back_late_by_the_latency(config: STFTConfig, lengths: tuple[int, ...], more: int) -> None:
    frames, signal = CausalFrames(config), _noise(1, 2, 331)
    latency = frames.latency_samples + more
    passed = _pass(frames, F.pad(signal, (0, latency)), lengths, latency)
    torch.testing.assert_close(passed[..., latency:], signal)


@pytest.mark.parametrize("config", CONFIGS)
def test_no_smaller_latency_would_do(config: STFTConfig) -> None:
    """How far back a change of one sample is heard, where frames are made louder by what is in them.

    Of a raised cosine the first sample weighs nothing, so that its frames reach one sample less.
    """
    frames, signal = CausalFrames(config), _noise(1, 1, 331)

    def shape(waveform: Tensor) -> Tensor:
        spectrogram = frames.transform(waveform)
        return frames.inverse(spectrogram * spectrogram.abs(), waveform.shape[-1])

    reaches = []
    for place in range(200, 200 + config.hop_samples):
        changed = signal.clone()
        changed[..., place] += 1
        heard = (shape(changed) - shape(signal)).abs().flatten() > 1e-12
        reaches.append(place - int(heard.nonzero()[0]))
    assert max(reaches) == frames.latency_samples - (0 if config.window == "rectangle" else 1)


@pytest.mark.parametrize("config", CONFIGS)
def test_streams_have_the_frames_of_the_whole(config: STFTConfig) -> None:
    frames, signal = CausalFrames(config), _noise(1, 2, 331)
    state = frames.initial_state(1, 2, 1, frames.latency_samples, signal)
    streamed = []
    for block in signal.split(13, -1):
        spectrogram, state = frames.analyse(block, state)
        streamed.append(spectrogram)
    n_frames = signal.shape[-1] // config.hop_samples
    assert sum(part.shape[-1] for part in streamed) == n_frames
    torch.testing.assert_close(torch.cat(streamed, -1), frames.transform(signal)[..., :n_frames])


def test_frame_k_ends_with_hop_k() -> None:
    frames, signal = CausalFrames(STFTConfig(64, 16)), torch.zeros(1, 1, 160)
    signal[..., 50] = 1  # in hop 3
    power = frames.transform(signal).abs().sum((0, 1, 2))
    # Frame 3 ends with sample 63, and the last that has sample 50 begins before it: frame 6, with sample 48.
    assert power.nonzero().flatten().tolist() == [3, 4, 5, 6]


def test_mirrored_edges_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"stft\.edges: expected 'zero' for a causal model"):
        CausalFrames(STFTConfig(64, 16, edges="reflect"))
