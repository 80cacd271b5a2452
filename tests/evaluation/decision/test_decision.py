"""Numbers for decisions, each against an independent computation, and their standard errors against the jackknife."""

import json

import jsonschema
import numpy as np
import pytest
from scipy import optimize, special, stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, roc_auc_score

from archnet.evaluation.decision.binary_cases import BinaryCases, estimate_entry, proportion_entry
from archnet.evaluation.decision.decision import FIXED_RATES, decision
from archnet.evaluation.decision.fixed_rates import sensitivity_at_specificity, specificity_at_sensitivity
from archnet.evaluation.decision.net_benefit import decision_curve
from archnet.evaluation.decision.partial_area import partial_area
from archnet.evaluation.decision.predictive_values import (
    likelihood_ratios,
    own_predictive_values,
    predictive_values,
)
from archnet.evaluation.decision.recalibration import recalibration
from archnet.evaluation.uncertainty.intervals import t_quantile, wilson_interval
from archnet.spec.outputs.decision_schema import DECISION


def draw_cases(seed=0, num_groups=150, per_group=4, decimals=None):
    """Cases of patients that share an effect; rounded scores tie."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(num_groups), per_group)
    is_positive = rng.random(len(groups)) < 0.4
    logits = 1.5 * is_positive - 1 + rng.normal(size=num_groups)[groups] * 0.7 + rng.normal(size=len(groups))
    scores = special.expit(logits)
    return BinaryCases(
        scores=scores if decimals is None else scores.round(decimals), is_positive=is_positive, groups=groups
    )


def jackknife_error(cases, number):
    """The delete-a-group jackknife standard error, which knows nothing of derivatives."""
    values = []
    for group in np.unique(cases.groups):
        rows = cases.groups != group
        values.append(
            number(
                BinaryCases(scores=cases.scores[rows], is_positive=cases.is_positive[rows], groups=cases.groups[rows])
            )
        )
    count = len(values)
    return np.sqrt((count - 1) / count * np.sum((np.array(values) - np.mean(values)) ** 2))


def half_width(entry):
    return (entry["interval"][1] - entry["interval"][0]) / 2


@pytest.mark.parametrize("rate", FIXED_RATES)
def test_the_rates_are_those_at_quantiles_of_the_other_class(rate):
    cases = draw_cases()
    positive, negative = cases.scores[cases.is_positive], cases.scores[~cases.is_positive]
    sensitivity = (positive > np.quantile(negative, rate, method="weibull")).mean()
    specificity = (negative < np.quantile(positive, 1 - rate, method="weibull")).mean()
    assert sensitivity_at_specificity(cases, rate)["value"] == pytest.approx(sensitivity, abs=1e-12)
    assert specificity_at_sensitivity(cases, rate)["value"] == pytest.approx(specificity, abs=1e-12)


def test_the_interval_at_a_fixed_rate_is_that_of_a_bootstrap_of_groups():
    cases, rng, values = draw_cases(num_groups=100), np.random.default_rng(1), []
    rows_by_group = [np.flatnonzero(cases.groups == group) for group in range(100)]
    for _ in range(2000):
        rows = np.concatenate([rows_by_group[k] for k in rng.integers(100, size=100)])
        positive, negative = cases.scores[rows][cases.is_positive[rows]], cases.scores[rows][~cases.is_positive[rows]]
        values.append((positive > np.quantile(negative, 0.9, method="weibull")).mean())
    entry = sensitivity_at_specificity(cases, 0.9)
    assert half_width(entry) == pytest.approx(t_quantile(99) * np.std(values), rel=0.15)


def test_too_few_negative_cases_leave_a_high_specificity_undefined():
    cases = BinaryCases(scores=np.arange(20) / 20, is_positive=np.arange(20) >= 10, groups=np.arange(20))
    assert sensitivity_at_specificity(cases, 0.95) == {"value": None, "interval": None}
    assert sensitivity_at_specificity(cases, 0.9)["value"] == 1.0


@pytest.mark.parametrize(("specificity", "num_negatives"), [(0.9, 9), (0.1, 9), (0.95, 19)])
def test_the_number_of_negative_cases_suffices_from_the_inverse_of_the_rate(specificity, num_negatives):
    def entry_of(number):
        scores = np.append(np.arange(number) / number, [0.55, 2, 3])
        is_positive = np.arange(number + 3) >= number
        cases = BinaryCases(scores=scores, is_positive=is_positive, groups=np.arange(number + 3))
        return sensitivity_at_specificity(cases, specificity)

    assert entry_of(num_negatives)["value"] is not None
    assert entry_of(num_negatives - 1)["value"] is None


def test_the_threshold_of_one_negative_case_adds_no_variance():
    scores = np.array([0.5, 0.1, 0.2, 0.7, 0.8, 0.9])
    cases = BinaryCases(scores=scores, is_positive=np.arange(6) > 0, groups=np.arange(6))
    influences = np.where(cases.is_positive, ((scores > 0.5) - 0.6) / 5, 0.0)
    assert sensitivity_at_specificity(cases, 0.5) == proportion_entry(0.6, cases, influences, cases.is_positive)


@pytest.mark.parametrize(("rate", "num_groups"), [(0.8, 60), (0.9, 40), (0.95, 10), (0.5, 100)])
def test_the_threshold_of_a_rate_varies_by_the_slope_of_the_roc_curve_over_hall_and_sheathers_bandwidth(
    rate, num_groups
):
    cases = draw_cases(num_groups=num_groups)
    positive, negative = cases.scores[cases.is_positive], cases.scores[~cases.is_positive]
    x, n = stats.norm.ppf(rate), len(negative)
    width = (stats.norm.ppf(0.975) ** 2 / n * 1.5 * stats.norm.pdf(x) ** 2 / (2 * x**2 + 1)) ** (1 / 3)
    ends = np.clip([rate - width, rate + width], 1 / (n + 1), n / (n + 1))
    recalls = [np.mean(positive > end) for end in np.quantile(negative, ends, method="weibull")]
    is_above = cases.scores > np.quantile(negative, rate, method="weibull")
    centred = is_above - np.where(
        cases.is_positive, *(np.mean(is_above[cases.is_positive == k]) for k in (True, False))
    )
    slope = (recalls[1] - recalls[0]) / (ends[1] - ends[0])
    influences = np.where(cases.is_positive, centred / len(positive), slope * centred / n)
    expected = proportion_entry(is_above[cases.is_positive].mean(), cases, influences, cases.is_positive)
    found = sensitivity_at_specificity(cases, rate)
    assert found["value"] == expected["value"]
    assert found["interval"] == pytest.approx(expected["interval"], rel=1e-9)


@pytest.mark.parametrize("value", [0, 1])
def test_a_sensitivity_of_all_or_nothing_has_the_interval_of_its_cases_though_its_threshold_varies(value):
    negative = np.arange(20) / 20
    positive = np.linspace(0.5, 0.6, 8) if value else np.linspace(0.4, 0.45, 8)  # the threshold is 0.475
    cases = BinaryCases(scores=np.append(negative, positive), is_positive=np.arange(28) >= 20, groups=np.arange(28))
    half = t_quantile(7) ** 2 / (8 + t_quantile(7) ** 2)
    entry = sensitivity_at_specificity(cases, 0.5)
    assert entry["value"] == value
    assert entry["interval"] == pytest.approx([1 - half, 1] if value else [0, half], abs=1e-12)


@pytest.mark.parametrize("decimals", [None, 1])
@pytest.mark.parametrize("end", [0.1, 0.2, 0.5])
def test_the_partial_area_is_scikit_learn_s(end, decimals):
    cases = draw_cases(decimals=decimals)
    expected = roc_auc_score(cases.is_positive, cases.scores, max_fpr=end)
    assert partial_area(cases, end)["value"] == pytest.approx(expected, abs=1e-12)


def test_a_perfect_partial_area_has_no_interval():
    cases = BinaryCases(scores=np.arange(9) / 9, is_positive=np.arange(9) > 4, groups=np.arange(9))
    assert partial_area(cases, 0.2) == {"value": pytest.approx(1), "interval": None}


@pytest.mark.slow
def test_the_partial_area_s_interval_is_that_of_the_jackknife():
    cases = draw_cases()
    entry = partial_area(cases, 0.2)
    error = jackknife_error(cases, lambda part: roc_auc_score(part.is_positive, part.scores, max_fpr=0.2))
    value = entry["value"]
    logits = [np.log(end / (1 - end)) for end in (*entry["interval"], value)]
    assert (logits[1] - logits[0]) / 2 * value * (1 - value) == pytest.approx(t_quantile(149) * error, rel=0.02)
    assert (logits[0] + logits[1]) / 2 == pytest.approx(logits[2])


def test_the_slope_is_scikit_learn_s_and_the_intercept_balances_the_expected_cases():
    cases = draw_cases()
    logits = special.logit(cases.scores)
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logits[:, None], cases.is_positive)
    intercept = optimize.brentq(lambda shift: (cases.is_positive - special.expit(logits + shift)).sum(), -9, 9)
    entries = recalibration(cases)
    assert entries["calibration_slope"]["value"] == pytest.approx(model.coef_[0, 0], rel=1e-5)
    assert entries["calibration_intercept"]["value"] == pytest.approx(intercept, abs=1e-9)


@pytest.mark.parametrize("name", ["calibration_slope", "calibration_intercept"])
def test_the_intervals_of_the_recalibration_are_those_of_the_jackknife(name):
    cases = draw_cases()
    error = jackknife_error(cases, lambda part: recalibration(part)[name]["value"])
    assert half_width(recalibration(cases)[name]) == pytest.approx(t_quantile(149) * error, rel=0.05)


def test_probabilities_of_0_and_1_that_are_wrong_have_no_recalibration():
    is_positive = np.arange(12) % 2 == 0
    for wrong in (np.full(12, True), np.arange(12) < 4, np.arange(12) < 1):
        scores = (is_positive ^ wrong).astype(np.float64)
        cases = BinaryCases(scores=scores, is_positive=is_positive, groups=np.arange(12))
        assert recalibration(cases)["calibration_intercept"] == {"value": None, "interval": None}


def test_separated_classes_and_constant_scores_have_no_slope():
    separated = BinaryCases(
        scores=np.array([0.1, 0.2, 0.8, 0.9]), is_positive=np.array([False, False, True, True]), groups=np.arange(4)
    )
    constant = BinaryCases(
        scores=np.full(4, 0.5), is_positive=np.array([False, False, True, True]), groups=np.arange(4)
    )
    for cases in (separated, constant):
        assert recalibration(cases)["calibration_slope"] == {"value": None, "interval": None}
    assert recalibration(constant)["calibration_intercept"]["value"] == pytest.approx(0)


def test_extreme_probabilities_have_a_finite_slope():
    scores = np.array([0.0, 1.0, 0.0, 1.0, 0.3, 0.6])
    cases = BinaryCases(
        scores=scores, is_positive=np.array([False, True, True, True, False, True]), groups=np.arange(6)
    )
    assert np.isfinite(recalibration(cases)["calibration_slope"]["value"])


def test_the_net_benefit_is_that_of_the_confusion_matrix():
    cases = draw_cases(decimals=2)
    curve = decision_curve(cases)
    for place in (4, 29, 49, 79):
        threshold = curve["thresholds"][place]
        (_, false_positives), (_, true_positives) = confusion_matrix(cases.is_positive, cases.scores >= threshold)
        expected = (true_positives - false_positives * threshold / (1 - threshold)) / len(cases.scores)
        assert curve["net_benefit"][place] == pytest.approx(expected, abs=1e-12), threshold
        error = jackknife_error(cases, lambda part, place=place: decision_curve(part)["net_benefit"][place])
        width = (curve["high"][place] - curve["low"][place]) / 2
        assert width == pytest.approx(t_quantile(149) * error, rel=1e-3), threshold
        prevalence = cases.is_positive.mean()
        assert curve["act_on_all"][place] == pytest.approx(
            prevalence - (1 - prevalence) * threshold / (1 - threshold), abs=1e-12
        )


def test_nothing_varies_where_no_case_is_acted_on():
    cases = BinaryCases(
        scores=np.array([0.1, 0.2, 0.3, 0.4]), is_positive=np.array([False, True, False, True]), groups=np.arange(4)
    )
    curve = decision_curve(cases)
    assert (curve["net_benefit"][59], curve["low"][59], curve["high"][59]) == (0, None, None)


def test_the_net_benefit_of_two_patients_has_students_interval_with_one_degree_of_freedom():
    cases = BinaryCases(scores=np.array([0.9, 0.9]), is_positive=np.array([True, False]), groups=np.arange(2))
    curve = decision_curve(cases)
    expected = stats.ttest_1samp([1, -1], 0).confidence_interval(0.95)  # what each patient adds at odds of 1
    assert curve["net_benefit"][49] == 0
    assert [curve["low"][49], curve["high"][49]] == pytest.approx(list(expected))


def test_the_likelihood_ratios_and_predictive_values_follow_from_the_confusion_matrix():
    cases = draw_cases()
    (negatives, false_positives), (missed, found) = confusion_matrix(cases.is_positive, cases.scores >= 0.5)
    sensitivity, specificity = found / (found + missed), negatives / (negatives + false_positives)
    ratios = likelihood_ratios(cases, 0.5)
    assert ratios["positive"]["value"] == pytest.approx(sensitivity / (1 - specificity))
    assert ratios["negative"]["value"] == pytest.approx((1 - sensitivity) / specificity)
    for prevalence in (0.01, 0.3):
        values = predictive_values(ratios, prevalence)
        right = sensitivity * prevalence
        assert values["ppv"]["value"] == pytest.approx(right / (right + (1 - specificity) * (1 - prevalence)))
        right = specificity * (1 - prevalence)
        assert values["npv"]["value"] == pytest.approx(right / (right + (1 - sensitivity) * prevalence))
    own = own_predictive_values(cases, 0.5)
    assert own["ppv"]["value"] == found / (found + false_positives)
    assert own["npv"]["value"] == negatives / (negatives + missed)


def test_the_interval_of_a_likelihood_ratio_is_that_of_the_jackknife():
    cases = draw_cases()
    error = jackknife_error(cases, lambda part: np.log(likelihood_ratios(part, 0.5)["positive"]["value"]))
    low, high = likelihood_ratios(cases, 0.5)["positive"]["interval"]
    assert np.log(high / low) / 2 == pytest.approx(t_quantile(149) * error, rel=0.03)


def test_patients_who_are_all_alike_leave_a_likelihood_ratio_the_interval_of_independent_cases():
    """Mercaldo 2007: the variance of the logarithm of a ratio of two shares, with half a case added to each cell."""
    is_positive, is_predicted = np.tile([1, 1, 1, 1, 0, 0, 0, 0], 2) == 1, np.tile([1, 1, 1, 0, 1, 0, 0, 0], 2)

    def entries_of(groups):
        return likelihood_ratios(BinaryCases(scores=is_predicted * 1.0, is_positive=is_positive, groups=groups), 0.5)

    found = entries_of(np.arange(16) // 8)
    for entry, counts in ((found["positive"], (6, 2)), (found["negative"], (2, 6))):
        variance = sum(1 / (count + 0.5) - 1 / (8 + 1) for count in counts)
        value, half = counts[0] / counts[1], stats.norm.ppf(0.975) * np.sqrt(variance)
        assert entry["value"] == pytest.approx(value)
        assert entry["interval"] == pytest.approx([value * np.exp(-half), value * np.exp(half)])
    assert entries_of(np.zeros(16, int))["positive"] == {"value": pytest.approx(3), "interval": None}


def test_an_infinite_likelihood_ratio_is_bounded_by_that_with_half_a_case_added_to_each_cell():
    cases = BinaryCases(scores=np.arange(20) / 20, is_positive=np.arange(20) >= 10, groups=np.arange(20))
    shares = np.array([10.5, 0.5]) / 11
    half = stats.norm.ppf(0.975) * np.sqrt(np.sum((1 - shares) / (shares * 11)))
    ratios = likelihood_ratios(cases, 0.5)
    assert ratios["positive"] == {"value": None, "interval": [pytest.approx(21 * np.exp(-half)), None]}
    assert ratios["negative"] == {"value": 0.0, "interval": [0.0, pytest.approx(np.exp(half) / 21)]}


def test_no_false_positive_leaves_the_ratio_infinite_and_the_predictive_value_bounded_below():
    scores = np.array([0.9] * 8 + [0.1] * 12)
    cases = BinaryCases(scores=scores, is_positive=np.arange(20) < 10, groups=np.arange(20))
    ratio = likelihood_ratios(cases, 0.5)["positive"]
    assert ratio["value"] is None
    assert ratio["interval"][1] is None
    ppv = predictive_values({"positive": ratio, "negative": ratio}, 0.1)["ppv"]
    assert ppv["value"] == ppv["interval"][1] == 1
    assert 0 < ppv["interval"][0] < 0.5


def test_no_positive_prediction_has_no_predictive_value():
    cases = BinaryCases(scores=np.full(6, 0.1), is_positive=np.arange(6) < 3, groups=np.arange(6))
    ratios = likelihood_ratios(cases, 0.5)
    assert ratios["positive"] == {"value": None, "interval": None}
    assert predictive_values(ratios, 0.1)["ppv"] == {"value": None, "interval": None}
    assert own_predictive_values(cases, 0.5)["ppv"] == {"value": None, "interval": None}


def alone(is_right):
    """One case a patient, with what each adds to the share of right ones; both classes."""
    is_right = np.asarray(is_right)
    cases = BinaryCases(
        scores=is_right * 1.0, is_positive=np.arange(len(is_right)) % 2 == 0, groups=np.arange(len(is_right))
    )
    return cases, (is_right - is_right.mean()) / len(is_right)


def test_a_share_of_independent_cases_has_nearly_wilson_s_interval():
    cases, influences = alone([True] * 280 + [False] * 120)
    entry = proportion_entry(0.7, cases, influences, np.ones(400, bool))
    assert entry["interval"] == pytest.approx(wilson_interval(280, 400), abs=1e-3)


def test_a_share_of_one_counts_each_group_as_one_case():
    cases, influences = alone([True] * 450)
    cases = BinaryCases(scores=cases.scores, is_positive=cases.is_positive, groups=np.arange(450) % 9)
    quantile = t_quantile(8)
    entry = proportion_entry(1.0, cases, influences, np.ones(450, bool))
    assert entry["interval"] == pytest.approx([9 / (9 + quantile**2), 1.0])


def test_a_share_of_cases_of_one_group_has_no_interval():
    cases, influences = alone([True, True, False, False])
    is_counted = np.arange(4) == 0
    assert proportion_entry(1.0, cases, influences, is_counted) == {"value": 1.0, "interval": None}


def test_a_statistic_of_two_groups_of_each_class_has_students_interval_with_one_degree_of_freedom():
    cases, influences = alone([True, True, False, False])
    expected = stats.t.interval(0.95, 1, 2.5, np.sqrt(4 / 3 * np.sum(influences**2)))
    assert estimate_entry(2.5, cases, influences, "identity")["interval"] == pytest.approx(expected)
    single, influences = alone([True, True, False])
    assert estimate_entry(2.5, single, influences, "identity") == {"value": 2.5, "interval": None}
    pair, influences = alone([True, False])
    assert pair.standard_error(influences) == pytest.approx(np.sqrt(2 * np.sum(influences**2)))


def test_few_groups_that_make_the_variance_leave_few_degrees_of_freedom():
    cases, _ = alone([True, False] * 20)
    even, uneven = np.tile([1.0, -1.0], 20), np.concatenate([[1.0, -1.0], np.tile([0.01, -0.01], 19)])
    assert cases.degrees_of_freedom(even) == 19  # of the 20 groups that have positive cases
    assert cases.degrees_of_freedom(uneven) == pytest.approx(2 * 40 / (40 / 2 - 1), rel=0.01)


@pytest.mark.parametrize(
    "cases",
    [
        draw_cases(num_groups=20),
        draw_cases(num_groups=1),
        BinaryCases(scores=np.array([0.2, 0.9]), is_positive=np.array([True, True]), groups=np.arange(2)),
        BinaryCases(scores=np.array([0.2, 0.9]), is_positive=np.array([False, False]), groups=np.arange(2)),
        BinaryCases(scores=np.array([0.2, 0.9]), is_positive=np.array([False, True]), groups=np.arange(2)),
    ],
    ids=["usual", "one group", "positives alone", "negatives alone", "two cases"],
)
def test_the_entry_matches_its_schema(cases):
    entry = decision(cases, 0.5)
    text = json.dumps(entry, allow_nan=False)
    jsonschema.Draft202012Validator(DECISION).validate(json.loads(text))
