"""The spectrogram of Hybrid Demucs: frames, scale, the way back, its ends."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from auralflow.dsp.stft import STFTConfig
from auralflow.models.blocks.demucs_spectrum import analyse, mirror_ends, synthesise

N_FFT, HOP = 64, 16
CONFIG = STFTConfig(N_FFT, HOP)


def _noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("n_samples", [1, 15, 16, 17, 23, 24, 100, 512])
def test_frames_are_samples_by_the_hop_rounded_up(n_samples: int) -> None:
    parts = analyse(_noise(2, 3, n_samples), CONFIG)
    assert parts.shape == (2, 6, N_FFT // 2, -(-n_samples // HOP))
    assert parts.isfinite().all()
    assert synthesise(parts.unsqueeze(1), CONFIG, n_samples).shape == (2, 1, 3, n_samples)


def test_frame_is_half_a_hop_late_and_divided_by_the_root_of_its_length() -> None:
    waveform = _noise(1, 1, 512)
    frame = waveform[0, 0, 10 * HOP + HOP // 2 - N_FFT // 2 :][:N_FFT]
    expected = torch.fft.rfft(frame * torch.hann_window(N_FFT, dtype=torch.float64))[:-1] / math.sqrt(N_FFT)
    parts = analyse(waveform, CONFIG)
    torch.testing.assert_close(torch.complex(parts[0, 0, :, 10], parts[0, 1, :, 10]), expected)


def test_way_back_gives_the_waveform_within_its_ends() -> None:
    """Of a waveform without the highest bin, which is left out."""
    time = torch.arange(600, dtype=torch.float64)
    waveform = torch.stack([torch.sin(0.1 * time), torch.cos(0.4 * time + 1)])[None]
    again = synthesise(analyse(waveform, CONFIG).unsqueeze(1), CONFIG, 600)[:, 0]
    inside = slice(4 * HOP, -4 * HOP)
    torch.testing.assert_close(again[..., inside], waveform[..., inside], rtol=0, atol=1e-5)
    assert (again - waveform)[..., : HOP // 2].abs().max() > 0.01


@pytest.mark.parametrize(("n_samples", "expected"), [(4, [3, 2, 1, 2, 3, 4, 3, 2]), (2, [0, 2, 1, 2, 0, 2])])
def test_ends_are_mirrored(n_samples: int, expected: list[float]) -> None:
    left, right = 2, len(expected) - 2 - n_samples
    waveform = torch.arange(1.0, n_samples + 1)[None, None]
    assert mirror_ends(waveform, left, right).flatten().tolist() == expected


def test_a_lone_sample_is_in_the_middle_of_silence() -> None:
    assert mirror_ends(torch.ones(1, 1, 1), 2, 3).flatten().tolist() == [0, 0, 1, 0, 0, 0]
