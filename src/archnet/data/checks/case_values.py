"""Findings about the voxels of cases: empty, identical, contradictory and duplicated cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.case_table import CaseTable
from archnet.data.checks.duplicates.copies import Copies
from archnet.data.checks.findings import Finding, Severity
from archnet.errors import pluralize

_NUM_NAMED: Final = 3
_MIN_COPY_CORRELATION: Final = 0.9
"""Minimum correlation of a definite copy; below it, two similar anatomies are possible, and a person must decide."""
_REGROUP: Final = (
    'Assign them to one group (patients.csv next to the scans, or the array "group" of an .npz file) and split by '
    "group, or remove all but one."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _SplitCases:
    """Cases with their sets.

    Attributes:
        table: The cases.
        sets: (n,) "train", "validation" or "test".
    """

    table: CaseTable
    sets: NDArray[np.str_]

    def name(self, row: int) -> str:
        """Name of a case with its set."""
        return f"{self.table.ids[row]} ({self.sets[row]})"

    def is_across_sets(self, rows: Sequence[int]) -> bool:
        """Whether rows are in different sets."""
        return len(set(self.sets[list(rows)].tolist())) > 1


def report_copies(copies: Copies, table: CaseTable, sets: NDArray[np.str_], rows: NDArray[np.int64]) -> list[Finding]:
    """Report what copies mean for one split.

    Args:
        copies: Result of `find_copies`, for arrays that contain all cases of `table`.
        table: The cases.
        sets: (n,) "train", "validation" or "test".
        rows: (n,) the row of each case in those arrays.
    """
    split_cases = _SplitCases(table=table, sets=sets)
    case_of_row = dict(zip(rows.tolist(), range(len(rows)), strict=True))
    clusters = [[case_of_row[row] for row in cluster if row in case_of_row] for cluster in copies.identical]
    clusters = [cluster for cluster in clusters if len(cluster) > 1]
    return [
        *_report_empty(np.flatnonzero(copies.are_empty[rows]), split_cases),
        *_report_contradictions(clusters, split_cases),
        *_report_identical(clusters, split_cases),
        *_report_near(copies, case_of_row, split_cases),
    ]


def _report_empty(cases: NDArray[np.int64], split_cases: _SplitCases) -> list[Finding]:
    if not len(cases):
        return []
    labels, sets = split_cases.table.labels, split_cases.sets
    counts = {name: (int((labels[cases] == label).sum()), int((labels == label).sum()))
              for label, name in enumerate(split_cases.table.classes)}  # fmt: skip
    parts = [f'{empty:,} of {total:,} of class "{name}"' for name, (empty, total) in counts.items() if empty]
    wholly = [
        f"the {name} set" for name in np.unique(sets).tolist() if np.isin(np.flatnonzero(sets == name), cases).all()
    ]
    wholly += [f'class "{name}"' for name, (empty, total) in counts.items() if empty and empty == total]
    extra = f" There are no other cases in {' and in '.join(wholly)}." if wholly else ""
    return [
        Finding(
            check="constant_cases",
            severity="error" if wholly else "warning",
            message=f"The voxels of {pluralize(len(cases), 'case')} are all equal or all air: "
            f"{', '.join(parts)}.{extra}",
            cases=tuple(split_cases.name(row) for row in cases.tolist()),
            remedy="Remove them, or correct their crops.",
        )
    ]


def _report_contradictions(clusters: Sequence[Sequence[int]], split_cases: _SplitCases) -> list[Finding]:
    labels = split_cases.table.labels
    found = [cluster for cluster in clusters if len(set(labels[list(cluster)].tolist())) > 1]
    if not found:
        return []
    classes = split_cases.table.classes
    examples = [
        " = ".join(f'{split_cases.table.ids[row]} ("{classes[labels[row]]}")' for row in cluster[:_NUM_NAMED])
        for cluster in found[:_NUM_NAMED]
    ]
    return [
        Finding(
            check="contradictory_labels",
            severity="error",
            message=f"{pluralize(sum(map(len, found)), 'case')} have the same voxels as a case of another class: "
            f"{_join(examples, len(found))}.",
            cases=_names(found, split_cases),
            remedy="Correct the labels, or remove the cases.",
        )
    ]


def _report_identical(clusters: Sequence[Sequence[int]], split_cases: _SplitCases) -> list[Finding]:
    labels, groups = split_cases.table.labels, split_cases.table.groups
    across = [cluster for cluster in clusters if split_cases.is_across_sets(cluster)]
    inside = [
        cluster
        for cluster in clusters
        if not split_cases.is_across_sets(cluster) and len(set(labels[list(cluster)].tolist())) == 1
    ]
    findings = []
    for found, place in ((across, "in different sets"), (inside, "in one set")):
        if found:
            is_one_group = all(len(set(groups[list(cluster)].tolist())) == 1 for cluster in found)
            severity: Severity = "error" if found is across else "note" if is_one_group else "warning"
            findings.append(
                Finding(
                    check="identical_cases",
                    severity=severity,
                    message=f"{pluralize(sum(map(len, found)), 'case')} {place} have the same voxels as another case"
                    f"{' of their group' if severity == 'note' else ''}: {_examples(found, ' = ', split_cases)}.",
                    cases=_names(found, split_cases),
                    remedy="" if severity == "note" else _REGROUP if found is across else "Remove all but one.",
                )
            )
    return findings


def _report_near(copies: Copies, case_of_row: Mapping[int, int], split_cases: _SplitCases) -> list[Finding]:
    near = sorted(copies.near, key=lambda pair: -pair.correlation)
    known = [pair for pair in near if pair.first in case_of_row and pair.second in case_of_row]
    parts: dict[tuple[bool, bool], list[tuple[int, int]]] = {}
    for pair in known:
        rows = (case_of_row[pair.first], case_of_row[pair.second])
        is_copy = pair.correlation >= _MIN_COPY_CORRELATION
        parts.setdefault((is_copy, split_cases.is_across_sets(rows)), []).append(rows)
    return [
        _near_finding(found, split_cases, is_copy=is_copy, is_across=is_across)
        for (is_copy, is_across), found in sorted(parts.items(), reverse=True)
    ]


def _near_finding(found: list[tuple[int, int]], split_cases: _SplitCases, *, is_copy: bool, is_across: bool) -> Finding:
    place = "in different sets" if is_across else "in one set"
    kind = (
        "are copies up to noise, scaling, shift or flip"
        if is_copy
        else f"are very similar and may be copies (correlation of their details below {_MIN_COPY_CORRELATION:g})"
    )
    return Finding(
        check="near_duplicates",
        severity="error" if is_copy and is_across else "warning",
        message=f"{pluralize(len(found), 'pair')} of cases {place} and in different groups {kind}: "
        f"{_examples(found, ' ~ ', split_cases)}.",
        cases=_names(found, split_cases),
        remedy=_REGROUP if is_copy else f"Compare them. {_REGROUP}",
    )


def _examples(clusters: Sequence[Sequence[int]], sign: str, split_cases: _SplitCases) -> str:
    """Names of the first clusters."""
    texts = [sign.join(split_cases.name(row) for row in cluster[:_NUM_NAMED]) for cluster in clusters[:_NUM_NAMED]]
    return _join(texts, len(clusters))


def _join(texts: Sequence[str], total: int) -> str:
    return ", ".join(texts) + (f" and {total - len(texts):,} more" if total > len(texts) else "")


def _names(clusters: Sequence[Sequence[int]], split_cases: _SplitCases) -> tuple[str, ...]:
    return tuple(dict.fromkeys(split_cases.name(row) for cluster in clusters for row in cluster))
