"""Convolution with a long response by FFT, block by block (overlap-add; Stockham 1966).

A block of the signal and the response are padded to one FFT, so that their product is a linear convolution; each
block's tail is added to the head of the next. The cost per sample grows with the logarithm of the response's length.
"""

from __future__ import annotations

from functools import lru_cache
from math import log2

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from auralflow.dsp.reproducible import irfft, multiply, rfft


def convolve(
    waveform: Float[Tensor, "*axes time"], response: Float[Tensor, "*#axes tap"]
) -> Float[Tensor, "*axes time"]:
    """The causal convolution `y[t] = sum_k h[k] x[t - k]`, as long as the waveform; the rest of the tail is cut.

    Shape:
        `[*axes, time]` with `[*axes, tap]`, whose axes may be 1, to `[*axes, time]`.

    Example:
        >>> import torch
        >>> bool((convolve(torch.ones(4), torch.ones(9)) - torch.tensor([1, 2, 3, 4])).abs().max() < 1e-5)
        True
    """
    n_samples, n_taps = waveform.shape[-1], response.shape[-1]
    n_fft = _choose_fft(n_samples, n_taps)
    n_block = n_fft - n_taps + 1
    n_blocks = max(1, -(-n_samples // n_block))
    padded = F.pad(waveform, (0, n_blocks * n_block - n_samples))
    blocks = padded.reshape(*padded.shape[:-1], n_blocks, n_block)
    filtered = irfft(multiply(rfft(blocks, n_fft), rfft(response, n_fft).unsqueeze(-2)), n_fft)
    filtered[..., 1:, : n_taps - 1] += filtered[..., :-1, n_block:]
    return filtered[..., :n_block].flatten(-2)[..., :n_samples]


@lru_cache(maxsize=64)
def _choose_fft(n_samples: int, n_taps: int) -> int:
    """The FFT with the least work, of 4, 5 or 6 times a power of two.

    At least twice as long as the response, so that a tail reaches no further than the next block.
    """
    exponents = range(max(0, (2 * n_taps).bit_length() - 3), max(1, (n_samples + n_taps).bit_length()))
    lengths = [m << exponent for exponent in exponents for m in (4, 5, 6)]
    return min((n for n in lengths if n >= 2 * n_taps), key=lambda n: -(-n_samples // (n - n_taps + 1)) * n * log2(n))
