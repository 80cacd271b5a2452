"""`archnet compare --stack`: networks combined with baselines, as runs of their own."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import archnet
from archnet.errors import ArchnetError, RunError
from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.integrity.manifest import read_manifest
from archnet.evaluation.predictions import read_predictions
from archnet.inference.trained_run import read_trained_run
from archnet.runs.stacked_scores import PairedScores, combine, cross_fit
from command_line import invoked
from synthetic_runs import synthetic_predictions, write_run


def predictions_of(noise_seed, skill=1.0, sets=None, num_cases=600):
    """The same cases for every seed of the noise; the models' errors are independent."""
    cases = synthetic_predictions(num_cases=num_cases)
    scores = np.random.default_rng(noise_seed).normal(size=num_cases) + 2 * skill * cases.y_true - 2
    positive = 1 / (1 + np.exp(-scores))
    return replace(
        cases, probabilities=np.stack([1 - positive, positive], axis=1), sets=cases.sets if sets is None else sets
    )


def write_pair(folder, sets=None, **options):
    for seed, name in enumerate(("net", "random_forest")):
        predictions = predictions_of(seed, skill=1 + 0.3 * seed, sets=sets)
        write_run(folder / name, predictions=predictions, baseline=name == "random_forest", **options)
    return folder


def write_folds(folder, num_folds=3, num_validation_groups=0):
    """A cross-validation, whose folds are the groups in turn."""
    place = np.unique(synthetic_predictions().groups, return_inverse=True)[1]
    for fold in range(num_folds):
        sets = np.where(place % num_folds == fold, "test", "train")
        sets = np.where((sets == "train") & (place < num_validation_groups), "validation", sets)
        for seed, name in enumerate(("net", "random_forest")):
            predictions = predictions_of(10 * fold + seed, sets=sets)
            baseline = name == "random_forest"
            write_run(folder / f"{name}-fold{fold}", fold=fold, predictions=predictions, baseline=baseline)
    return folder


def paired(folder, names, part):
    own, other = (read_predictions(folder / name / "predictions.csv").select(part) for name in names)
    scores = np.stack([own.probabilities[:, 1], other.probabilities[:, 1]], axis=1)
    return PairedScores(probabilities=scores, is_positive=own.y_true == 1, groups=own.groups)


def message_of(*arguments):
    with pytest.raises(ArchnetError) as caught:
        archnet.compare(*arguments, stack=True)
    return str(caught.value)


@pytest.fixture(scope="module")
def stacked(tmp_path_factory):
    """A network, a baseline, and the comparison with their combination."""
    folder = write_pair(tmp_path_factory.mktemp("stack"))
    return folder, archnet.compare(folder, stack=True)


def test_the_combination_is_fitted_on_the_validation_cases(stacked):
    folder, _ = stacked
    found = read_predictions(folder / "stacked/net+random_forest/predictions.csv")
    validation, test = (paired(folder, ("net", "random_forest"), part) for part in ("validation", "test"))
    np.testing.assert_allclose(found.select("test").probabilities[:, 1], combine(validation, test.probabilities))
    np.testing.assert_allclose(found.select("validation").probabilities[:, 1], cross_fit(validation))
    assert set(found.sets) == {"validation", "test"}
    document = json.loads((folder / "stacked/net+random_forest/experiment.json").read_text())
    assert document["arch"]["stacked"] == {
        "network": "net", "baseline": "random_forest", "C": 1.0, "fitted_on": "validation"
    }  # fmt: skip


def test_the_run_of_a_combination_is_recorded_with_all_its_files(stacked):
    folder, _ = stacked
    recorded = set(read_manifest(folder / "stacked/net+random_forest").files)
    assert {"metrics.json", "predictions.csv", "experiment.json", "environment.json", "split.csv"} <= recorded
    assert not recorded & {"history.csv", "network.json", "model.keras"}
    metrics = json.loads((folder / "stacked/net+random_forest/metrics.json").read_text())
    assert (metrics["positive"], metrics["classes"]) == ("nodule", ["non-nodule", "nodule"])
    assert (metrics["parameters"], metrics["macs"], metrics["train_seconds"]) == (None, None, None)


@pytest.mark.slow
def test_its_row_has_what_the_others_have(stacked):
    folder, comparison = stacked
    assert [(row.run, row.form) for row in comparison.rows] == [
        ("net", "2D"), ("random_forest", "baseline"), ("net+random_forest", "stacked")
    ]  # fmt: skip
    network, baseline, combined = comparison.rows
    assert combined.metrics.keys() == network.metrics.keys()
    assert combined.metrics["intervals"].keys() == network.metrics["intervals"].keys()
    assert combined.value("auc") > max(network.value("auc"), baseline.value("auc"))
    assert comparison.pairs[1].differences.keys() == comparison.pairs[0].differences.keys()
    assert comparison.pairs[1].headline == comparison.pairs[0].headline
    assert comparison.pairs[1].document == ()
    assert comparison.verdict.main_conclusion.other == "random_forest"
    assert [(one.network, one.baseline) for one in comparison.baseline_findings] == [("net", "random_forest")]
    runs = [folder / "net", folder / "random_forest", folder / "stacked/net+random_forest"]
    assert compare(runs).to_document() == archnet.compare(runs, stack=True).to_document() == comparison.to_document()


