"""How the split of an experiment is understood: which keys go together, and cross-validation as one split a fold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from archnet.files.strict_json import Problem
from archnet.spec.data_options import drop_nulls
from archnet.spec.experiment import Split

NUM_OFFICIAL_FOLDS: Final = 10
"""LUNA16's, in the folders subset0 to subset9."""


def split_problems(options: Mapping[str, Any]) -> list[Problem]:
    """What keeps a split's keys, each of them valid by itself, from being meant together."""
    return [(("split", *path), text) for path, text in _option_problems(drop_nulls(options))]


def parse_splits(options: Mapping[str, Any]) -> tuple[Split, ...]:
    """The splits that a document means: one, or one for each fold.

    Args:
        options: Keys without problems.
    """
    split = Split(**drop_nulls(options))
    folds = _num_folds(drop_nulls(options))
    if folds is None:
        return (split,)
    split = replace(split, test=None, folds=folds)
    fold_indices = range(folds) if split.fold is None else (split.fold,)
    return tuple(replace(split, fold=fold) for fold in fold_indices)


def _num_folds(options: Mapping[str, Any]) -> int | None:
    is_official = options.get("by") == "official"
    folds: int | None = options.get("folds", NUM_OFFICIAL_FOLDS if is_official else None)
    return folds


def _option_problems(options: Mapping[str, Any]) -> Iterator[Problem]:
    by, folds, fold = options.get("by"), _num_folds(options), options.get("fold")
    if by == "own" and {"folds", "fold"} & set(options):
        yield (), 'by "own" takes the sets that the data bring, which have no folds. Remove folds and fold, or by.'
        return
    if by == "official" and folds != NUM_OFFICIAL_FOLDS:
        yield ("folds",), f"there are {NUM_OFFICIAL_FOLDS} official folds, got {folds}. Remove it, or split by group."
    if folds is None and fold is not None:
        yield ("fold",), "there are no folds to choose from. Say how many with split.folds, such as 10."
    if folds is not None and fold is not None and fold >= folds:
        yield ("fold",), f"expected one of the {folds} folds, 0 to {folds - 1}, got {fold}."
    if folds is not None and "test" in options:
        yield ("test",), "with folds each part is the test set once, so it has no share. Remove it, or set it to null."
    test = 1 / folds if folds else options.get("test", Split().test)
    if test + options.get("validation", Split().validation) >= 1:
        yield (), "test and validation leave nothing to train on. Lower one of them."
