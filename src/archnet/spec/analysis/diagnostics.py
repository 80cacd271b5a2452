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
        location: Location in the messages of `archnet check`, such as `archs/mine.json:14 $.layers[3]`; empty if the
            message contains it, as for a problem of another file.
        path: JSON path of the value.
        is_syntax: Whether the text is not valid JSON there.
        fixes: Edits that would remove the problem, the most likely first.
    """

    range: TextRange
    severity: Severity
    message: str
    path: JsonPath
    location: str = ""
    is_syntax: bool = False
    fixes: tuple[Fix, ...] = ()

    @property
    def text(self) -> str:
        """The line that `archnet check` prints."""
        return f"{self.location}: {self.message}" if self.location else self.message
