"""Labels of nodules by their readers' malignancy ratings: 1 is highly unlikely, 3 indeterminate, 5 highly suspicious.

The ratings are opinions of radiologists on a CT, not pathology.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding, first_names, is_or_are
from archnet.data.checks.left_out import MAX_CASES
from archnet.data.readings.nodule_matching import NoduleReadings
from archnet.errors import pluralize

CLASSES: Final = ("benign", "malignant")
UNDECIDED: Final = 3
"""The middle of the scale."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MalignancyLabels:
    """The labels of nodules.

    Attributes:
        means: (n,) mean rating of each nodule; NaN without a rating.
        variances: (n,) population variance of the ratings of each nodule, 0 to 4; NaN without a rating.
    """

    means: NDArray[np.float64]
    variances: NDArray[np.float64]

    @property
    def is_rated(self) -> NDArray[np.bool_]:
        """(n,) whether a nodule has a rating."""
        return ~np.isnan(self.means)

    @property
    def is_undecided(self) -> NDArray[np.bool_]:
        """(n,) whether the mean is exactly 3."""
        is_undecided: NDArray[np.bool_] = self.means == UNDECIDED
        return is_undecided

    @property
    def hard(self) -> NDArray[np.int64]:
        """(n,) index into `CLASSES`: malignant if the mean is above 3."""
        return (self.means > UNDECIDED).astype(np.int64)

    @property
    def soft(self) -> NDArray[np.float32]:
        """(n, 2) share of each class: 0.5 for both if the mean is exactly 3, else the hard label."""
        malignant = np.where(self.is_undecided, 0.5, self.hard)
        return np.stack([1 - malignant, malignant], axis=1).astype(np.float32)

    @property
    def agreement(self) -> NDArray[np.float32]:
        """(n,) 1 / (1 + variance): 1 where all readers agree, 0.2 where half of them say 1 and half 5."""
        return (1 / (1 + self.variances)).astype(np.float32)

    def counts(self) -> dict[str, int]:
        """Number of nodules by the mean rating of their readers."""
        below, above = (self.means < UNDECIDED), (self.means > UNDECIDED)
        numbers = [int(part.sum()) for part in (below, self.is_undecided, above, ~self.is_rated)]
        names = ("below 3", "exactly 3", "above 3", "not rated")
        return {name: number for name, number in zip(names, numbers, strict=True) if number or name != "not rated"}


def find_unlabelled(labels: MalignancyLabels, cases: NDArray[np.str_], undecided: str) -> Iterator[Finding]:
    """Yield findings about nodules without a label.

    Args:
        labels: Labels of the nodules.
        cases: (n,) names of the nodules.
        undecided: The option `data.undecided`.
    """
    unrated = cases[~labels.is_rated].tolist()
    middle = cases[labels.is_undecided].tolist()
    if unrated:
        yield Finding(
            check="readings",
            severity="warning",
            message=f"{len(unrated):,} of the {pluralize(len(cases), 'nodule')} {is_or_are(len(unrated))} left out "
            f"because no reader rated their malignancy: {first_names(unrated)}.",
            cases=tuple(unrated[:MAX_CASES]),
            remedy="Compare the positions in the list with those of the scans.",
        )
    if middle:
        use = (
            "left out"
            if undecided == "leave_out"
            else "used in the training set only, with equal shares of both classes"
        )
        yield Finding(
            check="readings",
            severity="note",
            message=f"{len(middle):,} of the {pluralize(len(cases), 'nodule')} {is_or_are(len(middle))} {use}: the "
            "mean malignancy of their readers is exactly 3.",
            cases=tuple(middle[:MAX_CASES]),
        )


def label_malignancy(nodules: Sequence[NoduleReadings]) -> MalignancyLabels:
    """Label nodules by the mean of the malignancy ratings."""
    ratings = [
        [reading.ratings["malignancy"] for reading in nodule if "malignancy" in reading.ratings] for nodule in nodules
    ]
    return MalignancyLabels(
        means=np.array([sum(values) / len(values) if values else np.nan for values in ratings], dtype=np.float64),
        variances=np.array([np.var(values) if values else np.nan for values in ratings], dtype=np.float64),
    )
