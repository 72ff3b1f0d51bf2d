"""Make this process fast at big tensors. Never on import: our commands and workers do it, a library user may."""

from __future__ import annotations

import ctypes
import sys

import torch

# From glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_KEPT_BYTES = 2**30
_GROWTH_BYTES = 32 * 2**20

_LARGEST_ERROR = 2e-6
"""Of a product, by its greatest value: a few roundings in 32 bits; one in bfloat16 is 1000 times as large."""


def tune_process() -> None:
    """Let big tensors stay with the process, and matrix products take the faster of two libraries.

    By default glibc maps every large tensor anew and returns it to the kernel, which for a U-Net costs as much time as
    the arithmetic. Afterwards up to 1 GiB that was freed stays with the process, for all threads alike. On some
    processors torch's oneDNN multiplies faster in 32 bits than its MKL, and is used if its products are as exact.

    Example:
        >>> tune_process()
    """
    keep_freed_memory()
    use_onednn_products()


def keep_freed_memory() -> bool:
    """Let the allocator keep big blocks that are freed, rather than give them back and fault them in again.

    Returns:
        Whether there was something to tune: on Linux with glibc only. Results are bit-equal.

    Example:
        >>> keep_freed_memory() in (True, False)
        True
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    settings = {
        _MMAP_MAX: 0,  # a mapped block always goes back, and above 32 MiB glibc would map all
        _TRIM_THRESHOLD: _KEPT_BYTES,
        _TOP_PAD: _GROWTH_BYTES,
        _ARENA_MAX: 1,  # other arenas are of limited size, and give back what is freed
    }
    return all(mallopt(name, size) == 1 for name, size in settings.items())


def use_onednn_products() -> bool:
    """Send products of 32-bit matrices to oneDNN, as long as it does compute them in 32 bits.

    Torch knows one switch for this, "bf16", which permits oneDNN to compute in bfloat16. Where the processor gains
    nothing by that (AMD), it computes in 32 bits all the same, faster than MKL does there; where it would round to
    bfloat16 (AMX), the error shows, and the switch is put back.

    Returns:
        Whether oneDNN is used now.

    Example:
        >>> use_onednn_products() in (True, False)
        True
    """
    backend = getattr(torch.backends.mkldnn, "matmul", None)
    if backend is None or not torch.backends.mkldnn.is_available():  # an old torch, or another processor
        return False
    before = backend.fp32_precision
    backend.fp32_precision = "bf16"
    if _product_error() <= _LARGEST_ERROR:
        return True
    backend.fp32_precision = before
    return False


def _product_error() -> float:
    """Greatest error of a product in 32 bits, relative to its greatest value."""
    draws = torch.Generator().manual_seed(0)
    left, right = (torch.randn(256, 256, generator=draws) for _ in range(2))
    exact = left.double() @ right.double()
    return float(((left @ right) - exact).abs().max() / exact.abs().max())
