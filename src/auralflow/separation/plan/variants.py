"""Run a model on several variants of its input, undo what was done to each, and average.

A model that answers a variant with the same variant of its answer gains nothing; a real one makes other mistakes each
time, and the mean has fewer. Delays are Demucs' shifts (Défossez et al. 2019, "Music source separation in the waveform
domain"), on a fixed grid in place of random ones, so that equal input gives equal output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, product

import numpy as np

from auralflow.audio.types import Samples
from auralflow.separation.plan.config import Augmentation
from auralflow.separation.plan.streams import lockstep, share

MAX_SHIFT_S = 0.5

Separate = Callable[[Iterator[Samples]], Iterator[list[Samples]]]


@dataclass(frozen=True)
class Variant:
    """What is done to the input, and undone in the output."""

    delay_samples: int = 0
    """Silence before the input."""
    swaps: bool = False
    """The first two channels change places."""
    inverts: bool = False
    """All samples change their sign."""

    def apply(self, blocks: Iterator[Samples], channels: int) -> Iterator[Samples]:
        """The variant of an input, (channel, time)."""
        turned = map(self._turn, blocks)
        if not self.delay_samples:
            return turned
        return chain([np.zeros((channels, self.delay_samples), np.float32)], turned)

    def undo(self, outputs: Iterator[list[Samples]]) -> Iterator[Samples]:
        """Its outputs as those of the input itself, (stem, channel, time)."""
        left = self.delay_samples
        for blocks in outputs:
            block = np.stack(blocks)
            n_cut = min(left, block.shape[-1])
            left -= n_cut
            yield self._turn(block[..., n_cut:])

    def _turn(self, block: Samples) -> Samples:
        if self.swaps:
            block = block[..., [1, 0, *range(2, block.shape[-2])], :]
        return -block if self.inverts else block


def list_variants(shifts: int, augment: Sequence[Augmentation], sample_rate: int, channels: int) -> list[Variant]:
    """Every delay with the input as it is, and with each augmentation.

    Delays are spread evenly over half a second, each moved up to the next prime number of samples: a delay of so many
    whole hops of a model's STFT, as 11025 samples are for a hop of 441, would show it the same frames again.

    Example:
        >>> [variant.delay_samples for variant in list_variants(2, (), 44100, 2)]
        [0, 11027]
    """
    delays = [_next_prime(round(i * MAX_SHIFT_S * sample_rate / shifts)) if i else 0 for i in range(shifts)]
    turns = [(False, False)]
    if "swap_channels" in augment and channels > 1:  # a mono file is the same
        turns.append((True, False))
    if "invert" in augment:
        turns.append((False, True))
    return [Variant(delay, *turn) for delay, turn in product(delays, turns)]


def run_variants(
    variants: Sequence[Variant], separate: Separate, blocks: Iterator[Samples], channels: int
) -> Iterator[list[Samples]]:
    """Mean over the variants of what a model gives, in the order of the variants."""
    if list(variants) == [Variant()]:
        yield from separate(blocks)
        return
    inputs = share(blocks, len(variants))
    outputs = [
        variant.undo(separate(variant.apply(heard, channels))) for variant, heard in zip(variants, inputs, strict=True)
    ]
    for estimates in lockstep(outputs):
        mean = estimates[0] / np.float32(len(estimates))
        for estimate in estimates[1:]:
            mean += estimate / np.float32(len(estimates))
        yield list(mean)


def _next_prime(number: int) -> int:
    """The least prime number that is not below."""
    candidate = max(2, number)
    while any(candidate % divisor == 0 for divisor in range(2, int(candidate**0.5) + 1)):
        candidate += 1
    return candidate
