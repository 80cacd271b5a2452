"""Page: the one way from a template and its values to a self-contained HTML file.

Its one script is named to the browser by its digest: nothing else runs, whatever a name in the data holds.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.files.atomic import write_text
from archnet.report import wording
from archnet.report.figures.theme import DARK, LIGHT, Theme, theme_context
from archnet.spec.metrics import METRICS, metrics_shown_in

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup
    from matplotlib.figure import Figure

TEMPLATES: Final = Path(__file__).parent / "templates"

_FILTERS = (
    "decimals",
    "bounds",
    "threshold",
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
    "temperature_text",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedFigure:
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
    environment = _environment()
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    text = environment.get_template(template).render({**values, "script": script, "script_digest": digest})
    return write_text(path, text)


def _script() -> Markup:
    """The page's script as it stands between its tags."""
    from markupsafe import Markup

    return Markup("\n" + (TEMPLATES / "page.js").read_text(encoding="utf-8") + "\n")


def script_json(value: object) -> Markup:
    r"""JSON that can stand inside a script element, whatever names it holds.

    >>> script_json({"</script>": 1})
    Markup('{"\\u003c/script\\u003e":1}')
    """
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("archnet.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({name: getattr(wording, name) for name in _FILTERS} | {"script_json": script_json})
    environment.globals.update(
        set_names=wording.SET_NAMES,
        metric_labels={name: metric.full_label for name, metric in METRICS.items()},
        metrics_shown_in=metrics_shown_in,
        uncalibrated=wording.UNCALIBRATED,
    )
    return environment


def embed_figure(draw: Callable[[Theme], Figure], alt: str) -> EmbeddedFigure:
    """Draw a figure in both themes and embed it."""
    figures = {}
    for name, theme in (("light", LIGHT), ("dark", DARK)):
        with theme_context(theme):
            figure = draw(theme)
            figures[name] = _figure_uri(figure)
    return EmbeddedFigure(**figures, alt=alt, width=round(figure.get_figwidth() * 96))


def _figure_uri(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return _png_uri(buffer.getvalue())


def image_uri(pixels: NDArray[np.uint8]) -> str:
    """A grey image of shape (height, width) as a data URI, 0 black and 255 white."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", optimize=True)
    return _png_uri(buffer.getvalue())


def _png_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
