"""The combination of two models' probabilities: it knows nothing of the cases that it predicts."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from archnet.runs.stacked_scores import PairedScores, combine, combine_folds, cross_fit

NUM_REPETITIONS = 100


def noise(generator, num_cases=40, num_groups=None):
    """Probabilities that know nothing; half of the cases are positive."""
    return PairedScores(
        probabilities=generator.uniform(0.01, 0.99, size=(num_cases, 2)),
        is_positive=np.arange(num_cases) % 2 == 0,
        groups=np.arange(num_cases) % (num_groups or num_cases),
    )


def area(is_positive, combined):
    """The area under the ROC curve for as many positive as negative cases."""
    number = is_positive.sum()
    return (rankdata(combined)[is_positive].sum() - number * (number + 1) / 2) / number**2


@pytest.mark.slow
def test_a_combination_of_noise_stays_at_chance_where_its_own_cases_would_not():
    generator = np.random.default_rng(0)
    areas = []
    for _ in range(NUM_REPETITIONS):
        fitted, others = noise(generator), noise(generator, 400)
        combined = combine(fitted, np.concatenate([fitted.probabilities, others.probabilities]))
        areas.append([area(fitted.is_positive, combined[:40]), area(others.is_positive, combined[40:])])
    in_sample, on_other_cases = np.mean(areas, axis=0)
    assert in_sample > 0.57
    assert on_other_cases == pytest.approx(0.5, abs=0.015)


@pytest.mark.slow
def test_a_combination_of_noise_over_folds_stays_at_chance():
    generator = np.random.default_rng(1)
    areas = []
    for _ in range(NUM_REPETITIONS):
        folds = [noise(generator, 200), noise(generator, 40)]
        areas.append(area(folds[0].is_positive, combine_folds(folds)[0]))
    assert np.mean(areas) == pytest.approx(0.5, abs=0.02)


def test_the_combination_is_the_penalized_maximum_of_the_likelihood():
    generator = np.random.default_rng(2)
    scores = noise(generator)
    scores.probabilities[:3] = [[0, 1], [1, 0], [0.5, 0.5]]
    clipped = np.clip(scores.probabilities, 0.001, 0.999)
    logits = np.log(clipped / (1 - clipped))
    x = (logits - logits.mean(axis=0)) / logits.std(axis=0)
    sign = np.where(scores.is_positive, 1, -1)

    def loss(weights):
        return np.logaddexp(0, -sign * (weights[0] + x @ weights[1:])).sum() + (weights[1:] ** 2).sum() / 2

    weights = minimize(loss, np.zeros(3), tol=1e-10).x
    expected = 1 / (1 + np.exp(-(weights[0] + x @ weights[1:])))
    np.testing.assert_allclose(combine(scores, scores.probabilities), expected, atol=1e-4)


def test_a_fold_is_predicted_by_the_other_folds_alone():
    generator = np.random.default_rng(3)
    folds = [noise(generator) for _ in range(3)]
    first = combine_folds(folds)[0]
    folds[0] = PairedScores(
        probabilities=folds[0].probabilities, is_positive=~folds[0].is_positive, groups=folds[0].groups
    )
    np.testing.assert_array_equal(combine_folds(folds)[0], first)
    both = [np.concatenate([getattr(fold, name) for fold in folds[1:]]) for name in ("probabilities", "is_positive")]
    together = PairedScores(probabilities=both[0], is_positive=both[1], groups=np.arange(80))
    np.testing.assert_allclose(first, combine(together, folds[0].probabilities))


def test_a_group_is_predicted_by_the_other_groups_alone():
    scores = noise(np.random.default_rng(4), num_cases=60, num_groups=15)
    logits = np.log(scores.probabilities / (1 - scores.probabilities))
    model = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8))
    expected = cross_val_predict(
        model, logits, scores.is_positive, groups=scores.groups, cv=StratifiedGroupKFold(5), method="predict_proba"
    )
    np.testing.assert_allclose(cross_fit(scores), expected[:, 1], atol=1e-4)


def test_too_few_cases_are_not_fitted():
    generator = np.random.default_rng(5)
    assert not noise(generator, 29).is_sufficient
    assert noise(generator, 30).is_sufficient
    few = noise(generator, 100)
    few.is_positive[10:] = False
    assert few.is_sufficient  # with five positive cases
    few.is_positive[8:] = False
    assert not few.is_sufficient
    assert combine_folds([noise(generator, 28), noise(generator, 60)]) is None
    assert combine_folds([noise(generator, 60)]) is None
    assert cross_fit(noise(generator, 40, num_groups=2)) is None
    assert cross_fit(noise(generator, 40, num_groups=1)) is None
