"""Run experiments: prepare the data, then for each run build, train, predict, evaluate, and write its folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from archnet.data import Dataset, open_dataset
from archnet.evaluation.run_folder import is_finished
from archnet.files.atomic import write_json, write_text
from archnet.files.locks import RUN_LOCK_SECONDS, lock_folder
from archnet.files.progress import Progress, no_progress, stage_log
from archnet.files.training_position import RunStart
from archnet.machine import peak_memory_bytes, reset_peak_memory
from archnet.runs.artifacts import split_text, write_model, write_run_setup
from archnet.runs.evaluation import (
    evaluate_predictions,
    predict_cases,
    run_costs,
    select_sets,
    write_evaluation,
    write_missing_report,
)
from archnet.runs.folders.experiment_folder import (
    check_run_folder,
    check_same_folder,
    experiment_folder,
    is_started,
    keep_folder_split,
    lock_experiment_folder,
    read_interrupted_experiment,
    run_name,
    shared_document,
)
from archnet.runs.folders.placement import FolderPlacement, log_changes, write_changes
from archnet.runs.folders.unchanged_data import check_data_of_other_runs
from archnet.runs.log import (
    CallbackList,
    LoggingCallback,
    announce_run,
    device_log,
    log_experiment,
    log_to_file,
    log_training_end,
)
from archnet.runs.planning.label_options import check_label_options, select_labels
from archnet.runs.planning.network_plan import check_feasible, plan_network
from archnet.runs.planning.starting_weights import check_starting_weights
from archnet.runs.preparation import (
    CaseSplit,
    check_selection_metrics,
    find_in_experiment,
    make_splits,
    prepare,
    resolve_auto_from_data,
    resolve_auto_split,
    selection_metrics,
)
from archnet.runs.preparation.training_scans import find_known_cases
from archnet.runs.result import Run
from archnet.runs.training import PlannedRun, plan_micro_batch, read_members, train_networks
from archnet.spec.cost import network_summary
from archnet.spec.experiment import SETS, Experiment
from archnet.spec.layers.planned_layer import count_macs
from archnet.tracking.tensorboard import open_tensorboard_callback

if TYPE_CHECKING:
    from archnet.network.training.loop import Callback


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Options for carrying out runs, which do not affect results.

    Attributes:
        progress: Wraps what takes long while the data are prepared.
        callback: Called after every training step and epoch.
        strict: Fail if a scan is unreadable; otherwise its cases are dropped, with a warning.
        resume: Skip finished runs and resume interrupted ones.
        device: Where this process trains: "cpu", "gpu" (all of them) or "gpu:1"; None is a GPU if there is one.
        deterministic: Use deterministic (slower) GPU kernels.
        placement: What has changed since the runs were made before; None if that is not known.
        evaluated_sets: Sets that the trained network predicts; `evaluate_run` adds the others later.
    """

    progress: Progress = no_progress
    callback: Callback | None = None
    strict: bool = False
    resume: bool = False
    device: str | None = None
    deterministic: bool = False
    placement: FolderPlacement | None = None
    evaluated_sets: Sequence[str] = SETS


def run_experiments(
    experiments: Sequence[Experiment], *, out: Path | str | None = None, options: RunOptions = RunOptions()
) -> list[Run]:
    """Train and evaluate architectures on the same splits.

    Args:
        experiments: Result of `parse_experiments`: the same data, one architecture and one split or fold each.
        out: The experiment's folder; by default runs/<experiment>.
        options: Options for carrying them out.

    Raises:
        ArchnetError: The documents, the data, the folder or the device cannot be used.
    """
    check_same_folder(experiments)
    folder = experiment_folder(experiments[0], out)
    run_folders = [folder / run_name(experiment) for experiment in experiments]
    with lock_experiment_folder(folder):
        runs = _prepare_runs(folder, experiments, options)
        _check_same_data(runs, folder.iterdir())
        shared_split = split_text(runs[0].prepared) if runs and runs[0].experiment.split.folds is None else None
        if shared_split is not None:
            write_text(folder / "split.csv", shared_split)
        for number, run in enumerate(runs, start=1):
            announce_run(options.callback, _run_start(runs, number))
            with lock_folder(run.folder, timeout_s=RUN_LOCK_SECONDS):
                _make_run(run, options, shared_split or split_text(run.prepared))
        for run_folder in run_folders:
            write_missing_report(run_folder)
    return [Run(run_folder) for run_folder in run_folders]


