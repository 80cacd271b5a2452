"""Predict the cases of a run, evaluate the predictions, and write both to the run folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from archnet.data import open_dataset
from archnet.evaluation.integrity.manifest import PAGES, record_run, rewrite_files
from archnet.evaluation.integrity.verification import EVALUATION_FILES, verify_run
from archnet.evaluation.members.member_results import average_predictions, members_entry, write_member_predictions
from archnet.evaluation.metrics import collapse_entry, evaluate
from archnet.evaluation.predictions import Predictions, write_predictions
from archnet.evaluation.run_folder import CHECKPOINT, is_finished, read_history, read_json
from archnet.evaluation.strata.run_strata import strata_entry
from archnet.files.atomic import write_json
from archnet.files.locks import RUN_LOCK_SECONDS, lock_folder
from archnet.files.strict_json import read_document
from archnet.report.html.run_page import write_report
from archnet.report.images.event_images import event_images
from archnet.report.run_files import read_run, read_run_files
from archnet.runs.artifacts import split_text
from archnet.runs.folders.unchanged_data import check_data_of_finished_run
from archnet.runs.froc import write_run_froc
from archnet.runs.gallery import write_gallery, write_run_heat_maps
from archnet.runs.planning.label_options import select_labels
from archnet.runs.preparation import PreparedData, cut_cases, make_splits
from archnet.spec.arch import PlannedLayer
from archnet.spec.cost import network_cost
from archnet.spec.experiment import SETS, Experiment
from archnet.spec.resolve import parse_experiments
from archnet.spec.view import evaluated_views
from archnet.tracking.tensorboard import write_event_images

if TYPE_CHECKING:
    import keras

_RESULT_FILES: Final = ("predictions.csv", "members/", "gallery.npz", "heat_maps.npz", "froc/", "metrics.json", *PAGES)
"""Files that an evaluation writes."""


def evaluate_run(folder: Path, sets: Sequence[str] = SETS) -> None:
    """Evaluate a finished run, by default on all its sets, including those that the run did not evaluate.

    Errors in its data do not stop the evaluation, since they were allowed before training.

    Args:
        folder: The run folder.
        sets: The sets to predict.

    Raises:
        ArchnetError: A file of the run is missing, damaged or changed, its data are missing, or another process is
            writing to it.
    """
    from archnet.network.backend import start_quietly

    start_quietly()
    with lock_folder(folder, timeout_s=RUN_LOCK_SECONDS):
        _evaluate_again(folder, sets)


def _evaluate_again(folder: Path, sets: Sequence[str]) -> None:
    from archnet.network.trained_model import load_run_model

    verify_run(folder, EVALUATION_FILES, while_rewritten=True)
    (experiment,) = parse_experiments(read_document(folder / "experiment.json"))
    metrics = read_json(folder / "metrics.json")
    micro_batch = int(read_json(folder / "network.json")["micro_batch"])
    prepared = prepare_again(folder, experiment, sets)
    model = load_run_model(folder)
    predictions = predict_cases(model, experiment, prepared, micro_batch)
    costs = {key: value for key, value in metrics.items() if key not in (*SETS, "collapsed", "strata", "members")}
    metrics = {**evaluate_predictions(predictions.together, experiment, prepared.cases.positive), **costs}
    write_evaluation(folder, predictions, metrics, experiment, prepared, model)


def prepare_again(folder: Path, experiment: Experiment, sets: Sequence[str]) -> PreparedData:
    """Prepare the cases of a finished run again.

    Args:
        folder: The run folder.
        experiment: Its experiment.
        sets: The sets whose cases are prepared.

    Raises:
        DataError: The data have changed since the run was made.
    """
    dataset = open_dataset(experiment.data)
    (cut,) = cut_cases(dataset, make_splits(dataset.cases, [experiment])).values()
    prepared = select_labels(cut, experiment)
    check_data_of_finished_run(folder, split_text(prepared), prepared.digests())
    return select_sets(prepared, sets)


def select_sets(prepared: PreparedData, sets: Sequence[str]) -> PreparedData:
    """The cases of some sets."""
    members = np.flatnonzero(np.isin(prepared.sets, list(sets)))
    cases = prepared.cases.select(members)
    return replace(prepared, cases=cases, sets=prepared.sets[members], rows=prepared.rows[members])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunPredictions:
    """The predictions of a run.

    Attributes:
        together: Those of the model, which averages its members.
        members: Those of each member alone; empty for a single network.
    """

    together: Predictions
    members: tuple[Predictions, ...] = ()


def predict_cases(
    model: keras.Model, experiment: Experiment, prepared: PreparedData, micro_batch: int
) -> RunPredictions:
    """The probabilities of every case, by one network of an ensemble after the other; means of views with tta.

    Args:
        model: Result of `build_ensemble`: raw values in, probabilities out.
        experiment: The run's experiment; its `view` determines the network's input.
        prepared: The cases.
        micro_batch: Number of cases per micro-batch.

    Raises:
        RunError: The probabilities are NaN: the training diverged in its last step.
    """
    from archnet.network.scaling import member_models

    members = [_predict_with(one, experiment, prepared, micro_batch) for one in member_models(model)]
    return RunPredictions(together=average_predictions(members), members=tuple(members if len(members) > 1 else ()))


def _predict_with(model: keras.Model, experiment: Experiment, prepared: PreparedData, micro_batch: int) -> Predictions:
    from archnet.network.predict import predict_probabilities
    from archnet.network.training.failures import divergence_error

    cases, images = prepared.cases, prepared.network_input(experiment)
    y_prob = predict_probabilities(model, images, prepared.rows, micro_batch, evaluated_views(experiment))
    if np.isnan(y_prob).any():
        raise divergence_error("the trained network's probabilities are nan")
    return Predictions(
        cases=cases.ids,
        groups=cases.groups,
        sets=prepared.sets,
        y_true=cases.labels,
        probabilities=y_prob,
        classes=cases.classes,
        soft=None if cases.soft is None else cases.soft.astype(np.float64),
        weight=None if cases.weight is None else cases.weight.astype(np.float64),
    )


def evaluate_predictions(predictions: Predictions, experiment: Experiment, positive: int) -> dict[str, Any]:
    """The metrics of each set for metrics.json.

    Args:
        predictions: Predictions of the cases.
        experiment: The run's experiment, with its `evaluation` options.
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
    folder: Path,
    predictions: RunPredictions,
    metrics: Mapping[str, Any],
    experiment: Experiment,
    prepared: PreparedData,
    model: keras.Model | None = None,
) -> None:
    """Write predictions, gallery, heat maps, FROC, metrics, report, TensorBoard images and, last, the manifest.

    Until then the folder `checkpoint` marks the run as unfinished.

    Args:
        folder: The run folder.
        predictions: Predictions of the cases.
        metrics: The content of metrics.json, without the FROC.
        experiment: The run's experiment.
        prepared: The cases.
        model: The network, for heat maps of the stored cases; None writes neither heat maps nor images.
    """
    together = predictions.together

    def write_results() -> None:
        write_predictions(folder / "predictions.csv", together)
        write_member_predictions(folder, predictions.members)
        _write_kept_cases(folder, together, experiment, prepared, model)
        collapse = collapse_entry(together, metrics, read_history(folder / "history.csv"))
        strata = strata_entry(folder, together, metrics)
        froc = write_run_froc(folder, together, experiment)
        members = members_entry(folder, metrics, experiment.to_document())
        write_json(folder / "metrics.json", {**metrics, **collapse, **strata, **froc, **members})
        run = read_run_files(folder)
        write_report(run)
        if model is not None:
            write_event_images(folder, event_images(run), int(max(run.history.get("epoch", [0]))))

    if is_finished(folder):
        with rewrite_files(folder, _RESULT_FILES):
            write_results()
        return
    (folder / CHECKPOINT).mkdir(exist_ok=True)
    write_results()
    record_run(folder)
    shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)


