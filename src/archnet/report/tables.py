"""Table layout for the terminal: tables fit the width without losing columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Final

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

MIN_FOLDED: Final = 12
"""Width down to which a column with long words, such as paths, is folded."""

_TIGHT: Final = (0, 1, 0, 0)
"""Padding of a table that would be too wide otherwise."""

_INDENT: Final = 2


class FittingTable(Table):
    """A table that fits its width.

    If it is too wide, its padding shrinks and its columns wrap between words. If that is not enough, each row becomes
    a paragraph: the first cell, and below it the other cells after the names of their columns.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render the table, or its rows as paragraphs."""
        if _natural_width(self) <= options.max_width:
            yield from super().__rich_console__(console, options)
        elif self.least_width() <= options.max_width:
            yield from Table.__rich_console__(self._fitted(options.max_width), console, options)
        else:
            yield from console.render(self._stacked(), options)

    def least_width(self) -> int:
        """The width that the table needs if no word and no number is broken."""
        tight = self._tight()
        return sum(map(tight._least_width, tight.columns)) + _frame_width(tight)

    def _tight(self) -> FittingTable:
        table = copy(self)
        table.padding = _TIGHT if any(self.padding) else self.padding
        return table

    def _fitted(self, width: int) -> FittingTable:
        table = self._tight()
        least = [self._least_width(column) for column in self.columns]
        widths = _share_width(least, [self._full_width(column) for column in self.columns], width - _frame_width(table))
        table.columns = [replace(column, width=width) for column, width in zip(self.columns, widths, strict=True)]
        return table

    def _least_width(self, column: Column) -> int:
        if column.no_wrap:
            return self._full_width(column)
        longest = max([1, *(len(word) for text in self._texts(column) for word in text.split())])
        return min(longest, MIN_FOLDED) if column.overflow == "fold" else longest

    def _full_width(self, column: Column) -> int:
        return max([1, *(len(line) for text in self._texts(column) for line in text.split("\n"))])

    def _texts(self, column: Column) -> Iterator[str]:
        yield from [_text(column.header)] if self.show_header else []
        yield from map(_text, column.cells)
        yield from [_text(column.footer)] if self.show_footer else []

    def _stacked(self) -> RenderableType:
        rows = list(zip(*(column.cells for column in self.columns), strict=True))
        rows += [tuple(column.footer for column in self.columns)] if self.show_footer else []
        title: list[RenderableType] = [Text(_text(self.title), style="bold"), ""] if self.title else []
        caption: list[RenderableType] = [Text(_text(self.caption), style="dim italic")] if self.caption else []
        return Group(*title, *(part for row in rows for part in self._paragraph(row)), *caption)

    def _paragraph(self, row: Sequence[Any]) -> Iterator[RenderableType]:
        headers = [_text(column.header) if self.show_header else "" for column in self.columns]
        first, *others = [_text(cell) for cell in row]
        pairs = zip(headers[1:], others, strict=True)
        text = "; ".join(f"{_one_line(header)} {_one_line(cell)}".strip() for header, cell in pairs if cell)
        yield Text(f"{_one_line(headers[0])} {first}".strip(), style="bold")
        yield Padding.indent(Text(text), _INDENT)


def titled_table(title: str, **options: Any) -> FittingTable:
    """An empty table with its title at the left and a line below its header."""
    table = FittingTable(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, **options)
    table.pad_edge = False
    return table


def name_lines(name: str) -> Text:
    r"""The name of a run in a table: experiment and network on separate lines, which need fewer columns.

    >>> str(name_lines("edit-2/net"))
    'edit-2/\nnet'
    """
    return Text(name.replace("/", "/\n"), overflow="fold")


class FirstFittingTable:
    """The first of several forms of a table that fits the width.

    Attributes:
        tables: From the most to the least detailed.
    """

    def __init__(self, tables: Sequence[FittingTable]) -> None:
        self.tables = tables

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render the first table that fits, or the last one."""
        yield self.fitting_table(options.max_width)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Any:
        """The width of the table that is rendered."""
        return console.measure(self.fitting_table(options.max_width), options=options)

    def fitting_table(self, width: int) -> FittingTable:
        """The first table that fits a width, or the last one."""
        return next((table for table in self.tables if table.least_width() <= width), self.tables[-1])


def _natural_width(table: FittingTable) -> int:
    pairs = ((table._full_width(column), column.max_width) for column in table.columns)
    return sum(min(full, most or full) for full, most in pairs) + _frame_width(table)


def _frame_width(table: Table) -> int:
    """The width of the padding and the lines of a table."""
    _, right, _, left = table.padding
    num_columns = len(table.columns)
    edges = 0 if table.pad_edge else left + right
    lines = (num_columns - 1 + 2 * table.show_edge) if table.box else 0
    return num_columns * (left + right) - edges + lines


def _share_width(least: Sequence[int], full: Sequence[int], width: int) -> list[int]:
    """Widths of columns that sum to at most a width: what is left is given to the narrowest ones first.

    >>> _share_width([4, 5, 3], [4, 20, 10], 21)
    [4, 9, 8]
    """
    widths = list(least)
    for _ in range(width - sum(least)):
        growing = [k for k, (now, most) in enumerate(zip(widths, full, strict=True)) if now < most]
        if growing:
            widths[min(growing, key=lambda k: widths[k])] += 1
    return widths


def _text(cell: Any) -> str:
    return cell.plain if isinstance(cell, Text) else "" if cell is None else str(cell)


def _one_line(text: str) -> str:
    return " ".join(text.split("\n"))
