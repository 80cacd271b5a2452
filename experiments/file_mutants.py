"""Damaged copies of a file, drawn with a seed: bytes, lines, csv fields and JSON values.

`mutants(path.name, path.read_bytes(), count, seed)` yields them. The kinds come in turn, so a few dozen cover all.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

Mutate = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A damaged file.

    Attributes:
        kind: What was done to it.
        content: What it holds.
    """

    kind: str
    content: bytes


def mutants(name: str, content: bytes, count: int, seed: int = 0) -> Iterator[Mutant]:
    """Damaged copies of a file.

    Args:
        name: Its name; the ending says which kinds of damage fit.
        content: What it holds.
        count: Number of copies.
        seed: Of the draws.
    """
    kinds = list((_kinds(name)).items())
    for number in range(count):
        kind, mutate = kinds[number % len(kinds)]
        yield Mutant(kind=kind, content=mutate(content, random.Random(f"{name} {seed} {number}")))


def _kinds(name: str) -> dict[str, Mutate]:
    if name.endswith(".json"):
        return JSON_KINDS | TEXT_KINDS | BYTE_KINDS
    return CSV_KINDS | TEXT_KINDS | BYTE_KINDS if name.endswith(".csv") else BYTE_KINDS


def flip_bits(content: bytes, draw: random.Random) -> bytes:
    """One to eight bits are wrong."""
    changed = bytearray(content)
    for _ in range(draw.randint(1, 8)):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def truncate(content: bytes, draw: random.Random) -> bytes:
    """The end is missing."""
    return content[: draw.randrange(len(content))]


def clear_block(content: bytes, draw: random.Random) -> bytes:
    """A block was never written: it holds zeros."""
    start = draw.randrange(len(content))
    size = min(draw.randint(1, 512), len(content) - start)
    return content[:start] + bytes(size) + content[start + size :]


def remove_bytes(content: bytes, draw: random.Random) -> bytes:
    """Some bytes are missing."""
    start = draw.randrange(len(content))
    return content[:start] + content[start + draw.randint(1, 16) :]


def insert_noise(content: bytes, draw: random.Random) -> bytes:
    """Foreign bytes stand between."""
    start = draw.randrange(len(content))
    return content[:start] + draw.randbytes(draw.randint(1, 64)) + content[start:]


def replace_by_noise(content: bytes, draw: random.Random) -> bytes:
    """Another file, of no format."""
    return draw.randbytes(min(len(content), 400))


def empty(_content: bytes, _draw: random.Random) -> bytes:
    """The file has no bytes."""
    return b""


BYTE_KINDS: Final[dict[str, Mutate]] = {
    "flipped bits": flip_bits,
    "cut off": truncate,
    "a block of zeros": clear_block,
    "bytes are missing": remove_bytes,
    "bytes too many": insert_noise,
    "noise": replace_by_noise,
    "empty": empty,
}


def delete_line(content: bytes, draw: random.Random) -> bytes:
    """A line is missing."""
    lines = content.splitlines(keepends=True)
    del lines[draw.randrange(len(lines))]
    return b"".join(lines)


def repeat_line(content: bytes, draw: random.Random) -> bytes:
    """A line is there twice."""
    lines = content.splitlines(keepends=True)
    place = draw.randrange(len(lines))
    return b"".join([*lines[: place + 1], *lines[place:]])


def change_encoding(content: bytes, draw: random.Random) -> bytes:
    """An editor saved the file in another encoding."""
    text = content.decode()
    place = draw.randrange(len(text))
    text = text[:place] + "é" + text[place:]
    return draw.choice([text.encode("utf-16"), text.encode("latin-1", "replace"), codecs.BOM_UTF8 + content])


TEXT_KINDS: Final[dict[str, Mutate]] = {
    "a line is missing": delete_line,
    "a line twice": repeat_line,
    "another encoding": change_encoding,
}

_FIELDS: Final = ("", "nan", "inf", "-1", "1e999", "x", '"', "\0", "9" * 400, "0_69", "1,2", "=1+1", "x" * 200_000, "é")


