"""SVG panel: a pair of axes with a grid, lines and dots."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from archnet.evaluation.uncertainty.ratio import Floats
from archnet.report.figures.svg import Stroke, colour, element, series_colour, text, text_width

LINE_HEIGHT: Final = 18
"""Line height of a legend, in pixels."""

AXIS_HEIGHT: Final = 44
"""Height of the x axis's tick labels and label below a panel, in pixels."""

_KEY_WIDTH: Final = 30
_STEPS: Final = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis.

    Attributes:
        label: Axis label.
        low: Value at the start of the axis.
        high: Value at the end of the axis.
        ticks: Values with a grid line, each with its label.
        is_logarithmic: Whether the scale is logarithmic, as stated in the label.
        minor_ticks: Values with a short tick.
    """

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    is_logarithmic: bool = False
    minor_ticks: tuple[float, ...] = ()

    @property
    def full_label(self) -> str:
        """The label with the kind of the scale."""
        return f"{self.label} (log scale)" if self.is_logarithmic and self.label else self.label

    def positions(self, values: ArrayLike) -> Floats:
        """Relative positions of values, from 0 at the start to 1 at the end."""
        numbers = np.asarray(values, np.float64)
        if self.is_logarithmic:
            shares: Floats = np.log(numbers / self.low) / math.log(self.high / self.low)
        else:
            shares = (numbers - self.low) / (self.high - self.low)
        return shares


UNIT_TICKS: Final = tuple((tick / 10, f"{tick / 10:.1f}") for tick in range(0, 11, 2))


def unit_axis(label: str, ticks: Sequence[tuple[float, str]] = UNIT_TICKS) -> Axis:
    """An axis from 0 to 1."""
    return Axis(label=label, low=0, high=1, ticks=tuple(ticks))


def linear_axis(label: str, values: Iterable[float | None], *, num_ticks: int = 7, margin: float = 0.05) -> Axis:
    """A linear axis that contains all finite values.

    Args:
        label: Axis label.
        values: Values to contain.
        num_ticks: Approximate maximum number of ticks.
        margin: Margin at both ends, as a share of the range.
    """
    finite = [value for value in values if value is not None and math.isfinite(value)] or [0.0, 1.0]
    room = margin * (max(finite) - min(finite)) or 0.05 * abs(finite[0]) or 0.5
    low, high = min(finite) - room, max(finite) + room
    return Axis(label=label, low=low, high=high, ticks=linear_ticks(low, high, num_ticks))


def linear_ticks(low: float, high: float, num_ticks: int = 7) -> tuple[tuple[float, str], ...]:
    """Evenly spaced round numbers between two values.

    >>> linear_ticks(-0.03, 0.11, 4), linear_ticks(0.95, 30.05, 4)
    (((0.0, '0.00'), (0.05, '0.05'), (0.1, '0.10')), ((10.0, '10'), (20.0, '20'), (30.0, '30')))
    """
    least = (high - low) / num_ticks
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in _STEPS if factor * power >= least * (1 - 1e-9))
    values = [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
    places = max(0, -math.floor(math.log10(step) + 1e-9) + (not (step / power).is_integer()))
    return tuple((round(value, 12), _tick_text(value, places)) for value in values)


def integer_ticks(low: float, high: float, num_ticks: int = 5) -> tuple[tuple[float, str], ...]:
    """Evenly spaced integers between two values."""
    return tuple((value, f"{value:.0f}") for value, _ in linear_ticks(low, high, num_ticks) if value == round(value))


def _tick_text(value: float, places: int) -> str:
    is_readable = places < 7 and abs(value) < 1e6
    number = f"{value + 0.0:.{places}f}" if is_readable else f"{value:g}"
    return number.replace("-", "\N{MINUS SIGN}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A pair of axes and its position in a drawing, in pixels.

    Attributes:
        left: Left edge of the plot area.
        top: Top edge of the plot area.
        width: Width of the plot area.
        height: Height of the plot area.
        x: Horizontal axis, below the plot area.
        y: Vertical axis, left of the plot area.
    """

    left: float
    top: float
    width: float
    height: float
    x: Axis
    y: Axis

    @property
    def bottom(self) -> float:
        """Bottom edge of the plot area."""
        return self.top + self.height

    def points(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Pixel coordinates (left, top) of values, shape (N, 2)."""
        columns = self.left + self.width * self.x.positions(x), self.bottom - self.height * self.y.positions(y)
        return np.stack(np.broadcast_arrays(*columns), axis=-1).reshape(-1, 2).round(1)

    def axes(self, title: str = "") -> str:
        """Draw the grid, the axis labels and the title."""
        x, y = self.left + self.width / 2, self.top + self.height / 2
        upright = f"translate({self._label_left():g} {y:g}) rotate(-90)"
        parts = [
            text(title, self.left, self.top - 10, font_size=14, font_weight="bold", fill=colour("ink")),
            *self._vertical_lines(),
            *self._horizontal_lines(),
            text(self.x.full_label, x, self.bottom + AXIS_HEIGHT - 6, **_LABEL),
            text(self.y.full_label, 0, 0, **_LABEL, transform=upright),
        ]
        return "".join(parts)

    def _vertical_lines(self) -> Iterable[str]:
        for value, label in self.x.ticks:
            ((x, _),) = self.points(value, self.y.low).tolist()
            yield element("path", d=f"M{x:g} {self.top:g}V{self.bottom:g}", **_GRID)
            yield text(label, x, self.bottom + 17, text_anchor="middle")
        for value in self.x.minor_ticks:
            ((x, _),) = self.points(value, self.y.low).tolist()
            yield element("path", d=f"M{x:g} {self.bottom:g}v4", stroke=colour("faint"), fill="none")

    def _horizontal_lines(self) -> Iterable[str]:
        for value, label in self.y.ticks:
            ((_, y),) = self.points(self.x.low, value).tolist()
            yield element("path", d=f"M{self.left:g} {y:g}H{self.left + self.width:g}", **_GRID)
            yield text(label, self.left - 6, y + 4, text_anchor="end")

    def _label_left(self) -> float:
        return self.left - 16 - max((text_width(label) for _, label in self.y.ticks), default=0)

    def line(self, x: ArrayLike, y: ArrayLike, stroke: str, **attributes: Any) -> str:
        """Draw a line through points, with a gap at each undefined point."""
        path = path_data(self.points(x, y))
        style: dict[str, Any] = {"stroke": stroke, "fill": "none", "stroke_width": 1.8, "stroke_linejoin": "round"}
        return element("path", d=path, **{**style, **attributes}) if path else ""

    def dot(self, x: float, y: float, radius: float, **attributes: Any) -> str:
        """Draw a dot."""
        ((left, top),) = self.points(x, y).tolist()
        return element("circle", cx=left, cy=top, r=radius, **attributes)


_LABEL: Final[dict[str, Any]] = {"text_anchor": "middle", "font_size": 13, "fill": colour("ink")}
_GRID: Final[dict[str, Any]] = {"stroke": colour("line"), "fill": "none"}


def path_data(points: Floats) -> str:
    """SVG path through points, without the inner points of horizontal and vertical segments.

    Args:
        points: Shape (N, 2); a non-finite point leaves a gap.

    >>> path_data(np.array([[44, 328], [44, 264], [44, 8], [204, 8], [364, 8.0]]))
    'M44 328L44 8L364 8'
    >>> path_data(np.array([[0, 0], [1, 1], [np.nan, 2], [3, 3]]))
    'M0 0L1 1M3 3'
    """
    gaps = np.flatnonzero(~np.isfinite(points).all(axis=1))
    parts = [part[np.isfinite(part).all(axis=1)] for part in np.split(points, gaps)]
    return "".join(_connected_path(part) for part in parts if len(part))


def _connected_path(points: Floats) -> str:
    is_new = np.append(True, (np.diff(points, axis=0) != 0).any(axis=1))
    points = points[is_new]
    is_same = np.diff(points, axis=0) == 0
    is_kept = np.append(np.append(True, ~(is_same[1:] & is_same[:-1]).any(axis=1)), True)[: len(points)]
    return "M" + "L".join(f"{left:g} {top:g}" for left, top in points[is_kept].tolist())


LegendEntry = tuple[str, Stroke | None]
"""A line of a legend: its text and its stroke; None continues the entry above."""


def legend(entries: Sequence[LegendEntry], left: float, top: float) -> str:
    """Draw a legend with one entry per line and a sample of its stroke."""
    parts = []
    for place, (name, stroke) in enumerate(entries):
        y = top + LINE_HEIGHT * place
        if stroke is not None:
            style = {"fill": "none", "stroke": stroke.colour, "stroke_width": 1.8, "stroke_dasharray": stroke.dashes}
            parts.append(element("path", d=f"M{left:g} {y - 4:g}h{_KEY_WIDTH}", **style))
        parts.append(text(name, left + _KEY_WIDTH + 8, y, fill=colour("ink" if stroke else "faint")))
    return "".join(parts)


def fits_legend(content: str, width: float) -> bool:
    """Whether a line fits into a legend of this width, in pixels."""
    return _KEY_WIDTH + 12 + text_width(content) <= width


def dot_legend(places: Mapping[str, int], left: float, top: float) -> str:
    """Draw a legend with one name per line, each beside a dot in its colour."""
    rows = [(name, place, top + LINE_HEIGHT * row) for row, (name, place) in enumerate(places.items())]
    return "".join(
        element("circle", cx=left + 6, cy=y - 4, r=5, fill=series_colour(place))
        + text(name, left + 18, y, fill=colour("ink"))
        for name, place, y in rows
    )
