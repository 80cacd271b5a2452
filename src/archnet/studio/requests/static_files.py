"""The built page: a fixed list of files of the package."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

PAGE_FOLDER: Final = Path(__file__).parents[1] / "page"
INDEX: Final = "index.html"

_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}

_NOT_BUILT: Final = (
    "<!doctype html><html lang=en><title>archnet studio</title>"
    "<p>The page is not built. In a clone of archnet: cd studio/page, npm ci, npm run build.</p></html>"
)

_REFUSAL: Final = (
    "<!doctype html><html lang=en><title>archnet studio</title><h1>archnet studio</h1><p>{text}</p></html>"
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the page."""

    content: bytes
    media_type: str


@cache
def static_files() -> Mapping[str, StaticFile]:
    """All files of the page by their path in `PAGE_FOLDER`, read once."""
    paths = sorted(path for path in PAGE_FOLDER.rglob("*") if path.suffix in _MEDIA_TYPES and path.is_file())
    return {
        path.relative_to(PAGE_FOLDER).as_posix(): StaticFile(path.read_bytes(), _MEDIA_TYPES[path.suffix])
        for path in paths
    }


def refusal_page(message: str) -> bytes:
    """A page that says why the page itself is not shown; text between backticks is code."""
    text = re.sub("`(.*?)`", r"<code>\1</code>", html.escape(message))
    return _REFUSAL.format(text=text).encode()


def index_page(static_key: str, style_nonce: str) -> bytes:
    """The page, which requests its other files at a secret address.

    Args:
        static_key: Part of the addresses of the other files.
        style_nonce: The nonce of styles that the page writes into itself.
    """
    index = static_files().get(INDEX)
    if index is None:
        return _NOT_BUILT.encode()
    content = index.content.replace(b'"./', f'"/static/{static_key}/'.encode())
    return content.replace(b'"NONCE"', f'"{style_nonce}"'.encode())
