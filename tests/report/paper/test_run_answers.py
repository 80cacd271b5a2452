"""Answers of a run by topic, each from its recorded options."""

from dataclasses import replace

import numpy as np
import pytest

from archnet.report.gallery_file import HeatMaps
from archnet.report.paper.acquisition_rows import acquisition_text
from archnet.report.paper.answers import answer
from archnet.report.paper.card_sections import (
    data_text,
    intended_use,
    network_text,
    origin_text,
    output_text,
    results_text,
    training_text,
)
from archnet.report.run_files import read_run
from synthetic_runs import edit, published, synthetic_predictions, write_run

STACKED = {"network": "net", "baseline": "forest", "fitted_on": "validation", "C": 1.0}
BY = {"by": "group", "seed": 42, "fold": None}


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    return read_run(write_run(tmp_path_factory.mktemp("binary") / "archsm"))


@pytest.fixture(scope="module")
def ternary(tmp_path_factory):
    return read_run(write_run(tmp_path_factory.mktemp("ternary") / "ct", classes=("a", "b", "c")))


def changed(run, **sections):
    """A run with other options: `data_json` replaces data.json, `metrics` adds to metrics.json."""
    files = {name: sections.pop(name) for name in ("environment", "init", "network") if name in sections}
    files["data"] = sections.pop("data_json", run.data)
    files["metrics"] = run.metrics | sections.pop("metrics", {})
    experiment = run.experiment | {name: run.experiment.get(name, {}) | value for name, value in sections.items()}
    return replace(run, **files, experiment=experiment)


def training(topic, text, **values):
    return topic, {"training": values}, text


TRAINING = "Trained with adam, learning rate 0.001, {}batch size 300, at most 30 epochs, {}seed 0."
VIEWS = "the means over 8 views of it (test-time augmentation with the flips and rotations by right angles of the training)."


