"""Decision-curve drawing: net benefit against threshold probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from archnet.evaluation.uncertainty.ratio import Floats
from archnet.report.figures.panel import AXIS_HEIGHT, LINE_HEIGHT, Panel, linear_axis, unit_axis
from archnet.report.figures.svg import Drawing, colour, element, text

_WIDTH: Final = 362  # width on a phone, where the text keeps its size
_PANEL_WIDTH: Final = 292
_LEFT, _TOP, _HEIGHT = 60, 30, 260
_BELOW: Final = 0.12  # share of the range below a net benefit of 0 that is shown
_KEY_WIDTH: Final = 30
_ALL: Final[Mapping[str, Any]] = {"stroke": colour("faint"), "stroke_dasharray": "7 3"}
_NONE: Final[Mapping[str, Any]] = {"stroke": colour("ink"), "stroke_width": 1.2}


def decision_curve_drawing(curve: Mapping[str, Sequence[float | None]], title: str, hue: str = "test") -> Drawing:
    """Draw the decision curve of a set with its band, and those of acting on every case and on none.

    Args:
        curve: `decision_curve` of metrics.json.
        title: Title above the figure.
        hue: Name of the colour of the curve, that of its set.
    """
    x = _numbers(curve["thresholds"])
    values, act_on_all = _numbers(curve["net_benefit"]), _numbers(curve["act_on_all"])
    low, high = (np.where(np.isnan(end), values, end) for end in map(_numbers, (curve["low"], curve["high"])))
    top = max(float(high.max()), float(act_on_all.max()), 0.01)
    floor = -_BELOW * top
    axis = linear_axis("net benefit per case", [floor, top], num_ticks=5, margin=0.0)
    panel = Panel(left=_LEFT, top=_TOP, width=_PANEL_WIDTH, height=_HEIGHT, x=unit_axis(_X), y=axis)
    network = {"stroke": colour(hue)}
    legend = (
        ("act on the network's predictions, 95% interval", network),
        ("act on every case", _ALL),
        ("act on no case", _NONE),
    )
    outline = np.concatenate([x, x[::-1]]), np.clip(np.concatenate([low, high[::-1]]), floor, top)
    lines = [
        panel.line(*outline, stroke="none", fill=colour(hue), fill_opacity=0.16),
        panel.line([0, 1], [0, 0], **_NONE),
        panel.line(*_above(x, act_on_all, floor), **_ALL),
        panel.line(*_above(x, values, floor), **network),
    ]
    legend_top = _TOP + _HEIGHT + AXIS_HEIGHT + 20
    return Drawing(
        width=_WIDTH,
        height=legend_top + LINE_HEIGHT * (len(legend) - 1) + 8,
        elements="".join([panel.axes(title), *lines, _legend(legend, legend_top)]),
        alt=_alt_text(x, values, act_on_all),
    )


_X: Final = "threshold probability"


def _numbers(values: Sequence[float | None]) -> Floats:
    """NaN for None."""
    return np.array(values, dtype=np.float64)


def _above(x: Floats, y: Floats, floor: float) -> tuple[Floats, Floats]:
    """The part of a line above the floor, up to the point where it crosses the floor."""
    crossings = np.flatnonzero((y[:-1] >= floor) != (y[1:] >= floor))
    shares = (floor - y[crossings]) / (y[crossings + 1] - y[crossings])
    x = np.insert(x, crossings + 1, x[crossings] + shares * (x[crossings + 1] - x[crossings]))
    y = np.insert(y, crossings + 1, floor)
    return x, np.where(y >= floor - 1e-12, y, np.nan)


def _legend(entries: Sequence[tuple[str, Mapping[str, Any]]], top: float) -> str:
    parts = []
    for place, (name, style) in enumerate(entries):
        y = top + LINE_HEIGHT * place
        line = {"fill": "none", "stroke_width": 1.8, **style}
        parts.append(element("path", d=f"M{_LEFT - 40} {y - 4:g}h{_KEY_WIDTH}", **line))
        parts.append(text(name, _LEFT - 40 + _KEY_WIDTH + 8, y, fill=colour("ink")))
    return "".join(parts)


def _alt_text(x: Floats, values: Floats, act_on_all: Floats) -> str:
    """The text alternative: the net benefit at some thresholds, and where the network is best."""
    numbers = ", ".join(f"{values[k]:.3f} at {x[k]:.0%}" for k in (4, 9, 19, 49))
    is_best = values > np.maximum(act_on_all, 0.0) + 1e-9  # more than a rounding error
    best = f" It is above acting on every case and on none from {_spans(x, is_best)}." if is_best.any() else ""
    return f"Decision curve. Net benefit of the network: {numbers}.{best}"


def _spans(x: Floats, is_inside: Any) -> str:
    """Ranges of thresholds in words."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_inside, [False]])))
    return ", ".join(f"{x[start]:.0%} to {x[stop - 1]:.0%}" for start, stop in edges.reshape(-1, 2).tolist())
