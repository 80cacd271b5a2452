"""Parts of scans that the readers skipped, assumed or could not parse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from archnet.data.checks.findings import Finding, Severity
from archnet.data.checks.scan_records import ScanRecord
from archnet.errors import pluralize

_MAX_TEXTS: Final = 3
"""Maximum number of different texts in a finding."""


def check_scan_headers(scans: Sequence[Path], records: Sequence[ScanRecord]) -> Iterator[Finding]:
    """Collect the warnings and notes of the readers.

    Args:
        scans: The scans.
        records: The record of each scan.
    """
    yield from _gather(scans, (record.warnings for record in records), "warning")
    yield from _gather(scans, (record.notes for record in records), "note")


def _gather(scans: Sequence[Path], texts_of_scans: Iterable[Sequence[str]], severity: Severity) -> Iterator[Finding]:
    scans_by_text: dict[str, list[Path]] = {}
    for scan, texts in zip(scans, texts_of_scans, strict=True):
        for text in texts:
            scans_by_text.setdefault(text, []).append(scan)
    if not scans_by_text:
        return
    by_frequency = sorted(scans_by_text.items(), key=lambda entry: -len(entry[1]))
    parts = [f"{pluralize(len(some), 'scan')}, such as {some[0]}: {text}" for text, some in by_frequency[:_MAX_TEXTS]]
    rest = {scan for _, some in by_frequency[_MAX_TEXTS:] for scan in some}
    others = [f"Other messages concern {pluralize(len(rest), 'scan')}."] if rest else []
    concerned = dict.fromkeys(scan for some in scans_by_text.values() for scan in some)
    yield Finding(
        check="scan_headers",
        severity=severity,
        message=" ".join([*parts, *others]),
        cases=tuple(str(scan) for scan in concerned),
        remedy="View one of these scans, and convert the scans again if it does not look as expected."
        if severity == "warning"
        else "",
    )
