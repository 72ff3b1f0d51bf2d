"""How scores spread over songs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from auralflow.plots.figures import open_figure, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_scores(scores: Mapping[str, Sequence[float]], label: str, title: str = "") -> Figure:
    """The distribution of scores over songs: for each stem a dot for each song, a line at the median, a box around the
    middle half. What is not finite is left out.

    Raises:
        MissingExtraError: matplotlib is not installed (extra `plots`).

    Example:
        >>> figure = plot_scores({"vocals": [5.1, 6.3, 5.7]}, "sdr")  # doctest: +SKIP
    """
    figure = open_figure()
    axis = _add_rows(figure, list(map(plain, scores)), 0.5 if label else 0.3, 0.4 if title else 0.1)
    for row, values in enumerate(scores.values()):
        finite = np.array([value for value in values if np.isfinite(value)])
        if not len(finite):
            continue
        low, middle, high = np.quantile(finite, (0.25, 0.5, 0.75))
        axis.fill_between([low, high], row - 0.3, row + 0.3, color="tab:blue", alpha=0.15, linewidth=0)
        axis.plot([middle, middle], [row - 0.3, row + 0.3], color="tab:blue", linewidth=2)
        # Dots that would lie on each other are spread by a fixed pattern.
        spread = (np.arange(len(finite)) * 0.618 % 1 - 0.5) * 0.4
        axis.plot(finite, row + spread, ".", color="tab:blue", markersize=4, alpha=0.8)
    axis.set(ylim=(len(scores) - 0.5, -0.5), xlabel=plain(label))
    if title:
        axis.set_title(plain(title), loc="left", fontsize="medium")
    axis.grid(axis="x", alpha=0.3)
    return figure


def _add_rows(figure: Figure, names: Sequence[str], below_in: float, above_in: float) -> Axes:
    """An axis with a row for each name, with room for them on its left, for a title and for its own labels, in inches.

    Measured by hand, since an automatic layout draws everything twice.
    """
    left_in = 0.2 + max(map(_measure_in, names), default=0.0)
    rows_in = 0.4 * max(2, len(names))
    width_in, height_in = left_in + 4.4, rows_in + below_in + above_in
    figure.set_size_inches(width_in, height_in)
    axis = figure.add_axes((left_in / width_in, below_in / height_in, 4.2 / width_in, rows_in / height_in))
    axis.set_yticks(range(len(names)), names)
    axis.tick_params(left=False)
    axis.spines[["left", "top", "right"]].set_visible(False)
    return axis


@cache
def _measure_in(name: str) -> float:
    """How wide a name is on an axis, in inches."""
    from matplotlib import rcParams
    from matplotlib.textpath import TextPath

    return float(TextPath((0, 0), name, size=rcParams["font.size"]).get_extents().width / 72)
