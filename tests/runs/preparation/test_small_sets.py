"""Sets too small for a useful result, and the width of intervals before training."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from archnet.data.dataset import Cases
from archnet.evaluation.uncertainty.proportions import proportion_interval
from archnet.runs.preparation.small_sets import expect_recall, find_small_sets
from archnet.spec.experiment import Split

GROUPED = Split()


def cases_of(labels, groups=None):
    count = len(labels)
    return Cases(
        ids=np.array([f"case{row}" for row in range(count)]),
        groups=np.array([f"g{row}" for row in range(count)] if groups is None else groups),
        labels=np.array(labels),
        classes=("other", "nodule"),
    )


def sets_of(**counts):
    return np.repeat(list(counts), list(counts.values()))


def found(labels, sets, split=GROUPED, groups=None):
    return list(find_small_sets(cases_of(labels, groups), sets, split))


def test_a_test_set_with_ten_cases_of_each_class_is_large_enough():
    assert found([0, 1] * 20, sets_of(train=20, test=20)) == []


def test_few_cases_of_a_class_are_a_warning_with_the_interval_that_their_recall_will_have():
    (finding,) = found([0] * 30 + [0] * 16 + [1] * 4, sets_of(train=30, test=20))
    assert (finding.check, finding.severity) == ("small_sets", "warning")
    assert finding.message == (
        'The test set has only 4 cases of "nodule": a recall of 0.9 is known to within ±0.29 at best '
        "(95% interval 0.42 to 0.99)."
    )
    assert finding.remedy == "Test each case once with split.folds=5, or add cases."


def test_nine_cases_are_few_and_ten_are_not():
    assert "only 9 cases" in found([0] * 10 + [1] * 9, sets_of(test=19))[0].message
    assert found([0] * 10 + [1] * 10, sets_of(test=20)) == []


def test_a_single_positive_case_and_none_are_said():
    assert 'The test set has only 1 case of "nodule": a' in found([0] * 19 + [1], sets_of(test=20))[0].message
    (finding,) = found([0] * 20, sets_of(test=20))
    assert finding.message == 'The test set has no "nodule" case, so the recall of this class is undefined.'


def test_of_three_classes_an_absent_one_is_said_to_be_left_out_of_the_macro_averages():
    labels = [0, 1, 2] * 10 + [0, 1] * 10 + [0, 2] * 10
    cases = replace(cases_of(labels), classes=("air", "glass", "solid"))
    (finding,) = find_small_sets(cases, sets_of(train=30, validation=20, test=20), GROUPED)
    assert finding.message == (
        'The test set has no "glass" case, so the recall of this class is undefined and macro averages exclude it. '
        'The validation set has no "solid" case, so its macro averages exclude this class, and weights are chosen '
        "without it."
    )


def test_a_test_set_from_one_patient_is_a_warning():
    (finding,) = found([0, 1] * 10, sets_of(test=20), groups=["p1"] * 20)
    assert finding.message == (
        "All 20 cases of the test set come from one group (scan or patient), so its results do not apply to other "
        "patients."
    )


@pytest.mark.parametrize(("count", "is_said"), [(1, False), (2, True)])
def test_a_single_case_is_not_said_to_be_of_one_patient(count, is_said):
    (finding,) = found([0] * count, sets_of(test=count), groups=["p1"] * count)
    assert (f"All {count} cases of the test set come from one group" in finding.message) is is_said


def test_a_validation_set_without_a_class_is_a_warning_and_counts_as_evaluated_where_there_is_no_test_set():
    (finding,) = found([0] * 10 + [0, 1] * 20, sets_of(validation=10, test=40))
    assert finding.message == (
        'The validation set has no "nodule" case, so it cannot choose weights or thresholds for this class.'
    )
    (finding,) = found([0, 1] * 10, sets_of(train=10, validation=10))
    assert finding.message.startswith('The validation set has only 5 cases of "other": a recall of 0.9')
    assert found([0, 1] * 10, sets_of(train=20)) == []


@pytest.mark.parametrize(
    ("split", "remedy"),
    [
        (Split(by="own"), "Add cases, or split the data with split.by=group."),
        (Split(folds=5, fold=0, test=None), "Use fewer folds (split.folds), or add cases."),
    ],
)
def test_the_remedy_depends_on_the_split(split, remedy):
    assert found([0] * 20, sets_of(test=20), split)[0].remedy == remedy


def test_27_positives_from_7_groups_determine_a_recall_to_016_at_best():
    groups = [f"g{row % 7}" for row in range(27)]
    expected = expect_recall(cases_of([1] * 27, groups), sets_of(test=27))
    assert (expected.num_cases, expected.num_groups) == (27, 7)
    assert expected.text == (
        'With 27 cases of "nodule" in the test set from 7 groups, a recall of 0.9 is known to within ±0.16 at best '
        "(independent cases), and to within ±0.28 if the cases of each group are all found or all missed."
    )


def test_of_more_than_two_classes_the_class_with_the_fewest_cases_is_expected_and_the_macro_recall_is_named():
    cases = replace(cases_of([0] * 40 + [1] * 30 + [2] * 13), classes=("other", "nodule", "faint", "absent"))
    expected = expect_recall(cases, sets_of(test=83))
    assert (expected.class_name, expected.num_classes, expected.num_cases) == ("faint", 4, 13)
    assert expected.text == (
        'With 13 cases of "faint" in the test set (the fewest of 4 classes), each from its own group, a recall of 0.9 is '
        "known to within ±0.17. The report leads with the macro average over all classes."
    )
    assert expect_recall(cases, sets_of(train=83)) is None


def test_of_three_classes_the_only_one_with_cases_is_expected():
    cases = replace(cases_of([2] * 12), classes=("air", "glass", "solid"))
    expected = expect_recall(cases, sets_of(test=12))
    assert (expected.class_name, expected.num_cases) == ("solid", 12)
    assert expected.text.startswith('With 12 cases of "solid" in the test set (the fewest of 3 classes), each from')


def test_the_expected_interval_is_the_one_that_the_report_will_give():
    expected = expect_recall(cases_of([1] * 30), sets_of(test=30))
    interval = binomtest(27, 30).proportion_ci(method="wilson")
    assert expected.interval == pytest.approx([interval.low, interval.high])
    assert expected.interval_by_group == expected.interval
    assert expected.text.startswith('With 30 cases of "nodule" in the test set, each from its own group, a recall of')


@pytest.mark.parametrize("num_missed", [2, 6])
def test_the_expected_intervals_of_groups_enclose_the_one_that_the_report_gives_at_this_recall(num_missed):
    groups = np.arange(60) % 20
    expected = expect_recall(cases_of([1] * 60, groups.astype(str)), sets_of(test=60))
    is_found = groups >= 2 if num_missed == 2 else np.arange(60) >= 6  # two whole groups, or six cases of six groups
    trials = np.full(20, 3.0)
    by_group = proportion_interval(np.bincount(groups, is_found), trials)
    assert (expected.interval_by_group if num_missed == 2 else expected.interval) == pytest.approx(by_group, abs=0.01)


def test_of_one_group_no_interval_is_expected():
    expected = expect_recall(cases_of([1] * 12, ["g"] * 12), sets_of(test=12))
    assert (expected.interval, expected.interval_by_group) == (None, None)
    assert expected.text == (
        'With 12 cases of "nodule" in the test set, the interval of their recall cannot be estimated, since all come '
        "from one group."
    )
    (finding,) = found([0] * 12 + [1] * 4, sets_of(test=16), groups=["a", "b"] * 6 + ["c"] * 4)
    assert finding.message == (
        'The test set has only 4 cases of "nodule": the interval of their recall cannot be estimated, since all come '
        "from one group."
    )


def test_without_positive_cases_or_an_evaluated_set_nothing_is_expected():
    assert expect_recall(cases_of([0] * 5), sets_of(test=5)) is None
    assert expect_recall(cases_of([1] * 5), sets_of(train=5)) is None
