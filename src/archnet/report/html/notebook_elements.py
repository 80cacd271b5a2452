"""Paragraphs and tables as HTML without colours, to fit any notebook's theme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from archnet.files.terminal_text import escape_message

Row = Sequence[str]


def paragraph(text: str, *, is_strong: bool = False) -> str:
    """A text as a paragraph."""
    words = escape(escape_message(text))
    return f"<p>{f'<strong>{words}</strong>' if is_strong else words}</p>"


def table(caption: str, header: Row, rows: Iterable[Row], *, num_texts: int = 1) -> str:
    """An HTML table.

    Args:
        caption: Title of the table.
        header: Names of the columns.
        rows: Texts of the cells.
        num_texts: Number of leading text columns, which are left-aligned; the others hold numbers.
    """
    head = "".join(_cell("th", text, column, num_texts) for column, text in enumerate(header))
    body = "".join(
        f"<tr>{''.join(_cell('td', text, column, num_texts) for column, text in enumerate(row))}</tr>" for row in rows
    )
    title = f'<caption style="text-align:left"><strong>{escape(escape_message(caption))}</strong></caption>'
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(tag: str, text: str, column: int, num_texts: int) -> str:
    side = "left" if column < num_texts else "right"
    return f'<{tag} style="text-align:{side}">{escape(escape_message(text))}</{tag}>'
