"""Training, validation and test sets, cross-validation, and sampling of the negatives in each set."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from archnet.data.dataset import Cases
from archnet.data.stratified import (
    Shares,
    stratified_folds,
    stratified_group_folds,
    stratified_group_split,
    stratified_split,
)
from archnet.errors import DataError, pluralize
from archnet.spec.experiment import SETS, Data, Split

_TEST_NUMBER = SETS.index("test")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Units:
    """The units of a split: single cases or groups.

    Attributes:
        counts: Number of cases as (unit, class).
        unit_of_case: The unit of each case.
        are_cases: Whether each unit is a single case.
    """

    counts: NDArray[np.int64]
    unit_of_case: NDArray[np.intp]
    are_cases: bool

    @property
    def too_few_text(self) -> str:
        """Beginning of a message, such as "2 groups are too few"."""
        number = pluralize(len(self.counts), "case" if self.are_cases else "group")
        return f"{number} {'is' if len(self.counts) == 1 else 'are'} too few"


def make_split(cases: Cases, split: Split) -> NDArray[np.str_]:
    """Assign each case to a set: "train", "validation" or "test".

    Args:
        split: The split; if it has `folds`, it must have a `fold`.

    Raises:
        DataError: A set would be empty, or the data have no sets or folds of their own.
    """
    split, _ = resolve_split(cases, split)
    if split.by == "own":
        return _require_own_sets(cases, split.by)
    if split.by == "own_test":
        return _draw_own_validation_set(cases, split)
    _refuse_large_shares(split)
    sets = np.full(len(cases.labels), _TEST_NUMBER)
    rest = _rows_outside_fold(cases, split) if _is_cross_validation(split) else np.arange(len(sets))
    sets[rest] = _draw_sets(cases.select(rest), split, len(sets))
    _refuse_empty(sets, cases, split)
    names: NDArray[np.str_] = np.array(SETS)[sets]
    return names


def resolve_split(cases: Cases, split: Split) -> tuple[Split, str]:
    """Replace `by` "auto" by the choice for these data, with the reason.

    The data's own training and test sets are kept; if there is no validation set, it is drawn. Without both, and for a
    cross-validation, the sets are drawn by group. Official folds are never chosen.

    Returns:
        The split, and the reason, which is empty if `by` is given.
    """
    if split.by != "auto":
        return split, ""
    own_sets = set() if cases.own_sets is None else set(cases.own_sets.tolist())
    if not {"train", "test"} <= own_sets or split.folds:
        return replace(split, by="group"), f"{_why_not_own(own_sets, split)}; {_groups_text(cases)}"
    by: Literal["own", "own_test"] = "own" if "validation" in own_sets or not split.validation else "own_test"
    names = "training, validation and test sets" if "validation" in own_sets else "training and test sets"
    drawn = f"; the validation set is drawn from the training cases: {_groups_text(cases)}" if by == "own_test" else ""
    return replace(split, by=by), f"the data have their own {names}{drawn}"


def _why_not_own(own_sets: Collection[str], split: Split) -> str:
    if not own_sets:
        return "the data have no sets of their own"
    if split.folds:
        return "the data have sets of their own, which have no folds"
    return f"the data have sets of their own, but no {'test' if 'train' in own_sets else 'training'} set"


def _groups_text(cases: Cases) -> str:
    num_groups = len(set(cases.groups.tolist()))
    if num_groups == len(cases.groups):
        return "each case is its own group"
    return f"cases of one group stay together ({num_groups:,} groups)"


def case_folds(cases: Cases, split: Split) -> NDArray[np.int64]:
    """The fold of each case, from 0, in a cross-validation, independent of the tested fold.

    Raises:
        DataError: There are fewer groups than folds, or the data have no official folds.
    """
    if split.by == "official":
        return _require_official_folds(cases)
    units = _split_units(cases, split)
    num_folds = split.folds or 1
    if len(units.counts) < num_folds:
        raise DataError(
            f"split.folds: {units.too_few_text} for {num_folds} folds; one would be empty. "
            "Lower split.folds or add scans."
        )
    assign_folds = stratified_folds if units.are_cases else stratified_group_folds
    return assign_folds(units.counts, num_folds, np.random.default_rng(split.seed))[units.unit_of_case]


def keep_rows(
    cases: Cases, sets: NDArray[np.str_], data: Data, split: Split, full_sets: Collection[str] = ()
) -> NDArray[np.int64]:
    """Select the rows to use: every positive, and for each positive some negatives of the same set.

    Cases for training only are excluded from the other sets.

    Each set has its own random seed, and a smaller ratio keeps a subset of the rows of a larger ratio, so the ratio
    affects neither the other sets nor the split. In a cross-validation, this holds for each fold, and the rows do not
    depend on the tested fold.

    Args:
        sets: The set of every case.
        full_sets: Sets that keep all their negatives.

    Returns:
        Row numbers, ascending.
    """
    is_usable = cases.has_label | (sets == "train")
    if data.negatives_per_positive == "all":
        return np.flatnonzero(is_usable)
    is_positive = cases.labels == cases.positive
    parts = case_folds(cases, split) if _is_cross_validation(split) else _set_numbers(sets)
    row_groups = [np.flatnonzero(is_positive | np.isin(sets, list(full_sets)))]
    for part in np.unique(parts).tolist():
        negatives = np.flatnonzero((parts == part) & ~is_positive)
        wanted = round(data.negatives_per_positive * np.count_nonzero((parts == part) & is_positive))
        row_groups.append(np.random.default_rng([split.seed, part]).permutation(negatives)[:wanted])
    rows = np.unique(np.concatenate(row_groups))
    kept: NDArray[np.int64] = rows[is_usable[rows]]
    return kept


def _draw_own_validation_set(cases: Cases, split: Split) -> NDArray[np.str_]:
    """Keep the data's own test set, and draw a validation set from the other cases by group."""
    names: NDArray[np.str_] = np.where(_require_own_sets(cases, split.by) == "test", "test", "train").astype("<U10")
    rest = np.flatnonzero(names == "train")
    others, split = cases.select(rest), replace(split, test=None)
    sets = _draw_sets(others, split, len(rest))
    _refuse_empty(sets, others, split)
    names[rest] = np.array(SETS)[sets]
    return names


