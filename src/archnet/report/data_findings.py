"""Findings of the data checks in words, from the data.json of a run or from `archnet data check`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from archnet.errors import pluralize

SEVERITY_ORDER: Final = ("error", "warning", "note")

_MAX_CASES: Final = 5
"""Maximum number of cases that a finding names; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingText:
    """A finding as shown to the reader.

    Attributes:
        severity: "error", "warning" or "note".
        check: Name of the check; empty in runs of earlier versions.
        message: The finding.
        cases: The first cases concerned, and how many more there are; empty if there are none.
        remedy: How to fix it; empty if there is nothing to fix.
        is_allowed: Whether it is an error that is allowed.
    """

    severity: str
    check: str
    message: str
    cases: str
    remedy: str
    is_allowed: bool

    @property
    def label(self) -> str:
        """The severity, and whether it is allowed."""
        return f"{self.severity}, allowed" if self.is_allowed else self.severity


def finding_text(finding: Mapping[str, Any]) -> FindingText:
    """A finding of `archnet data check --json` in words."""
    return FindingText(
        severity=finding["severity"],
        check=finding["check"],
        message=finding["message"],
        cases=cases_text(finding["cases"]),
        remedy=finding["remedy"],
        is_allowed=finding["is_allowed"],
    )


def recorded_findings(data: Mapping[str, Any] | None) -> list[FindingText]:
    """The findings of a run, the most serious first; errors among them were allowed.

    Args:
        data: The content of data.json; that of an earlier version has notes.
    """
    data = data or {}
    notes = [{"severity": "note", "check": "", "message": note} for note in data.get("notes", [])]
    findings = [
        finding_text({"cases": [], "remedy": "", **finding, "is_allowed": finding["severity"] == "error"})
        for finding in [*data.get("findings", []), *notes]
    ]
    return sorted(findings, key=lambda finding: SEVERITY_ORDER.index(finding.severity))


def findings_note(findings: Sequence[FindingText]) -> str:
    """A line about errors and warnings for the end of a run; empty if there are none.

    >>> findings_note([])
    ''
    """
    serious = [finding for finding in findings if finding.severity != "note"]
    return f"{count_findings(serious)} about the data; see the data checks in the report." if serious else ""


def cases_text(cases: Sequence[str]) -> str:
    """The first cases by name, and the number of the others.

    >>> cases_text(["a", "b"]), cases_text(["a", "b", "c", "d", "e", "f", "g"])
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    more = len(cases) - _MAX_CASES
    return ", ".join(cases[:_MAX_CASES]) + (f" and {more:,} more" if more > 0 else "")


def count_findings(findings: Sequence[FindingText]) -> str:
    """The number of findings of each severity.

    >>> error = FindingText(severity="error", check="", message="", cases="", remedy="", is_allowed=True)
    >>> count_findings([error, error]), count_findings([])
    ('2 allowed errors', 'no findings')
    """
    num_allowed = sum(finding.is_allowed for finding in findings)
    num_errors = sum(finding.severity == "error" for finding in findings) - num_allowed
    counts = {
        "error": num_errors,
        "allowed error": num_allowed,
        **{name: sum(finding.severity == name for finding in findings) for name in SEVERITY_ORDER[1:]},
    }
    return ", ".join(pluralize(number, name) for name, number in counts.items() if number) or "no findings"
