"""A dynamic range compressor: what is above a threshold is turned down.

Source: D. Giannoulis, M. Massberg and J. Reiss (2012, "Digital dynamic range compressor design - a tutorial and
analysis"): feed-forward, a soft knee, and branching attack and release on the gain in decibels.

The level is the peak over all channels in blocks of 2/3 ms, so that a stereo image stays where it is and the recursion
runs over few values; the gain is interpolated between blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from auralflow.errors import ConfigError

_BLOCKS_HZ = 1500
_SILENCE = 1e-10


@dataclass(frozen=True)
class CompressorConfig:
    """Static curve and time constants.

    Raises:
        ConfigError: a ratio below 1, a negative knee, or a time that is not positive.
    """

    threshold_db: float = -20.0
    """Peak level re full scale above which the gain falls."""
    ratio: float = 4.0
    """Decibels in for one decibel out, above the knee; infinite for a limiter."""
    knee_db: float = 6.0
    """Width of the bend, centred on the threshold."""
    attack_s: float = 0.005
    """Time constant of a falling gain."""
    release_s: float = 0.1
    """Time constant of a rising gain."""

    def __post_init__(self) -> None:
        for name, least in (("ratio", 1), ("knee_db", 0)):
            if not getattr(self, name) >= least:
                raise ConfigError(f"compressor.{name}: expected {least} or more, got {getattr(self, name)!r}")
        for name in ("attack_s", "release_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"compressor.{name}: expected more than 0 seconds, got {getattr(self, name)!r}")


def compress(
    waveform: Float[Tensor, "*axes channel time"], config: CompressorConfig, sample_rate: int
) -> Float[Tensor, "*axes channel time"]:
    """The waveform with its loud parts turned down; all channels of an item share one gain, which starts at 0 dB.

    Shape:
        `[*axes, channel, time]` to the same.

    Example:
        >>> tone = torch.sin(2 * math.pi * 1000 * torch.arange(44100) / 44100).unsqueeze(0)
        >>> softer = compress(tone, CompressorConfig(threshold_db=-20.0, ratio=4.0), 44100)
        >>> round(20 * softer[:, 22050:].abs().max().log10().item())
        -15
    """
    n_samples = waveform.shape[-1]
    if n_samples == 0:
        return waveform.clone()
    n_block = max(1, sample_rate // _BLOCKS_HZ)
    peaks = F.max_pool1d(waveform.abs().amax(-2).view(-1, 1, n_samples), n_block, ceil_mode=True)
    target_db = static_gain_db(20 * peaks.clamp(min=_SILENCE).log10(), config)
    gain_db = _smooth(target_db, config, sample_rate / n_block)
    gain = F.interpolate(gain_db, scale_factor=float(n_block), mode="linear").mul_(math.log(10) / 20).exp_()
    return waveform * gain[..., :n_samples].view(*waveform.shape[:-2], 1, n_samples)


def static_gain_db(level_db: Float[Tensor, "*axes"], config: CompressorConfig) -> Float[Tensor, "*axes"]:
    """Gain for a steady level, in dB: 0 below the knee, `(1 / ratio - 1)` per decibel above it, a parabola within.

    Example:
        >>> static_gain_db(torch.tensor([-10.0, 0.0]), CompressorConfig(-20.0, 4.0, knee_db=0.0))
        tensor([ -7.5000, -15.0000])
    """
    over_db = level_db - config.threshold_db
    half = config.knee_db / 2
    bend = (over_db + half).clamp(0, config.knee_db).square() / max(2 * config.knee_db, 1e-9)
    return (1 / config.ratio - 1) * (bend + (over_db - half).clamp(min=0))


def _smooth(
    target_db: Float[Tensor, "item 1 frame"], config: CompressorConfig, blocks_hz: float
) -> Float[Tensor, "item 1 frame"]:
    attack, release = (1 - math.exp(-1 / (time_s * blocks_hz)) for time_s in (config.attack_s, config.release_s))
    smoothed = [_follow(targets, attack, release) for targets in target_db.flatten(1).tolist()]
    return torch.tensor(smoothed, dtype=target_db.dtype, device=target_db.device).unsqueeze(1)


def _follow(targets: list[float], attack: float, release: float) -> list[float]:
    """A first-order filter whose coefficient is `attack` on the way down. Plain floats: tensors of one are slower."""
    state, states = 0.0, []
    for target in targets:
        state += (attack if target < state else release) * (target - state)
        states.append(state)
    return states