def _run_start(runs: Sequence[PlannedRun], number: int) -> RunStart:
    """The start of one of several runs, numbered from 1."""
    trainings = [run.experiment.training for run in runs[number - 1 :]]
    costs = [count_macs(run.plan) for run in runs[number - 1 :]]
    this, *later = (cost * one.epochs * one.members for cost, one in zip(costs, trainings, strict=True))
    return RunStart(
        name=runs[number - 1].folder.name,
        number=number,
        num_runs=len(runs),
        num_epochs=trainings[0].epochs,
        num_members=trainings[0].members,
        later_work=sum(later) / max(this, 1),
    )


def run_single(
    experiment: Experiment,
    folder: Path,
    *,
    callback: Callback | None = None,
    evaluated_sets: Sequence[str] = SETS,
    device: str | None = None,
    other_runs: Iterable[Path] = (),
) -> Run:
    """Make or resume one run in a folder that other processes fill at the same time, and compare nothing.

    Args:
        experiment: Result of `parse_experiments`.
        folder: The experiment's folder.
        callback: See `RunOptions`.
        evaluated_sets: See `RunOptions`.
        device: See `RunOptions`.
        other_runs: Run folders with which the run is going to be compared, so that their data must be the same.

    Raises:
        ArchnetError: The documents, the data, the folder or the device cannot be used.
    """
    options = RunOptions(callback=callback, resume=True, device=device, evaluated_sets=evaluated_sets)
    run_folder = folder / run_name(experiment)
    with lock_folder(run_folder, timeout_s=RUN_LOCK_SECONDS):
        for run in _prepare_runs(folder, [experiment], options):
            _check_same_data([run], other_runs)
            _make_run(run, options, split_text(run.prepared))
        write_missing_report(run_folder)
    return Run(run_folder)


def _prepare_runs(folder: Path, experiments: Sequence[Experiment], options: RunOptions) -> list[PlannedRun]:
    """Open the data, resolve "auto", check, split and crop; the runs that are not finished, ready to be made."""
    pending = _pending_experiments(folder, experiments, resume=options.resume)
    if not pending:
        return []
    _start_backend(options)
    stage_log.info("Reading the %s data", pending[0].data.name)
    dataset = open_dataset(pending[0].data, options.progress)
    for experiment in pending:
        check_label_options(experiment, dataset.cases)
    pending = [resolve_auto_split(keep_folder_split(folder, one), dataset.cases) for one in pending]
    splits = make_splits(dataset.cases, pending)
    resolved = [
        read_interrupted_experiment(folder, experiment)
        or _resolve_new_run(experiment, dataset, splits[experiment.split])
        for experiment in pending
    ]
    plans = [plan_network(experiment, dataset) for experiment in resolved]
    for experiment, plan in zip(resolved, plans, strict=True):
        check_feasible(experiment, plan, dataset)
    prepared = prepare(dataset, resolved, options.progress, splits=splits, strict=options.strict)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "experiment.json", shared_document(resolved[0]))
    return [
        PlannedRun(
            experiment=experiment,
            plan=plan,
            prepared=replace(
                data,
                findings=(
                    *data.findings,
                    *find_in_experiment(experiment, dataset.shape),
                    *find_known_cases(experiment, data),
                ),
            ),
            folder=folder / run_name(experiment),
        )
        for experiment, plan, data in zip(resolved, plans, map(select_labels, prepared, resolved), strict=True)
    ]


