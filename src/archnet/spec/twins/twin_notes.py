"""Notes on a twin: differences from the original besides the number of axes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from archnet.files.strict_json import JsonPath, path_text
from archnet.spec.layers import inner_rank
from archnet.spec.layers.planned_layer import PlannedLayer
from archnet.spec.twins.add_depth import DeepLayers
from archnet.spec.twins.layer_sizes import lost_depth_sizes

_MAX_PATHS: Final = 3
"""Number of layers that a note lists."""


def depth_notes(deep: DeepLayers) -> Iterator[str]:
    """Note sizes along the depth that are smaller than those along the height; paths are those of the 2D layers."""
    groups: dict[tuple[str, str, str, int], list[JsonPath]] = {}
    for size in deep.reduced:
        group = (size.key, _entry_text(size.height), _entry_text(size.depth), size.length)
        groups.setdefault(group, []).append(size.path)
    for (key, height, depth, length), paths in groups.items():
        yield f"{key} is {depth}, not {height}, along a depth of {length}: {paths_text(paths)}."
    if deep.blocks:
        blocks = paths_text(deep.blocks)
        yield f"These blocks keep the depth, because the depths of their branches would differ: {blocks}."


def lost_notes(plan: Sequence[PlannedLayer]) -> Iterator[str]:
    """Note what the 2D form of a 3D network loses; paths are those of the original.

    Args:
        plan: The rows of the original.
    """
    views = [row.path for row in plan if inner_rank({"type": row.type}, None) is not None]
    if views:
        yield f"VIEWS is replaced by its inner layers: {paths_text(views)}."
    groups: dict[tuple[str, str, str], list[JsonPath]] = {}
    for row in plan:
        if len(row.input_shape) != 4:
            continue
        for key, (lost, expected) in lost_depth_sizes(row.layer, row.input_shape).items():
            groups.setdefault((key, _entry_text(lost), _entry_text(expected)), []).append(row.path)
    for (key, lost, expected), paths in groups.items():
        yield (
            f"A {key} of {lost} along the depth is lost; a 3D twin of this twin has {expected}: {paths_text(paths)}."
        )


def _entry_text(entry: Any) -> str:
    """The entry of an axis; zeros at both ends as one number if they are equal."""
    if not isinstance(entry, list | tuple):
        return str(entry)
    first, last = entry
    return str(first) if first == last else f"{first}+{last}"


def paths_text(paths: Iterable[JsonPath]) -> str:
    """Paths as a list, each once and at most three."""
    texts = list(dict.fromkeys(map(path_text, paths)))
    more = len(texts) - _MAX_PATHS
    return ", ".join(texts[:_MAX_PATHS]) + (f" and {more} more" if more > 0 else "")
