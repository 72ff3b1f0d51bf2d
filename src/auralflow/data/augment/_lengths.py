"""How much a transform that changes the tempo takes, and gives, whatever tempo it will draw."""

from __future__ import annotations

import math


def n_taken(n_output: int, fastest: float) -> int:
    """Samples from which `n_output` can be made at the greatest speed, at least as many."""
    return math.ceil(n_output * max(1.0, fastest))


def n_given(n_input: int, fastest: float) -> int:
    """The greatest number whose `n_taken` is no more than `n_input`."""
    n_output = int(n_input / max(1.0, fastest))
    return n_output + (n_taken(n_output + 1, fastest) <= n_input)
