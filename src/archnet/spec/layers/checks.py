"""Checks of layer documents that do not require shapes: the order of types, and the common rank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from archnet.files.strict_json import JsonPath, Problem, path_text
from archnet.spec.layers import PER_AXIS_KEYS, inner_documents, inner_rank, layer_class


def order_problems(layers: list[Any], path: JsonPath) -> Iterator[Problem]:
    """Yield problems that follow from the order of layer types alone.

    Args:
        layers: The documents of a whole architecture, valid or not.
        path: JSON path of the list.
    """
    yield from _terminal_problems(layers, path)
    yield from _flat_problems(layers, path, None)[0]
    yield from _key_problems(layers, path)


def _terminal_problems(layers: list[Any], path: JsonPath) -> Iterator[Problem]:
    terminals = [index for index, layer in enumerate(layers) if _is_terminal(layer)]
    if not terminals:
        yield path, 'the layer T is missing. End the list with {"type": "T"}.'
    for index in terminals[1:]:
        first = path_text((*path, terminals[0]))
        yield (*path, index), f"this is another T, after the one at {first}. Keep only the last one."
    if len(terminals) == 1 and terminals[0] != len(layers) - 1:
        yield (*path, terminals[0]), f"T must be the last layer, but {len(layers) - 1 - terminals[0]} more follow."


def _key_problems(layers: list[Any], path: JsonPath) -> Iterator[Problem]:
    """Contradictory keys of a layer."""
    for index, layer in enumerate(layers):
        kind = layer_class(layer)
        for key, text in kind.document_problems(layer) if kind else ():
            yield (*path, index, key), text
        for inner_path, inner in inner_documents(layer) if isinstance(layer, dict) else ():
            yield from _key_problems(inner, (*path, index, *inner_path))


_FLAT_REMEDY: Final = "End every branch with GAP, or none."


def _is_terminal(document: Any) -> bool:
    kind = layer_class(document)
    return kind is not None and kind.traits.is_terminal


def _flat_problems(layers: list[Any], path: JsonPath, flattened_by: str | None) -> tuple[list[Problem], str | None]:
    """Yield layers that need spatial axes after another layer has flattened them, and layers that are not allowed."""
    problems: list[Problem] = []
    for index, layer in enumerate(layers):
        kind, layer_path = layer_class(layer), (*path, index)
        if kind is None:
            continue
        if flattened_by and kind.traits.needs_spatial_axes:
            text = f"{layer['type']} needs spatial axes, but {flattened_by} has flattened them. Move it earlier."
            problems.append((layer_path, text))
            continue
        before = flattened_by
        if kind.traits.flattens and not kind.traits.is_terminal:
            flattened_by = flattened_by or f"{layer['type']} at {path_text(layer_path)}"
        inner_problems, inner_flattened_by = _inner_flat_problems(layer, layer_path, before)
        problems += inner_problems
        flattened_by = flattened_by or inner_flattened_by
    return problems, flattened_by


def _inner_flat_problems(
    layer: dict[str, Any], path: JsonPath, flattened_by: str | None
) -> tuple[list[Problem], str | None]:
    """Results of `_flat_problems` for the inner layers of a layer, each list of which receives the layer's input."""
    problems: list[Problem] = []
    flat_lists: dict[JsonPath, str | None] = {}
    for inner_path, inner in inner_documents(layer):
        list_path = (*path, *inner_path)
        problems += _inner_problems(inner, list_path, layer)
        list_problems, flat_lists[list_path] = _flat_problems(inner, list_path, flattened_by)
        problems += list_problems
    flat = next(filter(None, flat_lists.values()), None)
    maps = [list_path for list_path, is_flat in flat_lists.items() if not is_flat]
    kind = layer_class(layer)
    if flat and maps and not (kind and kind.traits.holds_maps_only):
        problems.append((maps[0], f"keeps spatial axes, but {flat} has flattened another branch. {_FLAT_REMEDY}"))
    return problems, flattened_by or flat


def _inner_problems(layers: list[Any], path: JsonPath, holder: dict[str, Any]) -> Iterator[Problem]:
    """Yield layers that another layer cannot contain, including those inside a `REP`."""
    holder_class = layer_class(holder)
    holds_maps_only = holder_class is not None and holder_class.traits.holds_maps_only
    for index, layer in enumerate(layers):
        kind = layer_class(layer)
        if kind is None:
            continue
        if kind.traits.is_terminal or (holds_maps_only and kind.traits.flattens):
            yield (*path, index), f"{layer['type']} is not allowed in {holder['type']}. Move it out."
        if holds_maps_only and not (kind.traits.holds_maps_only or kind.traits.flattens):
            for inner_path, inner in inner_documents(layer):
                yield from _inner_problems(inner, (*path, index, *inner_path), holder)


def infer_rank(value: Mapping[str, Any], path: JsonPath) -> tuple[int | None, list[Problem]]:
    """Infer the rank of an architecture document from its `rank` and its arrays of sizes.

    Args:
        value: The document as an object, valid or not.
        path: JSON path of its layers.
    """
    arrays = list(_size_arrays(value["layers"], path, None))
    ranks = [(place, len(sizes)) for place, sizes, fixed in arrays if fixed is None and len(sizes) in (2, 3)]
    ranks += [(place, 3) for place in _volume_layers(value["layers"], path)]
    if isinstance(value.get("input_shape"), list) and len(value["input_shape"]) in (2, 3):
        ranks.append((("input_shape",), len(value["input_shape"])))
    if value.get("rank") in (2, 3):
        ranks.insert(0, (("rank",), value["rank"]))
    if not ranks:
        remedy = 'Add "rank": 2 or "rank": 3 next to "layers".'
        return None, [((), f"no array of sizes determines whether this is a 2D or 3D network. {remedy}")]
    first, rank = ranks[0]
    problems = [
        (place, f"this is {other}D, but {path_text(first)} is {rank}D. Use one rank throughout.")
        for place, other in ranks
        if other != rank
    ]
    problems += [
        (place, f"this is {len(sizes)}D, but the layers here are {fixed}D. Give {fixed} sizes.")
        for place, sizes, fixed in arrays
        if fixed is not None and len(sizes) in (2, 3) and len(sizes) != fixed
    ]
    return rank, problems


def _size_arrays(
    layers: list[Any], path: JsonPath, fixed: int | None
) -> Iterator[tuple[JsonPath, list[Any], int | None]]:
    """Yield every array with one size per axis, with its path and its required rank, if that is fixed."""
    for index, layer in enumerate(layers):
        if not isinstance(layer, dict):
            continue
        for key in PER_AXIS_KEYS:
            if isinstance(layer.get(key), list):
                yield (*path, index, key), layer[key], fixed
        for inner_path, inner in inner_documents(layer):
            yield from _size_arrays(inner, (*path, index, *inner_path), inner_rank(layer, fixed))


def _volume_layers(layers: list[Any], path: JsonPath) -> Iterator[JsonPath]:
    """Yield every layer whose inner layers have a different rank than the network, whose rank is then 3."""
    for index, layer in enumerate(layers):
        if not isinstance(layer, dict):
            continue
        if inner_rank(layer, None) is not None:
            yield (*path, index)
            continue
        for inner_path, inner in inner_documents(layer):
            yield from _volume_layers(inner, (*path, index, *inner_path))