def _is_cross_validation(split: Split) -> bool:
    missing = (split.folds is None) + (split.fold is None)
    if missing == 1 or (missing and split.by == "official"):
        raise ValueError("a split has both folds and one fold, or neither; parse_experiments gives one for each fold")
    return not missing


def _set_numbers(sets: NDArray[np.str_]) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = np.argmax(sets[:, np.newaxis] == np.array(SETS), axis=1)
    return numbers


def _rows_outside_fold(cases: Cases, split: Split) -> NDArray[np.int64]:
    """The rows outside the tested fold."""
    folds = case_folds(cases, split)
    if split.fold not in folds:
        available = ", ".join(map(str, np.unique(folds).tolist()))
        raise DataError(
            f"split.fold {split.fold}: no case is in this fold; the data have {available}. Choose one of these with "
            f"split.fold, or add subset{split.fold}."
        )
    return np.flatnonzero(folds != split.fold)


def _draw_sets(cases: Cases, split: Split, num_all: int) -> NDArray[np.int64]:
    """Draw the set number of cases; in a cross-validation, of the cases outside the test set.

    Args:
        num_all: Number of cases to which the share `split.validation` refers.
    """
    if not len(cases.labels):
        return np.empty(0, dtype=np.int64)
    units = _split_units(cases, split)
    assign_sets = stratified_split if units.are_cases else stratified_group_split
    rng = np.random.default_rng(split.seed if split.fold is None else [split.seed, split.fold])
    return assign_sets(units.counts, _shares(split, num_all / len(cases.labels)), rng)[units.unit_of_case]


def _shares(split: Split, scale: float) -> Shares:
    test = 0.0 if split.folds else split.test or 0.0
    validation = split.validation * scale
    return 1 - validation - test, validation, test


def _split_units(cases: Cases, split: Split) -> _Units:
    are_cases = split.by == "candidate"
    names, unit_of_case = np.unique(cases.ids if are_cases else cases.groups, return_inverse=True)
    classes = np.where(cases.has_label, cases.labels, len(cases.classes))  # those without a label are stratified, too
    counts = np.zeros((len(names), len(cases.classes) + int(not cases.has_label.all())), dtype=np.int64)
    np.add.at(counts, (unit_of_case, classes), 1)
    return _Units(counts=counts, unit_of_case=unit_of_case, are_cases=are_cases)


def _require_official_folds(cases: Cases) -> NDArray[np.int64]:
    if cases.folds is None:
        raise DataError(
            'split.by "official": the data have no official folds; those are LUNA16\'s folders subset0 to subset9. '
            f"Use {_alternatives(cases)}."
        )
    outside = cases.ids[cases.folds < 0]
    if len(outside):
        raise DataError(
            f'split.by "official": the scan of {outside[0]} is in none of the folders subset0 to subset9. '
            'Move it into one of them, or use "group".'
        )
    return cases.folds


def _require_own_sets(cases: Cases, by: str) -> NDArray[np.str_]:
    if cases.own_sets is None:
        raise DataError(f'split.by "{by}": the data have no sets of their own. Use {_alternatives(cases)}.')
    return cases.own_sets


def _alternatives(cases: Cases) -> str:
    """The values of split.by that the data allow, as in '"own", "group" or "candidate"'."""
    has_groups = len(set(cases.groups.tolist())) < len(cases.groups)
    is_possible = {
        "own": cases.own_sets is not None,
        "official": cases.folds is not None,
        "group": True,
        "candidate": has_groups,
    }
    *others, last = (f'"{name}"' for name, possible in is_possible.items() if possible)
    return f"{', '.join(others)} or {last}" if others else last


def _refuse_large_shares(split: Split) -> None:
    if not split.folds and (split.test or 0) + split.validation >= 1:
        raise DataError(
            f"split.test {split.test} and split.validation {split.validation} leave no training cases; "
            "their sum must be below 1."
        )


def _refuse_empty(sets: NDArray[np.int64], cases: Cases, split: Split) -> None:
    test = f"1 of {split.folds} folds" if split.folds else split.test
    is_wanted = (True, split.validation > 0, bool(split.folds or split.test))
    for number, name in enumerate(SETS):
        if is_wanted[number] and not np.any(sets == number):
            units = _split_units(cases, split)
            wanted = f"training and validation ({split.validation})"
            if split.by != "own_test":
                wanted = f"training, validation ({split.validation}) and test ({test})"
            remedy = "Set its share to 0 or add scans." if number else "Lower the others' shares or add scans."
            raise DataError(f"split: {units.too_few_text} for {wanted} sets; the {name} set would be empty. {remedy}")