def _resolve_new_run(experiment: Experiment, dataset: Dataset, split: CaseSplit) -> Experiment:
    """Choose the "auto" values of a run that has not begun.

    Raises:
        RunError: The initial weights are missing, or a metric for model selection or early stopping is
            undefined on the validation set.
    """
    check_starting_weights(experiment)
    cases, sets = dataset.cases.select(split.rows), split.sets[split.rows]
    check_selection_metrics(selection_metrics(experiment.training), cases, sets)
    return resolve_auto_from_data(experiment, dataset, split)


def _pending_experiments(folder: Path, experiments: Sequence[Experiment], *, resume: bool) -> list[Experiment]:
    """The experiments whose runs are not finished.

    Raises:
        RunError: A run cannot be made in the folder.
    """
    for experiment in experiments:
        check_run_folder(folder, experiment, resume=resume)
    return [experiment for experiment in experiments if not is_finished(folder / run_name(experiment))]


def _check_same_data(runs: Sequence[PlannedRun], others: Iterable[Path]) -> None:
    """Check that planned runs have the data of finished ones.

    Raises:
        RunError: The data have changed.
    """
    planned = {run.folder for run in runs}
    finished = [folder for folder in sorted(others) if is_finished(folder) and folder not in planned]
    for run in runs if finished else ():
        check_data_of_other_runs(finished, run.experiment, split_text(run.prepared), run.prepared.digests())


def _start_backend(options: RunOptions) -> None:
    """Choose the device before the data are read, so that a missing one is reported at once."""
    if options.device is not None or options.deterministic:
        from archnet.network.backend import start_quietly

        start_quietly(options.device, is_deterministic=options.deterministic)


def _make_run(run: PlannedRun, options: RunOptions, split: str) -> None:
    """Build, train, predict, evaluate, write; resumes from the checkpoint in the run folder."""
    from archnet.network.backend import devices, start_quietly

    experiment, evaluation_data = run.experiment, select_sets(run.prepared, options.evaluated_sets)
    is_resumed = is_started(run.folder)
    write_run_setup(run.folder, experiment.to_document(), run.prepared, split)
    write_json(run.folder / "arch.json", experiment.arch.to_document())
    write_changes(run.folder, options.placement, is_resumed=is_resumed)
    with log_to_file(run.folder / "log.txt", is_resumed=is_resumed):
        log_changes(run.folder, options.placement)
        device_log.info(start_quietly())
        device_log.info("training %s", run.folder)
        from archnet.network.scaling import build_ensemble  # imports Keras: deferred until the first use

        log_experiment(experiment, run.prepared)
        members = read_members(run)
        micro = plan_micro_batch(run, members[0].record)
        reset_peak_memory()
        saved_history = [row for member in members for row in member.history]
        with _open_callbacks(run.folder, saved_history, options.callback) as callback:
            networks, history = train_networks(run, micro, members, callback)
        log_training_end(history, experiment)
        model = build_ensemble(networks, run.prepared.limits)
        predictions = predict_cases(model, experiment, evaluation_data, ceil(micro.size / len(devices())))
    stage_log.info("%s: evaluating, drawing figures and writing the report", run.folder.name)
    write_model(run.folder, model, history, network_summary(run.plan, micro, len(members)))
    costs = run_costs(experiment, run.plan, history, peak_memory_bytes())
    metrics = {**evaluate_predictions(predictions.together, experiment, evaluation_data.cases.positive), **costs}
    explained = model if set(options.evaluated_sets) == set(SETS) else None
    write_evaluation(run.folder, predictions, metrics, experiment, evaluation_data, explained)


@contextmanager
def _open_callbacks(folder: Path, history: Sequence[dict[str, float]], callback: Callback | None) -> Iterator[Callback]:
    """The callbacks of a run: its log, TensorBoard's files and the caller's."""
    with open_tensorboard_callback(folder, history) as curve_callbacks:
        yield CallbackList([LoggingCallback(), *curve_callbacks, *([callback] if callback else [])])
