"""The layers of an architecture as a table for notebooks."""

from __future__ import annotations

from collections.abc import Iterable

from archnet.errors import DocumentError
from archnet.files.strict_json import path_text
from archnet.report.html.notebook_elements import paragraph, table
from archnet.report.network_table import short_location, training_text
from archnet.report.units import bytes_text, count_text
from archnet.spec.arch import Arch
from archnet.spec.cost import network_summary
from archnet.spec.layers import TYPE_NAMES, walk
from archnet.spec.memory import estimate_memory, plan_micro_batches

_BATCH_SIZE = 64
"""Batch size of the predicted training memory, as in `archnet show`."""


def arch_html(arch: Arch) -> str:
    """The layers of an architecture with shapes and costs, as `archnet show` prints them.

    If the architecture does not fit its default input, the table contains only the layers.
    """
    try:
        plan = arch.plan()
    except DocumentError:
        return _layers_html(arch)
    summary = network_summary(plan, plan_micro_batches(estimate_memory(plan), _BATCH_SIZE))
    rows = [
        (
            short_location(layer["place"]),
            f"{layer['type']} {layer['summary']}",
            _sizes(layer["output_shape"]),
            f"{layer['parameters']:,}",
            count_text(layer["macs"]),
            bytes_text(layer["activation_bytes"]),
        )
        for layer in summary["layers"]
    ]
    total = (f"{summary['parameters']:,}", count_text(summary["macs"]), bytes_text(summary["activation_bytes"]))
    return table(
        f"{arch.name}, input {_sizes(summary['input_shape'])}",
        ("place", "layer", "output", "parameters", "mult-adds", "memory/case"),
        [*rows, ("total", "", "", *total)],
        num_texts=2,
    ) + paragraph(training_text(summary))


def _layers_html(arch: Arch) -> str:
    """The layers without shapes."""
    rows = [
        (short_location(path_text(path)), f"{TYPE_NAMES[type(layer)]} {layer.summary()}")
        for path, layer in walk(arch.layers, ("layers",))
    ]
    return table(f"{arch.name}, {arch.rank}D", ("place", "layer"), rows, num_texts=2)


def _sizes(sizes: Iterable[int]) -> str:
    return "x".join(map(str, sizes))
