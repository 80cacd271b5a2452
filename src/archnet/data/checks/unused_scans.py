"""Mismatches between a list of candidates or nodules and the scans of a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from archnet.data.checks.findings import Finding, Severity, first_names, is_or_are
from archnet.data.checks.left_out import MAX_CASES
from archnet.errors import pluralize
from archnet.files.luna16_lists import LIDC_UID, SERIES_FILE


def find_unused(path: Path, series: Sequence[str], scans: Mapping[str, Path], noun: str) -> Iterator[Finding]:
    """Report rows of a list without a scan, and scans that the list does not name.

    A list of nodules need not name every scan, so scans without a nodule only give a note.

    Args:
        path: The list.
        series: Series uid of each row.
        scans: Paths of the scans, by series uid.
        noun: Name of a row: "candidate" or "nodule".
    """
    counts = Counter(series)
    absent = [uid for uid in counts if uid not in scans]
    known = _read_known_series(path.parent)
    unknown = [uid for uid in absent if (uid not in known if known else not uid.startswith(LIDC_UID))]
    idle = sorted(set(scans.values()) - {scans[uid] for uid in counts if uid in scans})
    if absent:
        num_absent = sum(counts[uid] for uid in absent)
        yield _left_out(
            f"{num_absent:,} of the {pluralize(len(series), noun)} in {path.name} {is_or_are(num_absent)} left out: "
            f"{len(absent):,} of the {len(counts):,} scans that it names {is_or_are(len(absent))} missing.",
            absent,
        )
    if unknown:
        num_unknown = sum(counts[uid] for uid in unknown)
        yield _left_out(
            f"{path.name} names {len(unknown):,} series ({pluralize(num_unknown, noun)}) "
            f"that {is_or_are(len(unknown))} neither in this folder nor in {SERIES_FILE if known else 'LUNA16'}: "
            f"{first_names(unknown)}.",
            unknown,
            "Compare them with the names of the scan files, which are the series uids.",
        )
    if idle:
        names = [scan.name for scan in idle]
        yield _left_out(
            f"{len(idle):,} of the {pluralize(len(set(scans.values())), 'scan')} {'has' if len(idle) == 1 else 'have'} "
            f"no {noun} in {path.name} and {is_or_are(len(idle))} not used: {first_names(names)}.",
            names,
            "Add their candidates to the list, or remove them." if noun == "candidate" else "",
        )


def _left_out(message: str, names: Sequence[str], remedy: str = "") -> Finding:
    severity: Severity = "warning" if remedy else "note"
    return Finding(check="left_out", severity=severity, message=message, cases=tuple(names[:MAX_CASES]), remedy=remedy)


def _read_known_series(root: Path) -> set[str]:
    """Read the uids in LUNA16's list of series, if it is next to the candidates."""
    path = root / SERIES_FILE
    return set(path.read_text(encoding="utf-8-sig", errors="replace").split()) if path.is_file() else set()
