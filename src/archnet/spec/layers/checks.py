"""Checks of layer documents that do not require shapes: the order of types, and the common rank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from archnet.files.documents.problems import InsertItem, Repair, remove_key
from archnet.files.strict_json import JsonPath, Problem, path_text
from archnet.spec.layers import PER_AXIS_KEYS, inner_documents, inner_rank, layer_class
from archnet.spec.layers.order_repairs import (
    add_rank,
    append_terminal,
    move_before,
    move_out,
    move_terminal_last,
    remove_terminal,
    resize_array,
)


def order_problems(layers: list[Any], path: JsonPath) -> Iterator[Problem]:
    """Yield problems that follow from the order of layer types alone.

    Args:
        layers: The documents of a whole architecture, valid or not.
        path: JSON path of the list.
    """
    yield from _terminal_problems(layers, path)
    yield from _FlatOrder(layers, path).find(layers, path, None)[0]
    yield from _key_problems(layers, path)


def _terminal_problems(layers: list[Any], path: JsonPath) -> Iterator[Problem]:
    terminals = [index for index, layer in enumerate(layers) if _is_terminal(layer)]
    if not terminals:
        text = 'the layer T is missing. End the list with {"type": "T"}.'
        yield Problem(path, text, append_terminal(layers, path))
    for index in terminals[1:]:
        first = path_text((*path, terminals[0]))
        text = f"this is another T, after the one at {first}. Keep only the last one."
        yield Problem((*path, index), text, remove_terminal(terminals[0], index, layers, path))
    if len(terminals) == 1 and terminals[0] != len(layers) - 1:
        text = f"T must be the last layer, but {len(layers) - 1 - terminals[0]} more follow."
        yield Problem((*path, terminals[0]), text, move_terminal_last(terminals[0], layers, path))


def _key_problems(layers: list[Any], path: JsonPath) -> Iterator[Problem]:
    """Contradictory keys of a layer."""
    for index, layer in enumerate(layers):
        kind = layer_class(layer)
        for key, text in kind.document_problems(layer) if kind else ():
            yield Problem((*path, index, key), text, (remove_key((*path, index, key)),))
        for inner_path, inner in inner_documents(layer) if isinstance(layer, dict) else ():
            yield from _key_problems(inner, (*path, index, *inner_path))


_FLAT_REMEDY: Final = "End every branch with GAP, or none."


def _is_terminal(document: Any) -> bool:
    kind = layer_class(document)
    return kind is not None and kind.traits.is_terminal


@dataclass(frozen=True, slots=True)
class _Flattening:
    """The layer that flattens the features: its description, and its path."""

    text: str
    path: JsonPath


@dataclass(frozen=True, slots=True)
class _FlatOrder:
    """Finds layers that need spatial axes after another layer has flattened them, and layers that are not allowed.

    Attributes:
        layers: The documents of a whole architecture, valid or not.
        path: JSON path of the list.
    """

    layers: list[Any]
    path: JsonPath

    def find(
        self, layers: list[Any], path: JsonPath, flattened_by: _Flattening | None
    ) -> tuple[list[Problem], _Flattening | None]:
        """Problems of a list of layers, and the layer that flattens its output."""
        problems: list[Problem] = []
        for index, layer in enumerate(layers):
            kind, layer_path = layer_class(layer), (*path, index)
            if kind is None:
                continue
            if flattened_by and kind.traits.needs_spatial_axes:
                text = (
                    f"{layer['type']} needs spatial axes, but {flattened_by.text} has flattened them. Move it earlier."
                )
                moved = () if _holds_flattening(layer) else move_before(layer_path, flattened_by.path)
                problems.append(Problem(layer_path, text, (remove_key(layer_path),) if kind.traits.flattens else moved))
                continue
            before = flattened_by
            if kind.traits.flattens and not kind.traits.is_terminal:
                own = _Flattening(f"{layer['type']} at {path_text(layer_path)}", layer_path)
                flattened_by = flattened_by or own
            inner_problems, inner_flattened_by = self._find_inner(layer, layer_path, before)
            problems += inner_problems
            flattened_by = flattened_by or inner_flattened_by
        return problems, flattened_by

    def _find_inner(
        self, layer: dict[str, Any], path: JsonPath, flattened_by: _Flattening | None
    ) -> tuple[list[Problem], _Flattening | None]:
        """Results of `find` for the inner layers of a layer, each list of which receives the layer's input."""
        problems: list[Problem] = []
        flat_lists: dict[JsonPath, _Flattening | None] = {}
        for inner_path, inner in inner_documents(layer):
            list_path = (*path, *inner_path)
            problems += self._find_rejected(inner, list_path, layer)
            list_problems, flat_lists[list_path] = self.find(inner, list_path, flattened_by)
            problems += list_problems
        flat = next(filter(None, flat_lists.values()), None)
        maps = [list_path for list_path, is_flat in flat_lists.items() if not is_flat]
        kind = layer_class(layer)
        if flat and maps and not (kind and kind.traits.holds_maps_only):
            text = f"keeps spatial axes, but {flat.text} has flattened another branch. {_FLAT_REMEDY}"
            problems.append(Problem(maps[0], text, _end_with_pooling(maps[0], layer, path)))
        return problems, flattened_by or flat

    def _find_rejected(self, layers: list[Any], path: JsonPath, holder: dict[str, Any]) -> Iterator[Problem]:
        """Yield layers that another layer cannot contain, including those inside a `REP`."""
        holder_class = layer_class(holder)
        holds_maps_only = holder_class is not None and holder_class.traits.holds_maps_only
        for index, layer in enumerate(layers):
            kind = layer_class(layer)
            if kind is None:
                continue
            if kind.traits.is_terminal or (holds_maps_only and kind.traits.flattens):
                repairs = move_out((*path, index), layers, self.layers, self.path)
                text = f"{layer['type']} is not allowed in {holder['type']}. Move it out."
                yield Problem((*path, index), text, repairs)
            if holds_maps_only and not (kind.traits.holds_maps_only or kind.traits.flattens):
                for inner_path, inner in inner_documents(layer):
                    yield from self._find_rejected(inner, (*path, index, *inner_path), holder)