def _write_kept_cases(
    folder: Path,
    predictions: Predictions,
    experiment: Experiment,
    prepared: PreparedData,
    model: keras.Model | None,
) -> None:
    threshold, positive = experiment.evaluation.threshold, prepared.cases.positive
    predicted = predictions.predicted_classes(positive=positive, threshold=threshold)
    write_gallery(folder / "gallery.npz", prepared, predictions, predicted, experiment.data)
    if model is not None:
        write_run_heat_maps(folder, model, experiment, predictions, positive)


def write_missing_report(folder: Path) -> None:
    """Write missing figures and report of a finished run, and remove the remains of its checkpoint."""
    shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
    if not (folder / "report.html").exists():
        with lock_folder(folder, timeout_s=RUN_LOCK_SECONDS), rewrite_files(folder, PAGES):
            write_report(read_run(folder))


def run_costs(
    experiment: Experiment,
    plan: tuple[PlannedLayer, ...],
    history: Sequence[Mapping[str, float]],
    peak_memory_bytes: int | None,
) -> dict[str, Any]:
    """The costs of the networks and their training for metrics.json; copies and repeated draws count as samples.

    Args:
        experiment: The run's experiment.
        plan: The layers of each network.
        history: The rows of history.csv.
        peak_memory_bytes: Peak memory of the process.
    """
    cost = network_cost(plan, experiment.training.members)
    return {
        "parameters": cost.num_parameters,
        **prediction_costs(cost.num_macs, len(evaluated_views(experiment))),
        "peak_memory_bytes": peak_memory_bytes,
        **training_costs({name: [row[name] for row in history] for name in ("seconds", "cases")}),
    }


def prediction_costs(macs: int | None, num_views: int) -> dict[str, Any]:
    """The costs of a prediction for metrics.json: its multiply-adds, and the number of views if there are several.

    >>> prediction_costs(100, 8), prediction_costs(100, 1)
    ({'macs': 800, 'views': 8}, {'macs': 100})

    Args:
        macs: Multiply-adds of one pass of a case through the network; None if unknown.
        num_views: The views of a case whose probabilities are averaged.
    """
    total = None if macs is None else macs * num_views
    return {"macs": total, **({"views": num_views} if num_views > 1 else {})}


def training_costs(history: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """The costs in the columns of history.csv; empty for a run without training."""
    if not history.get("seconds"):
        return {}
    seconds = sum(history["seconds"])
    return {"train_seconds": seconds, "samples_per_second": sum(history["cases"]) / seconds}
