"""From float samples to the integers that a file stores."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from auralflow.audio.types import Samples
from auralflow.errors import AudioError

Dither = Literal["none", "tpdf"]
Integers = npt.NDArray[np.int16] | npt.NDArray[np.int32]

_BITS = {"int16": 16, "int24": 24}


class Quantised(NamedTuple):
    """Integer samples and how many of them were beyond full scale."""

    samples: Integers
    n_clipped: int


def quantise(
    block: Samples,
    depth: Literal["int16", "int24"],
    dither: Dither = "none",
    generator: np.random.Generator | None = None,
) -> Quantised:
    """Round samples to the nearest of the 2^16 or 2^24 steps from -1 to 1, halves to even; what lies beyond is clipped.

    A value that came from a file of the same depth returns to the same integer. `tpdf` first adds a triangular error of
    at most one step, the sum of two uniform ones: the total error then has no mean and a constant variance whatever the
    signal is (S. Lipshitz, R. Wannamaker, J. Vanderkooy, "Quantization and dither: a theoretical survey", JAES 40(5),
    1992). A sample that is exactly zero stays zero. The error depends on the position in the stream only, not on how
    the stream is cut into blocks.

    Shape:
        block: (channel, time) -> (channel, time), int16, or int32 with the 24 bits on top.

    Raises:
        AudioError: a sample is not a finite number.

    Example:
        >>> quantise(np.array([[0.5, -1.0, 1.0]], np.float32), "int16").samples.tolist()
        [[16384, -32768, 32767]]
    """
    full_scale = 2 ** (_BITS[depth] - 1)
    with np.errstate(over="ignore"):  # what overflows is clipped below
        scaled = block * np.float32(full_scale)
    if dither == "tpdf":
        if generator is None:
            raise ValueError("tpdf dither needs a generator")
        noise = generator.random((*block.shape[::-1], 2), dtype=np.float32)
        scaled += np.where(scaled != 0, (noise[..., 0] - noise[..., 1]).T, np.float32(0))
    np.rint(scaled, out=scaled)
    n_clipped = _clip(scaled, block, full_scale)
    if depth == "int16":
        return Quantised(scaled.astype(np.int16), n_clipped)
    integers = scaled.astype(np.int32)
    integers <<= 8
    return Quantised(integers, n_clipped)


def check_finite(block: Samples) -> None:
    """Refuse samples that no format can hold.

    Raises:
        AudioError: a sample is NaN or infinite.
    """
    if block.size and not (np.isfinite(block.max()) and np.isfinite(block.min())):
        n_bad = int((~np.isfinite(block)).sum())
        raise AudioError(f"expected finite samples to write, got {n_bad} that are NaN or infinite; check the model")


def _clip(scaled: Samples, block: Samples, full_scale: int) -> int:
    # Written so that NaN, which compares as false, takes the slow way too.
    if scaled.size == 0 or (scaled.max() <= full_scale - 1 and scaled.min() >= -full_scale):
        return 0
    check_finite(block)
    np.clip(scaled, -full_scale, full_scale - 1, out=scaled)
    # Exactly 1.0 loses one step and is a legal peak: it is not worth a warning.
    return int((np.abs(block) > 1).sum())
