"""Structure of a network for its drawing: sequences of layers, parallel lanes, repetitions shown once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Row = Mapping[str, Any]
"""An entry of "layers" in `network.json`."""

Path = tuple[tuple[str, int], ...]
"""The lists that lead to a layer, each with the index in it: (("layers", 2), ("branches[0]", 1))."""

Repeats = tuple[int | None, ...]
"""Indices of the enclosing repetitions; None means all of them."""

_STEP: Final = re.compile(r"\.([a-z_]+(?:\[\d+\])?)\[(\d+)\]")
_PLACE: Final = re.compile(rf"\$((?:{_STEP.pattern})+)((?: #\d+)*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A layer.

    Attributes:
        row: Its entry in `network.json`; for a repeated layer, with the costs of all repetitions.
    """

    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Layers inside another layer, followed by the block of that layer.

    Attributes:
        lanes: Sequences with the same input; an empty one is the identity.
        bracket: Label of the frame around them; empty for no frame.
        skip: Label of the skip line; empty for no line.
    """

    lanes: tuple[tuple[Item, ...], ...]
    bracket: str = ""
    skip: str = ""


Item = Block | Group


def network_items(rows: Sequence[Row]) -> tuple[Item, ...]:
    """The layers of a network as a tree; a plain sequence if `network.json` is of an older version without paths.

    Args:
        rows: "layers" of `network.json`.
    """
    places = [place for row in rows if (place := _PLACE.fullmatch(row.get("place", "")))]
    if len(places) < len(rows):
        return tuple(Block(row=row) for row in rows)
    tree = _Tree(rows=defaultdict(list), lists=defaultdict(dict))
    for row, place in zip(rows, places, strict=True):
        tree.add(_path(place[1]), tuple(int(number) - 1 for number in re.findall(r"\d+", place[4])), row)
    return tuple(tree.items((), "layers", ()))


def _path(text: str) -> Path:
    return tuple((name, int(index)) for name, index in _STEP.findall(text))


@dataclass(slots=True, kw_only=True)
class _Tree:
    """The rows of `network.json` by their paths.

    Attributes:
        rows: By layer, its rows by the indices of the repetitions.
        lists: By path, the lists of inner layers and the paths in them, in order.
    """

    rows: dict[Path, list[tuple[tuple[int, ...], Row]]]
    lists: dict[Path, dict[str, dict[int, Path]]]

    def add(self, path: Path, repeats: tuple[int, ...], row: Row) -> None:
        self.rows[path].append((repeats, row))
        for end in range(len(path)):
            name, index = path[end]
            self.lists[path[:end]].setdefault(name, {})[index] = path[: end + 1]

    def items(self, path: Path, name: str, repeats: Repeats) -> Iterator[Item]:
        """The items of one list of inner layers."""
        paths = self.lists.get(path, {}).get(name, {})
        for index in sorted(paths):
            yield from self._layer_items(paths[index], repeats)

    def _layer_items(self, path: Path, repeats: Repeats) -> Iterator[Item]:
        rows = _matching(self.rows.get(path, []), repeats)
        if not rows:
            yield from self._repetitions(path, repeats)
            return
        names = rows[0].get("lanes", [*self.lists.get(path, {})])
        if names:
            inner_repeats = (*repeats, None) if "times" in rows[0] else repeats
            lanes = tuple(tuple(self.items(path, name, inner_repeats)) for name in names)
            yield Group(lanes=lanes, bracket=_bracket(rows[0]), skip=rows[0].get("skip", ""))
        yield Block(row=_total(rows))

    def _repetitions(self, path: Path, repeats: Repeats) -> Iterator[Item]:
        """The layers of a `REP`, which has no row of its own: shown once if all repetitions have the same shapes."""
        (name,) = self.lists[path]
        inner = [
            (found, row)
            for inner_path, rows in self.rows.items()
            if inner_path[: len(path)] == path
            for found, row in rows
            if _fits(found, repeats)
        ]
        times = 1 + max(found[len(repeats)] for found, _ in inner)
        if times == 1 or not (None in repeats or self._is_alike(path, repeats)):
            for repetition in range(times):
                yield from self.items(path, name, (*repeats, repetition))
            return
        yield Group(lanes=(tuple(self.items(path, name, (*repeats, None))),), bracket=f"{times} times")

    def _is_alike(self, path: Path, repeats: Repeats) -> bool:
        inner = (rows for inner_path, rows in self.rows.items() if inner_path[: len(path)] == path)
        return all(len({tuple(row["output_shape"]) for row in _matching(rows, repeats)}) == 1 for rows in inner)


def _bracket(row: Row) -> str:
    if "planes" in row:
        return f"{row['planes']} planes" if row["planes"] > 1 else "1 plane"
    return f"{row['times']} times" if row.get("times", 1) > 1 else ""


def _matching(rows: Iterable[tuple[tuple[int, ...], Row]], repeats: Repeats) -> list[Row]:
    return [row for found, row in rows if _fits(found, repeats)]


def _fits(found: tuple[int, ...], repeats: Repeats) -> bool:
    return all(wanted is None or wanted == number for wanted, number in zip(repeats, found, strict=False))


def _total(rows: Sequence[Row]) -> Row:
    """The row of the first repetition with the total costs of all."""
    return {**rows[0], **{key: sum(row[key] for row in rows) for key in ("parameters", "macs")}}
