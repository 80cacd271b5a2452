import json
from dataclasses import replace

import numpy as np
import pytest

from archnet.evaluation.integrity.manifest import record_run
from archnet.evaluation.kept_epoch import TrainingEnd
from archnet.report.run_files import read_run
from archnet.report.sentences.run_cautions import cautions
from archnet.report.sentences.run_headline import headline
from archnet.report.sentences.training_sentence import training_sentences
from synthetic_runs import edit, published, synthetic_predictions, write_run

FEW = "The cases come from only 8 groups (scans or patients), so the results may not hold for other patients."


def test_the_headline_states_recall_interval_and_false_positives(tmp_path):
    run = read_run(write_run(tmp_path / "archsm", predictions=published()))
    assert headline(run) == (
        "archsm finds 218 of 281 nodules in the test set: recall 77.6% (95% CI 72.4% to 82.1%), with 90 false "
        "positives among 1,338 other cases."
    )


def test_the_headline_of_more_classes_states_macro_averages_and_accuracy(tmp_path):
    run = read_run(write_run(tmp_path / "ct", classes=("CT-0", "CT-1", "CT-23"), skill=2.0))
    metrics = run.metrics["test"]
    matrix = np.array(metrics["confusion_matrix"])
    accuracy, recall = (
        f"{100 * value:.1f}% (95% CI {100 * low:.1f}% to {100 * high:.1f}%)"
        for value, (low, high) in (
            (metrics["accuracy"], metrics["intervals"]["accuracy"]),
            (metrics["recall"]["macro"], metrics["intervals"]["recall"]["macro"]),
        )
    )
    assert headline(run).startswith(
        f"ct classifies {np.trace(matrix)} of {matrix.sum()} test cases of 3 classes correctly: macro recall {recall}, "
        "macro AUC "
    )
    assert f" and accuracy {accuracy}. The recall of “" in headline(run)


def test_without_positive_cases_the_recall_is_said_to_be_undefined(tmp_path):
    run = read_run(write_run(tmp_path / "a", predictions=published(false_negatives=0, true_positives=0)))
    assert headline(run) == "The test set contains no nodules, so the recall is undefined."


def test_an_interval_that_cannot_be_estimated_is_not_printed_as_one(tmp_path):
    predictions = published()
    one_scan = replace(predictions, groups=np.full(len(predictions.cases), "scan"))
    run = read_run(write_run(tmp_path / "a", predictions=one_scan))
    assert headline(run) == (
        "a finds 218 of 281 nodules in the test set: recall 77.6% (95% CI cannot be estimated from 1 group), "
        "with 90 false positives among 1,338 other cases."
    )


def test_many_groups_split_as_wholes_need_no_caution(tmp_path):
    assert cautions(read_run(write_run(tmp_path / "a", predictions=published()))) == []


def test_few_groups_are_a_caution_of_a_single_run(tmp_path):
    assert cautions(read_run(write_run(tmp_path / "a", skill=2.0))) == [FEW]


def test_an_area_that_may_be_that_of_guessing_is_a_caution(tmp_path):
    run = read_run(write_run(tmp_path / "a", skill=0.0))
    auc, (low, high) = run.metrics["test"]["auc"], run.metrics["test"]["intervals"]["auc"]
    assert low < 0.5
    assert cautions(run) == [
        f"Not shown to be better than chance: AUC {auc:.3f} (95% CI {low:.3f} to {high:.3f}), where guessing gives 0.5.",
        FEW,
    ]


def test_a_collapsed_run_is_not_also_said_to_guess(tmp_path):
    folder = write_run(tmp_path / "a", skill=0.0)
    path = folder / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(metrics | {"collapsed": {"reason": "constant", "class": "nodule"}}), encoding="utf-8")
    record_run(folder)
    assert cautions(read_run(folder)) == [
        "Collapsed: every case has the same probabilities and is predicted as “nodule”.",
        FEW,
    ]


def test_groups_on_both_sides_are_counted_in_a_caution(tmp_path):
    predictions = synthetic_predictions(skill=2.0)
    shared = np.flatnonzero(predictions.sets == "test")[:2]
    sets = predictions.sets.copy()
    sets[shared[0]] = "train"
    evaluated = predictions.groups[sets == "test"]
    run = read_run(write_run(tmp_path / "a", predictions=replace(predictions, sets=sets)))
    assert cautions(run) == [
        f"1 of the {len(set(evaluated))} test groups (scans or patients) also has cases in the training set: the "
        "network has seen their neighbours, so these figures are optimistic.",
        FEW,
    ]


