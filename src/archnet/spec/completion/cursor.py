"""The place of a cursor in a text that may be incomplete: what has been written around it, and what it is part of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from archnet.files.documents.json_text import JsonPath
from archnet.files.documents.text_edits import TextRange

_TOKEN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+')

_STRING: Final = r'"(?:[^"\\\n]++|\\.)*+"'
_FLAT: Final = rf'[^\[\]{{}}"]++|{_STRING}'
_ARRAY: Final = rf"\[(?:{_FLAT})*+\]"
_OBJECT: Final = rf"\{{(?:{_FLAT}|{_ARRAY}|\{{(?:{_FLAT}|{_ARRAY})*+\}})*+\}}"
_CLOSED: Final = re.compile(rf"{_OBJECT}|\[(?:{_FLAT}|{_ARRAY}|{_OBJECT})*+\]")
"""An object or array that is closed, with few levels inside. It is skipped, because a text has many of them."""

_WORD_REST: Final = re.compile(r'[^\s{}\[\],:"]*')

_AFTER_STRING: Final = re.compile(r"\s*(?:[:,}\]]|$)")
"""The text after a string that is closed by its own quote, not by the quote of the next string."""

_VALUE_BEHIND: Final = re.compile(r'[ \t]*(?:"(?:[^"\\\n]|\\.)*"|[^\s{}\[\],:"]+)(?!\s*:)|\s*[{\[]')
"""A value that is already behind a colon: a word on the same line, or the beginning of an object or array."""

_NEXT: Final = re.compile(r"\s*(.?)", re.DOTALL)

_CLOSING: Final = {"}": "{", "]": "["}

_MAX_FRAMES: Final = 200


@dataclass(slots=True)
class _Frame:
    """An object or array that is open before the cursor.

    Attributes:
        bracket: Its opening bracket.
        state: What is expected next: a key, a colon, a value, or a comma.
        key: The key whose value is written or expected.
        index: The index of the last entry that begins before the cursor.
        members: The keys before the cursor, with their values, null for objects and arrays.
        later: The keys after the cursor, likewise.
    """

    bracket: str
    state: Literal["key", "colon", "value", "comma"]
    key: str = ""
    index: int = 0
    members: dict[str, Any] = field(default_factory=dict)
    later: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> Any:
        """The value, which may be incomplete."""
        return {**self.later, **self.members} if self.bracket == "{" else []

    @property
    def step(self) -> str | int:
        """The step to the value that is written or expected; after a value without a comma, that is the next entry."""
        return self.key if self.bracket == "{" else self.index + (self.state == "comma")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The place of a cursor.

    Attributes:
        expects: What can be written there.
        path: Path of the enclosing object or array.
        values: The document, and the value at each step of the path, as far as they are known: objects have all their
            keys, with null for objects and arrays; arrays are empty.
        key: The key whose value is expected; empty if none is.
        index: The index of the entry that is expected; -1 if none is.
        other_keys: The keys of the enclosing object, except the one at the cursor.
        range: The half-typed word or string, which a completion replaces.
        comma_position: Where a comma is missing before the cursor; -1 if none is.
        is_followed: Whether a comma is missing after the cursor.
        has_value: Whether a colon follows, so that only the key is completed.
    """

    expects: Literal["key", "value"]
    path: JsonPath
    values: tuple[Any, ...]
    key: str
    index: int
    other_keys: frozenset[str]
    range: TextRange
    comma_position: int
    is_followed: bool
    has_value: bool


def find_cursor(text: str, offset: int) -> Cursor | None:
    """Find the place of a cursor in any text; null if only punctuation can be written there.

    >>> cursor = find_cursor('{"type": "C", "stri', 19)
    >>> cursor.range if cursor else None
    TextRange(start=14, end=19)

    Args:
        text: The text.
        offset: Offset of the cursor, at most the length of the text.
    """
    frames, word, last_end = _scan(text, offset)
    start, end = (word.start(), _word_end(text, word, offset)) if word else (offset, offset)
    top = frames[-1] if frames else None
    if top is None or top.state == "colon":
        return None
    if top.bracket == "{" and top.state == "value" and word is None:
        behind = _VALUE_BEHIND.match(text, offset)
        if behind and behind[0][-1] in "{[":
            return None
        end = behind.end() if behind else offset
    following = _next_character(text, end)
    _read_rest(text, end, frames)
    is_key = top.bracket == "{" and top.state in ("key", "comma")
    return Cursor(
        expects="key" if is_key else "value",
        path=tuple(frame.step for frame in frames[:-1]),
        values=tuple(frame.value for frame in frames),
        key=top.key if top.bracket == "{" and not is_key else "",
        index=top.step if isinstance(top.step, int) else -1,
        other_keys=frozenset((*top.members, *top.later)),
        range=TextRange(start, end),
        comma_position=last_end if top.state == "comma" else -1,
        is_followed=following not in ("", ",", "}", "]", ":"),
        has_value=is_key and following == ":",
    )


