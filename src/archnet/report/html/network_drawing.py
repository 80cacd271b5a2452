"""Figure of a network: each layer is a block whose height, width and depth show slice size, channels and slices.

Branches are lanes that split and join, skip connections are arcs, and repeated layers and layers on planes have a
frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from archnet.report.html.network_layout import (
    COLUMN_WIDTH,
    GROUND,
    MARGIN,
    Canvas,
    NetworkLayout,
    block_extent,
    block_lines,
    height_above,
    height_below,
    item_width,
    num_text_lines,
)
from archnet.report.html.network_tree import Block, Group, Item, network_items
from archnet.report.units import count_text
from archnet.report.wording import shape
from archnet.spec.layers import LAYERS

COLUMNS_PER_ROW: Final = {"wide": 10, "medium": 7, "narrow": 3}
"""Number of columns on a wide page, on a tablet and on a phone."""

_COLORS: Final = {"features": 0, "dense": 1, "pooling": 2, "classes": 3, "other": 5}
"""Indices of the page's colours for the families of `Traits.drawn_as`."""


def network_drawing(summary: Mapping[str, Any], columns_per_row: Mapping[str, int] = COLUMNS_PER_ROW) -> dict[str, Any]:
    """The values of the template for a network.

    Args:
        summary: The content of `network.json`.
        columns_per_row: The maximum number of columns of each layout, by its name.
    """
    layers = [_input_layer(summary), *summary["layers"]]
    items = (Block(row=layers[0]), *network_items(summary["layers"]))
    return {
        "layouts": {
            name: [_draw_row(row, summary) for row in _rows(items, num_columns)]
            for name, num_columns in columns_per_row.items()
        },
        "column": COLUMN_WIDTH,
        "alt": "The network. " + "; ".join(_layer_text(layer) for layer in layers) + ".",
    }


def _input_layer(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The input as a layer."""
    return {"type": "input", "summary": "", "output_shape": summary["input_shape"], "parameters": 0, "macs": 0}


def _layer_text(layer: Mapping[str, Any]) -> str:
    return f"{layer['type']} {layer['summary']}".strip() + f": {shape(layer['output_shape'])}"


def _rows(items: Sequence[Item], most_columns: int) -> Iterator[Sequence[Item]]:
    """Arrange items in as few rows as a maximum number of columns allows, and these of similar width."""
    parts = list(_parts(items))
    fewest = len(list(_fill_rows(parts, most_columns)))
    rows = (list(_fill_rows(parts, num_columns)) for num_columns in range(1, most_columns + 1))
    yield from next(found for found in rows if len(found) == fewest)


def _fill_rows(parts: Sequence[Sequence[Item]], num_columns: int) -> Iterator[Sequence[Item]]:
    """Rows of a width, which a wide part and the margin of a group may exceed."""
    row: list[Item] = []
    for part in parts:
        if row and _width([*row, *part]) > COLUMN_WIDTH * num_columns + MARGIN:
            yield row
            row = []
        row += part
    yield row


def _width(items: Sequence[Item]) -> float:
    return sum(map(item_width, items))


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Items kept in one row: a group and the block that joins its lanes, or one item."""
    position = 0
    while position < len(items):
        length = 2 if isinstance(items[position], Group) and isinstance(items[position + 1], Block) else 1
        yield items[position : position + length]
        position += length


def _draw_row(items: Sequence[Item], summary: Mapping[str, Any]) -> dict[str, Any]:
    largest, lines = summary["input_shape"], num_text_lines(items)
    y, width = max(GROUND, height_above(items, largest)), _width(items)
    canvas = Canvas()
    start, end = (COLUMN_WIDTH / 2 if isinstance(item, Block) else 0 for item in (items[0], items[-1]))
    canvas.flows.append(f"M{start:g} {y:g}H{width - end:g}")
    NetworkLayout(canvas=canvas, largest=largest).draw_sequence(items, 0, y, lines)
    return {
        "blocks": [_block(part, summary) for part in canvas.blocks],
        "flows": canvas.flows,
        "frames": canvas.frames,
        "notes": canvas.notes,
        "width": width,
        "height": y + height_below(items, lines, largest),
    }


def _block(part: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, Any]:
    layer = part["row"]
    sizes = layer["output_shape"]
    height, width, depth = block_extent(sizes, summary["input_shape"])
    return {
        "x": part["x"],
        "y": part["y"],
        "most": part["lines"],
        "height": height,
        "width": width,
        "depth": depth,
        "left": round((COLUMN_WIDTH - width - depth) / 2, 1),
        "colour": _COLORS[_family(layer["type"])],
        "place": layer["place"].partition(" #")[0] if "place" in layer else None,
        "type": layer["type"],
        "lines": block_lines(layer),
        "shape": "×".join(map(str, sizes)),
        "parameters": layer["parameters"],
        "macs": layer["macs"],
        "costs": [
            {"text": f"{count_text(layer[key])} {noun}", "share": layer[key] / summary[key] if summary[key] else 0}
            for key, noun in (("parameters", "params"), ("macs", "mult-adds"))
            if layer["type"] != "input"
        ],
    }


def _family(layer_type: str) -> str:
    """The style of a layer; the input and unknown types of newer versions have the style of other layers."""
    return LAYERS[layer_type].traits.drawn_as if layer_type in LAYERS else "other"
