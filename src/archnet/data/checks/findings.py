"""Findings of the data checks, and the rule for when they stop a run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from archnet.errors import DataError, pluralize

Severity = Literal["error", "warning", "note"]

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "note")
"""Severities, most serious first."""

_NUM_NAMED: Final = 3
"""Maximum number of cases, scans or files that a message names; the others are counted."""

CHECKS: Final = {
    "array_layout": "how the arrays of a file are read: axes, labels and class names",
    "case_attributes": "the table of case attributes (data.cases) and LUNA16's diameters",
    "class_values": "whether the values of the classes differ in a way that only a different scaling explains",
    "constant_cases": "cases whose voxels are all equal",
    "contradictory_labels": "identical cases with different labels",
    "empty_sets": "sets of the data set's own split that lack a class",
    "identical_cases": "cases with the same voxels",
    "input_shape": "whether the crops have the size that the architecture was designed for",
    "left_out": "files, scans and candidates that the data set does not use",
    "missing_groups": "cases without a group",
    "near_duplicates": "cases that are copies of each other up to noise, scaling, shift or flip",
    "outside_candidates": "candidates outside their scan",
    "own_sets": "training, validation and test sets that come with the data set",
    "patients": "whether the patients of the scans are known",
    "readings": "nodules without a reading or label, and scans that do not match their readings",
    "scan_headers": "what is unusual in the headers of scans",
    "shared_groups": "groups with cases in more than one set of the data set's own split",
    "small_sets": "sets with too few cases for a useful result",
    "soft_labels": "soft labels and weights of cases",
    "starting_weights": "test cases on which the initial weights were trained",
    "symmetry": "whether flips and rotations change the classes",
    "unreadable_scans": "scans that cannot be read",
    "unusual_names": "names that a spreadsheet program or a terminal could interpret as commands",
    "value_range": "whether the values are in the range that the window expects",
}
"""The checks by name; `data.allow` names those whose errors do not stop a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A finding of a data check.

    Attributes:
        check: Key of `CHECKS`.
        severity: An error stops a run unless `data.allow` names the check.
        message: The problem, in one or more sentences.
        cases: The cases, scans or files concerned, by name.
        remedy: How to fix it, as a sentence with a command or a key; empty for a note.
    """

    check: str
    severity: Severity
    message: str
    cases: tuple[str, ...] = ()
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.check not in CHECKS:
            raise ValueError(f"{self.check} is not in CHECKS")

    @property
    def text(self) -> str:
        """The message and the remedy."""
        return f"{self.message} {self.remedy}".rstrip()

    def to_document(self) -> dict[str, Any]:
        """The finding, JSON-ready."""
        return asdict(self) | {"cases": list(self.cases)}


def sort_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Sort findings by severity, most serious first; the sort is stable."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def first_names(names: Sequence[str], separator: str = ", ") -> str:
    """Format the first names and the number of the others.

    >>> first_names(["a", "b", "c"]), first_names(["a", "b", "c", "d", "e"])
    ('a, b, c', 'a, b, c, 2 more')
    """
    others = len(names) - _NUM_NAMED
    return separator.join([*names[:_NUM_NAMED], *([f"{others:,} more"] if others > 0 else [])])


def is_or_are(number: int) -> str:
    """The verb after a number of things."""
    return "is" if number == 1 else "are"


def stop_on_errors(findings: Sequence[Finding], allowed: Collection[str]) -> None:
    """Raise an error if a check found an error that is not allowed.

    Raises:
        DataError: The message has a line for each such error.
    """
    errors = [finding for finding in findings if finding.severity == "error" and finding.check not in allowed]
    if errors:
        names = " ".join(dict.fromkeys(f"--allow {error.check}" for error in errors))
        lines = [f"{error.check}: {error.text}" for error in errors]
        raise DataError(
            "\n".join(
                [*lines, f"The data have {pluralize(len(errors), 'error')}. To use the data anyway, add {names}."]
            )
        )
