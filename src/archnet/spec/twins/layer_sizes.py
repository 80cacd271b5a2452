"""Sizes of one layer document: an entry for the depth added or removed, in the form that the document uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, Final

from archnet.spec.layers import PER_AXIS_KEYS, Layer, Shape, inner_documents, layer_class, layer_document, parse_layer
from archnet.spec.layers.base.added_depth import DepthSizes

Sizes = dict[str, Any]

_DEPTH: Final = 2
"""Index of the depth among the entries of an array of sizes."""


def add_depth_entries(document: Sizes, sizes: DepthSizes) -> Sizes:
    """A 2D layer document with sizes along the depth.

    A number for all axes, or an absent key, is kept if it has the same meaning.

    >>> add_depth_entries({"type": "P", "pool": "max", "kernel_size": 2}, {"kernel_size": 1, "stride": 1})
    {'type': 'P', 'pool': 'max', 'kernel_size': [2, 2, 1]}

    Args:
        document: A valid layer document without inner layers.
        sizes: What `Layer.depth_sizes` returns.
    """
    plane = layer_document(parse_layer(document, 2))
    wanted = {key: [*plane[key], _entry_form(size)] for key, size in sizes.items()}
    written = {key: _extend(value, sizes[key]) if key in sizes else value for key, value in document.items()}
    for key, value in wanted.items():
        if layer_document(parse_layer(written, 3))[key] != value:
            written = _put(written, key, [_short_form(entry) for entry in value])
    return written


def _entry_form(size: Any) -> Any:
    return list(size) if isinstance(size, tuple) else size


def _short_form(entry: Any) -> Any:
    """Zeros at both ends of an axis as one number, if they are equal."""
    if not isinstance(entry, list):
        return entry
    first, last = entry
    return first if first == last else entry


def _extend(value: Any, size: Any) -> Any:
    """An array of sizes with an entry for the depth, in the form of the other entries; other values are unchanged."""
    if not isinstance(value, list):
        return value
    is_pair = isinstance(size, tuple) and any(isinstance(entry, list) for entry in value)
    entry = _entry_form(size)
    return [*value, entry if is_pair else _short_form(entry)]


def _put(document: Sizes, key: str, value: Any) -> Sizes:
    """A layer document with a key; a new one follows the key that precedes it in the layer's fields."""
    if key in document:
        return {**document, key: value}
    kind = layer_class(document)
    order = ["type", "description", *(item.name for item in fields(kind))] if kind else []
    before = [name for name in document if name in order and order.index(name) < order.index(key)]
    items = list(document.items())
    position = list(document).index(before[-1]) + 1
    return dict([*items[:position], (key, value), *items[position:]])


def remove_depth_entries(document: Sizes, *, writes_arrays: bool) -> Sizes:
    """A 3D layer document without sizes along the depth.

    >>> layer = {"type": "C", "num_output": 8, "kernel_size": [3, 3, 1]}
    >>> remove_depth_entries(layer, writes_arrays=False)["kernel_size"]
    3

    Args:
        document: A valid layer document.
        writes_arrays: Whether equal sizes of both axes are written as an array; see `uses_arrays`.
    """
    plane = {
        key: _without_depth(value, writes_arrays) if key in PER_AXIS_KEYS else value for key, value in document.items()
    }
    if writes_arrays:
        return plane
    for key in filter(PER_AXIS_KEYS.__contains__, document):
        shorter = _without_key(plane, key)
        is_spelled_out = _means_the_same(_without_key(document, key), document, 3)
        if not is_spelled_out and _means_the_same(shorter, plane, 2):
            plane = shorter
    return plane


def _without_key(document: Sizes, key: str) -> Sizes:
    return {name: value for name, value in document.items() if name != key}


def _without_depth(value: Any, writes_arrays: bool) -> Any:
    if not isinstance(value, list):
        return value
    height, width = value[:_DEPTH]
    return [height, width] if writes_arrays or height != width or isinstance(height, list) else height


def _means_the_same(document: Sizes, other: Sizes, rank: int) -> bool:
    """Whether a layer document without one of its keys, valid or not, describes the same layer."""
    kind = layer_class(document)
    missing = {item.name for item in fields(kind) if item.name not in document} if kind else set()
    if any(_is_required(kind, name) for name in missing):
        return False
    return parse_layer(document, rank) == parse_layer(other, rank)


def _is_required(kind: type[Layer] | None, key: str) -> bool:
    """Whether a layer type has no default for sizes along the axes."""
    marks = [item.metadata for item in fields(kind) if item.name == key] if kind else []
    return any(mark.get("per_axis") and mark["default"] is None and mark["default_field"] is None for mark in marks)


def uses_arrays(layers: Sequence[Any]) -> bool:
    """Whether layer documents write equal sizes of all axes as an array, such as [3, 3]."""
    return any(len(set(map(str, value))) == 1 for value in _size_arrays(layers))


def _size_arrays(layers: Sequence[Any]) -> Iterator[list[Any]]:
    for layer in layers:
        yield from (layer[key] for key in PER_AXIS_KEYS if isinstance(layer.get(key), list))
        for _, inner in inner_documents(layer):
            yield from _size_arrays(inner)


def lost_depth_sizes(layer: Layer, shape: Shape) -> dict[str, tuple[Any, Any]]:
    """The sizes along the depth of a 3D layer that differ from those that its 2D twin would get, by key.

    Args:
        layer: The 3D layer.
        shape: Shape of its input.
    """
    document = layer_document(layer)
    plane = parse_layer(remove_depth_entries(document, writes_arrays=True), 2)
    sizes = plane.depth_sizes(shape)
    return {
        key: (document[key][_DEPTH], _entry_form(size))
        for key, size in sizes.items()
        if document[key][_DEPTH] != _entry_form(size)
    }
