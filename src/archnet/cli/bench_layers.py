"""The table of `archnet bench --layers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from archnet.runs.benchmark.layer_speeds import LayerSpeed


def layer_table(speeds: Sequence[LayerSpeed], precision: str, device: str) -> Table:
    """A row for each kind of layer and number of channels.

    Args:
        speeds: What `measure_layers` returns.
        precision: The compute dtype.
        device: What ran, for people.
    """
    from rich import box
    from rich.table import Table

    table = Table(
        title=f"Kinds of layers beside the dense convolution that sees as much, {precision}",
        caption=f"{device}; medians of rounds in which both ran. Difference: of outputs and gradients from Keras's.",
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("layer", no_wrap=True)
    for name in ("channels", "input", "dense step", "mult-adds", "step", "inference", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    previous = ""
    for speed in speeds:
        if previous not in ("", speed.kind):
            table.add_section()
        table.add_row("" if speed.kind == previous else speed.kind, *_cells(speed))
        previous = speed.kind
    return table


def _cells(speed: LayerSpeed) -> tuple[str, ...]:
    return (
        str(speed.channels),
        "x".join(map(str, speed.input_shape)),
        f"{speed.dense_step_seconds * 1000:.3g} ms",
        f"{speed.macs_ratio:.3f}",
        f"{speed.step_ratio:.2f}",
        f"{speed.inference_ratio:.2f}",
        f"{speed.error:.0e}",
    )
