"""A network's layers as a table for the terminal; light, so that `archnet show` answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table


def network_table(name: str, summary: Mapping[str, Any]) -> Table:
    """The layers with shapes and costs, and the totals.

    Args:
        name: Of the architecture.
        summary: Of `spec.cost.network_summary`.
    """
    training = bytes_text(summary["training_bytes"])
    table = Table(
        title=f"{name}, input {'x'.join(map(str, summary['input_shape']))}",
        caption=f"Training takes about {training} at batch size {summary['batch_size']} (float32, Adam; an estimate).",
        box=box.SIMPLE_HEAD,
        show_footer=True,
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("place", footer="total", no_wrap=True)
    table.add_column("layer")
    table.add_column("output", justify="right", no_wrap=True)
    table.add_column("parameters", f"{summary['parameters']:,}", justify="right", no_wrap=True)
    table.add_column("mult-adds", count_text(summary["macs"]), justify="right", no_wrap=True)
    table.add_column("memory/case", bytes_text(summary["activation_bytes"]), justify="right", no_wrap=True)
    for row in summary["layers"]:
        table.add_row(
            short_place(row["place"]),
            f"{row['type']} {row['summary']}",
            "x".join(map(str, row["output_shape"])),
            f"{row['parameters']:,}",
            count_text(row["macs"]),
            bytes_text(row["activation_bytes"]),
        )
    return table


def short_place(place: str) -> str:
    """A layer's place without the word that repeats.

    >>> short_place("$.layers[3].layers[0] #2")
    '3.0 #2'
    """
    return place.removeprefix("$.layers[").replace("].layers[", ".").replace("]", "")


def count_text(number: float) -> str:
    """A count as people read it.

    >>> count_text(157_510_108), count_text(20)
    ('158 M', '20')
    """
    return _scaled(number, ("", "k", "M", "G"))


def bytes_text(number: float) -> str:
    """A number of bytes as people read it, in decimal units.

    >>> bytes_text(8_755_723_200), bytes_text(40)
    ('8.76 GB', '40 B')
    """
    return _scaled(number, ("B", "kB", "MB", "GB"))


def _scaled(number: float, units: tuple[str, ...]) -> str:
    for unit in units[:-1]:
        if number < 1000:
            return f"{number:.3g} {unit}".rstrip()
        number /= 1000
    return f"{number:.3g} {units[-1]}"
