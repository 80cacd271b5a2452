"""A logistic regression on the logits of two models' probabilities, fitted on cases that it does not predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PENALTY: Final = 1.0
"""The inverse strength of the L2 penalty, scikit-learn's C, on standardized logits."""

MIN_CASES: Final = 30
MIN_OF_CLASS: Final = 5
"""The least numbers of cases, and of cases of each class, on which a combination is fitted."""

_MARGIN: Final = 1e-3  # the votes of a forest may be 0 or 1, whose logits are infinite
_NUM_PARTS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairedScores:
    """Probabilities of the positive class by two models for the same cases.

    Attributes:
        probabilities: Shape (N, 2), one column for each model.
        is_positive: The truth, shape (N,).
        groups: The scan or patient of each case, shape (N,).
    """

    probabilities: Floats
    is_positive: NDArray[np.bool_]
    groups: NDArray[Any]

    @property
    def is_sufficient(self) -> bool:
        """Whether a combination can be fitted on these cases."""
        num_positive = int(self.is_positive.sum())
        fewest = min(num_positive, len(self.is_positive) - num_positive)
        return len(self.is_positive) >= MIN_CASES and fewest >= MIN_OF_CLASS

    def select(self, rows: NDArray[Any]) -> PairedScores:
        """The scores of some rows."""
        return PairedScores(
            probabilities=self.probabilities[rows], is_positive=self.is_positive[rows], groups=self.groups[rows]
        )


def combine(fitted: PairedScores, probabilities: Floats) -> Floats:
    """Fit a combination, and predict other cases.

    Args:
        fitted: Cases of both classes on which the combination is fitted.
        probabilities: Probabilities of the other cases, shape (M, 2).

    Returns:
        The combined probability of the positive class, shape (M,).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, solver="newton-cholesky"))
    model.fit(_logits(fitted.probabilities), fitted.is_positive)
    combined: Floats = model.predict_proba(_logits(probabilities))[:, 1]
    return combined


def _logits(probabilities: Floats) -> Floats:
    clipped = np.clip(probabilities, _MARGIN, 1 - _MARGIN)
    logits: Floats = np.log(clipped) - np.log1p(-clipped)
    return logits


def cross_fit(scores: PairedScores) -> Floats | None:
    """Predict each case by a combination that is fitted on the cases of other groups.

    Returns:
        The combined probabilities, shape (N,); None if a fifth of the groups holds all cases of a class.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    num_parts = min(_NUM_PARTS, len(np.unique(scores.groups)))
    if num_parts < 2:
        return None
    combined = np.empty(len(scores.is_positive))
    parts = StratifiedGroupKFold(n_splits=num_parts)
    for others, rows in parts.split(scores.probabilities, scores.is_positive, scores.groups):
        fitted = scores.select(others)
        if len(np.unique(fitted.is_positive)) < 2:
            return None
        combined[rows] = combine(fitted, scores.probabilities[rows])
    return combined


def combine_folds(folds: Sequence[PairedScores]) -> list[Floats] | None:
    """Predict the test cases of each fold by a combination that is fitted on the test cases of the other folds.

    No case of the tested fold enters the fit. An indirect dependence remains: the models of the other folds were
    trained on cases of the tested fold, so the probabilities on which the combination is fitted depend on the labels of
    these cases. With unequal shares of the positive class in the folds, the area under the ROC curve of the pooled
    folds is somewhat too low, because a fold with many positive cases is predicted by a fit on fewer.

    Args:
        folds: The test cases of each fold, with the probabilities of models that were not trained on them.

    Returns:
        The combined probabilities of each fold; None if the other folds of one are too small (`is_sufficient`).
    """
    combined = []
    for tested in folds:
        fitted = _join([fold for fold in folds if fold is not tested])
        if not fitted.is_sufficient:
            return None
        combined.append(combine(fitted, tested.probabilities))
    return combined


def _join(folds: Sequence[PairedScores]) -> PairedScores:
    return PairedScores(
        probabilities=np.concatenate([np.empty((0, 2)), *(fold.probabilities for fold in folds)]),
        is_positive=np.array([value for fold in folds for value in fold.is_positive], np.bool_),
        groups=np.array([group for fold in folds for group in fold.groups]),
    )
