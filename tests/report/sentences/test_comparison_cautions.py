import json
import re
from dataclasses import replace

import numpy as np
import pytest

from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.comparison.leaks import Leak
from archnet.evaluation.integrity.manifest import record_run
from archnet.report.sentences.comparison_cautions import comparison_cautions
from synthetic_runs import synthetic_predictions, write_run

FEW = "The cases come from only 8 groups (scans or patients), so the results may not hold for other patients."
ONE_SEED = "Each network has one training seed: another seed may give a different result, and the intervals do not include this."


def many_groups(skill=2.0, seed=0):
    """Synthetic cases with a group each."""
    predictions = synthetic_predictions(skill=skill, seed=seed)
    return replace(predictions, groups=predictions.cases)


def cautions(*folders):
    return comparison_cautions(compare(list(folders)))


def change(folder, name, function):
    path = folder / name
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(function(document)), encoding="utf-8")
    record_run(folder)


def test_few_groups_and_single_seeds_are_cautions(tmp_path):
    runs = [write_run(tmp_path / name, skill=2.0) for name in ("a", "b")]
    assert cautions(*runs) == [FEW, ONE_SEED]


@pytest.mark.slow
def test_a_mixture_of_seeds_names_the_networks_with_one(tmp_path):
    for seed in range(2):
        write_run(tmp_path / f"a-seed{seed}", seed=seed, predictions=many_groups())
    write_run(tmp_path / "b", predictions=many_groups(), rank=3)
    write_run(tmp_path / "forest", predictions=many_groups(0.5), baseline=True, macs=None)
    assert cautions(tmp_path) == [
        "b has one training seed: another seed may give a different result, and the intervals do not include this."
    ]


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A comparison of the networks a, b and c."""
    return compare([write_run(tmp_path_factory.mktemp("three") / name, skill=2.0) for name in ("a", "b", "c")])


@pytest.mark.parametrize(("seeds", "subject"), [
    ([(0,), (0, 1), (0, 1)], "a has one training seed"),
    ([(0,), (0, 1), (0,)], "a and c have one training seed each"),
    ([(0,), (1,), (0,)], "Each network has one training seed"),
    ([(0, 1), (0, 1), (0, 1)], None),
])  # fmt: skip
def test_networks_with_one_training_seed_are_named(three, seeds, subject):
    rows = tuple(replace(row, seeds=own) for row, own in zip(three.rows, seeds, strict=True))
    end = ": another seed may give a different result, and the intervals do not include this."
    assert comparison_cautions(replace(three, rows=rows)) == [FEW, *([f"{subject}{end}"] if subject else [])]


@pytest.mark.parametrize(("leak", "text"), [
    ((1, 8, False), "a: 1 of 8 test groups (scans or patients) also has cases in the training set, so its results are "
                    "optimistic."),
    ((2, 8, True), "a: 2 of 8 test groups (scans or patients) also have cases in the training set, so its results are "
                   "optimistic."),
    ((0, 8, True), "a: a split by candidate may put neighbours of cases into the training set, so results are optimistic."),
])  # fmt: skip
def test_a_leak_is_a_caution_about_its_network(three, leak, text):
    found = Leak(num_shared=leak[0], num_groups=leak[1], is_split_by_candidate=leak[2])
    assert comparison_cautions(replace(three, leaks={"a": found}))[0] == text


@pytest.mark.slow
def test_cautions_come_in_the_order_of_their_weight(tmp_path):
    folders = [
        write_run(tmp_path / "collapsed", skill=2.0),
        write_run(tmp_path / "guess", skill=0.0, rank=3),
        write_run(tmp_path / "forest", skill=2.0, baseline=True, macs=None),
    ]
    change(folders[0], "metrics.json", lambda value: value | {"collapsed": {"reason": "one_class", "class": "nodule"}})
    allowed = {"findings": [{"severity": "error", "check": "near_duplicates", "message": "x"}]}
    change(folders[1], "data.json", lambda value: allowed)
    by_candidate = {"by": "candidate", "test": 0.2, "validation": 0.1, "seed": 42, "fold": None}
    change(folders[1], "experiment.json", lambda value: value | {"split": by_candidate})
    (folders[2] / "manifest.json").unlink()
    kinds = [text.split(":")[0] for text in cautions(*folders)]
    texts = cautions(*folders)
    assert texts[0] == "collapsed: Every case is predicted as “nodule”: no better than always saying “nodule”."
    assert texts[1].startswith("guess: Not shown to be better than chance: AUC ")
    assert texts[2] == (
        "guess: a split by candidate may put neighbours of cases into the training set, so results are optimistic."
    )
    assert texts[3] == (
        "The data have an error that was allowed: near_duplicates. The results may be wrong; see the data checks."
    )
    assert texts[4].startswith("collapsed (AUC ")
    assert texts[4].endswith("is not shown to be better than the baseline forest (AUC 0.982).")
    assert texts[5].startswith("guess (AUC ")
    difference = r"95% CI of the difference \+0\.\d{3} to \+0\.\d{3}"
    assert re.search(rf"is worse than the baseline forest \(AUC 0\.982; {difference}\)\.", texts[5])
    assert kinds[6] == "Integrity not recorded"
    assert texts[7:] == [FEW, ONE_SEED]


def test_groups_in_training_and_in_the_compared_set_are_a_leak(tmp_path):
    predictions = synthetic_predictions(skill=2.0)
    sets = predictions.sets.copy()
    sets[np.flatnonzero(sets == "test")[0]] = "train"
    folders = [write_run(tmp_path / "leaky", predictions=replace(predictions, sets=sets))]
    folders.append(write_run(tmp_path / "b", predictions=replace(predictions, sets=sets)))
    assert cautions(*folders)[:2] == [
        f"{name}: 1 of 8 test groups (scans or patients) also has cases in the training set, so its results are "
        "optimistic."
        for name in ("leaky", "b")
    ]


def test_a_comparison_on_validation_cases_is_a_caution(tmp_path):
    predictions = many_groups()
    sets = np.where(predictions.sets == "test", "validation", predictions.sets)
    runs = [write_run(tmp_path / name, predictions=replace(predictions, sets=sets)) for name in ("a", "b")]
    assert cautions(*runs) == [
        "There is no common test set. The validation set may have been used to select weights or to stop training, so these "
        "figures are optimistic.",
        ONE_SEED,
    ]


@pytest.mark.parametrize("skill", [0.3, 6.0])
def test_a_baseline_that_is_clearly_worse_is_not_a_caution(tmp_path, skill):
    runs = [
        write_run(tmp_path / "net", predictions=many_groups(6.0)),
        write_run(tmp_path / "forest", predictions=many_groups(skill, seed=0), baseline=True, macs=None),
    ]
    texts = [text for text in cautions(*runs) if "baseline" in text]
    assert len(texts) == (skill > 1)


def test_an_area_that_leads_to_another_conclusion_is_a_caution(tmp_path):
    """At its threshold a network says "non-nodule" of every case, but it ranks the cases well."""

    def hesitant(skill):
        predictions = many_groups(skill)
        p = predictions.probabilities[:, 1] / 2.5
        p[np.flatnonzero((predictions.sets == "validation") & (predictions.y_true == 0))[0]] = 0.41
        return replace(predictions, probabilities=np.column_stack([1 - p, p]))

    for name, skill, rank in (("archsm", 0.5, 2), ("arch3dsm", 4.0, 3)):
        write_run(tmp_path / name, predictions=hesitant(skill), rank=rank)
    comparison = compare([tmp_path])
    assert comparison.verdict.main_conclusion.kind == "no_difference_shown"
    entry = comparison.pairs[0].differences["auc"]
    low, high = entry["interval"]
    assert comparison_cautions(comparison)[0] == (
        f"By AUC, arch3dsm is better than archsm: {entry['other']:.3f} against {entry['reference']:.3f} (95% CI of the "
        f"difference {low:+.3f} to {high:+.3f}). The verdict compares the recall at one false-positive rate."
    )


def few_in_validation(num_others, seed=0):
    """Synthetic cases with only some other cases in validation."""
    predictions = many_groups(seed=seed)
    others = np.flatnonzero((predictions.sets == "validation") & (predictions.y_true == 0))
    sets = predictions.sets.copy()
    sets[others[num_others:]] = "train"
    return replace(predictions, sets=sets)


@pytest.mark.slow
@pytest.mark.parametrize(("num_others", "fold", "text"), [
    (19, None, "The validation set has only 19 cases other than “nodule”"),
    (1, None, "The validation set has only 1 case other than “nodule”"),
    (19, 0, "A validation set has only 19 cases other than “nodule”"),
])  # fmt: skip
def test_a_validation_set_too_small_to_fix_a_rate_is_a_caution(tmp_path, num_others, fold, text):
    predictions = few_in_validation(num_others)
    runs = [write_run(tmp_path / name, predictions=predictions, fold=fold) for name in ("a", "b")]
    assert cautions(*runs) == [
        f"{text}, too few to fix a false-positive rate (at least 20 are needed). Recalls are instead compared at equal "
        "false-positive rates in the test set, averaged over both networks' operating points.",
        ONE_SEED,
    ]
    assert compare(runs).verdict.main_conclusion.measure == "recall_at_equal_false_positive_rate"


@pytest.mark.slow
@pytest.mark.parametrize("num_others", [0, 20])
def test_a_validation_set_with_enough_other_cases_or_without_cases_gives_no_caution(tmp_path, num_others):
    predictions = few_in_validation(num_others)
    if not num_others:
        predictions = replace(predictions, sets=np.where(predictions.sets == "validation", "train", predictions.sets))
    assert cautions(*(write_run(tmp_path / name, predictions=predictions) for name in ("a", "b"))) == [ONE_SEED]
