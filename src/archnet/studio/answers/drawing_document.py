"""The drawing of a network, as the report shows it, with the JSON path of each block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from archnet.report.html.network_drawing import network_drawing
from archnet.spec.arch import Arch
from archnet.spec.cost import network_summary
from archnet.spec.layers import Shape
from archnet.spec.memory import estimate_memory, plan_micro_batches
from archnet.spec.outputs.schema_parts import BOOLEAN, COUNT, NUMBER, TEXT, list_of, nullable, record_of

_BLOCK: Final = record_of(
    {
        "place": {**nullable(TEXT), "description": "JSON path of the layer; null for the input."},
        "x": NUMBER,
        "y": NUMBER,
        "most": COUNT,
        "height": NUMBER,
        "width": NUMBER,
        "depth": NUMBER,
        "left": NUMBER,
        "colour": COUNT,
        "type": TEXT,
        "lines": list_of(TEXT),
        "shape": TEXT,
        "parameters": COUNT,
        "macs": COUNT,
    }
)
_ROW: Final = record_of(
    {
        "blocks": list_of(_BLOCK),
        "flows": list_of({**TEXT, "description": "Path data of SVG."}),
        "frames": list_of(record_of({"x": NUMBER, "y": NUMBER, "width": NUMBER, "height": NUMBER})),
        "notes": list_of(record_of({"x": NUMBER, "y": NUMBER, "text": TEXT, "is_title": BOOLEAN})),
        "width": NUMBER,
        "height": NUMBER,
    }
)
DRAWING: Final = record_of(
    {
        "rows": {**list_of(_ROW), "description": "Rows of blocks from top to bottom, each with its own coordinates."},
        "column": {**NUMBER, "description": "Width of the column of a block."},
        "alt": {**TEXT, "description": "The network in words."},
    }
)

_LAYOUT: Final = "page"


def drawing_document(arch: Arch, input_shape: Shape | None, num_classes: int, num_columns: int) -> dict[str, Any]:
    """Compute the drawing of a network; see `DRAWING`.

    Args:
        arch: The architecture.
        input_shape: Spatial input; null for that of the document.
        num_classes: Number of classes.
        num_columns: Maximum number of columns of a row.

    Raises:
        DocumentError: The architecture does not fit the input.
    """
    plan = arch.plan(input_shape, num_classes)
    summary = network_summary(plan, plan_micro_batches(estimate_memory(plan), 1))
    drawing = network_drawing(summary, {_LAYOUT: num_columns})
    rows = [{**row, "blocks": [_block(block) for block in row["blocks"]]} for row in drawing["layouts"][_LAYOUT]]
    return {"rows": rows, "column": drawing["column"], "alt": drawing["alt"]}


def _block(block: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in block.items() if key != "costs"}
