"""Read JSON that archnet wrote: fast, with bounded work, and with a single exception for damage.

Documents that people write are read by `strict_json`, which records the line of every value.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 100
"""Maximum nesting of arrays and objects; no file of archnet reaches half of it."""

_MAX_QUOTED: Final = 40


class DamagedJsonError(ValueError):
    """A text is not valid JSON as written by archnet.

    Attributes:
        problem: Description of the problem, without the name of the file.
        line: Line number, from 1; None if it is unknown.
    """

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem, line)
        self.problem = problem
        self.line = line

    def __str__(self) -> str:
        return self.problem if self.line is None else f"line {self.line}: {self.problem}"


class _RefusedTokenError(ValueError):
    """A number or key that the parser accepts but archnet never writes."""

    def __init__(self, token: str, problem: str) -> None:
        super().__init__(token, problem)
        self.token = token
        self.problem = problem


def is_special(path: Path) -> bool:
    """Whether a path is that of a device, a pipe or a socket."""
    return path.exists() and not (path.is_file() or path.is_dir())


def read_json_bytes(path: Path, max_bytes: int) -> bytes:
    """Read a file of bounded size; a pipe in its place, which may never end, is not read.

    Raises:
        DamagedJsonError: The file exceeds the limit, or is a device, a pipe or a socket.
        OSError: The file cannot be read.
    """
    if is_special(path):
        raise DamagedJsonError("a device or a pipe, not a file")
    with path.open("rb") as stream:
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise DamagedJsonError(f"larger than {max_bytes / 1e6:,.0f} MB, the limit for this file")
    return content


def parse_json(content: bytes, *, allows_surrogates: bool = False) -> Any:
    """Parse JSON without repeated keys, NaN, numbers beyond the range of a double, or deep nesting.

    >>> parse_json(b'{"n": 3}')
    {'n': 3}

    Args:
        content: UTF-8.
        allows_surrogates: Accept paths whose bytes are not UTF-8, as Python escapes them.

    Raises:
        DamagedJsonError: The text is invalid.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DamagedJsonError("not UTF-8 text", line) from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_parse_object,
            parse_int=_parse_integer,
            parse_float=_parse_float,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise DamagedJsonError(f"not JSON ({error.msg})", error.lineno) from None
    except _RefusedTokenError as error:
        raise DamagedJsonError(error.problem, _line_of(error.token, text)) from None
    except RecursionError:
        raise _depth_error() from None
    _check_depth(value)
    if not allows_surrogates and "\\u" in text:
        _check_text(value)
    return value


def _parse_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        token = json.dumps(repeated, ensure_ascii=True)
        raise _RefusedTokenError(token, f"the key {_quote(token)} occurs twice")
    return members


def _parse_integer(digits: str) -> int:
    _parse_float(digits)
    return int(digits)


def _parse_float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise _RefusedTokenError(digits, f"the number {_quote(digits)} is beyond the range of a double")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise _RefusedTokenError(name, f"{name} is not JSON")


def _quote(token: str) -> str:
    return token if len(token) <= _MAX_QUOTED else f"{token[:_MAX_QUOTED]}… ({len(token):,} characters)"


def _line_of(token: str, text: str) -> int | None:
    """Find the line of a token that occurs once; None if it is repeated."""
    return text[: text.index(token)].count("\n") + 1 if text.count(token) == 1 else None


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH + 1:
            raise _depth_error()
        parts = (node.values() if isinstance(node, dict) else node for node in level if isinstance(node, dict | list))
        level = [child for part in parts for child in part if isinstance(child, dict | list)]


def _depth_error() -> DamagedJsonError:
    return DamagedJsonError(f"nested more than {MAX_DEPTH} levels deep")


def _check_text(value: Any) -> None:
    """Reject a lone surrogate, which no program can print."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        character = str(error.object)[error.start]
        raise DamagedJsonError(f"holds {ascii(character)[1:-1]}, a lone surrogate") from None
