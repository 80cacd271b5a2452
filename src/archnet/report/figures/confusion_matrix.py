"""Confusion-matrix figure: counts, and each cell's share of its row (the true class) as shade.

Correct predictions and errors have different hues.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from archnet.report.figures.svg import Drawing, colour, element, shorten, text, text_width
from archnet.report.wording import percent

_TOP: Final = 74
_CELL: Final = 92
_GAP: Final = 3
_DARKEST: Final = 0.5  # opacity of a full cell


def confusion_matrix_drawing(matrix: Sequence[Sequence[int]], classes: Sequence[str], title: str) -> Drawing:
    """Draw a confusion matrix; rows are the truth, columns the prediction."""
    totals = [sum(row) for row in matrix]
    labels = [f"{total:,} case{'' if total == 1 else 's'}" for total in totals]
    names = [shorten(name) for name in classes]
    left = 48 + max(map(text_width, (*names, *labels)))
    width = max(_CELL, *(text_width(name) + 12 for name in names))
    cells = [
        _cell(number, total, (left + column * width, _TOP + row * _CELL, width), is_right=row == column)
        for row, (numbers, total) in enumerate(zip(matrix, totals, strict=True))
        for column, number in enumerate(numbers)
    ]
    right, bottom = left + width * len(classes), _TOP + _CELL * len(classes)
    axis_label: dict[str, Any] = {"font_size": 13, "text_anchor": "middle"}
    parts = [
        text(title, 10, 20, font_size=14, font_weight="bold", fill=colour("ink")),
        text("predicted class", (left + right) / 2, _TOP - 26, **axis_label),
        text("true class", 0, 0, **axis_label, transform=f"translate(16 {(_TOP + bottom) / 2:g}) rotate(-90)"),
        *(_column_label(name, left + (place + 0.5) * width) for place, name in enumerate(names)),
        *(_row_label(name, labels[place], left, place) for place, name in enumerate(names)),
        *cells,
    ]
    alt = f"Confusion matrix, {title}: " + "; ".join(map(_row_text, classes, matrix)) + "."
    width = max(right, 10 + text_width(title, 14)) + 10
    return Drawing(width=width, height=bottom + 10, elements="".join(parts), alt=alt)


def _cell(number: int, total: int, corner: tuple[float, float, float], *, is_right: bool) -> str:
    """Draw a cell at (left, top, width)."""
    left, top, width = corner
    square = {"x": left, "y": top, "width": width - _GAP, "height": _CELL - _GAP}
    hue = colour("right" if is_right else "wrong")
    shade = element("rect", **square, fill=hue, fill_opacity=_DARKEST * number / total if total else 0)
    style = {"text_anchor": "middle", "fill": colour("ink")}
    middle = left + (width - _GAP) / 2
    count = text(f"{number:,}", middle, top + 44, **style, font_size=18, font_weight="bold" if is_right else None)
    share = text(percent(number / total) if total else "no case", middle, top + 64, **style)
    return element("rect", **square, fill=colour("panel")) + shade + count + share


def _column_label(name: str, middle: float) -> str:
    return text(name, middle, _TOP - 8, text_anchor="middle", fill=colour("ink"))


def _row_label(name: str, cases: str, right: float, place: int) -> str:
    y = _TOP + _CELL * (place + 0.5)
    return text(name, right - 10, y - 2, text_anchor="end", fill=colour("ink")) + text(
        cases, right - 10, y + 13, text_anchor="end"
    )


def _row_text(name: str, numbers: Sequence[int]) -> str:
    return f"{name}: {', '.join(f'{number:,}' for number in numbers)}"
