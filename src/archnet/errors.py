"""The exceptions that archnet raises for a user's mistake, and "did you mean".

The command line prints an `ArchnetError` as its text, without a traceback, and exits with code 2. Anything else that
escapes is a bug in archnet (code 1). Pure functions raise `ValueError`; the caller that knows the file and the place
turns it into one of these.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, Final

MAX_WORD: Final = 100
"""Maximum length of a word that is compared with known words; longer comparisons are slow."""


class ArchnetError(Exception):
    """Base class of user errors; the message gives the location, the problem and the remedy.

    >>> try:
    ...     raise DataError("scan.mhd: no such file.")
    ... except ArchnetError as error:
    ...     print(error)
    scan.mhd: no such file.
    """

    def _render_traceback_(self) -> list[str]:
        """Show only the message in a notebook, as on the command line."""
        return [f"{type(self).__name__}: {self}"]


class DocumentError(ArchnetError):
    """A JSON document is invalid; the message has one line for each problem.

    Attributes:
        source: Name of the document; empty if the error does not say which values are invalid.
        problems: The problems, as `archnet.files.documents.problems.Problem`.
    """

    def __init__(self, message: str, source: str = "", problems: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.source = source
        self.problems = tuple(problems)


class DataError(ArchnetError):
    """A data set, scan or list is missing, damaged or inconsistent with the options."""


class RunError(ArchnetError):
    """A run cannot start or continue: its folder is in use, or its inputs do not match."""


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return a hint to append to a message: the closest known word, or an empty string.

    >>> did_you_mean("kernel", ["kernel_size", "stride"])
    ' Did you mean "kernel_size"?'
    >>> did_you_mean("zzz", ["kernel_size", "stride"])
    ''
    """
    closest = closest_word(word, known)
    return "" if closest is None else f' Did you mean "{closest}"?'


def closest_word(word: object, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant; None if none is similar.

    >>> closest_word("kernel", ["kernel_size", "stride"])
    'kernel_size'
    """
    candidates, wanted = sorted(known), str(word).lower()
    if len(wanted) > MAX_WORD:
        return None
    by_lower = {name.lower(): name for name in candidates}
    close = difflib.get_close_matches(wanted, by_lower, cutoff=0.65)
    if close:
        return by_lower[close[0]]
    contained = [name for name in candidates if _contains(name.lower(), wanted) or _contains(wanted, name.lower())]
    return contained[0] if contained else None


def _contains(text: str, part: str) -> bool:
    return len(part) > 2 and part in text


def pluralize(number: int, noun: str) -> str:
    """Format a number with its noun, in the plural unless the number is 1.

    >>> pluralize(1, "scan"), pluralize(1200, "scan")
    ('1 scan', '1,200 scans')
    """
    return f"{number:,} {noun}" + "s" * (number != 1)
