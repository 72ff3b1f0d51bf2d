"""Work on several threads: the order is kept, errors come through, and torch is left as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from auralflow.dsp.threads import beside, spread


@pytest.fixture(params=[1, 3])
def n_threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_come_in_order_and_threads_are_given_back(n_threads: int) -> None:
    assert list(spread(lambda n: n * n, range(10))) == [n * n for n in range(10)]
    assert torch.get_num_threads() == n_threads


def test_each_piece_has_one_thread_and_no_more_run_than_there_are(n_threads: int) -> None:
    barrier, seen = threading.Barrier(n_threads), []

    def work(number: int) -> int:
        barrier.wait(timeout=10)  # passes only when that many are at work together
        seen.append(threading.get_ident())
        return torch.get_num_threads()

    assert set(spread(work, range(2 * n_threads))) == {1}
    assert len(set(seen)) <= n_threads


def test_an_error_comes_through_and_threads_are_given_back(n_threads: int) -> None:
    with pytest.raises(ZeroDivisionError):
        list(spread(lambda n: 1 // n, [2, 1, 0, 3]))
    assert torch.get_num_threads() == n_threads


def test_who_stops_early_gives_threads_back(n_threads: int) -> None:
    results = spread(lambda n: n, range(9))
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert torch.get_num_threads() == n_threads


def test_what_goes_on_beside_does_so_one_after_another() -> None:
    gate, order = threading.Event(), []

    def first() -> int:
        assert gate.wait(timeout=10)  # opened by the caller, who was not kept waiting
        order.append(1)
        return 1

    with beside(True) as begin:
        waits = [begin(first), begin(lambda: order.append(2) or 2)]
        gate.set()
        assert [wait() for wait in waits] == order == [1, 2]


@pytest.mark.parametrize("is_wanted", [True, False])
def test_an_error_of_what_goes_on_beside_comes_through(is_wanted: bool) -> None:
    with pytest.raises(ZeroDivisionError), beside(is_wanted) as begin:
        begin(lambda: 1 // 0)()
