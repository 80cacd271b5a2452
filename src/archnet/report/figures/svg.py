"""SVG drawings. On a page, the style sheet defines the colours; a file contains the light colours."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from archnet.files.atomic import write_text
from archnet.files.terminal_text import escape_message
from archnet.report.figures.theme import LIGHT, network_name

FONT_SIZE: Final = 12
"""Size of small text, in pixels."""

WIDE: Final = 760
"""Width of drawings for a page or a file, in pixels."""

NARROW: Final = 362
"""Width of drawings for a phone, in pixels; text keeps its size there."""

HALO: Final[dict[str, Any]] = {"paint_order": "stroke", "stroke": "var(--paper)", "stroke_width": 4}
"""Attributes of a text drawn over lines."""

_NAMESPACES: Final = {"xmlns": "http://www.w3.org/2000/svg", "xmlns:xlink": "http://www.w3.org/1999/xlink"}
_FONT: Final = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
_COLOUR: Final = re.compile(r'( (?:fill|stroke)=")var\(--(\w+)\)(?=")')
_NO_XML_CHARACTER: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MEAN_WIDTH: Final = 0.6  # width of a character in font sizes, slightly more than in the fonts
_LABEL_LENGTH: Final = 32  # characters
_LARGEST_SCALE: Final = 1.2  # maximum scale of a drawing on a wide page
_DASHES: Final = (None, "7 3", "8 3 2 3", "2 3")
_SET_DASHES: Final = {"train": "3 2", "validation": "8 3", "test": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture of SVG elements.

    Attributes:
        width: Width in pixels.
        height: Height in pixels.
        elements: SVG elements, back to front; colours are names from the style sheet.
        alt: Alternative text, with the numbers.
        narrow: The same drawing for a phone, if the layouts differ.
    """

    width: float
    height: float
    elements: str
    alt: str
    narrow: Drawing | None = None

    def __html__(self) -> str:
        """The drawing for a page, in light or dark colours; templates call this and do not escape it."""
        if self.narrow is None:
            return self._page_element("drawing")
        return self._page_element("drawing wide") + self.narrow._page_element("drawing narrow")

    def _page_element(self, class_: str) -> str:
        return self._element(self.elements, class_=class_, style=f"max-width: {round(_LARGEST_SCALE * self.width)}px")

    def to_file(self) -> str:
        """The drawing as a standalone file with a light background and literal colours."""
        ground = element("rect", width=self.width, height=self.height, fill=colour("paper"))
        svg = self._element(ground + self.elements, **_NAMESPACES, font_family=_FONT)
        colours = LIGHT.variables()
        plain = _COLOUR.sub(lambda found: found[1] + colours[found[2]], svg)
        return _NO_XML_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", plain) + "\n"

    def _element(self, content: str, **attributes: str) -> str:
        width, height = round(self.width), round(self.height)
        return element("svg", content, **attributes, viewBox=f"0 0 {width} {height}", width=width, height=height,
                       role="img", aria_label=self.alt)  # fmt: skip


def write_drawing(path: Path, drawing: Drawing) -> Path:
    """Write a drawing as an SVG file, by atomic rename."""
    return write_text(path, drawing.to_file())


def element(tag: str, content: str = "", /, **attributes: Any) -> str:
    """One SVG element.

    Args:
        tag: Name of the element.
        content: Inner SVG.
        **attributes: Attributes, with underscores for hyphens; strings are escaped, None is omitted.

    >>> element("path", d="M0 0", stroke_width=1.0, class_='"', fill=None)
    '<path d="M0 0" stroke-width="1" class="&quot;"/>'
    """
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute_text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{pairs}>{content}</{tag}>" if content else f"<{tag}{pairs}/>"


def _attribute_text(value: str | float) -> str:
    return escape(escape_message(value)) if isinstance(value, str) else f"{round(value, 2):.9g}"


def text(content: str, x: float, y: float, /, **attributes: Any) -> str:
    """A line of text with its baseline at y, small and faint unless `attributes` say otherwise."""
    if not content:
        return ""
    return element(
        "text",
        escape(escape_message(content)),
        x=x,
        y=y,
        **{"font_size": FONT_SIZE, "fill": colour("faint"), **attributes},
    )


def row_label(content: str, left: float, baseline: float, width: float) -> str:
    """A line of text above the entries of a row, on a background that covers the grid of its panel."""
    ground = element("rect", x=left - 4, y=baseline - 13, width=width + 8, height=18, fill=colour("paper"))
    return ground + text(content, left, baseline, fill=colour("ink"))


def text_width(content: str, size: float = FONT_SIZE) -> float:
    """Estimate the width of a text in pixels; most texts are narrower.

    >>> text_width("abc", 10), text_width("肺", 10)
    (18.0, 12.0)
    """
    num_halves = sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in content)
    return round(_MEAN_WIDTH * size * num_halves, 1)


def shorten(name: str) -> str:
    """Shorten a long name to a label that fits a drawing.

    >>> shorten("nodule"), len(shorten("x" * 200))
    ('nodule', 32)
    """
    return name if len(name) <= _LABEL_LENGTH else f"{name[: _LABEL_LENGTH - 1]}…"


def colour(name: str) -> str:
    """A colour of the style sheet, for `fill` and `stroke`."""
    return f"var(--{name})"


def series_colour(place: int) -> str:
    """The colour of a network by its index in the comparison, or of another series by its index."""
    return colour(network_name(place))


def dashes(place: int) -> str | None:
    """The dash pattern of a series by its index; patterns repeat after the last one."""
    return _DASHES[place % len(_DASHES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """The stroke of a network, a set or another series in all figures.

    Attributes:
        colour: Its colour.
        dashes: Its dash pattern; None for a solid line.
    """

    colour: str
    dashes: str | None = None


def series_stroke(place: int) -> Stroke:
    """The stroke of a network by its index in the comparison, or of another series by its index."""
    return Stroke(colour=series_colour(place), dashes=dashes(place))


def named_stroke(hue: str) -> Stroke:
    """The stroke of a set or of a network by the name of its colour: "test" or "s0"."""
    if hue in _SET_DASHES:
        return Stroke(colour=colour(hue), dashes=_SET_DASHES[hue])
    return series_stroke(int(hue.removeprefix("s")))
