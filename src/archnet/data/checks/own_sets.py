"""The data set's own sets: whether a run keeps them, and whether each contains every class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding
from archnet.errors import pluralize
from archnet.spec.experiment import SETS

_KEPT_SETS = {"own": ("train", "validation", "test"), "own_test": ("test",)}
"""The data set's own sets that each kind of split keeps."""

_NAMES = {"train": "training", "validation": "validation", "test": "test"}


def find_own_sets(
    own_sets: NDArray[np.str_] | None, labels: NDArray[np.int64], classes: Sequence[str], by: str
) -> tuple[Finding, ...]:
    """Report whether the data set's own sets are kept, and which kept sets lack a class.

    Args:
        own_sets: (N,) "train", "validation" or "test"; None if the data have no sets of their own.
        labels: (N,) index into `classes`.
        classes: Names of the classes.
        by: How the cases are split, `Split.by` with "auto" resolved.
    """
    if own_sets is None:
        return ()
    counts = {name: int(np.count_nonzero(own_sets == name)) for name in SETS}
    found = [name for name in SETS if counts[name]]
    kept = [name for name in _KEPT_SETS.get(by, ()) if counts[name]]
    return (_find_use(counts, found, kept, by), *_find_missing_classes(own_sets, labels, classes, kept))


def _find_use(counts: dict[str, int], found: list[str], kept: list[str], by: str) -> Finding:
    brought = f"The data set has its own {_sets_text(found)}"
    sizes = ", ".join(f"{pluralize(counts[name], 'case')} in the {_NAMES[name]} set" for name in found)
    if kept == found:
        return _note(f"{brought}, which are kept: {sizes}.")
    if kept:
        return _note(f"{brought}. Its test set is kept; the validation set is drawn from the other cases ({sizes}).")
    if not {"train", "test"} <= set(found):
        lacking = "no test set" if "train" in found else "no training set"
        return _note(f"{brought}, but {lacking}, so new sets are drawn ({sizes}).")
    return Finding(
        check="own_sets",
        severity="warning",
        message=f'{brought}, but split.by "{by}" draws new sets, so its test cases may be used for training ({sizes}).',
        remedy="To keep its test set, use split.by=own.",
    )


def _sets_text(names: Sequence[str]) -> str:
    """Format the names of sets, as in "training, validation and test sets"."""
    *others, last = (_NAMES[name] for name in names)
    return f"{', '.join(others)} and {last} sets" if others else f"{last} set"


def _note(message: str) -> Finding:
    return Finding(check="own_sets", severity="note", message=message)


def _find_missing_classes(
    own_sets: NDArray[np.str_], labels: NDArray[np.int64], classes: Sequence[str], kept: Sequence[str]
) -> list[Finding]:
    """Warn about each evaluated set that lacks a class."""
    findings = []
    for name in kept:
        present = set(labels[own_sets == name].tolist())
        missing = [f'"{text}"' for label, text in enumerate(classes) if label not in present]
        if name != "train" and missing:
            findings.append(
                Finding(
                    check="empty_sets",
                    severity="warning",
                    message=f"The data set's own {_NAMES[name]} set has no case of {' or '.join(missing)}, so metrics "
                    "that need this class are undefined there.",
                    remedy="Add such cases, or draw new sets with split.by=group.",
                )
            )
    return findings
