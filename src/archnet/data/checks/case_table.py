"""Findings about the table of cases alone: shared and missing groups, patients."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding
from archnet.errors import pluralize
from archnet.files.luna16_lists import LIDC_UID

_MISSING: Final = frozenset({"", "nan", "none", "null", "<na>", "nat", "n/a", "na"})
"""Texts of missing values, in lower case."""
_NUM_NAMED: Final = 3


class CaseTable(Protocol):
    """The columns of a table of cases, one row per case."""

    @property
    def ids(self) -> NDArray[np.str_]:
        """Unique names."""

    @property
    def groups(self) -> NDArray[np.str_]:
        """The patient or scan of each case."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """Index into `classes`."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""

    @property
    def own_sets(self) -> NDArray[np.str_] | None:
        """The data set's own sets; None if it has none."""


def fill_missing_groups(
    groups: NDArray[np.str_], ids: NDArray[np.str_]
) -> tuple[NDArray[np.str_], tuple[Finding, ...]]:
    """Assign each case without a group to its own group, and report it.

    >>> fill_missing_groups(np.array(["a", "", "nan"]), np.array(["0", "1", "2"]))[0].tolist()
    ['a', 'case 1', 'case 2']
    """
    is_missing = np.isin(np.char.lower(np.char.strip(groups)), list(_MISSING))
    if not is_missing.any():
        return groups, ()
    filled = np.where(is_missing, np.char.add("case ", ids), groups)
    count, names = int(is_missing.sum()), ids[is_missing].tolist()
    finding = Finding(
        check="missing_groups",
        severity="warning",
        message=f"{count:,} of {pluralize(len(groups), 'case')} {'has' if count == 1 else 'have'} no group: each "
        f"counts as its own group, so two cases of one patient may be in different sets.",
        cases=tuple(names),
        remedy="Give the patient or scan of each case.",
    )
    return filled, (finding,)


def check_table(table: CaseTable, *, uses_own_sets: bool = True, are_candidates: bool = False) -> list[Finding]:
    """Yield findings about cases that do not require voxels.

    Args:
        table: The cases.
        uses_own_sets: Whether the split is the data set's own.
        are_candidates: Whether a scan can have several cases; its series uid is the group unless the patient is known.
    """
    return [
        *_check_shared_groups(table, uses_own_sets=uses_own_sets),
        *(_note_patients(table) if are_candidates else ()),
    ]


def _check_shared_groups(table: CaseTable, *, uses_own_sets: bool) -> list[Finding]:
    if table.own_sets is None:
        return []
    names, numbers = np.unique(table.groups, return_inverse=True)
    set_names, set_numbers = np.unique(table.own_sets, return_inverse=True)
    is_in = np.zeros((len(names), len(set_names)), bool)
    is_in[numbers, set_numbers] = True
    shared = np.flatnonzero(is_in.sum(1) > 1)
    if not len(shared):
        return []
    examples = [
        f"{names[group]} ({', '.join(set_names[is_in[group]].tolist())})" for group in shared[:_NUM_NAMED].tolist()
    ]
    more = f" and {len(shared) - _NUM_NAMED:,} more" if len(shared) > _NUM_NAMED else ""
    is_shared = np.isin(numbers, shared)
    is_test = table.own_sets == ("test" if "test" in set_names else "validation")
    return [
        Finding(
            check="shared_groups",
            severity="error" if uses_own_sets else "note",
            message=f"{pluralize(len(shared), 'group')} {'has' if len(shared) == 1 else 'have'} cases in more than one "
            f"set of the data set's own split: {', '.join(examples)}{more}. These "
            f"groups contain {int((is_shared & is_test).sum()):,} of the {pluralize(int(is_test.sum()), 'test case')}.",
            cases=tuple(names[shared].tolist()),
            remedy='Split by group (--set split.by=group), or correct the array "split".' if uses_own_sets else "",
        )
    ]


def _note_patients(table: CaseTable) -> list[Finding]:
    """Report scans that count as patients."""
    series = np.array([case.rpartition("#")[0] for case in table.ids.tolist()], dtype=np.str_)
    unknown = np.unique(series[(series == table.groups) & ~np.char.startswith(series, LIDC_UID)])
    if not len(unknown):
        return []
    return [
        Finding(
            check="patients",
            severity="note",
            message=f"The patient is unknown for {len(unknown):,} of {pluralize(len(np.unique(series)), 'scan')}: each "
            "scan counts as a patient. The candidates of a scan form one group, so the candidates in one nodule stay "
            "in one set.",
            cases=tuple(unknown.tolist()),
        )
    ]
