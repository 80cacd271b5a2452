"""Recall at equal false-positive rates in validation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from archnet.evaluation.comparison.trainings import Truth
from archnet.evaluation.comparison.validation_rate import (
    MIN_VALIDATION_OTHERS,
    SeedRuns,
    fewest_others,
    lowest_threshold,
    recall_at_validation_rate,
)
from synthetic_runs import predictions_of

THRESHOLDS = (0.5, 0.4)


def validation_of(scores, y_true):
    scores = np.asarray(scores, float)
    return predictions_of(y_true, np.column_stack([1 - scores, scores]), set_name="validation")


def drawn_scores(rng, y_true, skill):
    return np.round(1 / (1 + np.exp(-rng.normal(size=len(y_true)) - skill * (y_true - 0.5))), 2)


def drawn(num_seeds=(1, 1), num_folds=1, num_cases=120, num_groups=15, seed=0):
    rng = np.random.default_rng(seed)
    y_true = (rng.random(num_cases) < 0.4).astype(np.int64)
    truth = Truth(y_true=y_true, groups=np.arange(num_cases) % num_groups, num_classes=2, positive=1)
    run_of_case = np.arange(num_cases) % num_folds

    def training(skill):
        labels = [(rng.random(50) < 0.4).astype(np.int64) for _ in range(num_folds)]
        validation = [validation_of(drawn_scores(rng, one, skill), one) for one in labels]
        return SeedRuns(scores=drawn_scores(rng, y_true, skill), run_of_case=run_of_case, validation=validation)

    return tuple([training(1 + 2 * k) for _ in range(num)] for k, num in enumerate(num_seeds)), truth


def slow_threshold(part, rate):
    """The lowest score at which no larger share of the other cases is predicted as positive."""
    scores, others = part.probabilities[:, 1], part.probabilities[part.y_true == 0, 1]
    allowed = [t for t in scores if np.mean(others >= t) <= rate + 1e-12]
    return min(allowed, default=np.nextafter(scores.max(), 2))


@pytest.mark.parametrize(("num_seeds", "num_folds"), [((1, 1), 1), ((1, 1), 3), ((2, 3), 2)])
def test_the_thresholds_are_those_of_a_slow_search_at_the_mean_rate_of_both_networks(num_seeds, num_folds):
    sides, truth = drawn(num_seeds, num_folds)
    entry = recall_at_validation_rate(sides, THRESHOLDS, truth)
    rates = [
        np.mean([np.mean(part.probabilities[part.y_true == 0, 1] >= own) for one in side for part in one.validation])
        for side, own in zip(sides, THRESHOLDS, strict=True)
    ]
    assert entry["false_positive_rate"] == pytest.approx(np.mean(rates), abs=1e-15)
    for side, name in zip(sides, ("reference", "other"), strict=True):
        chosen = [[slow_threshold(part, np.mean(rates)) for part in one.validation] for one in side]
        flags = [one.scores >= np.array(own)[one.run_of_case] for one, own in zip(side, chosen, strict=True)]
        reached = [
            np.mean(part.probabilities[part.y_true == 0, 1] >= own)
            for one, thresholds in zip(side, chosen, strict=True)
            for part, own in zip(one.validation, thresholds, strict=True)
        ]
        is_positive = truth.y_true == 1
        assert entry["operating_points"][name] == {
            "threshold": chosen[0][0] if np.size(chosen) == 1 else None,
            "validation_false_positive_rate": pytest.approx(np.mean(reached)),
            "true_positives": pytest.approx(np.mean([np.sum(one & is_positive) for one in flags])),
            "positives": np.sum(is_positive),
            "false_positives": pytest.approx(np.mean([np.sum(one & ~is_positive) for one in flags])),
            "others": np.sum(~is_positive),
        }
        assert entry[name] == pytest.approx(np.mean([np.mean(one[is_positive]) for one in flags]))
        count_type = int if len(side) == 1 else float
        assert {type(entry["operating_points"][name][key]) for key in ("true_positives", "false_positives")} == {
            count_type
        }


def test_the_interval_is_the_t_interval_of_the_groups_with_positive_cases():
    sides, truth = drawn()
    rows = np.roll(np.argsort(truth.y_true, kind="stable"), -1)[-41:]  # 40 positive cases, 8 groups of 5, and another
    truth = Truth(y_true=truth.y_true[rows], groups=np.arange(41) // 5, num_classes=2, positive=1)
    sides = [
        [
            SeedRuns(scores=one.scores[rows], run_of_case=one.run_of_case[rows], validation=one.validation)
            for one in side
        ]
        for side in sides
    ]
    entry = recall_at_validation_rate(sides, THRESHOLDS, truth)
    first, second = (
        one.scores[:40] >= entry["operating_points"][name]["threshold"] for ((one,), name) in zip(sides, ("reference", "other"), strict=True)
    )  # fmt: skip
    expected = stats.ttest_1samp((second.astype(float) - first).reshape(8, 5).mean(axis=1), 0)
    assert entry["p"] == pytest.approx(expected.pvalue)
    assert entry["interval"] == pytest.approx(list(expected.confidence_interval(0.95)))


def test_swapping_the_networks_flips_the_sign():
    sides, truth = drawn((2, 1), 2)
    entry = recall_at_validation_rate(sides, THRESHOLDS, truth)
    swapped = recall_at_validation_rate(sides[::-1], THRESHOLDS[::-1], truth)
    assert swapped["difference"] == -entry["difference"]
    assert swapped["operating_points"]["reference"] == entry["operating_points"]["other"]
    assert swapped["p"] == pytest.approx(entry["p"])


@pytest.mark.parametrize("label", [0, 1])
def test_a_run_whose_validation_set_lacks_a_class_gives_no_such_number(label):
    sides, truth = drawn(num_folds=2)
    (one,) = sides[1]
    poor = validation_of([0.2, 0.9], [label, label])
    sides[1][0] = SeedRuns(scores=one.scores, run_of_case=one.run_of_case, validation=[one.validation[0], poor])
    assert recall_at_validation_rate(sides, THRESHOLDS, truth) is None


@pytest.mark.parametrize("label", [0, 1])
def test_a_compared_set_that_lacks_a_class_gives_no_such_number(label):
    sides, truth = drawn()
    one_class = Truth(y_true=np.full(120, label), groups=truth.groups, num_classes=2, positive=1)
    assert recall_at_validation_rate(sides, THRESHOLDS, one_class) is None


def test_a_network_whose_equal_scores_keep_it_below_half_the_rate_gives_no_such_number():
    sides, truth = drawn()
    (one,) = sides[1]
    (part,) = one.validation
    exact = validation_of(part.probabilities[:, 1] >= 0.1, part.y_true)
    sides[1][0] = SeedRuns(scores=one.scores, run_of_case=one.run_of_case, validation=[exact])
    target = np.mean(
        [np.mean(run.probabilities[run.y_true == 0, 1] >= 0.5) for run in (sides[0][0].validation[0], exact)]
    )
    assert lowest_threshold(exact.probabilities[:, 1], exact.y_true == 1, target) > 1
    assert recall_at_validation_rate(sides, THRESHOLDS, truth) is None


@pytest.mark.parametrize(("num_reached", "is_fixed"), [(8, False), (9, True)])
def test_a_rate_of_half_the_target_is_too_low(num_reached, is_fixed):
    """The target is the mean of 8 and 24 of 40; below 24, the equal scores of the other network leave 8 or 9."""
    sides, truth = drawn()
    labels = np.repeat([0, 1], [40, 5])
    scores = np.append(np.linspace(0.9, 0.1, 40) - 0.3 * (np.arange(40) >= 8), np.full(5, 0.95))
    scores[:8] = np.linspace(0.9, 0.6, 8)
    tied = np.append(np.repeat([0.9, 0.5, 0.1], [num_reached, 24 - num_reached, 16]), np.full(5, 0.95))
    for side, own in zip(sides, (scores, tied), strict=True):
        (one,) = side
        side[0] = SeedRuns(scores=one.scores, run_of_case=one.run_of_case, validation=[validation_of(own, labels)])
    entry = recall_at_validation_rate(sides, THRESHOLDS, truth)
    assert (entry is not None) is is_fixed
    if entry is not None:
        assert entry["false_positive_rate"] == pytest.approx(0.4)
        assert entry["operating_points"]["other"]["validation_false_positive_rate"] == pytest.approx(9 / 40)


@pytest.mark.parametrize(
    ("num_others", "is_fixed"), [(MIN_VALIDATION_OTHERS - 1, False), (MIN_VALIDATION_OTHERS, True)]
)
def test_a_rate_is_fixed_only_on_enough_other_cases_of_every_run(num_others, is_fixed):
    sides, truth = drawn(num_folds=2)
    (one,) = sides[1]
    labels = np.repeat([0, 1], [num_others, 40])
    few = validation_of(drawn_scores(np.random.default_rng(3), labels, 3), labels)
    sides[1][0] = SeedRuns(scores=one.scores, run_of_case=one.run_of_case, validation=[one.validation[0], few])
    assert fewest_others(sides[1][0].validation, 1) == num_others
    assert (recall_at_validation_rate(sides, THRESHOLDS, truth) is not None) == is_fixed


def test_without_validation_cases_there_is_no_such_number():
    sides, truth = drawn()
    (one,) = sides[0]
    sides[0][0] = SeedRuns(scores=one.scores, run_of_case=one.run_of_case, validation=[validation_of([], [])])
    assert recall_at_validation_rate(sides, THRESHOLDS, truth) is None


def test_where_even_the_highest_score_has_too_many_false_positives_the_threshold_is_just_above_it():
    scores, is_positive = np.array([0.9, 0.9, 0.3, 0.2]), np.array([True, False, True, False])
    assert lowest_threshold(scores, is_positive, 0.4) == np.nextafter(0.9, 1)


@given(
    cases=st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=2, max_size=30),
    rate=st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 1.0]),
)
def test_no_lower_score_keeps_the_rate(cases, rate):
    scores, is_positive = np.array([score / 20 for score, _ in cases]), np.array([kind for _, kind in cases])
    if is_positive.all():
        return
    threshold, others = lowest_threshold(scores, is_positive, rate), scores[~is_positive]
    assert np.mean(others >= threshold) <= rate + 1e-12
    assert all(np.mean(others >= score) > rate for score in scores if score < threshold)
