"""Make this process fast at big tensors. Never on import: our commands and workers do it, a library user may."""

from __future__ import annotations

import ctypes
import sys

# From glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8
_KEPT_BYTES = 512 * 2**20
_LARGEST_MMAP_THRESHOLD = 32 * 2**20
"""glibc refuses more."""


def tune_process() -> bool:
    """Let the allocator keep big blocks that are freed, rather than give them back and fault them in again.

    By default glibc maps every large tensor anew and returns it to the kernel, which for a U-Net costs as much time as
    the arithmetic. Afterwards up to 512 MiB that were freed stay with the process, for all threads alike.
    Results are bit-equal.

    Returns:
        Whether there was something to tune: on Linux with glibc only.

    Example:
        >>> tune_process() in (True, False)
        True
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    settings = {
        _MMAP_THRESHOLD: _LARGEST_MMAP_THRESHOLD,
        _TRIM_THRESHOLD: _KEPT_BYTES,
        _TOP_PAD: _LARGEST_MMAP_THRESHOLD,
        _ARENA_MAX: 1,  # other arenas are of limited size, and give back what is freed
    }
    return all(mallopt(name, size) == 1 for name, size in settings.items())
