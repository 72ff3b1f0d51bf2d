"""The room: decay times by Schroeder's integration, energy, and the growing density of reflections."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal

from auralflow.dsp.reverb import Room, room_response
from auralflow.errors import ConfigError

RATE = 44100
FLAT = float("inf")


def _make(room: Room, seed: int = 0, channels: int = 2) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    shape = (channels, room.n_samples(RATE))
    return room_response(torch.randn(shape, generator=random), torch.rand(shape, generator=random), room, RATE)


def _measure_decay_s(response: np.ndarray) -> float:
    """RT60 from the slope between -5 and -35 dB of the energy that is still to come (Schroeder 1965, ISO 3382)."""
    to_come = np.cumsum(response[::-1] ** 2)[::-1]
    level_db = 10 * np.log10(to_come / to_come[0] + 1e-20)
    used = (level_db < -5) & (level_db > -35)
    slope = np.polyfit(np.flatnonzero(used) / RATE, level_db[used], 1)[0]
    return float(-60 / slope)


@pytest.mark.parametrize("decay_s", [0.2, 0.5, 1.5, 3.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_decay_time(decay_s: float, seed: int) -> None:
    response = _make(Room(decay_s, damping_hz=FLAT), seed)
    for channel in response.double().numpy():
        assert _measure_decay_s(channel) == pytest.approx(decay_s, rel=0.1)


@pytest.mark.parametrize("freq_hz", [250.0, 1000.0, 4000.0, 8000.0])
def test_high_frequencies_decay_faster(freq_hz: float) -> None:
    """By `1 + f / damping`, in a band of half an octave."""
    room = Room(1.5, damping_hz=4000.0)
    edges = [freq_hz * 2**-0.25, freq_hz * 2**0.25]
    band = signal.butter(3, edges, "band", fs=RATE, output="sos")
    response = signal.sosfilt(band, _make(room, channels=6).double().numpy())
    measured = np.mean([_measure_decay_s(channel) for channel in response])
    assert measured == pytest.approx(1.5 / (1 + freq_hz / 4000), rel=0.1)


@pytest.mark.parametrize("room", [Room(), Room(0.05), Room(3.0, 1000.0), Room(0.3, FLAT, 0.0, 0.001)])
def test_energy_is_one(room: Room) -> None:
    torch.testing.assert_close(_make(room).double().square().sum(-1), torch.ones(2).double(), rtol=1e-5, atol=0)


def test_begins_after_the_pre_delay_and_lasts_as_long_as_the_decay() -> None:
    response = _make(Room(0.4, pre_delay_s=0.02))
    n_delay = round(0.02 * RATE)
    assert response.shape == (2, n_delay + round(0.4 * RATE))
    assert (response[:, :n_delay] == 0).all()
    assert response[:, n_delay:].abs().sum() > 0


def test_reflections_come_the_more_often_the_later_it_is() -> None:
    """Samples that are heard, in thirds of the mixing time: their share is the mean of `(t / m)^2` there."""
    room = Room(2.0, FLAT, pre_delay_s=0.0, mixing_s=0.1)
    heard = (_make(room, channels=8).abs() > 1e-5).double().mean(0)
    third = round(room.mixing_s * RATE) // 3
    shares = [heard[k * third : (k + 1) * third].mean().item() for k in range(4)]
    assert shares == pytest.approx([1 / 27, 7 / 27, 19 / 27, 1.0], rel=0.05, abs=0.01)


def test_thinning_keeps_the_energy() -> None:
    """In the second third of the mixing time there is as much as in a room that mixes at once."""
    energies = []
    for mixing_s in (0.09, 1e-6):
        response = _make(Room(2.0, FLAT, pre_delay_s=0.0, mixing_s=mixing_s), channels=20)
        second = response[:, round(0.03 * RATE) : round(0.06 * RATE)].square().sum(-1)
        energies.append((second / response[:, round(0.09 * RATE) :].square().sum(-1)).mean().item())
    assert energies[0] == pytest.approx(energies[1], rel=0.1)


def test_channels_are_independent() -> None:
    left, right = _make(Room(1.0))
    assert abs((left * right).sum().item()) < 0.05


def test_silent_noise_gives_a_silent_response() -> None:
    room = Room(0.1)
    zeros = torch.zeros(2, room.n_samples(RATE))
    assert (room_response(zeros, zeros, room, RATE) == 0).all()


@pytest.mark.parametrize("name", ["decay_s", "damping_hz", "mixing_s"])
def test_impossible_rooms_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"room\.{name}: expected more than 0"):
        Room(**{name: 0.0})
    with pytest.raises(ConfigError, match=r"room\.pre_delay_s: expected 0 seconds or more"):
        Room(pre_delay_s=-0.1)