def test_without_a_test_set_the_figures_are_called_optimistic(tmp_path):
    predictions = synthetic_predictions(skill=2.0)
    sets = np.where(predictions.sets == "test", "validation", predictions.sets)
    run = read_run(write_run(tmp_path / "a", predictions=replace(predictions, sets=sets)))
    assert cautions(run)[0] == (
        "There is no test set. The validation set may have been used to select weights or to stop training, so these figures "
        "are optimistic."
    )


@pytest.mark.parametrize(("is_trained_on_all", "expected"), [
    (False, "The split is by candidate: the training set may hold neighbours of test cases, so figures are optimistic."),
    (True, "There is neither a test nor a validation set: these figures are for the training cases."),
])  # fmt: skip
def test_a_split_by_candidate_is_a_caution_about_cases_that_were_not_trained_on(tmp_path, is_trained_on_all, expected):
    predictions = synthetic_predictions(skill=2.0)
    if is_trained_on_all:
        predictions = replace(predictions, sets=np.full(len(predictions.sets), "train"))
    folder = write_run(tmp_path / "a", predictions=predictions)
    document = json.loads((folder / "experiment.json").read_text(encoding="utf-8"))
    edit(folder, "experiment.json", json.dumps(document | {"split": {"by": "candidate"}}))
    few = FEW.replace("8", "40") if is_trained_on_all else FEW
    assert cautions(read_run(folder)) == [expected, few]


@pytest.mark.parametrize(("lost", "text"), [
    ([1], "1 case missing, because 1 scan could not be read; see the data checks."),
    ([3, 1], "4 cases missing, because 2 scans could not be read; see the data checks."),
])  # fmt: skip
def test_lost_scans_and_allowed_errors_are_cautions(tmp_path, lost, text):
    folder = write_run(tmp_path / "a", predictions=published())
    errors = [{"severity": "error", "check": f"check{k}", "message": "x"} for k in range(len(lost))]
    data = {"lost": [{"scan": "s", "reason": "x", "num_cases": count} for count in lost], "findings": errors}
    edit(folder, "data.json", json.dumps(data))
    first = {
        1: "The data have an error that was allowed: check0. The results may be wrong; see the data checks.",
        2: "The data have errors that were allowed: check0, check1. The results may be wrong; see the data checks.",
    }
    assert cautions(read_run(folder)) == [first[len(lost)], text]


def test_two_shared_groups_are_in_the_plural(tmp_path):
    predictions = synthetic_predictions(skill=2.0)
    sets, tests = predictions.sets.copy(), np.unique(predictions.groups[predictions.sets == "test"])
    sets[[np.flatnonzero(predictions.groups == group)[0] for group in tests[:2]]] = "train"
    run = read_run(write_run(tmp_path / "a", predictions=replace(predictions, sets=sets)))
    assert cautions(run)[0].startswith(
        "2 of the 8 test groups (scans or patients) also have cases in the training set: "
    )


EARLY = {"max_epochs": 30, "stopping_metric": "auc", "patience": 5}


@pytest.mark.parametrize(("ends", "texts"), [
    ([], []),
    ([{"num_epochs": 7}], ["Kept the weights of the last epoch (7 of 7)."]),
    ([{"num_epochs": 7, "stopping_metric": "auc"}], ["Kept the weights of the last epoch (7 of 7)."]),
    ([{"num_epochs": 7, "patience": 5}], ["Kept the weights of the last epoch (7 of 7)."]),
    ([{"best_metric": "auc", "best_value": 0.9, **EARLY}], [
        "Kept the weights of epoch 7 of 12: best validation AUC, 0.900. Training stopped early, after 12 of at most 30 "
        "epochs: the validation AUC had not improved for 5 epochs."
    ]),
    ([{"best_metric": "auc", "best_value": 0.9, **EARLY, "patience": 1, "is_macro": True, "is_averaged": True}], [
        "Kept the weights of epoch 7 of 12, averaged over the training steps: best validation macro AUC, 0.900. Training "
        "stopped early, after 12 of at most 30 epochs: the validation macro AUC had not improved for 1 epoch."
    ]),
    ([{"num_epochs": 7, "member": number} for number in (1, 2)], [
        "Each member: Kept the weights of the last epoch (7 of 7)."
    ]),
    ([{"num_epochs": 6 + number, "kept_epoch": 6 + number, "member": number} for number in (1, 2)], [
        "Member 1: Kept the weights of the last epoch (7 of 7).", "Member 2: Kept the weights of the last epoch (8 of 8).",
    ]),
])  # fmt: skip
def test_the_training_of_each_network_has_a_sentence(ends, texts):
    values = [{"kept_epoch": 7, "num_epochs": 12} | end for end in ends]
    assert training_sentences([TrainingEnd(**value) for value in values]) == texts
