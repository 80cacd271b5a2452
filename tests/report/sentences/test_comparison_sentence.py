from dataclasses import replace

import numpy as np
import pytest

from archnet.evaluation.comparison.comparison import compare
from archnet.report.comparison_wording import errors_text, runs_text
from archnet.report.sentences.badge import badge_text
from archnet.report.sentences.comparison_sentence import (
    comparison_sentence,
    cost_sentences,
    main_sentence,
    other_sentences,
)
from archnet.report.sentences.side_names import label_text, network_text
from synthetic_runs import published, synthetic_predictions, write_run
from verdicts import BOTH_ORDERS, conclusion, points, side, verdict_of

COUNTS = (
    "At equal false-positive rates in validation (3.2%), the 3D network arch3dsm finds {} of 42 nodules, the 2D "
    "network archsm {}: {} Among 154 other cases, arch3dsm has 5 false positives, archsm 6.{}"
)
CHANCE = {"auc": 0.52, "auc_interval": [0.43, 0.61], "is_better_than_chance": False}


@pytest.mark.parametrize(("changes", "values", "end", "consequence", "badge"), [
    ({}, (41, 3), "38 more (95% CI 35 to 40).", "", "3D better"),
    (
        {"found": 20, "reference_found": 32, "interval": (-19 / 42, -5 / 42), "kind": "reference_better"},
        (20, 32), "12 fewer (95% CI 5 to 19 fewer).", "", "2D better",
    ),
    (
        {"found": 32, "reference_found": 30, "interval": (-3.2 / 42, 7.2 / 42), "kind": "no_difference_shown"},
        (32, 30), "2 more (95% CI 3.2 fewer to 7.2 more).", " No difference is shown.", "No difference shown",
    ),
    (
        {"found": 30, "reference_found": 30, "interval": (-3 / 42, 3 / 42), "kind": "no_difference_shown"},
        (30, 30), "a difference of 0 (95% CI 3 fewer to 3 more).", " No difference is shown.", "No difference shown",
    ),
    (
        {"found": 29, "reference_found": 30, "interval": (-3 / 42, 1 / 42), "kind": "not_worse", "margin": 0.1},
        (29, 30), "1 fewer (95% CI 3 fewer to 1 more), not worse by more than the margin of 10 percentage points.",
        "", "3D not worse by more than the margin",
    ),
    (
        {"found": 36, "reference_found": 30, "interval": (1 / 42, 11 / 42), "kind": "no_difference_shown",
         "p": 0.02, "p_holm": 0.06},
        (36, 30), "6 more (95% CI 1 to 11), but p is 0.060 after Holm's correction.",
        " No difference is shown.", "No difference shown",
    ),
    (
        {"interval": None, "kind": "no_difference_shown"},
        (41, 3), "38 more.", " The 95% CI cannot be estimated from 12 groups (scans or patients).",
        "No difference shown",
    ),
    (
        {"found": 30, "reference_found": 30, "interval": None, "kind": "no_difference_shown"},
        (30, 30), "a difference of 0.",
        " No difference is shown: both networks have the same result in every group (scan or patient).",
        "No difference shown",
    ),
    ({"found": 42, "interval": (38.5 / 42, 1.02)}, (42, 3), "39 more (95% CI 38 to 42).", "", "3D better"),
])  # fmt: skip
def test_counts_of_single_runs_are_compared_at_thresholds_fixed_in_validation(changes, values, end, consequence, badge):
    result = verdict_of(conclusion(**changes))
    assert main_sentence(result) == COUNTS.format(*values, end, consequence)
    assert badge_text(result) == badge


