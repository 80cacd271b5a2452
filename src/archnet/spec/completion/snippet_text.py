"""Texts of JSON values with tab stops, in the syntax of the Language Server Protocol and in that of schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from archnet.files.documents.house_style import compact_json

_STOP: Final = re.compile(r"\$(?:(\d+)|\{(\d+)(?::((?:[^}\\]|\\.)*))?(?:\|((?:[^|\\]|\\.)*)\|)?\})")
"""A tab stop: $1, ${1}, ${1:text} or ${1|one,two|}."""

_ESCAPED: Final = re.compile(r"\\([\\$},|])")

_CHOICES: Final = re.compile(r"(?:[^,\\]|\\.)+")

_SIZES: Final = re.compile(r"\[(\d+), (\d+), \d+\]")
"""One size for each axis of a 3D network."""

_MARKED: Final = re.compile(r'"\\u0001((?:[^"\\]|\\.)*)"')
"""A string that begins with U+0001, which marks JSON without quotes while a snippet is formatted."""


def escape(text: str) -> str:
    r"""Escape a text in a snippet.

    >>> print(escape('{"$schema": 1}'))
    {"\$schema": 1}
    """
    return re.sub(r"([\\$])", r"\\\1", text)


def tab_stop(number: int, text: str) -> str:
    """A tab stop with a text that is selected, so that typing replaces it; text with braces is not a tab stop.

    Editors differ in how braces inside a tab stop are escaped.

    >>> tab_stop(1, "[3, 3]"), tab_stop(1, '{"type": "T"}')
    ('${1:[3, 3]}', '{"type": "T"}')
    """
    return escape(text) if "{" in text else f"${{{number}:{escape(text)}}}"


def choice_stop(number: int, choices: Sequence[str]) -> str:
    """A tab stop with a list of texts to choose from, the first of which is inserted."""
    texts = (re.sub(r"([\\$},|])", r"\\\1", choice) for choice in choices)
    return f"${{{number}|{','.join(texts)}|}}"


def plain_snippet(text: str) -> str:
    r"""The text that a snippet inserts if nothing is typed at its tab stops.

    >>> plain_snippet('"pool": "${1|max,avg|}", "kernel_size": ${2:[3, 3]}$0')
    '"pool": "max", "kernel_size": [3, 3]'
    """
    parts, position = [], 0
    for match in _STOP.finditer(text):
        if _is_escaped(text, match.start()):
            continue
        parts += [_unescape(text[position : match.start()]), _stop_text(match)]
        position = match.end()
    return "".join([*parts, _unescape(text[position:])])


def _is_escaped(text: str, position: int) -> bool:
    return (len(text[:position]) - len(text[:position].rstrip("\\"))) % 2 == 1


def _stop_text(match: re.Match[str]) -> str:
    if match[4] is None:
        return _unescape(match[3] or "")
    first = _CHOICES.match(match[4])
    return _unescape(first[0]) if first else ""


def _unescape(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def schema_snippet(body: Any, rank: int | None, indent: int = 0) -> str:
    """The snippet of an entry of `defaultSnippets`, in the house style.

    Args:
        body: Its body; a string that begins with ^ is JSON without quotes.
        rank: Number of axes of the sizes; null keeps them.
        indent: Number of characters before it on its line.
    """

    def length(line: str) -> int:
        return indent + len(plain_snippet(_unmarked(line)))

    text = _unmarked(compact_json(_marked(body), length))
    return _SIZES.sub(r"[\1, \2]", text) if rank == 2 else text


def _unmarked(text: str) -> str:
    return _MARKED.sub(lambda match: str(json.loads(f'"{match[1]}"')), text)


def _marked(body: Any) -> Any:
    """A body in which strings of JSON without quotes are marked."""
    if isinstance(body, dict):
        return {key: _marked(value) for key, value in body.items()}
    if isinstance(body, list):
        return [_marked(value) for value in body]
    return f"\x01{body[1:]}" if isinstance(body, str) and body.startswith("^") else body
