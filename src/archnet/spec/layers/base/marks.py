"""Marks on the fields of layers, which determine how documents are read and layers are traversed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from archnet.files.strict_json import JsonPath

INNER_LAYERS: Final = {"inner_layers": True}
"""Mark of a field with a list of layers, or a list of such lists."""

INNER_PLANE_LAYERS: Final = {"inner_layers": True, "inner_rank": 2}
"""Mark of a field with 2D layers, regardless of the rank of the network."""

PERCENTAGE: Final = {"percentage": True}
"""Mark of a field that is a percentage, so that a fraction such as 0.25 causes a warning."""

WIDTH: Final = {"width": True}
"""Mark of a field that is a number of filters or units."""

NUM_CLASSES: Final = {"in_document": False}
"""Mark of the field with the number of classes, which the data set determines, not the document."""


def per_axis(default: int | None = None, *, default_field: str | None = None) -> dict[str, Any]:
    """Mark a field with one value per spatial axis; a document may give one number for all axes, or omit it.

    Args:
        default: The value if the document gives none.
        default_field: The field whose value is used if the document gives none.
    """
    return {"per_axis": True, "default": default, "default_field": default_field, "has_axes": True}


def document_form(
    read: Callable[[Any, int], Any], write: Callable[[Any], Any], *, has_axes: bool = False
) -> dict[str, Any]:
    """Mark a field whose value has a different form in documents.

    Args:
        read: Converts a document's value and the number of spatial axes to the field's value.
        write: Converts the field's value to the document's.
        has_axes: Whether an array in the document has one entry for each spatial axis.
    """
    return {"read": read, "write": write, "has_axes": has_axes}


def layer_lists(value: Any, path: JsonPath) -> Iterator[tuple[JsonPath, Any]]:
    """Yield the lists of layers in the value of a field or key with the mark `INNER_LAYERS`, with their paths.

    >>> list(layer_lists([["a"], []], ("branches",)))
    [(('branches', 0), ['a']), (('branches', 1), [])]
    """
    if not isinstance(value, list | tuple):
        return
    if value and all(isinstance(entry, list | tuple) for entry in value):
        for index, entry in enumerate(value):
            yield (*path, index), entry
    else:
        yield path, value