@pytest.mark.parametrize(("topic", "changes", "text"), [
    training("training", TRAINING.format("", "")),
    training("training", TRAINING.format("cosine schedule, ", ""), schedule="cosine"),
    training("training", TRAINING.format("cosine schedule after a linear warm-up of 5 epochs, ", ""),
             schedule={"type": "cosine"}, warmup_epochs=5),
    training("training", TRAINING.format("", ""), schedule=None, warmup_epochs=5),
    training("training", TRAINING.format("weight decay 0.01, L2 0.1, ", ""), weight_decay=0.01, l2=0.1),
    training("training", TRAINING.format("", "loss cross-entropy, label smoothing 0.1, "), loss="cross_entropy",
             label_smoothing=0.1),
    training("training", TRAINING.format("", "mixup with alpha 0.2, "), mixup={"alpha": 0.2, "within_class": False}),
    training("training", TRAINING.format("", "mixup with alpha 0.2 within each class, "),
             mixup={"alpha": 0.2, "within_class": True}),
    training("training", TRAINING.format("", "gradient norm clipped at 1, moving average of the weights with decay 0.99, "
                                         "precision mixed, "), clip_norm=1.0, ema=0.99, precision="mixed"),
    ("training", {"data_json": {"soft_labels": True, "case_weights": True}},
     TRAINING.format("", "soft labels, case weights, ")),
    ("training", {"picked": {"training.epochs": 30, "data.view": "slice", "training.batch_size": 300}},
     TRAINING.format("", "") + " Chosen by archnet from the data: epochs and batch_size."),
    training("augmentation", ""),
    training("augmentation", "No augmentation.", augmentation=[]),
    training("augmentation", "Augmentation of training cases: flip (axes x, y); elastic noise (sigma 1 to 2.5); shift.",
             augmentation=[{"type": "flip", "axes": ["x", "y"]}, {"type": "elastic_noise", "sigma": [1, 2.5]},
                           {"type": "shift", "fraction": 0}]),
    training("imbalance", ""),
    training("imbalance", "No method for class imbalance was used.", balance="none"),
    training("imbalance", "Training cases were weighted so that all classes count equally.", balance="weights"),
    training("imbalance", "Training cases were sampled so that all classes occur equally often.", balance="oversample"),
    training("imbalance", "Rare classes were drawn more often in training, until each made up 1/4 of the largest.",
             balance=4),
    training("ensemble", "None: the results are those of one trained model."),
    training("ensemble", "None: the results are those of one trained model.", members=1),
    training("ensemble", "The probabilities of 2 networks of the same architecture are averaged. They were trained on the "
             "same cases with different random seeds.", members=2),
    ("ensemble", {"arch": {"stacked": STACKED}},
     "The probabilities of the network net and the baseline forest are combined by a logistic regression (L2, C 1.0) on "
     "their standardized logits, fitted on the validation cases."),
    ("ensemble", {"arch": {"stacked": STACKED | {"fitted_on": "out-of-fold cases"}}},
     "The probabilities of the network net and the baseline forest are combined by a logistic regression (L2, C 1.0) on "
     "their standardized logits, fitted on the out-of-fold cases."),
    ("technology", {"arch": {"stacked": STACKED}},
     "The model combines a network and a baseline (archsm) by a logistic regression on the logits of their "
     "probabilities to classify candidates in chest CT as “non-nodule” and “nodule”."),
    ("technology", {"arch": {"rank": 3}, "data": {"name": "npz"}},
     "The model is a 3D convolutional network (deep learning; archsm) that classifies cases as “non-nodule” and "
     "“nodule”."),
    ("technology", {"network": None, "data": {"name": "mosmed"}},
     "The model is a convolutional network (deep learning; archsm) that classifies chest CT scans as “non-nodule” and "
     "“nodule”."),
    ("layers", {"network": None, "arch": {"stacked": {"network": "net", "C": 1.0}}}, "Options: network net, C 1.0."),
    ("layers", {"network": None}, ""),
    ("layers", {"network": None, "arch": {"baseline": {"grid": 16}}}, "Options: grid 16."),
    ("technology", {"arch": {"name": "my net", "rank": None}},
     "The model is a 2D convolutional network (deep learning; my net) that classifies candidates in chest CT as "
     "“non-nodule” and “nodule”."),
    ("technology", {"arch": {"baseline": {}, "name": None}, "data": {"name": "unknown"}},
     "The model uses machine learning without a network (archsm) to classify cases as “non-nodule” and “nodule”."),
    ("code", {"environment": {"packages": {"archnet": "0.2"}, "command": "archnet run a.json",
                              "git": {"commit": "1f", "has_uncommitted_changes": True}}},
     "Code: archnet 0.2 (MIT licence). Command: archnet run a.json. Commit of the working folder: 1f with uncommitted "
     "changes."),
    ("code", {"environment": {"archnet": "0.1", "git": {"commit": "1f", "has_uncommitted_changes": False}}},
     "Code: archnet 0.1 (MIT licence). Commit of the working folder: 1f."),
    ("code", {"environment": None}, "Code: archnet (MIT licence)."),
    ("poor_input", {"data_json": {"findings": [
        {"severity": "note", "check": "sizes", "message": "Sizes differ."},
        {"severity": "warning", "check": "spacing", "message": "Spacings differ."}]}},
     "`archnet predict` rejects non-CT input and warns of out-of-distribution scans. The data of this run had 1 warning."),
    ("poor_input", {}, "`archnet predict` rejects non-CT input and warns of out-of-distribution scans."),
    ("software", {"environment": {"python": "3.11.9", "packages": {"keras": "3.15", "numpy": "2.4"}}},
     "Computed with Python 3.11.9, keras 3.15, numpy 2.4."),
    ("software", {"environment": {"python": "3.11.9"}}, "Computed with Python 3.11.9."),
    ("software", {"environment": {"packages": {"keras": "3.15"}}}, "Computed with keras 3.15."),
    ("software", {"environment": None}, ""),
    ("hardware", {"environment": {"processor": "A CPU", "num_cores": 2, "platform": "Linux",
                                  "execution": {"devices": ["GPU 0", "GPU 1"]}}},
     "The machine: A CPU, 2 cores, computed on GPU 0 and GPU 1, Linux."),
    ("hardware", {"environment": {"num_cores": 2}}, "The machine: 2 cores."),
    ("hardware", {"environment": {"processor": "A CPU", "execution": {}}}, "The machine: A CPU."),
    ("hardware", {"environment": None}, ""),
    ("initialization", {"arch": {"baseline": {}}}, "The baseline has no initial weights."),
    ("initialization", {"arch": {"stacked": STACKED}}, ""),
    ("initialization", {"init": {"file": "a.keras", "sha256": "1f", "layers": [{"taken": True}, {"taken": False}]}},
     "1 of 2 layers with weights were initialized with pretrained weights from a.keras (SHA-256 1f); the others were "
     "initialized at random."),
    training("initialization", "All weights were initialized at random (seed 7); no pretrained weights.", seed=7),
    training("initialization", "", seed=None),
    ("prediction", {}, "One pass through the network for each case. `archnet predict` applies it to new scans."),
    ("prediction", {"metrics": {"views": 8}},
     f"The probabilities of a case are {VIEWS} `archnet predict` applies it to new scans."),
    ("prediction", {"arch": {"baseline": {}}},
     "The predictions of all cases are in predictions.csv; a baseline has no model file."),
    ("prediction", {"arch": {"stacked": STACKED}},
     "The predictions of the test cases are in predictions.csv; a combination has no model file."),
    ("test_time", {}, ""),
    ("test_time", {"metrics": {"views": 8}}, f"The probabilities of a case are {VIEWS}"),
    ("model", {}, "The run folder holds the model (model.keras); `archnet export` writes it for Keras, TensorFlow and ONNX."),
    ("model", {"arch": {"baseline": {}}}, "A baseline has no model file."),
    ("model", {"arch": {"stacked": STACKED}}, "A combination has no model file; the run of its network has one."),
    ("duration", {"metrics": {"train_seconds": None}}, ""),
    ("data_source", {"data": {"name": "npz", "root": "data/cubes.npz"}},
     "The data are the author's own, read from cubes.npz (data set type “npz”)."),
    ("data_source", {"data": {"name": "npz", "root": None}}, ""),
    ("data_source", {"data": {"name": ""}}, ""),
    ("record", {},
     "All settings are in experiment.json in the run folder; `archnet run` repeats the run from this file."),
    ("data_licence", {"data": {"name": "npz"}}, ""),
    ("reference_standard", {"data": {"name": "npz"}}, ""),
    ("digest", {"data_json": {"digest": "1f"}}, "SHA-256 of cases, labels, sets and scans: 1f."),
    ("digest", {}, ""),
    ("quality_checks", {}, ""),
    ("quality_checks", {"data_json": {}}, "Automatic data checks before training: no findings."),
    ("quality_checks", {"data_json": {"findings": [
        {"severity": "note", "check": "sizes", "message": "Sizes differ."},
        {"severity": "warning", "check": "spacing", "message": "Spacings differ."},
        {"severity": "error", "check": "duplicates", "message": "Two are alike."}]}},
     "Automatic data checks before training: 1 allowed error, 1 warning, 1 note. error, allowed, duplicates: Two are "
     "alike. warning, spacing: Spacings differ."),
    ("excluded", {"data_json": {"lost": [], "findings": [
        {"severity": "warning", "check": "spacing", "message": "Spacings differ."},
        {"severity": "error", "check": "duplicates", "message": "Two are alike."}]}},
     "No scan was excluded as unreadable. Used despite an error: Two are alike."),
    ("missing_data", {"data_json": {"lost": []}, "data": {"name": "npz"}},
     "No case was excluded. No value was imputed; every other case has an image, a label and a prediction."),
    ("missing_data", {"data_json": {"lost": [{"reason": f"r{k}.", "num_cases": 2} for k in (0, 0, 1, 2, 3, 4)]}},
     "6 scans with 12 cases were excluded because they could not be read: r0; r1; r2; and 2 other reasons. No value was "
     "imputed; every other case has an image, a label and a prediction."),
    ("missing_data", {"data_json": {"lost": [{"reason": f"r{k}.", "num_cases": 1} for k in range(4)]}},
     "4 scans with 4 cases were excluded because they could not be read: r0; r1; r2; and 1 other reason. No value was "
     "imputed; every other case has an image, a label and a prediction."),
    ("missing_data", {"data_json": {"lost": [{"reason": "r0.", "num_cases": 1}]}},
     "1 scan with 1 case was excluded because it could not be read: r0. No value was imputed; every other case has an "
     "image, a label and a prediction."),
    ("missing_data", {"data_json": {"lost": [{"reason": f"r{k}.", "num_cases": 1} for k in range(3)]}},
     "3 scans with 3 cases were excluded because they could not be read: r0; r1; r2. No value was imputed; every other "
     "case has an image, a label and a prediction."),
    ("preprocessing", {"data": {"crop_size": [64, 64, 10], "spacing_mm": [0.7, 0.7, 1.25], "view": "slice"}},
     "A crop of 64 × 64 × 10 voxels (height, width, depth) was extracted around each candidate, resampled linearly to "
     "0.7, 0.7 and 1.25 mm along x, y, z. The 2D network received the central axial slice. Values from -1000 to 400 HU "
     "were scaled to 0 to 1 and clipped outside."),
    ("preprocessing", {"data": {"name": "mosmed", "crop_size": [64, 64, 10], "view": "volume", "range": [0, 255]}},
     "Each scan was resized to 64 × 64 × 10 voxels (height, width, depth). The network received the volume. Values from "
     "0 to 255 were scaled to 0 to 1 and clipped outside."),
    ("preprocessing", {"data": {"name": "npz", "range": "auto"}},
     "Cases are crops or images that were provided as arrays."),
    ("subset", {"data": {"negatives_per_positive": "all"}}, "All cases were used."),
    ("subset", {"data": {"negatives_per_positive": 2.5}, "evaluation": {"keep_all_candidates": True}},
     "For each positive case of a set, 2.5 negatives of that set were drawn at random (seed 42). The test set keeps all "
     "of them."),
    ("partitions", {"split": {"folds": 5, "fold": 0, "by": "candidate"}},
     "Cases were assigned at random by case, stratified by class (cross-validation: fold 0 of 5 is the test set), seed 42."),
    ("partitions", {"split": {"by": "own", "test": None, "validation": None}},
     "Cases were assigned by the data set's own sets, seed 42."),
    ("partitions", {"split": {"by": "site", "test": 0.2, "validation": None}},
     "Cases were assigned by site (test 20.0%), seed 42."),
    ("severity", {}, ""),
    ("scanners", {}, ""),
    ("external_testing", {}, "None in this run: all sets come from one data set."),
    ("explainability", {}, ""),
    ("updating", {}, "None: the model was not updated after training."),
])  # fmt: skip
def test_a_topic_is_answered_from_the_options_of_the_run(binary, topic, changes, text):
    if topic == "updating":
        entry = {key: value for key, value in binary.metrics["test"].items() if key != "calibration"}
        changes = {"metrics": {"test": entry}}
    assert answer(changed(binary, **changes), topic) == text


