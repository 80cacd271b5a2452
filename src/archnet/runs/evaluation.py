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
from archnet.runs.preparation import Prepared, prepare
from archnet.spec.arch import PlannedLayer
from archnet.spec.cost import cost_of
from archnet.spec.experiment import SETS, Experiment
from archnet.spec.resolve import parse_experiments

if TYPE_CHECKING:
    import keras


def judge(folder: Path) -> None:
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
    at_once = int(read_json(folder / "network.json")["micro_batch"])
    (prepared,) = prepare(open_dataset(experiment.data), [experiment])
    predictions = predictions_of(load_model(folder / "model.keras"), experiment, prepared, at_once)
    costs = {key: value for key, value in metrics.items() if key not in SETS}
    write_judgement(folder, predictions, experiment, prepared, costs)


def of_sets(prepared: Prepared, sets: Sequence[str]) -> Prepared:
    """The cases of some of the sets."""
    members = np.flatnonzero(np.isin(prepared.sets, list(sets)))
    cases = prepared.cases.only(members)
    return replace(prepared, cases=cases, sets=prepared.sets[members], rows=prepared.rows[members])


def predictions_of(model: keras.Model, experiment: Experiment, prepared: Prepared, at_once: int) -> Predictions:
    """What a model says of every case.

    Args:
        model: Raw values in, probabilities out.
        experiment: Its view.
        prepared: The cases.
        at_once: Cases that go through the network at once.

    Raises:
        RunError: It says no numbers: the last step of its training went astray.
    """
    from archnet.network.predict import probabilities
    from archnet.network.training.failures import diverged

    cases, said = prepared.cases, probabilities(model, prepared.seen(experiment), prepared.rows, at_once)
    if np.isnan(said).any():
        raise diverged("the trained network's probabilities are nan")
    return Predictions(
        cases=cases.ids,
        groups=cases.groups,
        sets=prepared.sets,
        y_true=cases.labels,
        probabilities=said,
        classes=cases.classes,
    )


def write_judgement(
    folder: Path, predictions: Predictions, experiment: Experiment, prepared: Prepared, costs: Mapping[str, Any]
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
    predicted = predictions.predicted(positive=positive, threshold=experiment.evaluation.threshold)
    write_gallery(folder / "gallery.npz", prepared, predictions, predicted)
    froc = write_run_froc(folder, predictions, experiment)
    write_json(folder / "metrics.json", {**_judged(predictions, experiment, positive), **costs, **froc})
    shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
    _draw(folder)


def _draw(folder: Path) -> None:
    write_figures(folder)
    write_report(folder)


def draw_what_is_missing(folder: Path) -> None:
    """Writes the pictures and the report of a finished run that was ended before they were written."""
    if not (folder / "report.html").exists():
        _draw(folder)


def _judged(predictions: Predictions, experiment: Experiment, positive: int) -> dict[str, Any]:
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


def costs_of(
    plan: tuple[PlannedLayer, ...], history: Sequence[Mapping[str, float]], peak_memory_bytes: int | None
) -> dict[str, Any]:
    """What the network and its training cost; copies and repeated draws count as samples."""
    cost = cost_of(plan)
    seconds = sum(row["seconds"] for row in history)
    return {
        "parameters": cost.num_parameters,
        "macs": cost.num_macs,
        "peak_memory_bytes": peak_memory_bytes,
        "train_seconds": seconds,
        "samples_per_second": sum(row["cases"] for row in history) / seconds,
    }