def _scan(text: str, offset: int) -> tuple[list[_Frame], re.Match[str] | None, int]:
    """The open objects and arrays before an offset, the word at it, and the end of the token before."""
    frames: list[_Frame] = []
    last_end = 0
    for match in _tokens(text, 0, offset):
        token = match[0]
        if len(token) > 1 and token[0] in "{[":
            _end_value(frames, None)
        elif token in "{}[],:":
            _read_punctuation(frames, token)
        elif match.end() > offset or (match.end() == offset and not _is_closed(token)):
            return frames, match, last_end
        else:
            _read_word(frames, token)
        last_end = match.end()
    return frames, None, last_end


def _tokens(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Yield the tokens that begin before an end; an object or array that is closed before it may be one token."""
    position = start
    while match := _TOKEN.search(text, position):
        if match.start() >= end:
            return
        if match[0] in "{[" and (closed := _CLOSED.match(text, match.start())) and closed.end() <= end:
            match = closed
        yield match
        position = match.end()


def _is_closed(token: str) -> bool:
    """Whether a token is a string with both quotes; a word may become longer."""
    return len(token) > 1 and token[0] == '"' == token[-1]


def _read_punctuation(frames: list[_Frame], token: str) -> None:
    if token in "{[":
        if len(frames) < _MAX_FRAMES:
            frames.append(_Frame(token, "key" if token == "{" else "value"))
        return
    if token in _CLOSING:
        _close(frames, _CLOSING[token])
    elif frames and token == ":" and frames[-1].bracket == "{":
        frames[-1].state = "value"
    elif frames and token == ",":
        top = frames[-1]
        top.index += 1
        top.state = "key" if top.bracket == "{" else "value"


def _close(frames: list[_Frame], bracket: str) -> None:
    """Close the innermost open bracket of a kind, with all unclosed ones inside it."""
    number = next((number for number in reversed(range(len(frames))) if frames[number].bracket == bracket), None)
    if number is None:
        return
    del frames[number:]
    _end_value(frames, None)


def _end_value(frames: list[_Frame], value: Any) -> None:
    """End the value of a key, or an entry, of the innermost object or array."""
    if not frames:
        return
    top = frames[-1]
    if top.bracket == "{":
        top.members[top.key] = value
    top.index += top.state == "comma"
    top.state = "comma"


def _read_word(frames: list[_Frame], token: str) -> None:
    """Read a string, a number or a literal; after a value without a comma, it begins the next entry."""
    if not frames:
        return
    top, value = frames[-1], _value_of(token)
    if top.bracket == "[" or top.state == "value":
        _end_value(frames, value)
    else:
        top.key, top.state = str(value), "colon"
        top.members.setdefault(top.key, None)


def _value_of(token: str) -> Any:
    try:
        return json.loads(token)
    except ValueError:
        return token.strip('"')


def _word_end(text: str, word: re.Match[str], offset: int) -> int:
    """The end of the word or string at an offset, without what follows a string that is not closed."""
    if _is_closed(word[0]) and _AFTER_STRING.match(text, word.end()):
        return word.end()
    rest = _WORD_REST.match(text, offset)
    return rest.end() if rest else offset


def _next_character(text: str, position: int) -> str:
    match = _NEXT.match(text, position)
    return match[1] if match else ""


def _read_rest(text: str, position: int, frames: list[_Frame]) -> None:
    """Read the keys of the open objects that follow a position."""
    number, depth = len(frames) - 1, 0
    word = key = ""
    for match in _tokens(text, position, len(text)):
        token = match[0]
        if depth == 0 and token == ":":
            word, key = "", word
        elif depth == 0 and token not in ",}]":
            is_word = token[0] not in "{["
            if key:
                frames[number].later[str(_value_of(key))] = _value_of(token) if is_word else None
            word, key = token if is_word else "", ""
        depth += (token in "{[") - (token in "}]")
        if depth < 0:
            number, depth, word, key = number - 1, 0, "", ""
            if number < 0:
                return
