"""Format JSON paths and values for messages."""

from __future__ import annotations

import json
import re
from typing import Any, Final

JsonPath = tuple[str | int, ...]

MAX_QUOTE: Final = 60
"""Maximum length of a quoted value, in characters."""

MAX_PATH_TEXT: Final = 300
"""Maximum length of a path, in characters; longer paths are shortened in the middle."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_UNUSUAL_IN_KEYS: Final = re.compile("[\x00-\x1f\ud800-\udfff]")


def path_text(path: JsonPath) -> str:
    """Format a JSON path.

    >>> path_text(("layers", 3, "kernel_size"))
    '$.layers[3].kernel_size'
    """
    return shorten_path("$" + "".join(f"[{step}]" if isinstance(step, int) else _key_text(step) for step in path))


def shorten_path(path: str) -> str:
    """Shorten the middle of a long path of a value or a file."""
    half = MAX_PATH_TEXT // 2
    return path if len(path) <= MAX_PATH_TEXT else f"{path[:half]}...{path[-half:]}"


def _key_text(key: str) -> str:
    """Format a key of a path; it is quoted if it is long or contains control characters."""
    return f"[{json_text(key)}]" if len(key) > MAX_QUOTE or _UNUSUAL_IN_KEYS.search(key) else f".{key}"


def json_text(value: Any) -> str:
    """Format a JSON value for a message, shortened if it is long.

    >>> json_text([3, 3]), json_text(None), json_text("relu")
    ('[3, 3]', 'null', '"relu"')
    """
    text = json.dumps(value[:MAX_QUOTE] if isinstance(value, str) else value, ensure_ascii=False)
    text = _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text if len(text) <= MAX_QUOTE else f"{text[: MAX_QUOTE - 3]}..."


def surrogate_problem(text: str) -> str | None:
    r"""Explain why a text cannot be written to a file; None if it can.

    >>> surrogate_problem("net"), surrogate_problem("\ud800")
    (None, 'contains U+D800, a lone surrogate, which is not a character. Remove it, or write the complete pair.')
    """
    if text.isascii() or (match := _SURROGATE.search(text)) is None:
        return None
    code = ord(match[0])
    return f"contains U+{code:04X}, a lone surrogate, which is not a character. Remove it, or write the complete pair."


def has_surrogates(value: Any) -> bool:
    """Whether a text in a JSON value contains a lone surrogate; see `surrogate_problem`."""
    text = json.dumps(value, ensure_ascii=False)
    return not text.isascii() and _SURROGATE.search(text) is not None


def normalize_integers(value: Any) -> Any:
    """Convert all whole numbers of a JSON value to integers: 5.0 and 5e0 become 5."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: normalize_integers(entry) for key, entry in value.items()}
    return [normalize_integers(entry) for entry in value] if isinstance(value, list) else value
