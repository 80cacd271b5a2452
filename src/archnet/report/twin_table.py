"""A table that compares a twin with its original, for the terminal, without slow imports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box

from archnet.report.tables import FittingTable
from archnet.report.units import count_text


def twin_table(document: Mapping[str, Any]) -> FittingTable:
    """Input, costs and receptive field of an original and its twin, with the relative differences in cost.

    Args:
        document: Result of `spec.twins.twin_summary.twin_summary`.
    """
    sides = document["original"], document["twin"]
    table = FittingTable(box=box.SIMPLE_HEAD)
    table.add_column("")
    for side in sides:
        table.add_column(side["name"], justify="right", overflow="fold")
    table.add_column("difference", justify="right")
    table.add_row("network", *(side["form"] for side in sides))
    table.add_row("input", *(_sizes(side["input_shape"]) for side in sides))
    table.add_row("parameters", *(f"{side['parameters']:,}" for side in sides), _difference(document, "parameters"))
    table.add_row("multiply-adds", *(count_text(side["macs"]) for side in sides), _difference(document, "macs"))
    table.add_row("receptive field", *map(_receptive_field, sides))
    return table


def twin_lines(document: Mapping[str, Any]) -> list[str]:
    """Lines with the scale factor of the widths and the notes.

    >>> twin_lines({"match": "macs", "factor": 0.58, "notes": []})
    ['The widths are scaled by 0.58.']
    """
    factor = [] if document["match"] == "none" else [f"The widths are scaled by {document['factor']:g}."]
    return [*factor, *document["notes"]]


def _sizes(shape: list[int]) -> str:
    return "x".join(map(str, shape))


def _difference(document: Mapping[str, Any], key: str) -> str:
    """The relative difference of a cost in percent, or as a factor if the twin has more than twice the cost."""
    ratio = document["twin"][key] / document["original"][key]
    return f"{ratio - 1:+.1%}" if ratio < 2 else f"x {ratio:.3g}"


def _receptive_field(side: Mapping[str, Any]) -> str:
    if "receptive_field" not in side:
        return "none"
    return "whole input" if side["features_depend_on_whole_input"] else _sizes(side["receptive_field"])
