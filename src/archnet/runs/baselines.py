"""Baselines: a random forest and a logistic regression on the downsampled voxels of the same split.

On small CT data sets such models have beaten published networks. They write run folders like networks, without a model,
so that every comparison includes them. They are trained on the hard labels, with the weights of the cases; cases
without a hard label are excluded.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data import open_dataset
from archnet.evaluation.integrity.verification import verify_results
from archnet.evaluation.predictions import Predictions
from archnet.evaluation.run_costs import RUN_COSTS
from archnet.evaluation.run_folder import is_finished
from archnet.files.atomic import write_json
from archnet.files.locks import RUN_LOCK_SECONDS, lock_folder
from archnet.files.progress import Progress, no_progress
from archnet.runs.artifacts import split_text, write_environment, write_run_setup
from archnet.runs.evaluation import RunPredictions, evaluate_predictions, write_evaluation
from archnet.runs.folders.experiment_folder import (
    check_shared_sections,
    experiment_folder,
    keep_folder_split,
    lock_experiment_folder,
    run_name,
    shared_document,
)
from archnet.runs.planning.label_options import check_label_options, select_labels
from archnet.runs.preparation import PreparedData, prepare, resolve_auto_split
from archnet.runs.preparation.coarse_models.baseline_models import (
    BASELINES,
    FOREST,
    LOGISTIC,
    axis_block_means,
    fit_baseline,
    num_parameters,
)
from archnet.runs.result import Run
from archnet.spec.experiment import Experiment
from archnet.spec.view import scale_to_unit

GRID: Final = (16, 16, 8)
"""Maximum number of blocks along height, width and depth, whose means are the features."""

_CASES_AT_ONCE: Final = 512


def run_baselines(
    experiments: Sequence[Experiment], *, out: Path | str | None = None, progress: Progress = no_progress
) -> list[Run]:
    """Add the baselines to an experiment folder, one of each for every fold and seed.

    Finished baselines are skipped.

    Args:
        experiments: The experiments, for their data, splits and seeds; the networks are not used.
        out: The experiment's folder; by default runs/<experiment>.
        progress: Wraps the items of a long loop.

    Raises:
        ArchnetError: The data cannot be used.
    """
    folder = experiment_folder(experiments[0], out)
    places = {folder / _baseline_run_name(name, one): (name, one) for one in experiments for name in BASELINES}
    with lock_experiment_folder(folder):
        _make_missing_runs(folder, places, progress)
    return [Run(place) for place in places]


def _make_missing_runs(folder: Path, places: Mapping[Path, tuple[str, Experiment]], progress: Progress) -> None:
    """Train the baselines that are not finished."""
    pending = {place: pair for place, pair in places.items() if not is_finished(place)}
    for place in places:
        if place not in pending:
            verify_results(place)
    if not pending:
        return
    first = next(experiment for _, experiment in pending.values())
    check_shared_sections(folder, first)
    dataset = open_dataset(first.data, progress)
    for _, experiment in pending.values():
        check_label_options(experiment, dataset.cases)
    resolved = [
        resolve_auto_split(keep_folder_split(folder, experiment), dataset.cases) for _, experiment in pending.values()
    ]
    prepared = prepare(dataset, resolved, progress)
    write_json(folder / "experiment.json", shared_document(resolved[0]))
    for (place, (name, _)), experiment, data in zip(pending.items(), resolved, prepared, strict=True):
        with lock_folder(place, timeout_s=RUN_LOCK_SECONDS):
            _make_run(place, name, experiment, select_labels(data, experiment))


def _baseline_run_name(name: str, experiment: Experiment) -> str:
    """The name of the run folder: like a network's, with the baseline's name instead of the architecture's."""
    return name + run_name(experiment).removeprefix(experiment.arch.name)


def _make_run(folder: Path, name: str, experiment: Experiment, prepared: PreparedData) -> None:
    """Fit one baseline on prepared data, evaluate it, and write its run folder."""
    start = time.perf_counter()
    cases = prepared.cases
    labels, soft, weight = cases.labels, cases.soft, cases.weight
    fitted = (prepared.sets == "train") & cases.has_label
    voxels = block_means(prepared, GRID)
    weights = None if weight is None else weight[fitted]
    model = fit_baseline(name, voxels[fitted], labels[fitted], experiment.training.seed, weights)
    seconds = time.perf_counter() - start
    predictions = Predictions(
        cases=prepared.cases.ids,
        groups=prepared.cases.groups,
        sets=prepared.sets,
        y_true=labels,
        probabilities=model.predict_proba(voxels),
        classes=prepared.cases.classes,
        soft=None if soft is None else soft.astype(np.float64),
        weight=None if weight is None else weight.astype(np.float64),
    )
    write_run_setup(folder, baseline_document(name, experiment), prepared, split_text(prepared))
    write_environment(folder)
    costs = dict.fromkeys(RUN_COSTS) | {"parameters": num_parameters(model), "train_seconds": seconds}
    metrics = {**evaluate_predictions(predictions, experiment, prepared.cases.positive), **costs}
    write_evaluation(folder, RunPredictions(together=predictions), metrics, experiment, prepared)


def baseline_document(name: str, experiment: Experiment) -> dict[str, Any]:
    """The experiment.json of a baseline."""
    options = {"random_forest": FOREST, "logistic_regression": LOGISTIC}[name]
    sections = {
        key: value for key, value in experiment.to_document().items() if key not in ("arch", "training", "picked")
    }
    sections["data"].pop("view", None)
    return {
        **sections,
        "arch": {"name": name, "baseline": {"grid": list(GRID), **options}},
        "training": {"seed": experiment.training.seed, **_label_options(experiment)},
    }


def _label_options(experiment: Experiment) -> dict[str, Any]:
    """The options of soft labels and weights that are not "auto"."""
    training = experiment.training
    options = {"soft_labels": training.soft_labels, "case_weights": training.case_weights}
    return {key: value for key, value in options.items() if value != "auto"}


def block_means(prepared: PreparedData, grid: Sequence[int]) -> NDArray[np.float32]:
    """Compute the means over blocks of voxels of every case.

    Args:
        prepared: The cases.
        grid: Maximum number of blocks along each axis; an axis with fewer voxels is unchanged.

    Returns:
        Means of voxels scaled to [0, 1] as for a network, (N, blocks), with blocks of each channel if there are
        several.
    """
    parts = []
    for start in range(0, len(prepared.rows), _CASES_AT_ONCE):
        values = prepared.values[prepared.rows[start : start + _CASES_AT_ONCE]]
        images = scale_to_unit(values, prepared.limits)
        for axis, number in zip(range(1, 1 + len(prepared.shape)), grid, strict=False):
            images = axis_block_means(images, axis, min(number, images.shape[axis]))
        parts.append(images.reshape(len(images), -1))
    return np.concatenate(parts)
