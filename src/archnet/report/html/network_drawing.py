"""Network drawing: each layer as a block, tall as its slices, wide as its channels, deep as its stack of slices."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

from archnet.report.units import count_text
from archnet.report.wording import shape
from archnet.spec.layers import LAYERS

COLUMN_WIDTH: Final = 100
BLOCKS_PER_ROW: Final = 10
GROUND: Final = 128  # y of the blocks' lower edge
_TALLEST = 88
_WIDEST = 52
_DEEPEST = 26
_COLORS: Final = {"features": 0, "dense": 1, "pooling": 2, "classes": 3, "other": 5}
"""Numbers of the page's colors for the families that `Traits.drawn_as` names."""


def network_drawing(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What the template draws a network from.

    Args:
        summary: The content of `network.json`.
    """
    layers = [_input_layer(summary), *summary["layers"]]
    largest = summary["input_shape"]
    blocks = [_block(layer, largest, summary) for layer in layers]
    row_length = math.ceil(len(blocks) / math.ceil(len(blocks) / BLOCKS_PER_ROW))  # rows of like length
    rows = [blocks[start : start + row_length] for start in range(0, len(blocks), row_length)]
    return {
        "rows": [{"blocks": row, "height": _row_height(row)} for row in rows],
        "column": COLUMN_WIDTH,
        "ground": GROUND,
        "alt": "The network. " + "; ".join(_layer_text(layer) for layer in layers) + ".",
    }


def _input_layer(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The input as if it were a layer."""
    return {"type": "input", "summary": "", "output_shape": summary["input_shape"], "parameters": 0, "macs": 0}


def _layer_text(layer: Mapping[str, Any]) -> str:
    return f"{layer['type']} {layer['summary']}".strip() + f": {shape(layer['output_shape'])}"


def _block(layer: Mapping[str, Any], largest: Sequence[int], summary: Mapping[str, Any]) -> dict[str, Any]:
    sizes = layer["output_shape"]
    height, width, depth = _extent(sizes, largest)
    return {
        "height": height,
        "width": width,
        "depth": depth,
        "left": round((COLUMN_WIDTH - width - depth) / 2, 1),
        "colour": _COLORS[_family(layer["type"])],
        "type": layer["type"],
        "lines": textwrap.wrap(layer["summary"], 16),
        "shape": "×".join(map(str, sizes)),
        "costs": [
            {"text": f"{count_text(layer[key])} {noun}", "share": layer[key] / summary[key] if summary[key] else 0}
            for key, noun in (("parameters", "params"), ("macs", "mult-adds"))
            if layer["type"] != "input"
        ],
    }


def _family(layer_type: str) -> str:
    """The style of a layer; the input and unknown types of newer versions have the style of other layers."""
    return LAYERS[layer_type].traits.drawn_as if layer_type in LAYERS else "other"


def _extent(sizes: Sequence[int], largest: Sequence[int]) -> tuple[float, float, float]:
    """Height, width and depth of a block in pixels, the depth 0 for what has no third axis.

    >>> _extent([64, 64, 1], [64, 64, 1]), _extent([10], [64, 64, 1])
    ((88.0, 11.0, 0.0), (35.1, 9.0, 0.0))
    """
    if len(sizes) == 1:
        return round(min(_TALLEST, 8 + 8 * math.log2(sizes[0] + 0.5)), 1), 9.0, 0.0
    height = 12 + (_TALLEST - 12) * math.sqrt(min(1.0, sizes[0] / largest[0]))
    width = min(_WIDEST, 6 + 5 * math.log2(sizes[-1] + 1))
    depth = 4 + (_DEEPEST - 4) * math.sqrt(min(1.0, sizes[2] / largest[2])) if len(sizes) == 4 else 0.0
    return round(height, 1), round(width, 1), round(depth, 1)


def _row_height(row: Sequence[Mapping[str, Any]]) -> int:
    """Height of a row's drawing: blocks, then type, summary, shape and costs below each other."""
    return GROUND + 14 * (2 + max(len(block["lines"]) for block in row)) + 2 * 20 + 8
