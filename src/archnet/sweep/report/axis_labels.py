"""Labels of axes that several figures of a sweep share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archnet.report.units import count_text
from archnet.spec.metrics import METRICS
from archnet.sweep.results.leaderboard import Leaderboard

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def metric_label(board: Leaderboard) -> str:
    """The name of the metric on the axis of a figure."""
    return f"validation {METRICS[board.sweep.metric].full_label}"


def label_logarithmic(axes: Axes, limits: tuple[float, float], steps: Sequence[int]) -> None:
    """Set a logarithmic scale with plain numbers as labels, where Matplotlib would write powers of ten as formulas."""
    ticks = [step * 10.0**power for power in range(-3, 16) for step in steps]
    visible_ticks = [tick for tick in ticks if limits[0] <= tick <= limits[1]]
    axes.set_xscale("log")
    axes.set_xticks(visible_ticks, [count_text(tick) for tick in visible_ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(limits)
