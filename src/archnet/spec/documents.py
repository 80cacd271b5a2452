"""Strict JSON with places: every value knows its line, every problem of a document is reported at once.

The standard library's reader accepts NaN and repeated keys and forgets where a value stood, so documents are parsed
here; a test holds the result against `json.loads`.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from json.decoder import scanstring  # type: ignore[attr-defined]
from math import isfinite
from pathlib import Path
from typing import Any, Final

from archnet.errors import DocumentError, did_you_mean

MAX_BYTES: Final = 4_000_000
"""An architecture is a page long; a file above this is something else."""

MAX_DEPTH: Final = 64
"""Nesting of arrays and objects; RES and REP nest a few levels at most."""

JsonPath = tuple[str | int, ...]

Problem = tuple[JsonPath, str]
"""Where something is wrong, and what."""

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_LITERALS: Final = {"true": True, "false": False, "null": None}
_UNACCEPTED: Final = {
    "NaN": "NaN is not JSON; give a number",
    "Infinity": "Infinity is not JSON; give a number",
    "-Infinity": "-Infinity is not JSON; give a number",
    "//": 'JSON has no comments; remove it, or use a "description" key',
    "/*": 'JSON has no comments; remove it, or use a "description" key',
    "#": 'JSON has no comments; remove it, or use a "description" key',
    "'": "strings stand in double quotes",
    "True": "write true in lower case",
    "False": "write false in lower case",
    "None": "write null",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A JSON value and where each part of it stands.

    Attributes:
        value: The parsed JSON.
        source: File name for messages, or what else the value came from.
        lines: Line (from 1) of each path; empty for values that did not come from a file.
    """

    value: Any
    source: str
    lines: Mapping[JsonPath, int] = field(default_factory=dict, compare=False, repr=False)

    def where(self, path: JsonPath) -> str:
        """The place of a path as messages print it, such as `archs/mine.json:14 $.layers[3]`."""
        line = self.lines.get(path)
        return f"{self.source}{f':{line}' if line else ''} {place_of(path)}"

    def problem(self, path: JsonPath, message: str) -> str:
        """One line of a `DocumentError`."""
        return f"{self.where(path)}: {message}"

    def error(self, problems: Iterable[Problem]) -> DocumentError:
        """The error that tells every problem once, in the order of the file."""
        ordered = sorted(problems, key=lambda problem: self.lines.get(problem[0], 0))
        return DocumentError("\n".join(dict.fromkeys(self.problem(*problem) for problem in ordered)))


