"""Figure of each network's recall in each stratum, and its difference from the reference, with 95% intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from archnet.report.comparison_wording import p_value_text
from archnet.report.figures.panel import AXIS_HEIGHT, LINE_HEIGHT, Axis, Panel, dot_legend, linear_axis, unit_axis
from archnet.report.figures.svg import NARROW, WIDE, Drawing, colour, row_label, series_colour, shorten, text
from archnet.report.strata.strata_rows import StrataRow, strata_rows
from archnet.report.strata.strata_wording import column_label, measure_label, size_text, stratum_label
from archnet.report.wording import bounds, decimals, signed

_TOP: Final = 30
_ENTRY_HEIGHT: Final = 20
_HEADING: Final = 1.3
"""Height of a stratum's heading, in entries."""
_SIDE: Final = 14
_LEAST_SPAN: Final = 0.2
"""Minimum range of the axis of differences, so that small differences are not magnified."""
_GAP: Final = 34

Entry = tuple[float | None, Sequence[float] | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Content:
    """The content of the figure.

    Attributes:
        column: The attribute's entry in metrics.json or comparison.json.
        names: Names of the networks.
        measure: "recall" or "macro_recall".
        rows: Rows of the strata and networks.
        hue: Name of the colour of a single network; several have the colours of their indices.
    """

    column: Mapping[str, Any]
    names: Sequence[str]
    measure: str
    rows: Sequence[StrataRow]
    hue: str

    def colour_of(self, row: StrataRow) -> str:
        """The colour of the network of a row."""
        return colour(self.hue) if len(self.names) == 1 else series_colour(row.place)

    @property
    def num_entries(self) -> float:
        """Height of a panel, in entries."""
        return len(self.column["strata"]) * (_HEADING + len(self.names)) + 0.2


def strata_drawing(column: Mapping[str, Any], names: Sequence[str], measure: str, hue: str = "test") -> Drawing:
    """Draw the strata of an attribute: a dot and a line for each network.

    With several networks, a second panel shows the differences from the first, hollow if the interval contains zero; on
    a phone, it is below the first panel.

    Args:
        column: The attribute's entry in metrics.json or comparison.json.
        names: Names of the networks.
        measure: "recall" or "macro_recall".
        hue: Name of the colour of a single network, that of its set.
    """
    content = _Content(column=column, names=names, measure=measure, rows=tuple(strata_rows(column, names)), hue=hue)
    narrow = _draw(content, width=NARROW, is_stacked=True)
    if len(names) == 1:
        return narrow
    return replace(_draw(content, width=WIDE, is_stacked=False), narrow=narrow)


def _draw(content: _Content, *, width: float, is_stacked: bool) -> Drawing:
    height = content.num_entries * _ENTRY_HEIGHT
    titles = {f"{measure_label(content.measure)}, by {column_label(content.column['name'])}": unit_axis("")}
    if len(content.names) > 1:
        titles[f"difference from {shorten(content.names[0])}"] = _difference_axis(content)
    panel_width = width - 2 * _SIDE if is_stacked else (width - 2 * _SIDE - _GAP) / 2
    parts, bottom = [], 0.0
    for k, (title, x_axis) in enumerate(titles.items()):
        panel = Panel(
            left=_SIDE if is_stacked else _SIDE + k * (panel_width + _GAP),
            top=_TOP + (k * (height + AXIS_HEIGHT + _TOP) if is_stacked else 0),
            width=panel_width,
            height=height,
            x=x_axis,
            y=Axis(label="", low=content.num_entries, high=0, ticks=()),
        )
        parts.append(_draw_panel(panel, title, content, _difference_entry if k else _result_entry))
        bottom = panel.bottom + AXIS_HEIGHT
    if len(content.names) > 1:
        parts.append(dot_legend({name: place for place, name in enumerate(content.names)}, _SIDE, bottom))
        bottom += LINE_HEIGHT * len(content.names)
    return Drawing(width=width, height=bottom, elements="".join(parts), alt=_alt_text(content))


def _draw_panel(
    panel: Panel, title: str, content: _Content, draw_entry: Callable[[Panel, StrataRow, float, _Content], str]
) -> str:
    parts = [panel.axes(title)]
    if panel.x.low < 0:
        parts.append(panel.line([0, 0], [panel.y.low, panel.y.high], colour("faint"), stroke_width=1.2))
    position = 0.0
    for row in content.rows:
        if row.place == 0:
            name = stratum_label(content.column["name"], shorten(row.stratum["name"]))
            heading = f"{name}: {size_text(row.stratum, content.measure)}"
            ((_, y),) = panel.points(panel.x.low, position + 0.85).tolist()
            parts.append(row_label(heading, panel.left, y, panel.width) if panel.left < WIDE / 2 else "")
            position += _HEADING
        parts.append(draw_entry(panel, row, position + 0.4, content))
        position += 1
    return "".join(parts)


def _result_entry(panel: Panel, row: StrataRow, position: float, content: _Content) -> str:
    entry = row.results[content.measure], row.results["intervals"][content.measure]
    return _entry(panel, entry, position, content.colour_of(row))


def _difference_entry(panel: Panel, row: StrataRow, position: float, content: _Content) -> str:
    if not row.differences:
        return ""
    entry, hue = row.differences[content.measure], content.colour_of(row)
    is_hollow = entry["interval"] is not None and entry["interval"][0] <= 0 <= entry["interval"][1]
    mark = _entry(panel, (entry["difference"], entry["interval"]), position, hue, is_hollow=is_hollow)
    if entry["p_holm"] is None or entry["difference"] is None:
        return mark
    ((_, y),) = panel.points(panel.x.low, position).tolist()
    label = p_value_text(entry["p_holm"])
    words = f"p {label}" if label.startswith("<") else f"p = {label}"
    return mark + text(words, panel.left + panel.width - 4, y + 4, text_anchor="end")


def _entry(panel: Panel, entry: Entry, position: float, hue: str, *, is_hollow: bool = False) -> str:
    value, interval = entry
    if value is None:
        ((x, y),) = panel.points(max(panel.x.low, 0), position).tolist()
        return text("undefined", x + 8, y + 4)
    line = panel.line(interval, [position, position], hue, stroke_width=2.6) if interval is not None else ""
    return line + panel.dot(value, position, 5, fill=colour("paper") if is_hollow else hue, stroke=hue, stroke_width=2)


def _difference_axis(content: _Content) -> Axis:
    """An axis that includes zero, with room for the p values at its end."""
    entries = [row.differences[content.measure] for row in content.rows if row.differences]
    numbers = [number for entry in entries for number in (entry["difference"], *(entry["interval"] or ()))]
    known = [number for number in numbers if number is not None] + [0.0]
    low, high = min(known), max(known)
    span = max(high - low, _LEAST_SPAN)
    return linear_axis("", [low - 0.1 * span, high + 0.35 * span], num_ticks=5)


def _alt_text(content: _Content) -> str:
    """The text alternative of the figure."""
    column, measure = content.column, content.measure
    texts = []
    for row in content.rows:
        ends = bounds(row.results["intervals"][measure])
        value = f"{row.network} {decimals(row.results[measure])}" + (f" ({ends})" if ends else "")
        entry = row.differences.get(measure)
        difference = f", difference {signed(entry['difference'])}" if entry and entry["difference"] is not None else ""
        stratum = f"{stratum_label(column['name'], row.stratum['name'])}: " if row.place == 0 else ""
        texts.append(f"{stratum}{value}{difference}")
    heading = f"{measure_label(measure).capitalize()} by {column_label(column['name'])}"
    return f"{heading}, with 95% intervals. {'; '.join(texts)}."
