"""The verdict as a standalone picture: title, badge, sentences, bars, facts, cautions and provenance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from archnet.report.figures.svg import Drawing, colour, element, text, text_width

_WIDTH: Final = 720
_MARGIN: Final = 24
_ACTUAL: Final = 0.9  # factor for the estimated width of a text of several words


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureContent:
    """The content of the picture.

    Attributes:
        title: Name of the experiment.
        badge: The conclusion in a few words.
        sentences: In their order.
        bars_title: Title of the bars.
        bars: The bars.
        facts: Numbers of patients, scans and cases, and costs.
        cautions: Cautions, the most serious first.
        origin: Date, version, commit and digest.
    """

    title: str
    badge: str
    sentences: tuple[str, ...]
    bars_title: str
    bars: Drawing
    facts: tuple[str, ...]
    cautions: tuple[str, ...]
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    content: str
    size: float
    name: str = "ink"
    weight: int | None = None
    gap: float = 0


def verdict_picture(content: PictureContent) -> Drawing:
    """Draw the picture, with a height that fits its texts."""
    above = [
        *_badge_lines(content),
        *_wrapped(content.sentences, 16, gap=4),
        *_wrapped([content.bars_title], 12, name="faint", gap=10),
    ]
    below = [
        *_wrapped([" · ".join(content.facts)], 12, gap=6),
        *_wrapped([f"Caution: {caution}" for caution in content.cautions], 12, name="wrong", gap=5),
        *_wrapped([content.origin] if content.origin else [], 11, name="faint", gap=6),
    ]
    top, upper = _draw_lines(above, _MARGIN)
    top += 8
    scale = (_WIDTH - 2 * _MARGIN) / content.bars.width
    bars = element("g", content.bars.elements, transform=f"translate({_MARGIN} {top:g}) scale({scale:.4f})")
    bottom, lower = _draw_lines(below, top + content.bars.height * scale + 8)
    return Drawing(
        width=_WIDTH,
        height=bottom + _MARGIN,
        elements=upper + bars + lower,
        alt=" ".join([content.badge, *content.sentences, content.bars.alt]),
    )


def _badge_lines(content: PictureContent) -> Iterator[_Line]:
    yield _Line(content=content.title, size=12, name="faint")
    if content.badge:
        yield _Line(content=content.badge, size=22, weight=700, gap=6)


def _wrapped(texts: Sequence[str], size: float, name: str = "ink", gap: float = 0) -> Iterator[_Line]:
    for paragraph in texts:
        for place, line in enumerate(wrap_text(paragraph, size, _WIDTH - 2 * _MARGIN)):
            yield _Line(content=line, size=size, name=name, gap=0 if place else gap)


def wrap_text(content: str, size: float, width: float) -> list[str]:
    """Wrap words into lines of a maximum width, estimated by `text_width`; a longer word has its own line.

    >>> wrap_text("one two three", 10, 50)
    ['one two', 'three']
    """
    lines: list[str] = []
    for word in content.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _ACTUAL * text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _draw_lines(lines: Sequence[_Line], top: float) -> tuple[float, str]:
    """The bottom of the lines, and their elements."""
    parts = []
    for line in lines:
        top += line.size * 1.35 + line.gap
        parts.append(
            text(line.content, _MARGIN, top, font_size=line.size, fill=colour(line.name), font_weight=line.weight)
        )
    return top, "".join(parts)
