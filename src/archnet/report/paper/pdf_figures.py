"""Convert the SVG figures of a run to vector PDF files with embedded fonts, by Matplotlib."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from archnet.files.atomic import atomic_write
from archnet.report.figures.theme import new_figure, theme_context

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

_PIXELS_PER_INCH: Final = 96
_POINTS: Final = 72 / _PIXELS_PER_INCH
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_TOKEN: Final = re.compile(r"[A-Za-z]|-?\d*\.?\d+(?:e-?\d+)?")
_ROTATION: Final = re.compile(r"rotate\((-?[\d.]+)")
_ANCHORS: Final = {"start": "left", "middle": "center", "end": "right"}


def write_pdf_figures(folder: FilePath) -> list[FilePath]:
    """Write each SVG file in the folder `figures` of a run as a PDF file of the same name.

    Returns:
        The files written.
    """
    return [_write_pdf(path) for path in sorted((folder / "figures").glob("*.svg"))]


def _write_pdf(svg: FilePath) -> FilePath:
    import matplotlib as mpl

    root = ElementTree.fromstring(svg.read_text(encoding="utf-8"))  # written by archnet
    path = svg.with_suffix(".pdf")
    with theme_context(), mpl.rc_context({"pdf.fonttype": 42}), atomic_write(path) as draft:
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        figure = new_figure((width / _PIXELS_PER_INCH, height / _PIXELS_PER_INCH))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        for place, one in enumerate(_shapes(root)):
            _draw(axes, one, place)
        figure.savefig(draft, format="pdf", metadata={"CreationDate": None})
    return path


def _shapes(root: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """The drawn elements, back to front."""
    for one in root:
        if one.tag.endswith("}g"):
            yield from _shapes(one)
        else:
            yield one


def _draw(axes: Axes, one: ElementTree.Element, place: int) -> None:
    """Draw an element.

    Raises:
        ValueError: The element is of a type that archnet's figures do not use.
    """
    kind = one.tag.rpartition("}")[2]
    if kind == "text":
        _draw_text(axes, one, place)
    elif kind == "image":
        _draw_image(axes, one, place)
    else:
        _draw_shape(axes, kind, one, place)


def _draw_shape(axes: Axes, kind: str, one: ElementTree.Element, place: int) -> None:
    from matplotlib import patches

    style = _style(one) | {"zorder": place}
    if kind == "rect":
        corner, size = [[_number(one, name) for name in names] for names in (("x", "y"), ("width", "height"))]
        axes.add_patch(patches.Rectangle((corner[0], corner[1]), *size, **style))
    elif kind == "circle":
        axes.add_patch(patches.Circle((_number(one, "cx"), _number(one, "cy")), _number(one, "r"), **style))
    elif kind == "path":
        axes.add_patch(patches.PathPatch(parse_path(one.attrib["d"]), **style))
    else:
        raise ValueError(f"unsupported figure element {kind}")


def _number(one: ElementTree.Element, name: str, default: float = 0) -> float:
    return float(one.get(name, default))


def _style(one: ElementTree.Element) -> dict[str, Any]:
    """Fill and stroke of a Matplotlib patch."""
    from matplotlib.colors import to_rgba

    fill, stroke, width = one.get("fill", "#000000"), one.get("stroke", "none"), _number(one, "stroke-width", 1)
    dashes = [float(length) / width for length in (one.get("stroke-dasharray") or "").split()]
    return {
        "facecolor": to_rgba(fill, _number(one, "fill-opacity", 1)),
        "edgecolor": to_rgba(stroke, _number(one, "stroke-opacity", 1)),
        "linewidth": width * _POINTS,
        "linestyle": (0, dashes) if dashes else "-",
    }


def _draw_text(axes: Axes, one: ElementTree.Element, place: int) -> None:
    rotation, weight = _ROTATION.match(one.get("transform", "")), one.get("font-weight")
    axes.text(
        _number(one, "x"),
        _number(one, "y"),
        "".join(one.itertext()),
        fontsize=_number(one, "font-size", 12) * _POINTS,
        fontweight="bold" if weight in ("bold", "600", "700") else "normal",
        color=one.get("fill", "#000000"),
        horizontalalignment=_ANCHORS[one.get("text-anchor", "start")],
        rotation=-float(rotation[1]) if rotation else 0,
        rotation_mode="anchor",
        zorder=place,
    )


def _draw_image(axes: Axes, one: ElementTree.Element, place: int) -> None:
    from matplotlib.image import imread

    data = base64.b64decode(one.attrib[_HREF].partition(",")[2])
    x, y = _number(one, "x"), _number(one, "y")
    extent = (x, x + _number(one, "width"), y + _number(one, "height"), y)
    pixels = imread(io.BytesIO(data), format="png")
    axes.imshow(pixels, extent=extent, cmap="gray", vmin=0, vmax=1, zorder=place)


def parse_path(text: str) -> Path:
    """Parse a path of lines, with the commands M, L, H, V and Z, upper or lower case.

    >>> parse_path("M1 2h3V5Z").vertices.tolist()
    [[1.0, 2.0], [4.0, 2.0], [4.0, 5.0], [1.0, 2.0]]
    >>> parse_path("m1 2 3 4h-1v2zl0 1").vertices.tolist()
    [[1.0, 2.0], [4.0, 6.0], [3.0, 6.0], [3.0, 8.0], [1.0, 2.0], [1.0, 3.0]]

    Raises:
        ValueError: The path has a different command.
    """
    from matplotlib.path import Path

    points: list[tuple[float, float]] = []
    codes: list[int] = []
    x = y = 0.0
    start, command, tokens = (0.0, 0.0), "", _TOKEN.findall(text)[::-1]
    while tokens:
        if tokens[-1].isalpha():
            command = tokens.pop()
        kind, is_relative = command.upper(), command.islower()
        if kind not in ("M", "L", "H", "V", "Z"):
            raise ValueError(f"unsupported path command {command}")
        if kind in ("M", "L", "H"):
            x = float(tokens.pop()) + (x if is_relative else 0)
        if kind in ("M", "L", "V"):
            y = float(tokens.pop()) + (y if is_relative else 0)
        if kind == "M":
            start, command = (x, y), "l" if is_relative else "L"
        if kind == "Z":
            x, y = start
        codes.append(int({"M": Path.MOVETO, "Z": Path.CLOSEPOLY}.get(kind, Path.LINETO)))
        points.append((x, y))
    return Path(points, codes)
