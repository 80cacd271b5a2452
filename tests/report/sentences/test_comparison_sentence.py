from dataclasses import replace

import numpy as np
import pytest

from archnet.evaluation.comparison.comparison import compare
from archnet.report.comparison_wording import errors_text, runs_text
from archnet.report.sentences.comparison_cautions import comparison_cautions
from archnet.report.sentences.comparison_sentence import comparison_sentence
from synthetic_runs import published, synthetic_predictions, write_run

UNKNOWN = " The variation between training seeds is unknown."


def judged(found, alarms, num_positives=100, num_others=300, num_groups=40):
    """Predictions that find the first positive cases and take the first others for positive, at 0.5 and at no other."""
    y_true = np.repeat([0, 1], [num_others, num_positives])
    p = np.concatenate([np.arange(num_others) < alarms, np.arange(num_positives) < found]) * 0.8 + 0.1
    template = published(num_others, 0, 0, num_positives)
    groups = np.array([f"g{row % num_groups}" for row in range(len(y_true))])
    return replace(template, groups=groups, probabilities=np.column_stack([1 - p, p]))


def sentence_of(tmp_path, reference, other, macs=(1_000, 8_270)):
    runs = [
        write_run(tmp_path / name, predictions=predictions, macs=cost)
        for name, predictions, cost in zip(("archsm", "arch3dsm"), (reference, other), macs, strict=True)
    ]
    return comparison_sentence(compare(runs))


def interval_of(tmp_path):
    (pair,) = compare([tmp_path / "archsm", tmp_path / "arch3dsm"]).pairs
    return [100 * end for end in pair.differences["recall_at_equal_false_positive_rate"]["interval"]]


def test_a_sure_gain_is_told_in_cases_with_its_interval_and_its_cost(tmp_path):
    sentence = sentence_of(tmp_path, judged(40, 20), judged(80, 20))
    low, high = interval_of(tmp_path)
    assert 30 < low < high < 50
    assert sentence == (
        "arch3dsm finds 40 of 100 “nodule” cases more than archsm at the same false-positive rate; 95% interval "
        f"{low:.0f} to {high:.0f}; it costs 8.3 times the multiply-adds." + UNKNOWN
    )


def test_a_sure_loss_is_told_as_fewer(tmp_path):
    sentence = sentence_of(tmp_path, judged(80, 20), judged(40, 20), macs=(1_000, 1_000))
    low, high = sorted(-end for end in interval_of(tmp_path))
    assert sentence == (
        "arch3dsm finds 40 of 100 “nodule” cases fewer than archsm at the same false-positive rate; 95% interval "
        f"{low:.0f} to {high:.0f}; both cost the same multiply-adds." + UNKNOWN
    )


def test_an_interval_with_zero_inside_says_that_the_test_set_cannot_tell(tmp_path):
    first, second = judged(50, 20), judged(50, 20)
    order = np.concatenate([np.arange(300), 300 + np.random.default_rng(0).permutation(100)])
    sentence = sentence_of(tmp_path, first, replace(second, probabilities=second.probabilities[order]))
    low, high = interval_of(tmp_path)
    assert low < 0 < high
    assert sentence == (
        "This test set cannot tell arch3dsm from archsm: arch3dsm finds as many of 100 “nodule” cases as archsm at the "
        f"same false-positive rate, but the 95% interval runs from {_short(-low)} fewer to {_short(high)} more; "
        "it costs 8.3 times the multiply-adds." + UNKNOWN
    )


def _short(number):
    return f"{number:.0f}" if number >= 10 or number == round(number) else f"{number:.1f}"


def test_a_single_group_leaves_the_sentence_without_an_interval(tmp_path):
    assert sentence_of(tmp_path, judged(40, 20, num_groups=1), judged(80, 20, num_groups=1)) == (
        "arch3dsm finds 40 of 100 “nodule” cases more than archsm at the same false-positive rate, but there are too "
        "few groups to say how sure that is; it costs 8.3 times the multiply-adds." + UNKNOWN
    )


def test_without_positive_cases_nothing_follows(tmp_path):
    assert sentence_of(tmp_path, judged(0, 20, num_positives=0), judged(0, 10, num_positives=0)) == (
        "arch3dsm and archsm cannot be compared: the test set lacks a class." + UNKNOWN
    )