def name_from(text: str) -> str:
    """A name for folders and files from any text.

    >>> name_from("my arch (1)")
    'my-arch-1'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:80] or "unnamed"


def place_of(path: JsonPath) -> str:
    """A JSON path as text.

    >>> place_of(("layers", 3, "kernel_size"))
    '$.layers[3].kernel_size'
    """
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def read_document(path: Path | str) -> Document:
    """The JSON document in a file.

    Raises:
        DocumentError: The file is missing, too large, not UTF-8 or not strict JSON.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise DocumentError(f"{path}: no such file.{_nearby(path)}") from None
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror}.") from error
    if len(content) > MAX_BYTES:
        raise DocumentError(
            f"{path}: larger than {MAX_BYTES // 1_000_000} MB, which no architecture or experiment is. "
            "Is this a data file?"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DocumentError(
            f"{path}:{line}: not UTF-8 text (byte {error.start} is 0x{content[error.start]:02x}). "
            "Save the file as UTF-8."
        ) from None
    return parse_document(text, str(path))


def _nearby(path: Path) -> str:
    """A hint at a file of a similar name in the same folder."""
    if not path.parent.is_dir():
        return f" There is no folder {path.parent} either."
    hint = did_you_mean(path.name, (other.name for other in path.parent.glob("*.json")))
    return hint.replace(' "', f' "{path.parent}/') if hint and str(path.parent) != "." else hint


def parse_document(text: str, source: str) -> Document:
    """The document in a text of strict JSON.

    Args:
        text: The whole document.
        source: File name for messages.

    Raises:
        DocumentError: The text is not strict JSON: the line, the column and what stands there.
    """
    parser = _Parser(text, source)
    value = parser.document()
    return Document(value=value, source=source, lines=parser.lines)


class _Parser:
    """A recursive-descent reader of RFC 8259 JSON that records the line of every path."""

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.lines: dict[JsonPath, int] = {}
        self.line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def document(self) -> Any:
        value, end = self.value(self.skip(0), ())
        if self.skip(end) != len(self.text):
            self.refuse(self.skip(end), "expected the end of the document")
        return value

    def skip(self, position: int) -> int:
        match = _SPACE.match(self.text, position)
        return match.end() if match else position

    def line(self, position: int) -> int:
        return bisect_right(self.line_starts, position)

    def refuse(self, position: int, expected: str) -> None:
        rest = self.text[position:]
        known = next((message for start, message in _UNACCEPTED.items() if rest.startswith(start)), None)
        found = json.dumps(rest[:1]) if rest else "the end of the file"
        line = self.line(position)
        column = position - self.line_starts[line - 1] + 1
        raise DocumentError(f"{self.source}:{line}:{column}: not valid JSON: {known or f'{expected}, found {found}'}.")

    def value(self, position: int, path: JsonPath) -> tuple[Any, int]:
        if len(path) > MAX_DEPTH:
            raise DocumentError(
                f"{self.source}:{self.line(position)}: nested more than {MAX_DEPTH} levels deep. "
                'Use "REP" with "times" to repeat layers.'
            )
        self.lines.setdefault(path, self.line(position))
        start = self.text[position : position + 1]
        if start == "{":
            return self.object(position + 1, path)
        if start == "[":
            return self.array(position + 1, path)
        if start == '"':
            return self.string(position)
        return self.scalar(position)

    def string(self, position: int) -> tuple[str, int]:
        try:
            value, end = scanstring(self.text, position + 1, True)
        except json.JSONDecodeError as error:
            line = self.line(min(error.pos, len(self.text)))
            raise DocumentError(f"{self.source}:{line}: not valid JSON: {error.msg.rstrip(' at')}.") from None
        return str(value), int(end)

    def scalar(self, position: int) -> tuple[Any, int]:
        for word, value in _LITERALS.items():
            if self.text.startswith(word, position):
                return value, position + len(word)
        match = _NUMBER.match(self.text, position)
        if match is None:
            self.refuse(position, "expected a value")
            raise RuntimeError("unreachable")
        return self.number(match), match.end()

    def number(self, match: re.Match[str]) -> int | float:
        digits = match.group()
        is_float = match.group(1) or match.group(2)
        value = float(digits) if is_float or len(digits) > 300 else int(digits)
        if value in (float("inf"), float("-inf")):
            line = self.line(match.start())
            raise DocumentError(f"{self.source}:{line}: the number {digits[:20]} is beyond the range of a double.")
        return value

    def array(self, position: int, path: JsonPath) -> tuple[list[Any], int]:
        items: list[Any] = []
        position = self.skip(position)
        if self.text.startswith("]", position):
            return items, position + 1
        while True:
            item, end = self.value(self.skip(position), (*path, len(items)))
            items.append(item)
            position = self.skip(end)
            if self.text.startswith("]", position):
                return items, position + 1
            position = self.comma(position, "]")

    def object(self, position: int, path: JsonPath) -> tuple[dict[str, Any], int]:
        members: dict[str, Any] = {}
        position = self.skip(position)
        if self.text.startswith("}", position):
            return members, position + 1
        while True:
            key, position = self.key(self.skip(position), path, members)
            members[key], end = self.value(position, (*path, key))
            position = self.skip(end)
            if self.text.startswith("}", position):
                return members, position + 1
            position = self.comma(position, "}")

    def key(self, position: int, path: JsonPath, members: Mapping[str, Any]) -> tuple[str, int]:
        if not self.text.startswith('"', position):
            self.refuse(position, "expected a key in double quotes")
        key, end = self.string(position)
        line = self.line(position)
        if key in members:
            first = self.lines[(*path, key)]
            raise DocumentError(
                f'{self.source}:{line} {place_of(path)}: the key "{key}" is given twice, first in line {first}. '
                "Remove one of the two."
            )
        self.lines[(*path, key)] = line
        colon = self.skip(end)
        if not self.text.startswith(":", colon):
            self.refuse(colon, f'expected ":" after the key "{key}"')
        return key, self.skip(colon + 1)

    def comma(self, position: int, closing: str) -> int:
        if not self.text.startswith(",", position):
            self.refuse(position, f'expected "," or "{closing}"')
        after = self.skip(position + 1)
        if self.text.startswith(closing, after):
            self.refuse(after, f'expected another value after the comma (no comma stands before "{closing}")')
        return after


@cache
def read_schema(name: str) -> dict[str, Any]:
    """One of archnet's JSON schemas, by the first part of its file name, such as "arch"."""
    packaged = resources.files("archnet") / "schemas" / f"{name}.schema.json"
    if packaged.is_file():
        return dict(json.loads(packaged.read_text("utf-8")))
    checkout = Path(__file__).parents[3] / "schemas" / f"{name}.schema.json"
    return dict(json.loads(checkout.read_text("utf-8")))


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    resources_by_name = [(f"{part}.schema.json", Resource.from_contents(read_schema(part))) for part in ("arch", name)]
    registry: Any = Registry().with_resources(resources_by_name)
    return Draft202012Validator(read_schema(name), registry=registry)


def schema_problems(document: Document, schema: str) -> list[Problem]:
    """Every way in which a document breaks a schema; empty if it does not.

    Args:
        document: What to validate.
        schema: "arch" or "experiment".
    """
    errors = _validator(schema).iter_errors(document.value)
    return [*_endless_numbers(document.value, ()), *(problem for error in errors for problem in _messages(error))]


def _endless_numbers(value: Any, path: JsonPath) -> Iterator[Problem]:
    """NaN and infinity, which no file can hold but a value from Python or the command line can."""
    if isinstance(value, float) and not isfinite(value):
        yield path, f"expected a finite number, got {value}."
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, entry in entries:
        yield from _endless_numbers(entry, (*path, step))


def _messages(error: Any) -> Iterator[Problem]:
    """What one schema violation says to a person, with the path it is about."""
    path = tuple(error.absolute_path)
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        known = error.schema.get("properties", {})
        for key in sorted(set(error.instance) - set(known)):
            yield (*path, key), f'unknown key "{key}".{did_you_mean(key, known) or _listed("Known keys", known)}'
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance:
                yield path, f'the key "{key}" is missing.{_described(error.schema, key)}'
    elif error.validator == "dependentRequired":
        for key in sorted(set(error.instance) & set(error.validator_value)):
            yield (*path, key), f"needs {', '.join(map(shown, error.validator_value[key]))} beside it."
    elif error.validator not in ("if", "allOf"):
        yield path, _value_message(error)


def _described(schema: Mapping[str, Any], key: str) -> str:
    description = schema.get("properties", {}).get(key, {}).get("description", "")
    return f" It means: {description}" if description else ""


def _listed(title: str, words: Sequence[str] | Mapping[str, Any]) -> str:
    return f" {title}: {', '.join(sorted(map(str, words)))}."


_JSON_TYPES: Final = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a string",
    "boolean": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
}

