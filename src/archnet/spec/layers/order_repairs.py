"""Changes that repair the order of layers and the lengths of their size arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from archnet.files.documents.problems import (
    InsertItem,
    MoveItem,
    Repair,
    WrapValue,
    add_key,
    remove_key,
    replace_with,
)
from archnet.files.strict_json import JsonPath
from archnet.spec.layers import layer_class

_TERMINAL: Final = {"type": "T"}


def append_terminal(layers: Sequence[Any], path: JsonPath) -> tuple[Repair, ...]:
    """Add the missing T."""
    return (Repair('Add {"type": "T"}', (InsertItem(path, len(layers), _TERMINAL),)),)


def move_terminal_last(index: int, layers: Sequence[Any], path: JsonPath) -> tuple[Repair, ...]:
    """Move the only T to the end, or remove the layers after it if there is one."""
    move = Repair("Move T to the end", (MoveItem((*path, index), path, len(layers)),))
    return (move, remove_key((*path, len(layers) - 1))) if index == len(layers) - 2 else (move,)


def remove_terminal(first: int, index: int, layers: Sequence[Any], path: JsonPath) -> tuple[Repair, ...]:
    """Remove one of two T layers: the one that is not at the end."""
    extra = first if index == len(layers) - 1 else index
    (change,) = remove_key((*path, extra)).changes
    return (Repair("Remove the other T" if extra == first else "Remove this T", (change,)),)


def move_before(path: JsonPath, flattening: JsonPath | None) -> tuple[Repair, ...]:
    """Move a layer that needs spatial axes before the one that has flattened them, if both are in the same array."""
    if flattening is None or flattening[: len(path) - 1] != path[:-1] or len(flattening) < len(path):
        return ()
    index = int(flattening[len(path) - 1])
    return (Repair(f"Move before layer {index}", (MoveItem(path, path[:-1], index),)),)


def move_out(path: JsonPath, siblings: Sequence[Any], layers: Sequence[Any], root: JsonPath) -> tuple[Repair, ...]:
    """Move a layer out of the layer around it, to the position in the network where it is allowed.

    Args:
        path: Path of the inner layer.
        siblings: The layers next to it.
        layers: The layers of the whole network.
        root: Path of these layers.
    """
    kind = layer_class(siblings[int(path[-1])])
    is_terminal = kind is not None and kind.traits.is_terminal
    if is_terminal and any(_is_terminal(layer) for layer in layers):
        return (remove_key(path),) if len(siblings) > 1 else ()
    if len(siblings) == 1:
        return ()
    index = len(layers) if is_terminal else _num_spatial(layers)
    return (Repair("Move out of the enclosing layer", (MoveItem(path, root, index),)),)


def _is_terminal(layer: Any) -> bool:
    kind = layer_class(layer)
    return kind is not None and kind.traits.is_terminal


def _num_spatial(layers: Sequence[Any]) -> int:
    """Number of layers up to the last one that needs spatial axes."""
    kinds = [layer_class(layer) for layer in layers]
    return max((index + 1 for index, kind in enumerate(kinds) if kind and kind.traits.needs_spatial_axes), default=0)


def resize_array(path: JsonPath, sizes: Any, rank: int) -> tuple[Repair, ...]:
    """Truncate or extend an array of sizes to one size for each axis."""
    if not isinstance(sizes, list) or not sizes:
        return ()
    return (replace_with(path, [*sizes[:rank], *[sizes[-1]] * (rank - len(sizes))]),)


def add_rank(path: JsonPath) -> tuple[Repair, ...]:
    """Add the missing rank; an array of layers becomes an object.

    Args:
        path: Path of the layers, empty for a bare array.
    """
    if not path:
        return tuple(
            Repair(f'Write {{"rank": {rank}, "layers": [...]}}', (WrapValue((), "layers", {"rank": rank}),))
            for rank in (2, 3)
        )
    return tuple(add_key((), "rank", rank, before="layers") for rank in (2, 3))