def change_field(content: bytes, draw: random.Random) -> bytes:
    """A field holds something else."""
    rows = _rows(content)
    row = draw.choice(rows)
    row[draw.randrange(len(row))] = draw.choice(_FIELDS)
    return _csv_bytes(rows)


def delete_field(content: bytes, draw: random.Random) -> bytes:
    """A row is a field short."""
    rows = _rows(content)
    row = draw.choice(rows)
    del row[draw.randrange(len(row))]
    return _csv_bytes(rows)


def delete_column(content: bytes, draw: random.Random) -> bytes:
    """A column is missing."""
    rows = _rows(content)
    place = draw.randrange(len(rows[0]))
    return _csv_bytes([row[:place] + row[place + 1 :] for row in rows])


def open_quote(content: bytes, draw: random.Random) -> bytes:
    """A quotation mark is not closed."""
    place = draw.randrange(len(content))
    return content[:place] + b'"' + content[place:]


def keep_header(content: bytes, _draw: random.Random) -> bytes:
    """All rows are missing."""
    return content.splitlines(keepends=True)[0]


CSV_KINDS: Final[dict[str, Mutate]] = {
    "another field": change_field,
    "a field is missing": delete_field,
    "a column is missing": delete_column,
    "an open quote": open_quote,
    "a header alone": keep_header,
}


def _rows(content: bytes) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(content.decode(), newline="")) if row]


def _csv_bytes(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


_VALUES: Final = (
    None, True, -1, 0.5, 3, 1e300, 10**30, "x", "", "\ud800", [], {}, [[]], [None], {"x": 1}, "x" * 1000, [1, 2, 3],
)  # fmt: skip


def change_value(content: bytes, draw: random.Random) -> bytes:
    """One value is of another type or size."""
    return _change(content, draw, lambda holder, step: holder.__setitem__(step, draw.choice(_VALUES)))


def delete_value(content: bytes, draw: random.Random) -> bytes:
    """A key or an entry is missing."""
    return _change(content, draw, lambda holder, step: holder.__delitem__(step))


def rename_key(content: bytes, draw: random.Random) -> bytes:
    """A key has another name."""

    def rename(holder: Any, step: Any) -> None:
        if isinstance(holder, dict):
            holder[f"{step}x"] = holder.pop(step)
        else:
            holder.append(holder[step])

    return _change(content, draw, rename)


def nest_deeply(content: bytes, draw: random.Random) -> bytes:
    """One value is many brackets."""
    depth = draw.choice([80, 500, 100_000])
    return _replace_token(content, draw, b"[" * depth + b"]" * depth)


def write_long_number(content: bytes, draw: random.Random) -> bytes:
    """One value is a number of many digits."""
    return _replace_token(content, draw, draw.choice([b"9" * 5000, b"1e999", b"NaN", b"-Infinity", b"9" * 40]))


def repeat_key(content: bytes, _draw: random.Random) -> bytes:
    """The first key is given twice."""
    value = json.loads(content)
    if not isinstance(value, dict) or not value:
        return b'{"a": 1, "a": 2}'
    first = json.dumps(next(iter(value)))
    return b"{" + f"{first}: 1, ".encode() + content.lstrip()[1:]


JSON_KINDS: Final[dict[str, Mutate]] = {
    "another value": change_value,
    "a value is missing": delete_value,
    "another key": rename_key,
    "another value again": change_value,
    "deep nesting": nest_deeply,
    "a long number": write_long_number,
    "a key twice": repeat_key,
}


def _change(content: bytes, draw: random.Random, change: Callable[[Any, Any], None]) -> bytes:
    value = json.loads(content)
    places = list(_places(value))
    if places:
        change(*draw.choice(places))
    return json.dumps(value, indent=1).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each value inside another one, as its holder and its key or index."""
    steps = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for step in steps:
        yield value, step
        yield from _places(value[step])


def _replace_token(content: bytes, draw: random.Random, token: bytes) -> bytes:
    mark = "\N{REPLACEMENT CHARACTER} here"
    marked = _change(content, draw, lambda holder, step: holder.__setitem__(step, mark))
    return marked.replace(json.dumps(mark).encode(), token)
