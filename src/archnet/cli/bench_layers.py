"""The table of `archnet bench --layers`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from archnet.runs.benchmark.layer_speeds import LayerSpeed


def layer_table(speeds: Sequence[LayerSpeed], precision: str, device: str) -> Table:
    """A table with a row for each type of layer and number of channels.

    Args:
        speeds: Result of `measure_layers`.
        precision: The compute dtype.
        device: Description of the device.
    """
    from rich import box

    from archnet.report.tables import FittingTable

    table = FittingTable(
        title=f"Layers relative to a dense convolution with the same receptive field, {precision}",
        caption=f"{device}; medians over rounds that measure both.\nerror: outputs and gradients, relative to Keras.",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("layer", no_wrap=True)
    for name in ("channels", "dense step", "mult-adds", "step", "inference", "error"):
        table.add_column(name, justify="right", no_wrap=True)
    for _, rows in groupby(speeds, key=lambda speed: speed.kind):
        for number, speed in enumerate(rows):
            table.add_row("" if number else speed.kind, *_cells(speed))
    return table


def _cells(speed: LayerSpeed) -> tuple[str, ...]:
    return (
        str(speed.channels),
        f"{speed.dense_step_seconds * 1000:.3g} ms",
        f"{speed.macs_ratio:.3f}",
        f"{speed.step_ratio:.2f}",
        f"{speed.inference_ratio:.2f}",
        f"{speed.error:.0e}",
    )
