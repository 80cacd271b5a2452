"""The layers of a network as a table for the terminal, without slow imports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from rich import box

from archnet.report.tables import FittingTable
from archnet.report.units import bytes_text, count_text

MAX_ROWS: Final = 300
"""Maximum number of layers that the table lists."""


def network_table(name: str, summary: Mapping[str, Any]) -> FittingTable:
    """The layers with shapes and costs, and the totals; of a very deep network, only the first and the last layers.

    Args:
        name: Name of the architecture.
        summary: Result of `spec.cost.network_summary`.
    """
    table = FittingTable(
        title=f"{name}, input {'x'.join(map(str, summary['input_shape']))}",
        caption="\n".join(filter(None, (receptive_field_text(summary), training_text(summary)))),
        box=box.SIMPLE_HEAD,
        show_footer=True,
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("place", footer="total", no_wrap=True)
    table.add_column("layer")
    table.add_column("output", justify="right")
    table.add_column("parameters", f"{summary['parameters']:,}", justify="right")
    table.add_column("mult-adds", count_text(summary["macs"]), justify="right")
    table.add_column("memory/case", bytes_text(summary["activation_bytes"]), justify="right")
    rows = summary["layers"]
    num_hidden = max(len(rows) - MAX_ROWS, 0)
    num_first = MAX_ROWS // 2 if num_hidden else len(rows)
    for row in rows[:num_first]:
        table.add_row(*_cells(row))
    if num_hidden:
        table.add_row("...", f"{num_hidden:,} more")
        table.caption = f"{table.caption}\n--json lists all {len(rows):,} layers."
    for row in rows[num_first + num_hidden :]:
        table.add_row(*_cells(row))
    return table


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        short_location(row["place"]),
        f"{row['type']} {row['summary']}",
        "x".join(map(str, row["output_shape"])),
        f"{row['parameters']:,}",
        count_text(row["macs"]),
        bytes_text(row["activation_bytes"]),
    )


def receptive_field_text(summary: Mapping[str, Any]) -> str:
    """The receptive field of the last feature map in one sentence; empty without such a map.

    >>> receptive_field_text({"receptive_field": [43, 43, 7], "features_depend_on_whole_input": False})
    'The receptive field of the last feature map is 43x43x7 voxels.'
    """
    if "receptive_field" not in summary:
        return ""
    size = "x".join(map(str, summary["receptive_field"]))
    whole = "; attention or normalization extends it to the whole input" * summary["features_depend_on_whole_input"]
    return f"The receptive field of the last feature map is {size} voxels{whole}."


def training_text(summary: Mapping[str, Any]) -> str:
    """The memory for training, and the number of micro-batches of a batch.

    >>> training_text({"batch_size": 300, "micro_batch": 43, "parts": 7, "training_bytes": 3e9, "memory_bytes": 4e9})
    'Training takes 3 GB of 4 GB at batch size 300, in 7 micro-batches of at most 43 (predicted for float32 and AdamW).'
    """
    limit = f" of {bytes_text(summary['memory_bytes'])}" if summary["memory_bytes"] else ""
    micro_batches = (
        f", in {summary['parts']} micro-batches of at most {summary['micro_batch']}" if summary["parts"] > 1 else ""
    )
    usage = f"{bytes_text(summary['training_bytes'])}{limit} at batch size {summary['batch_size']}{micro_batches}"
    return f"Training takes {usage} (predicted for float32 and AdamW)."


def short_location(location: str) -> str:
    """A layer's location as indices; layers of a shortcut are marked to distinguish them from those of the block.

    >>> short_location("$.layers[3].layers[0] #2"), short_location("$.layers[3].branches[1][0]")
    ('3.0 #2', '3.1.0')
    >>> short_location("$.layers[3].shortcut[0]")
    '3.shortcut.0'
    """
    path, space, repetition = location.partition(" ")
    return ".".join(re.findall(r"shortcut|(?<=\[)\d+", path)) + space + repetition
