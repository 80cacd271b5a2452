"""Interpret invalid scalars of JSON: words without quotes, Python's literals, malformed numbers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

_WORDS: Final = {"true": True, "false": False, "null": None, "none": None}

_QUOTED = re.compile(r"'((?:[^'\\\n]|\\.)*)'|'([^'\n]*)")

_WORD = re.compile(r"[^\W\d][\w$.\-]*|\$[\w$.\-]+")

_NUMBER = re.compile(r"[+\-.]*\d[\w.+\-]*|[+-]?Infinity\b|[+\-.]+")

_CLOSED_STRING = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')

_TRAILING = re.compile(r"[\s,:\]}]*$")

_GARBAGE = re.compile(r"""[^\s,\]}\[{"']+""")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenToken:
    """An invalid scalar.

    Attributes:
        end: Offset after it.
        value: Its probable value.
        replacement: Valid JSON for it; null if its meaning is unclear.
    """

    end: int
    value: Any = None
    replacement: str | None = None


def read_broken_token(text: str, position: int) -> BrokenToken | None:
    """Read an invalid scalar, except a string in double quotes; null if there is none, as at a comma or a bracket.

    >>> read_broken_token("[True]", 1).replacement, read_broken_token("[.5]", 1).replacement
    ('true', '0.5')
    """
    if match := _QUOTED.match(text, position):
        value = match[1] if match[1] is not None else match[2]
        return BrokenToken(end=match.end(), value=value, replacement=json.dumps(value, ensure_ascii=False))
    if match := _NUMBER.match(text, position):
        return BrokenToken(end=match.end(), **_number(match[0]))
    if match := _WORD.match(text, position):
        return _read_word(match)
    if match := _GARBAGE.match(text, position):
        return BrokenToken(end=match.end())
    return None


def _read_word(match: re.Match[str]) -> BrokenToken:
    word = match[0]
    if word.lower() in _WORDS:
        value = _WORDS[word.lower()]
        return BrokenToken(end=match.end(), value=value, replacement=json.dumps(value))
    if word in ("NaN", "Infinity"):
        return BrokenToken(end=match.end())
    return BrokenToken(end=match.end(), value=word, replacement=json.dumps(word, ensure_ascii=False))


def _number(digits: str) -> dict[str, Any]:
    """The value and the replacement of an invalid number, if it is one in Python.

    >>> _number("007"), _number("5."), _number("1.2.3")
    ({'value': 7, 'replacement': '7'}, {'value': 5.0, 'replacement': '5.0'}, {})
    """
    try:
        if len(digits) > 40 or "_" in digits:
            return {}
        value = int(digits) if digits.lstrip("+-").isdecimal() else float(digits)
        return {"value": value, "replacement": json.dumps(value)} if isfinite(value) else {}
    except ValueError:
        return {}


def read_broken_string(text: str, position: int) -> BrokenToken:
    r"""Read an invalid string in double quotes: without its closing quote, or with invalid characters inside.

    >>> read_broken_string('["relu, 3]', 1)
    BrokenToken(end=9, value='relu, 3', replacement='"relu, 3"')
    """
    closed = _CLOSED_STRING.match(text, position)
    line_end = text.find("\n", position)
    line_end = len(text) if line_end < 0 else line_end
    end = closed.end() if closed else max(_TRAILING.search(text, position + 1, line_end).start(), position + 1)  # type: ignore[union-attr]
    content = text[position + 1 : end - 1 if closed else end]
    value = re.sub(r"\\(u[0-9a-fA-F]{4}|.)", _unescape, content).rstrip("\\")
    return BrokenToken(end=end, value=value, replacement=json.dumps(value, ensure_ascii=False))


def _unescape(match: re.Match[str]) -> str:
    r"""The character of an escape sequence; an invalid one is left unchanged.

    >>> re.sub(r"\\(u[0-9a-fA-F]{4}|.)", _unescape, r"a\tb\q")
    'a\tb\\q'
    """
    try:
        return str(json.loads(f'"{match[0]}"'))
    except json.JSONDecodeError:
        return match[0]