_LIMITS: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "above {}",
    "exclusiveMaximum": "below {}",
    "minItems": "an array of at least {}",
    "maxItems": "an array of at most {}",
    "uniqueItems": "different values",
    "minLength": "at least {} characters",
    "pattern": "text that matches {}",
}


def _value_message(error: Any) -> str:
    """What is wrong with one value: what stands there and what was expected."""
    given = shown(error.instance)
    limit = error.validator_value
    if error.validator in ("enum", "const"):
        allowed = [limit] if error.validator == "const" else limit
        words = [word for word in allowed if isinstance(word, str)]
        hint = did_you_mean(error.instance, words) if isinstance(error.instance, str) else ""
        return f"{given} is not one of {', '.join(map(shown, allowed))}.{hint}"
    if error.validator == "type" or (error.validator == "pattern" and _words(error.schema)):
        hint = did_you_mean(error.instance, _words(error.schema)) if isinstance(error.instance, str) else ""
        return f"expected {_kinds(error.schema)}, got {given}.{hint}"
    if error.validator in _LIMITS:
        return f"expected {_LIMITS[error.validator].format(limit)}, got {given}."
    return f"{error.message}."


def _kinds(schema: Mapping[str, Any]) -> str:
    """What a value may be: its types, and the words in place of any string where its pattern lists them.

    >>> _kinds({"type": ["integer", "string"], "pattern": "^auto$"})
    'a whole number or "auto"'
    """
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kinds = [_JSON_TYPES[kind] for kind in types if kind != "string" or not _words(schema)]
    return " or ".join([*kinds, *map(shown, _words(schema))])


def _words(schema: Mapping[str, Any]) -> list[str]:
    """The words that a pattern such as ^(hu|auto)$ lists; none where it is another kind of pattern."""
    listed = re.fullmatch(r"\^\(?(\w+(?:\|\w+)*)\)?\$", schema.get("pattern", ""))
    return listed[1].split("|") if listed else []


def shown(value: Any) -> str:
    """A JSON value as a message quotes it, shortened.

    >>> shown([3, 3]), shown(None), shown("relu")
    ('[3, 3]', 'null', '"relu"')
    """
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
