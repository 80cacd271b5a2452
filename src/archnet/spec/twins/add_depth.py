"""Add a depth to the layers of a 2D network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from archnet.files.strict_json import JsonPath
from archnet.spec.layers import Shape, inner_documents, layer_class, layer_document, parse_layer
from archnet.spec.twins.layer_sizes import Sizes, add_depth_entries


class MisfitError(ValueError):
    """A layer has no counterpart in the twin.

    Attributes:
        path: JSON path of the layer.
    """

    def __init__(self, path: JsonPath, text: str) -> None:
        super().__init__(text)
        self.path = path


@dataclass(frozen=True, slots=True, kw_only=True)
class ReducedSize:
    """A size along the depth that is smaller than that along the height.

    Attributes:
        path: JSON path of the layer.
        type: Type of the layer.
        key: Key of the layer document.
        height: Entry along the height.
        depth: Entry along the depth.
        length: Depth of the layer's input.
    """

    path: JsonPath
    type: str
    key: str
    height: Any
    depth: Any
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepLayers:
    """3D layers made from 2D layers.

    Attributes:
        documents: The layer documents.
        shape: Shape of the output.
        reduced: Sizes along the depth that were reduced.
        blocks: Paths of blocks that keep the depth, because their branches would not fit each other otherwise.
    """

    documents: list[Sizes]
    shape: Shape
    reduced: tuple[ReducedSize, ...] = ()
    blocks: tuple[JsonPath, ...] = ()


def add_depth(layers: Sequence[Sizes], shape: Shape, path: JsonPath, *, keeps_depth: bool = False) -> DeepLayers:
    """The 3D form of a sequence of 2D layers.

    Args:
        layers: Valid documents of 2D layers.
        shape: Shape of the 3D input, with channels.
        path: JSON path of the list.
        keeps_depth: Whether no layer may change the depth.

    Raises:
        MisfitError: A layer does not fit its 3D input.
    """
    parts = []
    for index, layer in enumerate(layers):
        parts.append(_add_depth_to_layer(layer, shape, (*path, index), keeps_depth))
        shape = parts[-1].shape
    return _join(parts, [document for part in parts for document in part.documents], shape)


def _add_depth_to_layer(document: Sizes, shape: Shape, path: JsonPath, keeps_depth: bool) -> DeepLayers:
    if not list(inner_documents(document)):
        return _add_depth_to_leaf(document, shape, path, keeps_depth)
    if keeps_depth:
        return _add_depth_to_block(document, shape, path, keeps_depth)
    try:
        return _add_depth_to_block(document, shape, path, keeps_depth)
    except MisfitError:
        part = _add_depth_to_block(document, shape, path, keeps_depth=True)
        return DeepLayers(documents=part.documents, shape=part.shape, blocks=(path,))


def _add_depth_to_leaf(document: Sizes, shape: Shape, path: JsonPath, keeps_depth: bool) -> DeepLayers:
    plane = parse_layer(document, 2)
    sizes = plane.depth_sizes(shape, keeps_depth=keeps_depth)
    deep = add_depth_entries(document, sizes)
    written = layer_document(parse_layer(deep, 3))
    reduced = [
        ReducedSize(
            path=path,
            type=document["type"],
            key=key,
            height=written[key][0],
            depth=written[key][2],
            length=shape[2],
        )
        for key in sizes
        if written[key][2] != written[key][0] and key != "size"
    ]
    return DeepLayers(documents=[deep], shape=_output_shape(deep, shape, path), reduced=tuple(reduced))


def _add_depth_to_block(document: Sizes, shape: Shape, path: JsonPath, keeps_depth: bool) -> DeepLayers:
    """A block with 3D inner layers, each list of which receives the block's input."""
    kind = layer_class(document)
    if kind is not None and not kind.traits.has_row:
        return _add_depth_to_repetitions(document, shape, path, keeps_depth)
    lists = {
        inner_path: add_depth(inner, shape, (*path, *inner_path), keeps_depth=keeps_depth)
        for inner_path, inner in inner_documents(document)
    }
    block = put_inner_layers(document, {inner_path: part.documents for inner_path, part in lists.items()})
    return _join(lists.values(), [block], _output_shape(block, shape, path))


def _add_depth_to_repetitions(document: Sizes, shape: Shape, path: JsonPath, keeps_depth: bool) -> DeepLayers:
    """Repeated layers, written separately where repetitions at different depths need different sizes."""
    parts: list[DeepLayers] = []
    groups: list[tuple[list[Sizes], int]] = []
    num_left = int(document["times"])
    while num_left:
        part = add_depth(document["layers"], shape, (*path, "layers"), keeps_depth=keeps_depth)
        parts.append(part)
        times = num_left if part.shape == shape else 1  # the same input gives the same layers
        if groups and groups[-1][0] == part.documents:
            groups[-1] = (part.documents, groups[-1][1] + times)
        else:
            groups.append((part.documents, times))
        num_left, shape = num_left - times, part.shape
    is_whole = len(groups) == 1
    written = [
        layer
        for layers, times in groups
        for layer in (layers if times == 1 and not is_whole else [{**document, "times": times, "layers": layers}])
    ]
    return _join(parts, written, shape)


def _join(parts: Iterable[DeepLayers], documents: list[Sizes], shape: Shape) -> DeepLayers:
    """Layers whose notes are those of their parts."""
    parts = tuple(parts)
    return DeepLayers(
        documents=documents,
        shape=shape,
        reduced=tuple(size for part in parts for size in part.reduced),
        blocks=tuple(block for part in parts for block in part.blocks),
    )


def put_inner_layers(document: Sizes, lists: dict[JsonPath, list[Sizes]]) -> Sizes:
    """A layer document with other inner layers, by the paths that `inner_documents` gives."""
    changed = dict(document)
    for (key, *index), layers in lists.items():
        if index:
            branches = list(changed[str(key)])
            branches[int(index[0])] = layers
            changed[str(key)] = branches
        else:
            changed[str(key)] = layers
    return changed


def _output_shape(document: Sizes, shape: Shape, path: JsonPath) -> Shape:
    try:
        return parse_layer(document, 3).output_shape(shape)
    except ValueError as error:
        raise MisfitError(path, f"{document['type']} {error}.") from None
