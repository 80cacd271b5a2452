"""Text for a terminal: control characters and text direction overrides in names are escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_CONTROLS: Final = "\x00-\x08\x0b-\x1f\x7f-\x9f"
_LINE_BREAKS: Final = "\u2028\u2029"
_DIRECTIONS: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SURROGATES: Final = "\ud800-\udfff"
_MAX_LENGTH: Final = 80
_UNSAFE: Final = re.compile(f"[{_CONTROLS}{_LINE_BREAKS}{_DIRECTIONS}{_SURROGATES}]")
_SURROGATE: Final = re.compile(f"[{_SURROGATES}]")
_UNSAFE_IN_NAMES: Final = re.compile(f"[\t\n{_UNSAFE.pattern[1:]}")


def escape_message(text: str) -> str:
    r"""Escape characters that could move the cursor, or colour or reorder text; keep line breaks and tabs.

    >>> print(escape_message("scan \x1b[2J\r.mhd:\nno such file"))
    scan \x1b[2J\x0d.mhd:
    no such file
    """
    return _UNSAFE.sub(_escape, text)


def escape_name(text: str) -> str:
    r"""Escape a name for a single line of text, including line breaks and tabs.

    >>> print(escape_name("a\n\u202eb"))
    a\x0a\u202eb
    """
    return _UNSAFE_IN_NAMES.sub(_escape, text)


def shorten(name: str) -> str:
    """Shorten a name that is too long for a message to its start and end.

    >>> shorten("scans/" + "deep/" * 1000 + "a.mhd")
    'scans/deep/deep/deep/deep/deep/deep/dee…deep/deep/deep/deep/deep/deep/deep/a.mhd'
    """
    half = _MAX_LENGTH // 2
    return name if len(name) <= _MAX_LENGTH else f"{name[: half - 1]}…{name[-half:]}"


def has_unsafe_characters(name: str) -> bool:
    """Whether a name contains characters that `escape_name` escapes."""
    return _UNSAFE_IN_NAMES.search(name) is not None


def escape_json(text: str) -> str:
    r"""Escape the same characters in JSON text, where only strings contain them.

    The values do not change, with one exception: JSON cannot represent bytes of a file name that are not UTF-8, so
    these become visible escapes, as in messages.

    >>> escape_json('["\x9b1m\udcff"]')
    '["\\u009b1m\\\\udcff"]'
    """
    visible = _SURROGATE.sub(lambda match: rf"\\u{ord(match[0]):04x}", text)
    return _UNSAFE.sub(lambda match: rf"\u{ord(match[0]):04x}", visible)


@contextmanager
def name_stream(*, is_stderr: bool) -> Iterator[None]:
    """Add the name of the standard stream to write errors, which otherwise name no file."""
    try:
        yield
    except OSError as error:
        error.filename = "standard error" if is_stderr else "standard output"
        raise


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