@pytest.mark.parametrize("topic", [
    "training", "augmentation", "preprocessing", "subset", "partitions", "external_testing", "imbalance", "data_licence",
    "record", "data_source",
])  # fmt: skip
def test_a_run_without_an_experiment_answers_nothing(binary, topic):
    assert answer(replace(binary, experiment=None), topic) == ""


def test_thresholds_are_those_of_the_experiment_and_of_the_validation_set(binary):
    start = "A case is “nodule” from a probability of {} on, set before training."
    points = {"mcc": {"threshold": 0.25}, "recall": {"threshold": 0.00012, "wanted": 0.9}}
    test = binary.metrics["test"]
    plain = changed(binary, metrics={"test": test | {"operating_points": {}, "threshold": 0.4}})
    assert answer(plain, "threshold") == start.format("0.5")
    assert answer(changed(plain, evaluation={"threshold": None}), "threshold") == start.format("0.4")
    other = changed(binary, metrics={"test": test | {"operating_points": points, "threshold": None}})
    chosen = (
        "Other thresholds were chosen on the validation set: 0.250 (best MCC) and 0.00012 (recall of at least 0.9)."
    )
    assert answer(other, "threshold") == f"{start.format('0.5')} {chosen}"
    assert answer(changed(other, evaluation={"threshold": None}), "threshold") == chosen


