"""What a trained network says of the cases, and what a run folder keeps of it."""

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
from archnet.files.strict_json import read_document
from archnet.report.figures.run_figures import write_figures
from archnet.report.html.run_page import write_report
from archnet.runs.artifacts import write_gallery
from archnet.runs.folder import CHECKPOINT
from archnet.runs.froc import write_run_froc
from archnet.runs.preparation import PreparedData, prepare
from archnet.spec.arch import PlannedLayer
from archnet.spec.cost import network_cost
from archnet.spec.experiment import SETS, Experiment
from archnet.spec.resolve import parse_experiments

if TYPE_CHECKING:
    import keras


def evaluate_run(folder: Path) -> None:
    """Judges a finished run on all its sets, also those that were left out when it was made, and reports again.

    Args:
        folder: The run's.

    Raises:
        ArchnetError: A file of the run is missing or damaged, or its data are gone.
    """
    from archnet.network.backend import start_quietly

    start_quietly()
    from archnet.network.predict import load_model

    (experiment,) = parse_experiments(read_document(folder / "experiment.json"))
    metrics = read_json(folder / "metrics.json")
    micro_batch = int(read_json(folder / "network.json")["micro_batch"])
    (prepared,) = prepare(open_dataset(experiment.data), [experiment])
    predictions = predict_cases(load_model(folder / "model.keras"), experiment, prepared, micro_batch)
    costs = {key: value for key, value in metrics.items() if key not in SETS}
    write_evaluation(folder, predictions, experiment, prepared, costs)


def select_sets(prepared: PreparedData, sets: Sequence[str]) -> PreparedData:
    """The cases of some of the sets."""
    members = np.flatnonzero(np.isin(prepared.sets, list(sets)))
    cases = prepared.cases.select(members)
    return replace(prepared, cases=cases, sets=prepared.sets[members], rows=prepared.rows[members])


def predict_cases(model: keras.Model, experiment: Experiment, prepared: PreparedData, micro_batch: int) -> Predictions:
    """What a model says of every case.

    Args:
        model: Raw values in, probabilities out.
        experiment: Its view.
        prepared: The cases.
        micro_batch: Cases that go through the network at once.

    Raises:
        RunError: It says no numbers: the last step of its training went astray.
    """
    from archnet.network.predict import predict_probabilities
    from archnet.network.training.failures import divergence_error

    cases, y_prob = (
        prepared.cases,
        predict_probabilities(model, prepared.network_input(experiment), prepared.rows, micro_batch),
    )
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


def write_evaluation(
    folder: Path, predictions: Predictions, experiment: Experiment, prepared: PreparedData, costs: Mapping[str, Any]
) -> None:
    """Writes predictions, pictures, metrics and report; with metrics.json a run is finished.

    Args:
        folder: The run's.
        predictions: Of the cases.
        experiment: Says how they are judged.
        prepared: The cases.
        costs: What else metrics.json holds.
    """
    positive = prepared.cases.positive
    write_predictions(folder / "predictions.csv", predictions)
    predicted = predictions.predicted_classes(positive=positive, threshold=experiment.evaluation.threshold)
    write_gallery(folder / "gallery.npz", prepared, predictions, predicted)
    froc = write_run_froc(folder, predictions, experiment)
    write_json(folder / "metrics.json", {**_metrics_document(predictions, experiment, positive), **costs, **froc})
    shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
    _write_report_files(folder)


def _write_report_files(folder: Path) -> None:
    write_figures(folder)
    write_report(folder)


def write_missing_report(folder: Path) -> None:
    """Writes the pictures and the report of a finished run that was ended before they were written."""
    if not (folder / "report.html").exists():
        _write_report_files(folder)


def _metrics_document(predictions: Predictions, experiment: Experiment, positive: int) -> dict[str, Any]:
    """The metrics of each set."""
    options = experiment.evaluation
    sets = evaluate(
        predictions,
        positive=positive,
        threshold=options.threshold,
        recall=options.recall,
        bootstraps=options.bootstraps,
    )
    return {"positive": predictions.classes[positive], "classes": list(predictions.classes), **sets}


def run_costs(
    plan: tuple[PlannedLayer, ...], history: Sequence[Mapping[str, float]], peak_memory_bytes: int | None
) -> dict[str, Any]:
    """What the network and its training cost; copies and repeated draws count as samples."""
    cost = network_cost(plan)
    seconds = sum(row["seconds"] for row in history)
    return {
        "parameters": cost.num_parameters,
        "macs": cost.num_macs,
        "peak_memory_bytes": peak_memory_bytes,
        "train_seconds": seconds,
        "samples_per_second": sum(row["cases"] for row in history) / seconds,
    }
