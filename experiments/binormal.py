"""Binormal scores of grouped cases, for metrics with known true values.

A positive case scores `separation` higher than a negative one, in units of the standard deviation within a class. The
noise has three parts: one shared by all networks, one shared by all trainings of a network, and one of each training.
Each part has a patient-level term, so that the scores of one patient correlate (intraclass correlation).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit, ndtri

from archnet.evaluation.predictions import Predictions

SEPARATION = 1.466
"""Separation of the reference network: an AUC of 0.85."""

BETTER_SEPARATION = 1.987
"""Separation of a better network: an AUC of 0.92."""

SEED_DEVIATION = 0.1
"""Default standard deviation of the separation over trainings: 0.016 in AUC."""

SHARED, NETWORK, TRAINING = 0.5, 0.2, 0.3  # shares of the variance within a class

CLASSES = ("benign", "nodule")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The design of the cases that a replication draws.

    Attributes:
        patients: Number of patients.
        cases: Number of cases of each patient.
        correlation: Correlation between scores of one patient within a class.
        prevalence: Probability that a case is positive.
    """

    patients: int
    cases: int
    correlation: float
    prevalence: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draw:
    """Cases, with the scores of each network's trainings.

    Attributes:
        y_true: 0 or 1, shape (N,).
        groups: Index of the patient, shape (N,).
        scores: For each network, one array (N,) per training.
        separations: Separation for which each network is calibrated.
        prevalence: Prevalence for which the networks are calibrated.
        shifts: For each network, the deviation of each training's separation.
    """

    y_true: np.ndarray
    groups: np.ndarray
    scores: list
    separations: tuple
    prevalence: float
    shifts: tuple = ()

    def probabilities(self, network: int) -> list:
        """Calibrated probability of the positive class from each training of a network, shape (N,)."""
        separation = self.separations[network]
        return [
            expit(separation * (scores - separation / 2) + logit(self.prevalence)) for scores in self.scores[network]
        ]

    def divide(self, patients: int) -> tuple:
        """The cases of the first patients, and those of the others."""
        is_first = self.groups < patients
        return self._select(is_first), self._select(~is_first)

    def _select(self, rows: np.ndarray) -> "Draw":
        scores = [[one[rows] for one in trainings] for trainings in self.scores]
        groups = np.unique(self.groups[rows], return_inverse=True)[1]
        return replace(self, y_true=self.y_true[rows], groups=groups, scores=scores)

    def predictions(self, network: int, training: int = 0) -> Predictions:
        """The cases as a test set."""
        positive = self.probabilities(network)[training]
        count = len(positive)
        return Predictions(
            cases=np.arange(count).astype(np.str_),
            groups=np.char.zfill(self.groups.astype(np.str_), 6),
            sets=np.full(count, "test"),
            y_true=self.y_true,
            probabilities=np.stack([1 - positive, positive], axis=1),
            classes=CLASSES,
        )


def draw_cases(
    setting: Setting,
    separations: tuple,
    num_trainings: int,
    rng: np.random.Generator,
    deviation: float = SEED_DEVIATION,
) -> Draw:
    """Random cases; separations differ between trainings if a network has several."""
    groups = np.repeat(np.arange(setting.patients), setting.cases)
    y_true = (rng.random(len(groups)) < setting.prevalence).astype(np.int64)

    def noise(variance: float) -> np.ndarray:
        patient = rng.normal(size=setting.patients)[groups] * np.sqrt(setting.correlation)
        return np.sqrt(variance) * (patient + rng.normal(size=len(groups)) * np.sqrt(1 - setting.correlation))

    shared = noise(SHARED)
    scores, all_shifts = [], []
    for separation in separations:
        own = shared + noise(NETWORK)
        shifts = rng.normal(size=num_trainings) * deviation if num_trainings > 1 else np.zeros(1)
        scores.append([(separation + shift) * y_true + own + noise(TRAINING) for shift in shifts])
        all_shifts.append(shifts)
    return Draw(
        y_true=y_true,
        groups=groups,
        scores=scores,
        separations=separations,
        prevalence=setting.prevalence,
        shifts=tuple(all_shifts),
    )


def ideal_cases(
    prevalence: float,
    separations: tuple,
    num_trainings: int,
    count: int = 20_000,
    deviation: float = SEED_DEVIATION,
) -> Draw:
    """Cases at the quantiles of their distributions, whose metrics are the true ones, without sampling noise.

    Args:
        prevalence: Prevalence of the positive class.
        separations: Separation of each network.
        num_trainings: Number of trainings, at quantiles of the separation.
        count: Number of cases.
        deviation: Standard deviation of the separation over trainings.
    """
    num_positives = round(prevalence * count)
    y_true = np.repeat([0, 1], [count - num_positives, num_positives])
    within = np.concatenate([_normal_quantiles(count - num_positives), _normal_quantiles(num_positives)])
    shifts = _normal_quantiles(num_trainings) if num_trainings > 1 else np.zeros(1)
    shifts = shifts / (shifts.std() or 1) * deviation
    return Draw(
        y_true=y_true.astype(np.int64),
        groups=np.arange(count),
        scores=[[(separation + shift) * y_true + within for shift in shifts] for separation in separations],
        separations=separations,
        prevalence=prevalence,
    )


def _normal_quantiles(count: int) -> np.ndarray:
    return ndtri((np.arange(count) + 0.5) / count)