def test_more_classes_have_no_positive_class_and_no_threshold(ternary):
    entry = ternary.metrics["test"]
    assert answer(ternary, "classes") == "The classes are “a”, “b” and “c”."
    assert answer(ternary, "threshold") == ("Each case is assigned to its most probable class; there is no threshold.")
    assert answer(ternary, "prevalence") == answer(ternary, "set_sizes")
    wrong = entry["n"] - np.trace(entry["confusion_matrix"])
    assert answer(ternary, "failures").startswith(
        f"{wrong} of {entry['n']} test cases are classified incorrectly. Most confidently wrong: "
    )
    assert " width " not in answer(ternary, "test_size")
    assert answer(ternary, "measures").startswith("Measures as means over the classes (macro) and for each class: ")
    assert "macro AUC" in answer(ternary, "performance")
    assert answer(ternary, "output") == "The output is a probability for each of 3 classes, which sum to 1."


def test_the_share_of_the_positive_class_is_said_to_be_drawn(binary):
    shares = []
    for name, words in (("train", "training"), ("validation", "validation"), ("test", "test")):
        truth = binary.predictions.select(name).y_true
        shares.append(f"{words} {truth.mean():.1%}")
    text = f"Share of “nodule”: {', '.join(shares)}."
    drawn = " Negatives were drawn, so this is not the prevalence of a population."
    assert answer(binary, "prevalence") == text + drawn
    assert answer(changed(binary, data={"negatives_per_positive": "all"}), "prevalence") == text


