"""Flow diagram: cases found, excluded cases with reasons, and cases of each set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from archnet.errors import pluralize
from archnet.report.figures.svg import NARROW, WIDE, Drawing, colour, element, text
from archnet.report.paper.run_facts import SetSize, set_sizes
from archnet.report.run_files import RunFiles
from archnet.report.verdict.verdict_picture import wrap_text
from archnet.report.wording import SET_NAMES, count

_LINE: Final = 18
_PADDING: Final = 12
_GAP: Final = 34
_SIZE: Final = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The texts of the boxes; the first line of each box is its title.

    Attributes:
        found: Cases before exclusions, or those in use if a run does not record more.
        excluded: Reasons and numbers of excluded cases; empty if there are none or the run does not record them.
        sets: The text of the box of each set.
    """

    found: tuple[str, ...]
    excluded: tuple[str, ...]
    sets: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    x: float
    y: float
    width: float
    lines: tuple[str, ...]

    @property
    def height(self) -> float:
        return len(self.lines) * _LINE + 2 * _PADDING

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def centre(self) -> float:
        return self.x + self.width / 2


def run_flow(run: RunFiles) -> Flow:
    """The flow of a run's cases, from data.json and predictions.csv."""
    sizes, recorded = set_sizes(run), (run.data or {}).get("flow") or {}
    lost = (run.data or {}).get("lost") or []
    num_used = sum(size.cases for size in sizes)
    num_undrawn = sum(part["not_drawn"] for part in recorded.values())
    num_lost = sum(part["lost"] for part in recorded.values()) if recorded else sum(one["num_cases"] for one in lost)
    num_found = sum(part["found"] for part in recorded.values()) if recorded else num_used + num_lost
    excluded = [
        *([f"{count(num_lost)} in {pluralize(len(lost), 'unreadable scan')}"] if num_lost else []),
        *([f"{pluralize(num_undrawn, 'negative')} not drawn"] if num_undrawn else []),
    ]
    is_complete = bool(recorded) or "lost" in (run.data or {})
    return Flow(
        found=(f"{'Found' if is_complete and (recorded or num_lost) else 'In use'}: {pluralize(num_found, 'case')}",),
        excluded=("Excluded", *excluded) if excluded else (),
        sets=tuple(_set_lines(run, size) for size in sizes),
    )


def _set_lines(run: RunFiles, size: SetSize) -> tuple[str, ...]:
    scans = [] if size.scans is None else [pluralize(size.scans, "scan")]
    classes = [f"{count(number)} {name}" for number, name in zip(size.class_counts, run.classes, strict=True)]
    classes += [f"{count(size.num_unlabelled)} with a soft label only"] if size.num_unlabelled else []
    title = f"{SET_NAMES[size.name].capitalize()}: {pluralize(size.cases, 'case')}"
    return (title, f"{count(size.groups)} patients or scans (groups)", *scans, *classes)


def flow_drawing(flow: Flow) -> Drawing:
    """Draw a flow, for a wide page and for a phone."""
    alt = "Flow of cases. " + " ".join(
        f"{'; '.join(lines)}." for lines in (flow.found, flow.excluded, *flow.sets) if lines
    )
    narrow = _draw(_stack(flow), NARROW, alt, num_sets=0)
    wide = _draw(_spread(flow), WIDE, alt, num_sets=len(flow.sets))
    return Drawing(width=wide.width, height=wide.height, elements=wide.elements, alt=alt, narrow=narrow)


def _spread(flow: Flow) -> list[_Box]:
    """The sets side by side, and excluded cases to the right of the cases found."""
    found = _box(flow.found, 20, 10, 300)
    excluded = [_box(flow.excluded, 420, 10, WIDE - 440)] if flow.excluded else []
    top = max(box.bottom for box in (found, *excluded)) + _GAP
    width = (WIDE - 20 * (len(flow.sets) + 1)) / len(flow.sets)
    return [
        found,
        *excluded,
        *(_box(lines, 20 + place * (width + 20), top, width) for place, lines in enumerate(flow.sets)),
    ]


def _stack(flow: Flow) -> list[_Box]:
    """One box below the other."""
    boxes: list[_Box] = []
    top = 10.0
    for lines in (flow.found, flow.excluded, *flow.sets):
        if lines:
            boxes.append(_box(lines, 8, top, NARROW - 16))
            top = boxes[-1].bottom + _GAP / 2
    return boxes


def _box(lines: Sequence[str], x: float, y: float, width: float) -> _Box:
    wrapped = [part for line in lines for part in wrap_text(line, _SIZE, width - 2 * _PADDING)]
    return _Box(x=x, y=y, width=width, lines=tuple(wrapped))


def _draw(boxes: Sequence[_Box], width: float, alt: str, *, num_sets: int) -> Drawing:
    """Boxes and, for sets side by side, the lines to them."""
    lines = _connections(boxes, num_sets) if num_sets else ""
    elements = lines + "".join(map(_draw_box, boxes))
    return Drawing(width=width, height=max(box.bottom for box in boxes) + 10, elements=elements, alt=alt)


def _draw_box(box: _Box) -> str:
    frame = element("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=4, fill=colour("paper"),
                    stroke=colour("faint"))  # fmt: skip
    texts = [
        text(line, box.x + _PADDING, box.y + _PADDING + (place + 0.75) * _LINE, font_size=_SIZE, fill=colour("ink"),
             font_weight=None if place else 600)
        for place, line in enumerate(box.lines)
    ]  # fmt: skip
    return frame + "".join(texts)


def _connections(boxes: Sequence[_Box], num_sets: int) -> str:
    found, sets = boxes[0], boxes[-num_sets:]
    turn = sets[0].y - _GAP / 2
    paths = [f"M{found.centre:g} {found.bottom:g}V{turn:g}"]
    paths += [f"M{found.centre:g} {turn:g}H{box.centre:g}V{box.y:g}" for box in sets]
    if len(boxes) > num_sets + 1:
        paths.append(f"M{found.x + found.width:g} {found.y + 20:g}H{boxes[1].x:g}")
    return element("path", d="".join(paths), fill="none", stroke=colour("faint"), stroke_width=1.5)