@pytest.mark.slow
def test_the_experiment_itself_is_compared_without_the_combinations(stacked):
    folder, comparison = stacked
    assert len(compare([folder]).rows) == 2
    assert archnet.compare(folder, stack=True).to_document() == comparison.to_document()


@pytest.mark.slow
def test_the_command_prints_the_row_and_its_run_is_reported(stacked):
    folder, _ = stacked
    assert "net+random_forest" in invoked("compare", folder, "--stack").stdout
    run = folder / "stacked/net+random_forest"
    archnet.write_report(run, checklists=["claim"])
    checklist = (run / "checklist_claim.csv").read_text(encoding="utf-8")
    assert "combines a network and a baseline (net+random_forest) by a logistic regression on the logits" in checklist
    assert "A combination has no model file; the run of its network has one." in checklist
    assert (
        "The probabilities of the network net and the baseline random_forest are combined by a logistic regression (L2, "
        "C 1.0) on their standardized logits, fitted on the validation cases."
    ) in checklist
    with pytest.raises(ArchnetError, match=r"combines a network with a baseline, and has no model\. Choose the run of"):
        _ = archnet.load_run(run).model
    message = f"{run}: combines a network with a baseline, and has no model file. Name the run of the network."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        read_trained_run(run)


@pytest.mark.slow
def test_without_validation_cases_the_other_folds_are_fitted(tmp_path):
    folder = write_folds(tmp_path)
    comparison = archnet.compare(folder, stack=True)
    row = comparison.row("net+random_forest")
    assert (row.form, row.folds) == ("stacked", (0, 1, 2))
    pairs = [paired(folder, (f"net-fold{fold}", f"random_forest-fold{fold}"), "test") for fold in range(3)]
    others = [np.concatenate([getattr(one, name) for one in pairs[1:]]) for name in ("probabilities", "is_positive")]
    fitted = PairedScores(probabilities=others[0], is_positive=others[1], groups=np.arange(len(others[1])))
    found = read_predictions(folder / "stacked/net-fold0+random_forest/predictions.csv")
    np.testing.assert_allclose(found.probabilities[:, 1], combine(fitted, pairs[0].probabilities))
    assert set(found.sets) == {"test"}


REMEDY = "Name the runs of both; `archnet run EXPERIMENT --baseline` adds baselines to a folder of networks."


@pytest.mark.slow
def test_what_cannot_be_combined_is_refused(tmp_path):
    folder = write_pair(tmp_path / "one")
    assert message_of(folder / "net") == (
        f"stack: combines networks with baselines, but no run is that of a baseline. {REMEDY}"
    )
    assert message_of(folder / "random_forest") == (
        f"stack: combines networks with baselines, but no run is that of a network. {REMEDY}"
    )
    other = write_run(tmp_path / "other/random_forest", baseline=True, seed=3, predictions=predictions_of(1))
    assert message_of([folder / "net", other]) == (
        f"{folder / 'net'}: no run of random_forest has the same seed 0. Name it as well, or add it with "
        "`archnet run EXPERIMENT --baseline`."
    )
    shuffled = replace(predictions_of(1), y_true=np.roll(predictions_of(1).y_true, 1))
    other = write_run(tmp_path / "shuffled/random_forest", baseline=True, predictions=shuffled)
    assert message_of([folder / "net", other]) == (
        f"{other}: its test cases or their classes are not those of {folder / 'net'}. Only runs on the same data and "
        "split can be combined."
    )
    assert not (folder / "stacked").exists()


def test_a_run_whose_files_have_changed_is_not_combined(tmp_path):
    folder = write_pair(tmp_path)
    metrics = folder / "random_forest/metrics.json"
    metrics.write_text(metrics.read_text() + " ")
    assert "random_forest/metrics.json" in message_of([folder / "net", folder / "random_forest"])
    assert not (folder / "stacked").exists()


@pytest.mark.slow
def test_few_cases_three_classes_and_no_test_set_are_refused(tmp_path):
    sets = predictions_of(0).sets
    few = write_pair(tmp_path / "few", sets=np.where(sets == "validation", "train", sets))
    assert message_of(few) == (
        f"{few / 'net'}: cannot be combined with random_forest: this needs at least 30 cases with 5 of each class, in "
        "the validation set of each run or in the test sets of the other folds. Run both again with a higher "
        "split.validation, or omit stack."
    )
    untested = write_pair(tmp_path / "untested", sets=np.where(sets == "test", "train", sets))
    assert message_of(untested) == (
        f"{untested / 'net'}: has no test cases. Run it again with split.test above 0, or omit stack."
    )
    classes = ("a", "b", "c")
    for name in ("net", "random_forest"):
        write_run(tmp_path / "three" / name, classes=classes, baseline=name == "random_forest")
    assert message_of(tmp_path / "three") == (
        f"{tmp_path / 'three/net'}: has 3 classes, but only runs on two classes can be combined. Omit stack."
    )