def test_the_precision_of_the_reported_set_is_the_width_of_its_interval(binary):
    low, high = binary.metrics["test"]["intervals"]["auc"]
    assert f" It gives the AUC a 95% interval of width {high - low:.3f}. archnet does not" in answer(
        binary, "test_size"
    )


def test_the_errors_are_counted_in_singular_and_plural(tmp_path):
    run = read_run(write_run(tmp_path / "a", predictions=published(5, 1, 2, 6)))
    assert answer(run, "failures") == (
        "3 of 14 test cases are classified incorrectly: 2 false negatives, 1 false positive. Most confidently wrong: c5 "
        "(true non-nodule), c6 (true nodule), c7 (true nodule)."
    )
    right = read_run(write_run(tmp_path / "b", predictions=published(5, 0, 0, 6)))
    assert answer(right, "failures") == (
        "0 of 11 test cases are classified incorrectly: 0 false negatives, 0 false positives."
    )


def test_the_errors_are_those_at_the_threshold_and_three_are_named_in_the_order_of_the_cases(tmp_path):
    run = read_run(write_run(tmp_path / "a", predictions=published(5, 1, 40, 6)))
    assert answer(run, "failures").endswith(
        " Most confidently wrong: c5 (true non-nodule), c6 (true nodule), c7 (true nodule)."
    )
    strict = changed(run, metrics={"test": run.metrics["test"] | {"threshold": 0.95}})
    assert answer(strict, "failures").startswith("46 of 52 test cases are classified incorrectly")


def test_only_public_data_may_be_mistaken_for_other_data(binary):
    other = "If LUNA16 holds other data in this layout, name those instead."
    assert answer(changed(binary, data={"root": "/data/LUNA16"}), "data_source").endswith(f" {other}")
    for data in ({"root": None}, {"name": "phantom", "root": "/data/LUNA16"}):
        assert " holds other data" not in answer(changed(binary, data=data), "data_source")


def test_the_number_of_bootstrap_resamples_is_that_of_the_experiment(binary):
    assert " of 200 bootstrap resamples" in answer(changed(binary, evaluation={"bootstraps": 200}), "statistics")
    assert " of 1,000 bootstrap resamples" in answer(replace(binary, experiment=None), "statistics")


def test_a_set_without_a_class_or_an_interval_has_its_size(binary):
    predictions = published(5, 1, 0, 0)
    metrics = {"positive": "nodule", "test": binary.metrics["test"] | {"intervals": {"auc": None}}}
    run = replace(binary, predictions=predictions, metrics=metrics)
    assert "| test | 6 | 6 | 6 | 0 |" in data_text(run)
    text = "Size of the set: test, 6 cases (6 “non-nodule”, 0 “nodule”) of 6 groups"
    assert answer(run, "test_size").startswith(text)
    assert " width " not in answer(run, "test_size")


def test_two_sets_without_a_common_group_are_disjoint(binary):
    two = replace(binary, metrics={name: value for name, value in binary.metrics.items() if name != "validation"})
    assert answer(two, "disjointness").startswith("Disjoint by group ")


def test_a_run_without_a_manifest_lists_no_edits(binary):
    text = answer(replace(binary, manifest=None), "audit")
    assert answer(binary, "audit") == f"{text} manifest.json has the SHA-256 of every file, and lists edits."


