"""Spread independent work over the cores, a piece on each, where single steps are too small to be shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


class Begin(Protocol):
    """Begins a computation and gives a function that waits for its result."""

    def __call__(self, compute: Callable[[], Result]) -> Callable[[], Result]: ...


@contextmanager
def use_threads(n_threads: int | None) -> Iterator[None]:
    """While inside, torch computes with so many threads; None changes nothing.

    Example:
        >>> with use_threads(1):
        ...     torch.get_num_threads()
        1
    """
    before = torch.get_num_threads()
    if n_threads is not None:
        torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def spread(function: Callable[[Item], Result], items: Sequence[Item], n_lanes: int | None = None) -> Iterator[Result]:
    """The function of each item, in their order; several at once, each with an equal share of torch's threads.

    Torch would share out every step of a piece instead, and wait for all threads after each. Where the steps are short,
    or another program takes a core, that waiting is most of the time. With one thread for each piece results are the
    same to the bit as those of one thread; no more pieces are held than there are lanes.

    Args:
        n_lanes: pieces at once, by default as many as torch has threads; no more than that are used.

    Example:
        >>> list(spread(lambda n: n * n, [1, 2, 3]))
        [1, 4, 9]
    """
    n_threads = torch.get_num_threads()
    n_lanes = min(n_lanes or n_threads, n_threads)
    if n_lanes == 1:
        yield from map(function, items)
        return
    # New threads begin with as many, too.
    with use_threads(n_threads // n_lanes), ThreadPoolExecutor(n_lanes) as pool:
        for start in range(0, len(items), n_lanes):
            yield from pool.map(function, items[start : start + n_lanes])


@contextmanager
def beside(is_wanted: bool) -> Iterator[Begin]:
    """Begin computations that go on beside the caller, one after another; where that is not wanted, they are done at
    once.

    Of use while an accelerator computes, for which a thread only waits. On a CPU both would share the cores.

    Yields:
        A function that takes a computation and gives one that waits for its result, or raises what it raised.

    Example:
        >>> with beside(True) as begin:
        ...     wait = begin(lambda: 6 * 7)
        ...     wait()
        42
    """
    if not is_wanted:
        yield _do_at_once
        return
    with ThreadPoolExecutor(1) as pool:
        yield lambda compute: pool.submit(compute).result


def _do_at_once(compute: Callable[[], Result]) -> Callable[[], Result]:
    result = compute()
    return lambda: result
