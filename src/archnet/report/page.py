"""Page: the one way from a template and its values to a self-contained HTML file."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.run_folder import write_text
from archnet.report import wording
from archnet.report.figures import drawing
from archnet.report.theme import DARK, LIGHT, Theme

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

_FILTERS = (
    "decimals",
    "bounds",
    "signed",
    "signed_bounds",
    "mean_count",
    "percent",
    "count",
    "short_count",
    "memory",
    "duration",
    "shape",
    "short_case",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A picture as data URIs, drawn for light and for dark, with what it says in words.

    Attributes:
        light: data:image/png;base64,...
        dark: The same for dark pages.
        alt: For those who don't see it.
        width: In CSS pixels.
    """

    light: str
    dark: str
    alt: str
    width: int


def write_page(path: Path, template: str, values: Mapping[str, Any]) -> Path:
    """Fill a template of this package and write it by atomic rename."""
    return write_text(path, _environment().get_template(template).render(values))


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("archnet.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({name: getattr(wording, name) for name in _FILTERS})
    environment.globals.update(set_names=wording.SET_NAMES, metric_names=wording.METRIC_NAMES)
    return environment


def embedded(draw: Callable[[Theme], Figure], alt: str) -> Embedded:
    """Draw a figure in both themes and embed it."""
    figures = {}
    for name, theme in (("light", LIGHT), ("dark", DARK)):
        with drawing(theme):
            figure = draw(theme)
            figures[name] = _figure_uri(figure)
    return Embedded(**figures, alt=alt, width=round(figure.get_figwidth() * 96))


def _figure_uri(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return _png_uri(buffer.getvalue())


def image_uri(pixels: NDArray[np.uint8]) -> str:
    """A grey image of shape (height, width) as a data URI, 0 black and 255 white."""
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, pixels, cmap="gray", vmin=0, vmax=255, format="png")
    return _png_uri(buffer.getvalue())


def _png_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
