"""Problems of a document, with their exact location and their fixes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from archnet.files.strict_json import JsonPath
from archnet.spec.analysis.text_ranges import Fix, TextRange

Severity = Literal["error", "warning", "hint"]
"""An error makes the document invalid; a warning is almost always a mistake; a hint is advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One problem of a document.

    Attributes:
        range: The text at fault: a key, a value, or the place where something is missing; not empty in a text that is
            not empty.
        severity: See `Severity`.
        message: The problem and its remedy, as in the messages of `archnet check`, without the location.
        path: JSON path of the value.
        fixes: Edits that would remove the problem, the most likely first.
    """

    range: TextRange
    severity: Severity
    message: str
    path: JsonPath
    fixes: tuple[Fix, ...] = ()
