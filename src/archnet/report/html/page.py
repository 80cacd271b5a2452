"""Render templates to self-contained HTML files.

The content security policy allows only the page's own script, by its digest, so that names in the data cannot run code.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from archnet.files.atomic import write_text
from archnet.files.terminal_text import escape_message
from archnet.report import wording
from archnet.report.figures.theme import DARK, LIGHT
from archnet.spec.metrics import METRICS, metrics_shown_in

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES: Final = Path(__file__).parent / "templates"

_SCRIPTS: Final = (
    "text.js",
    "copy.js",
    "live.js",
    "stacks.js",
    "decision.js",
    "verdict.js",
    "paper.js",
    "scroll.js",
    "more.js",
    "sort.js",
    "viewer.js",
)
"""Files in `templates/scripts`, in order."""

_HEADING: Final = re.compile(r'<(section[^>]* class="fallback">\s*<)?h2 id="([^"]+)">(.*?)</h2>', re.DOTALL)

_FILTERS = (
    "calibration_error",
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


def write_page(path: Path, template: str, values: Mapping[str, Any]) -> Path:
    """Render a template of this package and write the page by atomic rename."""
    environment = _environment()
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    text = environment.get_template(template).render({**values, "script": script, "script_digest": digest})
    return write_text(path, text)


def render_macro(template: str, macro: str, *arguments: object) -> str:
    """Render a macro of a template as HTML without a page."""
    return str(getattr(_environment().get_template(template).module, macro)(*arguments))


def _script() -> Markup:
    """The script of the page: the concatenated files `_SCRIPTS`, which share top-level names."""
    from markupsafe import Markup

    parts = [(TEMPLATES / "scripts" / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    return Markup("\n".join(['\n"use strict";', *parts]))


def _headings(content: Markup) -> list[tuple[str, str]]:
    """Id and text of each second-level heading of a page, except galleries that the case viewer replaces."""
    return [(found[2], type(content)(found[3]).striptags()) for found in _HEADING.finditer(content) if not found[1]]


def script_json(value: object) -> Markup:
    r"""JSON that is safe inside a script element.

    >>> script_json({"</script>": 1})
    Markup('{"\\u003c/script\\u003e":1}')
    """
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _escape_controls(value: object) -> object:
    """A value of a template with escaped control characters, which could reorder the surrounding text."""
    is_name = isinstance(value, str) and not hasattr(value, "__html__")
    return escape_message(str(value)) if is_name else value


@cache
def _environment() -> Environment:
    """The template environment, cached because compiling a template takes longer than rendering it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("archnet.report.html"),
        autoescape=True,
        finalize=_escape_controls,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = {"script_json": script_json, "headings": _headings}
    environment.filters.update({name: getattr(wording, name) for name in _FILTERS} | filters)
    environment.globals.update(
        set_names=wording.SET_NAMES,
        metric_labels={name: metric.full_label for name, metric in METRICS.items()},
        metrics_shown_in=metrics_shown_in,
        uncalibrated=wording.UNCALIBRATED,
        light_colours=LIGHT.style_rule(),
        dark_colours=DARK.style_rule(),
    )
    return environment
