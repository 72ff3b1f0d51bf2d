"""How a training run went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auralflow.plots.figures import open_figure, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MANY = 100
"""From here on points are not marked."""


@dataclass(frozen=True)
class Line:
    """Values over the steps of a run."""

    steps: Sequence[float]
    values: Sequence[float]
    """What is not finite leaves a gap."""
    is_faint: bool = False
    """Drawn behind the others: what jumps about from step to step."""


def plot_curves(
    panels: Mapping[str, Mapping[str, Line]], step_name: str, title: str = "", best_step: float | None = None
) -> Figure:
    """Learning curves: a panel for each kind of value, one below the other.

    Args:
        panels: by the label of their values with its unit, such as `SDR (dB)`, the lines by name.
        step_name: what steps are, such as `epoch`.
        best_step: where to draw the line at the best weights.

    Raises:
        MissingExtraError: matplotlib is not installed (extra `plots`).

    Example:
        >>> panels = {"loss": {"train": Line([1, 2], [0.5, 0.25])}}
        >>> figure = plot_curves(panels, "epoch")  # doctest: +SKIP
    """
    figure = open_figure()
    figure.set_size_inches(8, 0.5 + 2.8 * len(panels))
    figure.set_layout_engine("constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
    for axis, (label, lines) in zip(axes, panels.items(), strict=True):
        for name, line in lines.items():
            style = {"alpha": 0.4, "linewidth": 0.8} if line.is_faint else {"alpha": 1.0, "linewidth": 1.5}
            mark = "." if len(line.steps) < _MANY and not line.is_faint else ""
            axis.plot(line.steps, line.values, marker=mark, label=plain(name), **style)
        if best_step is not None:
            axis.axvline(best_step, color="tab:gray", linestyle=":", label="best")
        axis.set_ylabel(plain(label))
        axis.grid(alpha=0.3)
        axis.legend(fontsize="small")
    axes[-1].set_xlabel(plain(step_name))
    figure.suptitle(plain(title), fontsize="medium")
    return figure