def test_the_calibration_says_what_it_is_measured_against(binary):
    calibration = {"brier": 0.1234, "expected_calibration_error": 0.05}
    scaled = {"temperature": 1.23456, "brier": 0.12, "expected_calibration_error": 0.04}
    decision = {"calibration_slope": {"value": 0.9}, "calibration_intercept": {"value": -0.1}}

    def told(entry, decision=None):
        return changed(binary, metrics={"test": binary.metrics["test"] | {"calibration": entry, "decision": decision}})

    assert answer(told(None), "calibration") == ""
    assert answer(told(calibration), "calibration") == "Brier score 0.123, calibration error 0.050."
    assert answer(told(calibration | {"labels": "soft"}, decision), "calibration") == (
        "Brier score 0.123, calibration error 0.050 (both against the soft labels), calibration slope 0.900, intercept "
        "−0.100."
    )
    assert answer(told(calibration), "updating") == "None: the model was not updated after training."
    assert answer(told(calibration | {"scaled": scaled}), "updating") == (
        "The model was not updated. As a supplement, a temperature of 1.235 fitted on the validation set gives a Brier "
        "score of 0.120 and a calibration error of 0.040."
    )


@pytest.mark.parametrize(("number", "text"), [(1, "1 case"), (2, "2 cases")])
def test_heat_maps_are_counted(binary, number, text):
    names = binary.predictions.cases[:number]
    maps = HeatMaps(cases=names, labels=np.ones(number), heat=np.zeros((number, 1, 1)), grid=np.zeros((2, 2)))
    assert f" of {text}, on the run's page." in answer(replace(binary, heat_maps=maps), "explainability")


@pytest.fixture(scope="module")
def with_columns(tmp_path_factory):
    """A run with a diameter of each nodule of the training and the test set, a scanner, and one slice thickness."""
    predictions = synthetic_predictions(num_cases=200)
    folder = write_run(tmp_path_factory.mktemp("columns") / "a", predictions=predictions)
    parts = zip(predictions.cases, predictions.y_true, predictions.sets, strict=True)
    lines = [
        f"{case},{4 + k % 9 if label and name != 'validation' else ''},{'GE' if name == 'test' else 'Siemens'},{'' if name == 'validation' else 2.5}"
        for k, (case, label, name) in enumerate(parts)
    ]
    edit(folder, "cases.csv", "\n".join(["case,diameter_mm,scanner,slice_thickness_mm", *lines]) + "\n")
    return read_run(folder)


def test_diameters_are_those_of_the_positive_cases_of_each_set(with_columns):
    run, texts = with_columns, []
    for name, words in (("train", "training"), ("test", "test")):
        rows = np.flatnonzero((run.predictions.sets == name) & (run.predictions.y_true == 1))
        values = 4 + rows % 9
        texts.append(f"{words} {np.median(values):g} ({values.min()} to {values.max()})")
    assert answer(run, "severity") == f"Diameter of the positive cases in mm, median (range): {'; '.join(texts)}."


def test_a_parameter_that_is_the_same_in_all_sets_is_named_once(with_columns):
    counts = {name: len(set(with_columns.predictions.select(name).groups)) for name in with_columns.sets}
    scanner = f"training Siemens {counts['train']}; validation Siemens {counts['validation']}; test GE {counts['test']}"
    assert acquisition_text(with_columns) == f"Slice thickness (mm): 2.5. Scanner: {scanner}."
    assert (
        answer(with_columns, "scanners")
        == f"Scanners: {scanner.replace(' Siemens', ': Siemens').replace(' GE', ': GE')}."
    )
    assert answer(with_columns, "set_differences").endswith(f" {acquisition_text(with_columns)}")


def test_sets_that_share_groups_are_disjoint_by_case_only(binary):
    sets = binary.predictions.sets.copy()
    sets[np.flatnonzero(sets == "test")[0]] = "train"
    data = {"findings": [{"severity": "warning", "check": "patients", "message": "Patients are unknown."}]}
    shared = changed(replace(binary, predictions=replace(binary.predictions, sets=sets)), data_json=data)
    assert answer(shared, "disjointness") == (
        "The sets share groups (patients or scans): they are disjoint by case only. Patients are unknown."
    )
    only_test = replace(binary, metrics={name: binary.metrics[name] for name in ("positive", "test")})
    assert answer(only_test, "disjointness") == ""


def test_a_run_without_a_test_set_only_develops_a_model(binary):
    text = "The run develops a model and evaluates it"
    topic = "development_and_evaluation"
    assert answer(binary, topic) == f"{text} on a test set of the same data set."
    without = replace(binary, metrics={name: value for name, value in binary.metrics.items() if name != "test"})
    assert answer(without, topic) == f"{text}; there is no test set."