def test_of_more_classes_the_sentence_is_about_the_right_class(tmp_path):
    classes = ("CT-0", "CT-1", "CT-23")
    first, second = (synthetic_predictions(classes, skill=skill) for skill in (0.5, 3.0))
    runs = [
        write_run(tmp_path / name, classes=classes, predictions=predictions)
        for name, predictions in (("a", first), ("b", second))
    ]
    comparison = compare(runs)
    right = [round(row.metrics["accuracy"] * row.metrics["n"]) for row in comparison.rows]
    assert comparison_sentence(comparison).startswith(
        f"b correctly classifies {right[1] - right[0]} of {comparison.rows[0].metrics['n']} cases more than a; 95% "
    )


def test_several_seeds_are_told_as_an_average_and_leave_no_open_question(tmp_path):
    for name, found in (("archsm", (40, 42)), ("arch3dsm", (80, 82))):
        for seed, number in enumerate(found):
            cost = 1_000 if name == "archsm" else 8_270
            write_run(tmp_path / f"{name}-seed{seed}", seed=seed, predictions=judged(number, 20), macs=cost)
    comparison = compare([tmp_path])
    sentence = comparison_sentence(comparison)
    assert sentence.startswith("arch3dsm finds on average 40 of 100 “nodule” cases more than archsm at the same false-")
    assert sentence.endswith("; it costs 8.3 times the multiply-adds.")
    assert [runs_text(row) for row in comparison.rows] == ["2 seeds (mean)"] * 2
    assert [line.split(":")[0] for line in errors_text(comparison.pairs[0])] == ["seeds 0 and 0", "seeds 1 and 1"]


def test_one_architecture_with_several_seeds_is_told_by_itself(tmp_path):
    for seed, found in enumerate((40, 41, 43)):
        write_run(tmp_path / f"net-seed{seed}", seed=seed, predictions=judged(found, 20))
    assert comparison_sentence(compare([tmp_path])) == (
        "net finds 41.3 of 100 “nodule” cases in the test set in the mean of 3 seeds: recall 41.3%, standard deviation "
        "1.5%, with 20 false positives among 300 other cases."
    )


def test_a_cross_validation_is_told_by_itself(tmp_path):
    whole = judged(40, 20)
    for fold in range(2):
        sets = np.where(np.arange(400) % 2 == fold, "test", "train")
        write_run(tmp_path / f"net-fold{fold}", fold=fold, predictions=replace(whole, sets=sets))
    comparison = compare([tmp_path])
    assert comparison_sentence(comparison) == (
        "net finds 40 of 100 “nodule” cases in the test set, each case judged once in 2 folds: recall 40.0%, with 20 "
        "false positives among 300 other cases."
    )
    assert runs_text(comparison.rows[0]) == "2 folds"


def test_the_errors_of_two_networks_are_told_with_mcnemars_p(tmp_path):
    sentence_of(tmp_path, judged(40, 25), judged(80, 20))
    (pair,) = compare([tmp_path / "archsm", tmp_path / "arch3dsm"]).pairs
    assert errors_text(pair) == [
        "45 cases are classified correctly only by arch3dsm, 0 only by archsm; McNemar's exact p <0.001"
    ]


@pytest.mark.parametrize(("num_groups", "expected"), [
    (40, []),
    (8, ["The cases come from only 8 groups (scans or patients). Intervals from so few are too narrow."]),
])  # fmt: skip
def test_few_groups_are_a_caution(tmp_path, num_groups, expected):
    runs = [write_run(tmp_path / name, predictions=judged(40, 20, num_groups=num_groups)) for name in ("a", "b")]
    assert comparison_cautions(compare(runs)) == expected


def test_many_differences_and_a_comparison_on_validation_cases_are_cautions(tmp_path):
    whole = judged(40, 20)
    validation = replace(whole, sets=np.full(400, "validation"))
    runs = [write_run(tmp_path / name, predictions=validation) for name in ("a", "b", "c")]
    assert comparison_cautions(compare(runs)) == [
        "There is no common test set. The validation set may have chosen the weights and the time to stop, so these "
        "figures are optimistic.",
        "2 differences are tested without correction for multiple comparisons: about one in twenty 95% intervals "
        "excludes zero by chance.",
    ]
