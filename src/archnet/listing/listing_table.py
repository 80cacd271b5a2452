"""A listing of runs on a terminal: a line of numbers for each run, and below it what differs, tags and note."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.text import Text

from archnet.errors import pluralize
from archnet.listing.run_row import FAILED, FINISHED, RUNNING, RunRow
from archnet.listing.selection import Selection
from archnet.report.sentences.document_difference import differences_line
from archnet.report.wording import SET_NAMES, decimals

_STYLES: Final = {RUNNING: "green", FAILED: "red", FINISHED: ""}
_GAP: Final = "  "
_INDENT: Final = 4
_MIN_NAME: Final = 8


class ListingTable:
    """The table; it fits the width of the console.

    Args:
        selection: The rows.
    """

    def __init__(self, selection: Selection) -> None:
        self.selection = selection

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines of the table."""
        yield from _lines(self.selection, options.max_width)


def _lines(selection: Selection, width: int) -> Iterator[RenderableType]:
    rows = selection.listing.rows
    if rows:
        yield Text(set_line(selection), style="bold")
        cells = [_cells(row, selection) for row in rows]
        header = ["date", "state", *(metric.short_label for metric in selection.metrics)]
        widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
        free = width - sum(widths) - len(_GAP) * len(widths)
        name_width = max(min(free, max(cell_len(row.name) for row in rows)), _MIN_NAME)
        yield Text(_line("run", name_width, header, widths), style="dim")
        for row, texts in zip(rows, cells, strict=True):
            yield from _row_lines(row, name_width, texts, widths)
    else:
        yield Text(f"{selection.listing.folder}: no runs.")
    for name, problem in selection.listing.problems:
        yield Text(f"not listed: {name}: {problem}", style="yellow")


def set_line(selection: Selection) -> str:
    """The results shown in the table."""
    count = pluralize(len(selection.listing.rows), "run")
    if selection.set_name == "test":
        return f"{count}, results on the test set"
    return f"{count}, results on the {SET_NAMES['validation']} set (--set test shows those on the test set)"


def _cells(row: RunRow, selection: Selection) -> list[str]:
    values = [row.value(metric.name, selection.set_name) for metric in selection.metrics]
    return [
        f"{row.started.astimezone():%Y-%m-%d}",
        row.state,
        *("–" if one is None else decimals(one) for one in values),
    ]


def _line(name: str, name_width: int, cells: Sequence[str], widths: Sequence[int]) -> str:
    texts = [
        cell.ljust(width) if k < 2 else cell.rjust(width)
        for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return _GAP.join([name + " " * max(name_width - cell_len(name), 0), *texts])


def _row_lines(row: RunRow, name_width: int, cells: Sequence[str], widths: Sequence[int]) -> Iterator[RenderableType]:
    style = _STYLES.get(row.state, "yellow")
    if cell_len(row.name) > name_width:
        yield Text(row.name, style=style, overflow="fold")
        yield Text(_line("", name_width, cells, widths), style=style)
    else:
        yield Text(_line(row.name, name_width, cells, widths), style=style)
    for line in detail_lines(row):
        yield Padding(Text(line, overflow="fold", style="dim"), (0, 0, 0, _INDENT))


def detail_lines(row: RunRow) -> list[str]:
    """The texts below the numbers of a run: its detail, its differences, its tags and its note."""
    differs = f"{differences_line(row.differences)} (against {row.reference})" if row.differences else ""
    tags = " ".join(f"#{tag}" for tag in row.tags.tags)
    return [line for line in (row.detail, differs, " ".join(filter(None, (tags, row.tags.note)))) if line]
