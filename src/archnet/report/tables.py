"""Tables as the terminal prints them."""

from __future__ import annotations

from rich import box
from rich.table import Table


def titled_table(title: str) -> Table:
    """An empty table with its title at the left and a line below its header."""
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