def test_a_recall_at_the_cost_of_false_positives_is_not_better():
    at_equal_rates = {"difference": 0.111, "interval": [-0.115, 0.337], "p_holm": 0.42}
    one = conclusion(found=30, reference_found=23, interval=(2.2 / 42, 12 / 42), kind="no_difference_shown",
                     operating_points=points(30, 23, (3, 10)), at_equal_rates=at_equal_rates)  # fmt: skip
    assert main_sentence(verdict_of(one)) == (
        "At equal false-positive rates in validation (3.2%), the 3D network arch3dsm finds 30 of 42 nodules, the 2D "
        "network archsm 23: 7 more (95% CI 2.2 to 12), but with more false positives. Among 154 other cases, arch3dsm "
        "has 10 false positives, archsm 3. At equal false-positive rates in the test set: 11.1 percentage points more "
        "(95% CI 11.5 less to 33.7 more). No difference is shown."
    )
    assert badge_text(verdict_of(one)) == "No difference shown"
    corrected = replace(one, at_equal_rates={"difference": 0.111, "interval": [0.008, 0.214], "p_holm": 0.062})
    assert main_sentence(verdict_of(corrected)).endswith(
        "At equal false-positive rates in the test set: 11.1 percentage points more (95% CI 0.8 to 21.4), but p is 0.062 "
        "after Holm's correction. No difference is shown."
    )
    opposite = replace(one, at_equal_rates={"difference": -0.111, "interval": [-0.214, -0.008], "p_holm": 0.031})
    assert main_sentence(verdict_of(opposite)).endswith(
        "11.1 percentage points less (95% CI 0.8 to 21.4 less). No difference is shown."
    )
    other_way = conclusion(found=23, reference_found=30, interval=(-12 / 42, -2.2 / 42), kind="no_difference_shown",
                           operating_points=points(23, 30, (10, 3)), at_equal_rates=at_equal_rates)  # fmt: skip
    assert (
        "23 of 42 nodules, the 2D network archsm 30: 7 fewer (95% CI 2.2 to 12 fewer), but with fewer false positives. "
        "Among 154 other cases, arch3dsm has 3 false positives, archsm 10. At equal false-positive rates"
        in main_sentence(verdict_of(other_way))
    )


def test_means_are_percentages_over_both_operating_points_and_seeds():
    one = conclusion(measure=BOTH_ORDERS, false_positive_rate=None, operating_points=None)
    start = (
        "At equal false-positive rates, the 3D network arch3dsm finds 97.6% of the 42 nodules, the 2D network archsm "
    )
    end = "90.5 percentage points more (95% CI 83.3 to 95.2)."
    assert main_sentence(verdict_of(one)) == f"{start}7.1%, averaged over both operating points: {end}"
    seeds = (side("archsm", "2D", 3), side("arch3dsm", "3D", 3))
    expected = f"{start}7.1%, averaged over both operating points and 3 seeds: {end}"
    assert main_sentence(verdict_of(one, sides=seeds)) == expected


def test_seeds_at_a_rate_fixed_in_validation_are_averaged_and_not_counted():
    seeds = (side("archsm", "2D", 3), side("arch3dsm", "3D", 2))
    assert main_sentence(verdict_of(conclusion(operating_points=None), sides=seeds)) == (
        "At equal false-positive rates in validation (3.2%), the 3D network arch3dsm finds 97.6% of the 42 nodules, "
        "the 2D network archsm 7.1%, averaged over 2 and 3 seeds: 90.5 percentage points more (95% CI 83.3 to 95.2)."
    )


@pytest.mark.parametrize(("num_seeds", "expected"), [
    (1, "The 3D network arch3dsm has a macro recall of 85.3% on 150 test cases of 3 classes, the 2D network archsm 60.0%: "
        "25.3 percentage points more (95% CI 20.0 to 30.0)."),
    (3, "The 3D network arch3dsm has a macro recall of 85.3% on 150 test cases of 3 classes, the 2D network archsm 60.0%, "
        "averaged over 3 seeds: 25.3 percentage points more (95% CI 20.0 to 30.0)."),
])  # fmt: skip
def test_of_more_classes_the_macro_recall_is_compared(num_seeds, expected):
    one = conclusion(
        measure="recall", reference_value=90 / 150, other_value=128 / 150, difference=38 / 150, interval=[0.2, 0.3],
        false_positive_rate=None, operating_points=None,
    )  # fmt: skip
    sides = (side("archsm", "2D", num_seeds), side("arch3dsm", "3D", num_seeds))
    assert main_sentence(verdict_of(one, sides=sides, num_classes=3, num_cases=150)) == expected


