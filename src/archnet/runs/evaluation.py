"""Predict the cases of a run, evaluate the predictions, and write both into the run folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archnet.data import open_dataset
from archnet.evaluation.metrics import evaluate
from archnet.evaluation.predictions import Predictions, write_predictions
from archnet.evaluation.run_folder import read_json
from archnet.files.atomic import write_json
from archnet.files.locks import RUN_LOCK_SECONDS, lock_folder
from archnet.files.strict_json import read_document
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run
from archnet.runs.artifacts import write_gallery
from archnet.runs.folder import CHECKPOINT
from archnet.runs.froc import write_run_froc
from archnet.runs.preparation import PreparedData, cut_cases, make_splits
from archnet.spec.arch import PlannedLayer
from archnet.spec.cost import network_cost
from archnet.spec.experiment import SETS, Experiment
from archnet.spec.resolve import parse_experiments

if TYPE_CHECKING:
    import keras


def evaluate_run(folder: Path) -> None:
    """Evaluate a finished run on all its sets, including those that were left out when it was made.

    Errors in its data do not stop the evaluation: they were allowed before training.

    Args:
        folder: The run folder.

    Raises:
        ArchnetError: A file of the run is missing or damaged, its data are gone, or another process is writing to it.
    """
    from archnet.network.backend import start_quietly

    start_quietly()
    with lock_folder(folder, timeout_s=RUN_LOCK_SECONDS):
        _evaluate_again(folder)


def _evaluate_again(folder: Path) -> None:
    from archnet.network.trained_model import load_run_model

    (experiment,) = parse_experiments(read_document(folder / "experiment.json"))
    metrics = read_json(folder / "metrics.json")
    micro_batch = int(read_json(folder / "network.json")["micro_batch"])
    dataset = open_dataset(experiment.data)
    (prepared,) = cut_cases(dataset, make_splits(dataset.cases, [experiment])).values()
    predictions = predict_cases(load_run_model(folder), experiment, prepared, micro_batch)
    costs = {key: value for key, value in metrics.items() if key not in SETS}
    metrics = {**evaluate_predictions(predictions, experiment, prepared.cases.positive), **costs}
    write_evaluation(folder, predictions, metrics, experiment, prepared)


def select_sets(prepared: PreparedData, sets: Sequence[str]) -> PreparedData:
    """The cases of some of the sets."""
    members = np.flatnonzero(np.isin(prepared.sets, list(sets)))
    cases = prepared.cases.select(members)
    return replace(prepared, cases=cases, sets=prepared.sets[members], rows=prepared.rows[members])


def predict_cases(model: keras.Model, experiment: Experiment, prepared: PreparedData, micro_batch: int) -> Predictions:
    """The probabilities of every case.

    Args:
        model: Raw values in, probabilities out.
        experiment: The run's experiment; its `view` decides what the network sees.
        prepared: The cases.
        micro_batch: Cases that pass through the network at once.

    Raises:
        RunError: The probabilities are no numbers: the training diverged in its last step.
    """
    from archnet.network.predict import predict_probabilities
    from archnet.network.training.failures import divergence_error

    cases, images = prepared.cases, prepared.network_input(experiment)
    y_prob = predict_probabilities(model, images, prepared.rows, micro_batch)
    if np.isnan(y_prob).any():
        raise divergence_error("the trained network's probabilities are nan")
    return Predictions(
        cases=cases.ids,
        groups=cases.groups,
        sets=prepared.sets,
        y_true=cases.labels,
        probabilities=y_prob,
        classes=cases.classes,
    )


def evaluate_predictions(predictions: Predictions, experiment: Experiment, positive: int) -> dict[str, Any]:
    """The metrics of each set, as metrics.json holds them.

    Args:
        predictions: Predictions of the cases.
        experiment: The run's experiment; its `evaluation` decides.
        positive: Index of the positive class.
    """
    options = experiment.evaluation
    sets = evaluate(
        predictions,
        positive=positive,
        threshold=options.threshold,
        recall=options.recall,
        bootstraps=options.bootstraps,
    )
    return {"positive": predictions.classes[positive], "classes": list(predictions.classes), **sets}


def write_evaluation(
    folder: Path, predictions: Predictions, metrics: Mapping[str, Any], experiment: Experiment, prepared: PreparedData
) -> None:
    """Write predictions, gallery, FROC, metrics and report; metrics.json marks the run as finished.

    Args:
        folder: The run folder.
        predictions: Predictions of the cases.
        metrics: The content of metrics.json but for the FROC.
        experiment: The run's experiment.
        prepared: The cases.
    """
    threshold = experiment.evaluation.threshold
    write_predictions(folder / "predictions.csv", predictions)
    predicted = predictions.predicted_classes(positive=prepared.cases.positive, threshold=threshold)
    write_gallery(folder / "gallery.npz", prepared, predictions, predicted)
    write_json(folder / "metrics.json", {**metrics, **write_run_froc(folder, predictions, experiment)})
    shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
    write_report(read_run(folder))


def write_missing_report(folder: Path) -> None:
    """Write the figures and the report of a finished run that was interrupted before they were written."""
    if not (folder / "report.html").exists():
        with lock_folder(folder, timeout_s=RUN_LOCK_SECONDS):
            write_report(read_run(folder))


def run_costs(
    plan: tuple[PlannedLayer, ...], history: Sequence[Mapping[str, float]], peak_memory_bytes: int | None
) -> dict[str, Any]:
    """The costs of the network and its training, for metrics.json; copies and repeated draws count as samples."""
    cost = network_cost(plan)
    seconds = sum(row["seconds"] for row in history)
    return {
        "parameters": cost.num_parameters,
        "macs": cost.num_macs,
        "peak_memory_bytes": peak_memory_bytes,
        "train_seconds": seconds,
        "samples_per_second": sum(row["cases"] for row in history) / seconds,
    }
