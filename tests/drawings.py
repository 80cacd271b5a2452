"""Read SVG drawings in tests."""

import re
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"


def parse(drawing):
    """The elements of a drawing, read from its file."""
    return ElementTree.fromstring(drawing.to_file().encode())


def parts(drawing, tag):
    """The elements with a tag."""
    return list(parse(drawing).iter(SVG + tag))


def texts(drawing):
    """The texts of a drawing, in document order."""
    return [part.text for part in parts(drawing, "text")]


def lines(drawing):
    """The points of each line except grid lines, shape (N, 2), in pixels."""
    paths = [part for part in parts(drawing, "path") if "L" in part.get("d")]
    return [[tuple(map(float, point.split())) for point in re.split("[ML]", part.get("d"))[1:]] for part in paths]


def dots(drawing):
    """The centres of dots, in pixels."""
    return [(float(part.get("cx")), float(part.get("cy"))) for part in parts(drawing, "circle")]


def outline(drawing):
    """Each element of a drawing on a line: its kind, its attributes in their order, and its text."""
    lines = [f"drawing {drawing.width:g} x {drawing.height:g}"]
    for part in list(ElementTree.fromstring(f'<svg xmlns:xlink="x">{drawing.elements}</svg>').iter())[1:]:
        values = [f"{name}={value}" if name not in ("x", "y", "d") else value for name, value in part.attrib.items()]
        lines.append(" ".join([part.tag, *values, *([repr(part.text)] if part.text else [])]))
    return lines
