"""Whether a table is readable in a narrow terminal: every word and number of every column is printed."""

import io

from rich.columns import Columns
from rich.console import Console, Group
from rich.text import Text

from archnet.report.tables import MIN_FOLDED, FirstFittingTable, FittingTable

NARROW = (60, 80)


def narrow_text(renderable, width):
    """What is printed, after a check that no line is too long and that nothing of a table is missing."""
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(renderable)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    words = set(text.replace(";", " ").split())
    for table in tables_in(renderable, width):
        missing = [word for word in words_of(table) if word not in words]
        assert missing == [], text
    return text


def tables_in(renderable, width):
    """The tables of a renderable; of several forms of a table the one that is printed."""
    if isinstance(renderable, FittingTable):
        yield renderable
    elif isinstance(renderable, FirstFittingTable):
        yield renderable.fitting_table(width)
    for part in renderable.renderables if isinstance(renderable, Group | Columns) else ():
        yield from tables_in(part, width)


def words_of(table):
    """The words of headers and cells, but for long ones in columns that fold them."""
    for column in table.columns:
        for cell in [column.header, *column.cells]:
            text = cell.plain if isinstance(cell, Text) else str(cell)
            for word in text.replace(";", " ").split():
                if column.overflow != "fold" or len(word) <= MIN_FOLDED:
                    yield word