def test_the_model_card_says_what_the_model_file_returns(binary, ternary):
    places = "2 classes (cases, 2), in this order: 0: “non-nodule”, 1: “nodule”"
    assert output_text(binary) == (
        f"It returns the probabilities of {places}. The run calls a case “nodule” from a probability of 0.5 on."
    )
    assert output_text(changed(binary, evaluation={"threshold": 0.25}, metrics={"views": 4})).endswith(
        "“nodule” from a probability of 0.25 on. Results and threshold are for means over 4 views of a case, flipped and "
        "rotated as in training (test-time augmentation); the model file returns the probabilities of one view, `archnet "
        "predict` the means."
    )
    assert output_text(ternary).endswith("2: “c”. The run calls a case as the most probable class.")
    assert results_text(binary).startswith("On the test set, of “nodule”, with 95% intervals:\n\n")
    assert results_text(ternary).startswith("On the test set, macro means over the classes, with 95% intervals:\n\n")


def test_the_model_card_says_what_is_unknown(binary):
    unknown = replace(binary, experiment=None, environment=None, network=None)
    assert " of this run on similar data (unknown), with every result " in intended_use(unknown)
    assert " from a probability of 0.5 on." in output_text(unknown)
    assert data_text(unknown).startswith(
        "Data set: unknown. Split by unknown, seed unknown. Licence of the data: to be stated by the author.\n"
    )
    header = "| layer | what | output | parameters |\n| --- | --- | --- | --- |"
    assert network_text(unknown) == f"{header}\n\n99,948 parameters, 41,200,000 multiply-adds per case."
    assert origin_text(unknown) == "Trained with `unknown`.\n\nVersions: unknown."
    environment = {"command": "archnet run a.json", "packages": {"keras": "3.15", "numpy": "2.4"}}
    assert origin_text(replace(binary, environment=environment)) == (
        "Trained with `archnet run a.json`.\n\nVersions: keras 3.15, numpy 2.4."
    )


def test_the_model_card_has_the_split_the_findings_and_the_options(binary):
    findings = [
        {"severity": "note", "check": "sizes", "message": "Sizes differ."},
        {"severity": "error", "check": "duplicates", "message": "Two are alike."},
    ]
    run = changed(binary, split={"folds": 5, "fold": 0}, data_json={"findings": findings}, data={"name": "npz"})
    text = data_text(run)
    assert text.startswith(
        "Data set: npz. Split by group, seed 42, fold 0 of 5. Licence of the data: to be stated by the author.\n\n| set |"
    )
    assert text.endswith("\n\nThe data checks found:\n\n- **error, allowed** (duplicates): Two are alike.")
    part = binary.predictions.select("test")
    positives = part.y_true.sum()
    assert f"| test | {len(part.cases)} | 8 | {len(part.cases) - positives} | {positives} |" in text
    assert data_text(binary).startswith("Data set: luna16. Split by group, seed 42. Licence of the data: LUNA16: ")
    options = training_text(changed(binary, training={"l2": 0.0, "augmentation": [], "ema": None, "seed": 0}))
    assert options == (
        '| option | value |\n| --- | --- |\n| optimizer | `"adam"` |\n| learning_rate | `0.001` |\n'
        "| batch_size | `300` |\n| epochs | `30` |\n| l2 | `0.0` |\n| seed | `0` |"
    )


def test_the_model_card_describes_the_network_and_its_members(binary):
    rows = (
        "| layer | what | output | parameters |\n| --- | --- | --- | --- |\n"
        "| C | 16 3x3 relu drop 8.3% | 64 × 64 × 16 | 160 |\n| P | max 2x2 | 32 × 32 × 16 | 0 |\n"
        "| FC | 10 relu | 10 | 163,850 |\n| T | 2 classes linear | 2 | 22 |\n\n"
    )
    costs = "99,948 parameters, 41,200,000 multiply-adds per case."
    assert network_text(binary) == f"{rows}{costs}"
    ensemble = changed(binary, arch={"description": "Small."}, network=binary.network | {"members": 2})
    assert network_text(ensemble) == (
        f"Small.\n\n{rows}2 networks of these layers, whose probabilities are averaged: {costs}"
    )