def _holds_flattening(layer: Any) -> bool:
    """Whether a layer inside a layer flattens its input."""
    if not isinstance(layer, dict):
        return False
    inner = [each for _, layers in inner_documents(layer) for each in layers]
    kinds = (layer_class(each) for each in inner)
    return any(kind.traits.flattens for kind in kinds if kind) or any(map(_holds_flattening, inner))


def _end_with_pooling(branch: JsonPath, layer: Any, path: JsonPath) -> tuple[Repair, ...]:
    """End a branch with GAP."""
    layers = layer
    for step in branch[len(path) :]:
        layers = layers[step]
    return (Repair('Add {"type": "GAP"}', (InsertItem(branch, len(layers), {"type": "GAP"}),)),)


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
        if not path:
            remedy = 'Write {"rank": 2, "layers": [...]} or {"rank": 3, "layers": [...]} instead of the array alone.'
        text = f"no array of sizes determines whether this is a 2D or 3D network. {remedy}"
        return None, [Problem((), text, add_rank(path))]
    first, rank = ranks[0]
    given = {place: sizes for place, sizes, _ in arrays} | {("input_shape",): value.get("input_shape")}
    problems = [
        Problem(
            place,
            f"this is {other}D, but {path_text(first)} is {rank}D. Use one rank throughout.",
            resize_array(place, given.get(place), rank),
        )
        for place, other in ranks
        if other != rank
    ]
    problems += [
        Problem(
            place,
            f"this is {len(sizes)}D, but the layers here are {fixed}D. Give {fixed} sizes.",
            resize_array(place, sizes, fixed),
        )
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
