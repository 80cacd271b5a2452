"""How the split of an experiment is understood: which keys go together, and cross-validation as one split a fold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from archnet.files.strict_json import Problem
from archnet.spec.experiment import Split

NUM_OFFICIAL_FOLDS: Final = 10
"""LUNA16's, in the folders subset0 to subset9."""


def split_problems(given: Mapping[str, Any]) -> list[Problem]:
    """What keeps a split's keys, each of them valid by itself, from being meant together."""
    return [(("split", *path), text) for path, text in _problems(_set(given))]


def splits_from(given: Mapping[str, Any]) -> tuple[Split, ...]:
    """The splits that a document means: one, or one for each fold.

    Args:
        given: Keys without problems.
    """
    split = Split(**_set(given))
    folds = _num_folds(_set(given))
    if folds is None:
        return (split,)
    split = replace(split, test=None, folds=folds)
    chosen = range(folds) if split.fold is None else (split.fold,)
    return tuple(replace(split, fold=fold) for fold in chosen)


def _set(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value is not None}


def _num_folds(given: Mapping[str, Any]) -> int | None:
    is_official = given.get("by") == "official"
    folds: int | None = given.get("folds", NUM_OFFICIAL_FOLDS if is_official else None)
    return folds


def _problems(given: Mapping[str, Any]) -> Iterator[Problem]:
    by, folds, fold = given.get("by"), _num_folds(given), given.get("fold")
    if by == "own" and {"folds", "fold"} & set(given):
        yield (), 'by "own" takes the sets that the data bring, which have no folds. Remove folds and fold, or by.'
        return
    if by == "official" and folds != NUM_OFFICIAL_FOLDS:
        yield ("folds",), f"there are {NUM_OFFICIAL_FOLDS} official folds, got {folds}. Remove it, or split by group."
    if folds is None and fold is not None:
        yield ("fold",), "there are no folds to choose from. Say how many with split.folds, such as 10."
    if folds is not None and fold is not None and fold >= folds:
        yield ("fold",), f"expected one of the {folds} folds, 0 to {folds - 1}, got {fold}."
    if folds is not None and "test" in given:
        yield ("test",), "with folds each part is the test set once, so it has no share. Remove it, or set it to null."
    test = 1 / folds if folds else given.get("test", Split().test)
    if test + given.get("validation", Split().validation) >= 1:
        yield (), "test and validation leave nothing to train on. Lower one of them."