def test_two_networks_that_may_be_guessing_are_not_compared():
    sides = (side("archsm", "2D", **CHANCE), side("arch3dsm", "3D", **CHANCE | {"auc": 0.48, "auc_interval": None}))
    result = verdict_of(conclusion(kind="neither_better_than_chance"), sides=sides)
    assert main_sentence(result) == (
        "Neither the 3D network arch3dsm nor the 2D network archsm is shown to be better than chance: AUC 0.480 and "
        "0.520 (95% CI 0.430 to 0.610); guessing gives 0.5."
    )
    assert badge_text(result) == "Neither shown to be better than chance"


def test_identical_predictions_are_not_a_result():
    result = verdict_of(conclusion(kind="no_difference_shown", is_identical=True))
    assert main_sentence(result) == (
        "The 3D network arch3dsm and the 2D network archsm give identical predictions for all 196 test cases. Check "
        "that they were trained separately."
    )
    assert badge_text(result) == "Identical predictions"


def test_a_set_without_a_class_allows_no_comparison():
    result = verdict_of(conclusion(kind="not_comparable", difference=None))
    assert main_sentence(result) == "arch3dsm and archsm cannot be compared: the test set lacks a class."
    assert badge_text(result) == "Not comparable"


def test_each_further_architecture_has_a_line_and_the_badge_names_the_network():
    sides = (side("archsm", "2D"), side("arch3dsm", "3D"), side("arch3d", "3D"), side("forest", "baseline"))
    kinds = {"kind": "no_difference_shown", "is_identical": True}
    others = (conclusion("arch3d", found=40, interval=(34 / 42, 39 / 42)), conclusion("forest", **kinds))
    result = verdict_of(conclusion(), *others, sides=sides)
    assert main_sentence(result) == COUNTS.format(41, 3, "38 more (95% CI 35 to 40).", "")
    assert other_sentences(result) == [
        "arch3d (3D) against archsm (2D), nodules found: 37 more (95% CI 34 to 39).",
        "forest (baseline) against archsm (2D): identical predictions.",
    ]
    assert badge_text(result) == "arch3dsm (3D) better"


def test_the_form_alone_names_a_network_only_next_to_baselines():
    sides = (side("archsm", "2D"), side("arch3dsm", "3D"), side("forest", "baseline"))
    result = verdict_of(conclusion(), conclusion("forest"), sides=sides)
    assert badge_text(result) == "3D better"
    without_form = verdict_of(sides=(side("archsm", None), side("arch3dsm", "3D")))
    assert badge_text(without_form) == "arch3dsm (3D) better"
    assert "the network archsm 3: 38 more" in main_sentence(without_form)


@pytest.mark.parametrize(("changes", "end"), [
    ({"kind": "not_comparable", "difference": None}, ": not comparable, because the test set lacks a class."),
    ({"kind": "neither_better_than_chance", "is_identical": True}, ": neither is shown to be better than chance."),
    ({"found": 30, "reference_found": 23, "interval": (2.2 / 42, 12 / 42), "kind": "no_difference_shown", "p_holm": 0.06},
     ", nodules found: 7 more (95% CI 2.2 to 12), but p is 0.060 after Holm's correction. No difference is shown."),
])  # fmt: skip
def test_a_further_architecture_without_a_result_says_why(changes, end):
    sides = (side("archsm", "2D"), side("arch3dsm", "3D"), side("arch3d", "3D"))
    result = verdict_of(conclusion(), conclusion("arch3d", **changes), sides=sides)
    assert other_sentences(result) == [f"arch3d (3D) against archsm (2D){end}"]


@pytest.mark.parametrize(("form", "within", "label"), [
    ("3D", "the 3D network net", "net (3D)"),
    ("baseline", "the baseline net", "net (baseline)"),
    ("stacked", "the combination net", "net (stacked)"),
    (None, "the network net", "net"),
])  # fmt: skip
def test_an_architecture_is_named_by_what_it_is(form, within, label):
    assert network_text(side("net", form)) == within
    assert label_text(side("net", form)) == label


@pytest.mark.parametrize(("ratio", "expected"), [
    (8.24, ["The 3D network arch3dsm takes 8.2 times the multiply-adds."]),
    (1, ["Both take the same multiply-adds."]),
    (1.03, ["Both take about the same multiply-adds."]),
    (None, []),
])  # fmt: skip
def test_the_cost_is_a_sentence_of_its_own(ratio, expected):
    assert cost_sentences(verdict_of(conclusion(cost_ratio=ratio))) == expected


