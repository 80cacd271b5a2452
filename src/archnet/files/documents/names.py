"""Folder names that are valid on every operating system."""

from __future__ import annotations

import re
from typing import Final

from archnet.files.documents.json_text import json_text

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*$(?!\n)"
"""Pattern of the names of architectures, experiments and sweeps, which become folders; as in the schemas."""

NAME_RULE: Final = 'letters, digits, ".", "_" and "-", with a letter or a digit first'

_MAX_LISTED: Final = 5
"""Characters that a message lists."""

_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


def name_problem(name: str) -> str | None:
    """Explain why a name is not a valid folder name on every system; None if it is valid.

    >>> name_problem("arch3dsm"), name_problem("nul.v2")
    (None, '"nul.v2" is the name of a device on Windows. Rename it.')
    >>> name_problem("my net").rpartition(", got ")[2]
    '"my net": " " is not allowed.'
    """
    if re.search(NAME_PATTERN, name) is None:
        return f"expected {NAME_RULE}, got {json_text(name)}{_fault(name)}."
    if is_device_name(name):
        return f'"{name}" is the name of a device on Windows. Rename it.'
    return f'"{name}" ends in a dot, which Windows drops. Remove it.' if name.endswith(".") else None


def _fault(name: str) -> str:
    """The characters of a name that are not allowed, or the first one if it is neither a letter nor a digit."""
    characters = list(dict.fromkeys(re.sub(r"[A-Za-z0-9._-]", "", name)))
    if not characters:
        return f": it begins with {json_text(name[0])}" if name else ""
    *others, last = map(json_text, characters[:_MAX_LISTED])
    listed = f"{', '.join(others)} and {last}" if others else last
    return f": {listed} {'are' if others else 'is'} not allowed"


def is_device_name(name: str) -> bool:
    """Whether a file or folder of this name is a device on Windows.

    >>> is_device_name("NUL.txt"), is_device_name("null")
    (True, False)
    """
    return _DEVICES.fullmatch(name) is not None
