"""Resamples of different commands are the same unless a seed is given, so that their results can be compared."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from archnet.evaluation.comparison.paired import paired_differences
from archnet.evaluation.comparison.trainings import SeedPredictions, Trainings, Truth, estimate_metrics
from archnet.evaluation.curve_bands import RankedCases, curve_bands
from archnet.evaluation.froc.curve import compute_froc
from archnet.evaluation.froc.hits import Findings, Marks, ReferenceStandard, match_marks
from archnet.evaluation.froc.paired_froc import sample_froc
from archnet.evaluation.metrics import evaluate
from archnet.evaluation.strata.froc_strata import compute_froc_by_diameter
from synthetic_runs import predictions_of

RNG = np.random.default_rng(5)
Y_TRUE, GROUPS, SCORES = np.arange(40) % 2, np.arange(40) // 2, RNG.random((40, 2))
TRUTH = Truth(y_true=Y_TRUE, groups=GROUPS, num_classes=2, positive=1)
SIDES = [[SeedPredictions(scores=SCORES[:, k : k + 1], y_pred=(SCORES[:, k] > 0.5).astype(int))] for k in (0, 1)]
SERIES = [f"scan {k}" for k in range(20)]
POINTS = np.column_stack([RNG.random(40) * 8, np.zeros((40, 2))])
MARKS = Marks(series=2 * SERIES, points_mm=POINTS, scores=SCORES[:, 0])
NODULES = Findings(series=SERIES, points_mm=np.zeros((20, 3)), diameters_mm=np.resize([5.0, 10.0], 20))
NOTHING = Findings(series=(), points_mm=np.zeros((0, 3)), diameters_mm=np.zeros(0))
REFERENCE = ReferenceStandard(series=SERIES, nodules=NODULES, excluded=NOTHING)


def evaluation(**options: Any) -> Any:
    p = SCORES[:, 1]
    part = predictions_of(Y_TRUE, np.column_stack([1 - p, p]), groups=GROUPS.astype(str))
    return evaluate(part, positive=1, bootstraps=20, **options)["test"]


def bands(**options: Any) -> Any:
    cases = RankedCases(scores_by_seed=[SCORES[:, 0]], is_positive=Y_TRUE == 1, groups=GROUPS.astype(str))
    return curve_bands(cases, bootstraps=20, **options)


def estimates(**options: Any) -> Any:
    (found,) = estimate_metrics(Trainings(SIDES[0], TRUTH), ["mcc"], bootstraps=20, **options)["mcc"]
    return found.covariance


@pytest.mark.parametrize(
    "compute",
    [
        evaluation,
        bands,
        estimates,
        lambda **options: paired_differences(*SIDES, TRUTH, bootstraps=20, **options),
        lambda **options: compute_froc(MARKS, REFERENCE, bootstraps=20, **options).band,
        lambda **options: sample_froc([match_marks(MARKS, REFERENCE)], bootstraps=20, **options).samples,
        lambda **options: [
            one.band for one in compute_froc_by_diameter(MARKS, REFERENCE, bootstraps=20, **options).values()
        ],
    ],
    ids=["evaluation", "bands", "estimates", "paired", "froc", "paired froc", "strata"],
)
def test_without_a_seed_the_resamples_are_those_of_seed_0(compute: Callable[..., Any]) -> None:
    default, zero, other = (repr(compute(**options)) for options in ({}, {"seed": 0}, {"seed": 1}))
    assert default == zero != other