def test_a_class_that_is_not_a_noun_is_quoted():
    assert main_sentence(verdict_of(positive="CT-23")).startswith(
        "At equal false-positive rates in validation (3.2%), the 3D network arch3dsm finds 41 of 42 “CT-23” cases, the "
    )


def predicted(found, alarms, num_positives=100, num_others=300, num_groups=60):
    """Predictions that find the first positive cases and take the first others for positive, at 0.5 and at no other."""
    y_true = np.repeat([0, 1], [num_others, num_positives])
    p = np.concatenate([np.arange(num_others) < alarms, np.arange(num_positives) < found]) * 0.8 + 0.1
    template = published(num_others, 0, 0, num_positives)
    groups = np.array([f"g{row % num_groups}" for row in range(len(y_true))])
    return replace(template, groups=groups, probabilities=np.column_stack([1 - p, p]))


def test_the_sentence_of_runs_has_all_parts(tmp_path):
    runs = [
        write_run(tmp_path / "archsm", predictions=predicted(40, 20), macs=1_000),
        write_run(tmp_path / "arch3dsm", predictions=predicted(80, 20), macs=8_270, rank=3),
    ]
    comparison = compare(runs)
    low, high = (100 * end for end in comparison.pairs[0].differences[BOTH_ORDERS]["interval"])
    assert comparison_sentence(comparison) == (
        "At equal false-positive rates, the 3D network arch3dsm finds 80.0% of the 100 nodules, the 2D network archsm "
        f"40.0%, averaged over both operating points: 40.0 percentage points more (95% CI {low:.1f} to {high:.1f}). The "
        "3D network arch3dsm takes 8.3 times the multiply-adds."
    )


def test_one_architecture_with_several_seeds_is_described_by_itself(tmp_path):
    for seed, found in enumerate((40, 41, 43)):
        write_run(tmp_path / f"net-seed{seed}", seed=seed, predictions=predicted(found, 20))
    comparison = compare([tmp_path])
    assert comparison_sentence(comparison) == (
        "net finds 41.3 of 100 nodules in the test set (mean of 3 seeds): recall 41.3%, standard deviation 1.5%, "
        "with 20 false positives among 300 other cases."
    )
    assert [runs_text(row) for row in comparison.rows] == ["3 seeds (mean)"]


def test_a_cross_validation_is_described_by_itself(tmp_path):
    whole = predicted(40, 20)
    for fold in range(2):
        sets = np.where(np.arange(400) % 2 == fold, "test", "train")
        write_run(tmp_path / f"net-fold{fold}", fold=fold, predictions=replace(whole, sets=sets))
    comparison = compare([tmp_path])
    assert comparison_sentence(comparison) == (
        "net finds 40 of 100 nodules in the test set, each case predicted once in 2 folds: recall 40.0%, with 20 false "
        "positives among 300 other cases."
    )
    assert runs_text(comparison.rows[0]) == "2 folds"


def test_the_cases_that_only_one_network_classifies_correctly_are_counted(tmp_path):
    runs = [write_run(tmp_path / name, predictions=predicted(*counts)) for name, counts in
            (("archsm", (40, 25)), ("arch3dsm", (80, 20)))]  # fmt: skip
    (pair,) = compare(runs).pairs
    assert errors_text(replace(pair, discordant=({**pair.discordant[0], "only_other_right": 1},))) == [
        "1 case is classified correctly only by arch3dsm, 0 only by archsm"
    ]
    assert errors_text(pair) == ["45 cases are classified correctly only by arch3dsm, 0 only by archsm"]


def test_the_comparison_in_words_of_more_classes(tmp_path):
    classes = ("CT-0", "CT-1", "CT-23")
    for name, skill in (("a", 0.5), ("b", 3.0)):
        write_run(tmp_path / name, classes=classes, predictions=synthetic_predictions(classes, skill=skill))
    comparison = compare([tmp_path])
    first, second = (row.metrics["recall"]["macro"] for row in comparison.rows)
    assert comparison_sentence(comparison).startswith(
        f"The 2D network b has a macro recall of {second:.1%} on {comparison.rows[0].metrics['n']} test cases of 3 classes, "
        f"the 2D network a {first:.1%}: {100 * (second - first):.1f} percentage points more (95% CI "
    )
