"""Layout of a network drawing: columns of blocks, stacked lanes, skips as arcs, frames."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from archnet.report.html.network_tree import Block, Group, Item

COLUMN_WIDTH: Final = 100
GROUND: Final = 44
"""Minimum height of a row above the lower edge of its blocks."""

MARGIN: Final = 26
"""Width on both sides of lanes, where they split and join."""

_ARC: Final = 26
_TITLE: Final = 18
_GAP: Final = 10
_EMPTY_HEIGHT: Final = 16
_RADIUS: Final = 10
_ARROW: Final = 5
_TALLEST = 88
_WIDEST = 52
_DEEPEST = 26
_LINE: Final = 14
_COST: Final = 20


@dataclass(slots=True, kw_only=True)
class Canvas:
    """The parts of one row of a drawing.

    Attributes:
        blocks: The blocks in reading order, with their left and lower edges.
        flows: Paths of the lines that connect them.
        frames: Rectangles around layers that are repeated or run on planes.
        notes: Labels of lines and frames.
    """

    blocks: list[dict[str, Any]] = field(default_factory=list)
    flows: list[str] = field(default_factory=list)
    frames: list[dict[str, float]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)


def item_width(item: Item) -> float:
    """Width of a block or group."""
    if isinstance(item, Block):
        return COLUMN_WIDTH
    return max(COLUMN_WIDTH, *(_lane_width(lane) for lane in item.lanes)) + 2 * MARGIN


def _lane_width(lane: Sequence[Item]) -> float:
    return sum(map(item_width, lane))


def num_text_lines(items: Sequence[Item]) -> int:
    """The maximum number of text lines below a block on the main line of a sequence."""
    return max((_item_lines(item) for item in items), default=0)


def _item_lines(item: Item) -> int:
    return len(block_lines(item.row)) if isinstance(item, Block) else num_text_lines(item.lanes[0])


def block_lines(row: Mapping[str, Any]) -> list[str]:
    """The summary of a layer in lines that fit a column."""
    return textwrap.wrap(row["summary"], 16)


def height_above(items: Sequence[Item], largest: Sequence[int]) -> float:
    """Height of a sequence above its line.

    Args:
        items: The sequence.
        largest: Shape of the network's input.
    """
    return max((_item_above(item, largest) for item in items), default=_EMPTY_HEIGHT / 2)


def _item_above(item: Item, largest: Sequence[int]) -> float:
    if isinstance(item, Block):
        height, _, depth = block_extent(item.row["output_shape"], largest)
        return height + 0.6 * depth + _GAP
    return height_above(item.lanes[0], largest) + _ARC * bool(item.skip) + _TITLE * bool(item.bracket)


def height_below(items: Sequence[Item], lines: int, largest: Sequence[int]) -> float:
    """Height of a sequence below its line, given the number of text lines under its blocks."""
    return max((_item_below(item, lines, largest) for item in items), default=_EMPTY_HEIGHT / 2)


def _item_below(item: Item, lines: int, largest: Sequence[int]) -> float:
    if isinstance(item, Block):
        return _LINE * (2 + lines) + 2 * _COST + 8
    below = height_below(item.lanes[0], lines, largest)
    for lane in item.lanes[1:]:
        below += _GAP + height_above(lane, largest) + height_below(lane, num_text_lines(lane), largest)
    return below + _GAP * bool(item.bracket)


def block_extent(sizes: Sequence[int], largest: Sequence[int]) -> tuple[float, float, float]:
    """Height, width and depth of a block in pixels; the depth is 0 without a third axis.

    >>> block_extent([64, 64, 1], [64, 64, 1]), block_extent([10], [64, 64, 1])
    ((88.0, 11.0, 0.0), (35.1, 9.0, 0.0))
    >>> block_extent([32, 32, 5, 1], [64, 64, 10, 1]), block_extent([99, 99, 20, 4096], [64, 64, 10, 1])
    ((65.7, 11.0, 19.6), (88.0, 52, 26.0))
    >>> block_extent([4096], [64, 64, 1])
    (88, 9.0, 0.0)
    """
    if len(sizes) == 1:
        return round(min(_TALLEST, 8 + 8 * math.log2(sizes[0] + 0.5)), 1), 9.0, 0.0
    height = 12 + (_TALLEST - 12) * math.sqrt(min(1.0, sizes[0] / largest[0]))
    width = min(_WIDEST, 6 + 5 * math.log2(sizes[-1] + 1))
    depth = 4 + (_DEEPEST - 4) * math.sqrt(min(1.0, sizes[2] / largest[2])) if len(sizes) == 4 else 0.0
    return round(height, 1), round(width, 1), round(depth, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLayout:
    """Draws sequences into a canvas.

    Attributes:
        canvas: The canvas.
        largest: Shape of the network's input.
    """

    canvas: Canvas
    largest: Sequence[int]

    def draw_sequence(self, items: Sequence[Item], x: float, y: float, lines: int) -> None:
        """Draw a sequence that starts at `x`, with its line at height `y`."""
        for item in items:
            if isinstance(item, Block):
                self.canvas.blocks.append({"row": item.row, "x": x, "y": y, "lines": lines})
            else:
                self._draw_group(item, x, y, lines)
            x += item_width(item)

    def _draw_group(self, group: Group, x: float, y: float, lines: int) -> None:
        end, lane_y = x + item_width(group), y
        for number, lane in enumerate(group.lanes):
            lane_lines = num_text_lines(lane) if number else lines
            if number:
                lane_y += _GAP + height_above(lane, self.largest)
                self._draw_detour(x + _GAP, end - _GAP, y, lane_y)
            self.draw_sequence(lane, (x + end - _lane_width(lane)) / 2, lane_y, lane_lines)
            lane_y += height_below(lane, lane_lines, self.largest)
        above = height_above(group.lanes[0], self.largest)
        if group.skip:
            self._draw_detour(x + _GAP / 2, end - _GAP / 2, y, y - above - _ARC / 2)
            self.canvas.notes.append(
                {"x": (x + end) / 2, "y": y - above - _ARC / 2 - 4, "text": group.skip, "is_title": False}
            )
        if group.bracket:
            top = y - _item_above(group, self.largest)
            self.canvas.frames.append({"x": x + 1, "y": top, "width": end - x - 2, "height": lane_y + _GAP / 2 - top})
            self.canvas.notes.append({"x": (x + end) / 2, "y": top + 13, "text": group.bracket, "is_title": True})

    def _draw_detour(self, start: float, end: float, y: float, lane_y: float) -> None:
        """Draw a line that leaves the main line, runs at a different height, and returns with an arrow."""
        turn = _RADIUS if lane_y > y else -_RADIUS
        self.canvas.flows.append(
            f"M{start:g} {y:g}V{lane_y - turn:g}q0 {turn:g} {_RADIUS} {turn:g}H{end - _RADIUS:g}"
            f"q{_RADIUS} 0 {_RADIUS} {-turn:g}V{y:g}"
            f"m{-_ARROW} {math.copysign(_ARROW, turn):g}l{_ARROW} {-math.copysign(_ARROW, turn):g} "
            f"{_ARROW} {math.copysign(_ARROW, turn):g}"
        )
