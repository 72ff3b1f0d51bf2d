"""Spread independent work over the cores, a piece on each, where single steps are too small to be shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """The function of each item, in their order; as many at once as torch has threads, each on one of them.

    Torch would share out every step of a piece instead, and wait for all threads after each. Where the steps are short,
    or another program takes a core, that waiting is most of the time. Results are the same to the bit as those of one
    thread, and no more pieces are held than there are threads.

    Example:
        >>> list(spread(lambda n: n * n, [1, 2, 3]))
        [1, 4, 9]
    """
    n_threads = torch.get_num_threads()
    if n_threads == 1:
        yield from map(function, items)
        return
    torch.set_num_threads(1)  # what new threads begin with, too
    try:
        with ThreadPoolExecutor(n_threads) as pool:
            for start in range(0, len(items), n_threads):
                yield from pool.map(function, items[start : start + n_threads])
    finally:
        torch.set_num_threads(n_threads)
