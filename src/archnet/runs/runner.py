"""An experiment becomes a run folder: read the data, split them, train, predict, judge, and write it all down."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archnet.data import open_dataset
from archnet.data.dataset import Dataset
from archnet.errors import RunError
from archnet.evaluation.run_folder import find_run_folders
from archnet.files.atomic import atomic_write, write_json, write_text
from archnet.files.progress import Progress, silent
from archnet.machine import environment, peak_memory_bytes, reset_peak_memory
from archnet.runs.artifacts import log_to_file, split_text, write_history
from archnet.runs.evaluation import predict_cases, run_costs, select_sets, write_evaluation, write_missing_report
from archnet.runs.folder import (
    CHECKPOINT,
    experiment_folder,
    is_pending,
    read_interrupted_experiment,
    run_name,
    shared_document,
)
from archnet.runs.froc import write_comparison_with_froc
from archnet.runs.micro_batch import choose_micro_batch, log_micro_batch, restore_micro_batch
from archnet.runs.preparation import PreparedData, plan_network, prepare, resolve_auto_from_data
from archnet.runs.result import Run
from archnet.runs.training import train_model
from archnet.spec.arch import PlannedLayer
from archnet.spec.augmentations import shape_problem
from archnet.spec.auto import describe_auto
from archnet.spec.cost import network_summary
from archnet.spec.experiment import SETS, Experiment
from archnet.tracking.tensorboard import open_tensorboard_callback

if TYPE_CHECKING:
    from archnet.network.training.loop import Callback


def run_all(  # noqa: PLR0913 - what the command line offers
    experiments: Sequence[Experiment],
    *,
    out: Path | str | None = None,
    progress: Progress = silent,
    callback: Callback | None = None,
    strict: bool = False,
    resume: bool = False,
    device: str | None = None,
    deterministic: bool = False,
) -> list[Run]:
    """Trains and judges architectures on the same splits, one after another, and compares all runs of the folder.

    Args:
        experiments: Of `parse_experiments`: the same data, one architecture and one split or fold each.
        out: The experiment's folder; by default runs/<experiment>.
        progress: Wraps what takes long while data are prepared.
        callback: Is told of every training step and epoch.
        strict: A scan that cannot be read is an error, not a note.
        resume: Finished runs stay as they are, and one that was interrupted goes on where it stopped.
        device: What trains, for this whole process: "cpu", "gpu" (all of them) or "gpu:1"; null is a GPU if there is
            one.
        deterministic: GPUs give the same bits every time, too.

    Raises:
        ArchnetError: The documents, the data, the folder or the device cannot be used.
    """
    folder = experiment_folder(experiments[0], out)
    pending = [one for one in experiments if is_pending(folder, one, resume=resume)]
    if pending and (device is not None or deterministic):
        _start_backend(device, is_deterministic=deterministic)
    if pending:
        dataset = open_dataset(pending[0].data, progress)
        pending = [
            read_interrupted_experiment(folder, experiment) or resolve_auto_from_data(experiment, dataset)
            for experiment in pending
        ]
        plans = [_plan_network(experiment, dataset) for experiment in pending]
        prepared = prepare(dataset, pending, progress, strict=strict)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "experiment.json", shared_document(pending[0]))
        if pending[0].split.folds is None:
            write_text(folder / "split.csv", split_text(prepared[0].cases, prepared[0].sets))
        for experiment, plan, data in zip(pending, plans, prepared, strict=True):
            _run(experiment, plan, folder / run_name(experiment), data, callback)
    for experiment in experiments:
        write_missing_report(folder / run_name(experiment))
    finished = find_run_folders([folder])
    if len(finished) > 1:
        compare_runs(folder, finished)
    return [Run(folder / run_name(experiment)) for experiment in experiments]


def run_single(
    experiment: Experiment,
    folder: Path,
    *,
    callback: Callback | None = None,
    evaluated_sets: Sequence[str] = SETS,
    device: str | None = None,
) -> Run:
    """One run of a folder that others fill at the same time; goes on where it was interrupted, and compares nothing.

    Args:
        experiment: Of `parse_experiments`.
        folder: The experiment's.
        callback: Is told of every training step and epoch.
        evaluated_sets: The sets that the trained network is judged on; `judge` makes up for the others.
        device: See `run_all`.

    Raises:
        ArchnetError: The documents, the data or the folder cannot be used.
    """
    run_folder = folder / run_name(experiment)
    if is_pending(folder, experiment, resume=True):
        if device is not None:
            _start_backend(device, is_deterministic=False)
        dataset = open_dataset(experiment.data)
        experiment = read_interrupted_experiment(folder, experiment) or resolve_auto_from_data(experiment, dataset)
        plan = _plan_network(experiment, dataset)
        (prepared,) = prepare(dataset, [experiment])
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "experiment.json", shared_document(experiment))
        _run(experiment, plan, run_folder, prepared, callback, evaluated_sets)
    write_missing_report(run_folder)
    return Run(run_folder)


def _start_backend(device: str | None, *, is_deterministic: bool) -> None:
    """Before the data are read: a device that is missing is told at once."""
    from archnet.network.backend import start_quietly

    start_quietly(device, is_deterministic=is_deterministic)


def compare_runs(folder: Path, finished: Sequence[Path]) -> None:
    """Writes the comparison; folds that one architecture has and another has not yet are told, and no mistake."""
    try:
        write_comparison_with_froc(folder, finished)
    except RunError as error:
        logging.getLogger("archnet").warning("no comparison: %s", error)


def _run(
    experiment: Experiment,
    plan: tuple[PlannedLayer, ...],
    folder: Path,
    prepared: PreparedData,
    callback: Callback | None,
    evaluated_sets: Sequence[str] = SETS,
) -> None:
    """One run on prepared data, judged on some sets; continues what the folder's checkpoint holds."""
    from archnet.network.backend import devices, is_on_gpu, start_quietly

    is_resumed, evaluation_data = (folder / CHECKPOINT).exists(), select_sets(prepared, evaluated_sets)
    _write_run_setup(folder, experiment, prepared)
    with log_to_file(folder / "log.txt", is_resumed=is_resumed) as log:
        logging.getLogger("archnet.device").info(start_quietly())
        from archnet.network.training.checkpoint import (
            read_checkpoint_record,  # imports Keras: only after the quiet start
        )

        if experiment.auto_reasons:
            logging.getLogger("archnet.picks").info(describe_auto(experiment))
        for note in (*experiment.warnings(), *prepared.notes):
            log.warning(note)
        num_devices, checkpoint_record = len(devices()), read_checkpoint_record(folder / CHECKPOINT)
        micro = choose_micro_batch(experiment, plan, on_accelerator=is_on_gpu(), num_devices=num_devices)
        if checkpoint_record:
            micro = restore_micro_batch(micro, checkpoint_record["micro_batch"], experiment, plan, num_devices)
        is_default_budget = experiment.training.memory is None and not checkpoint_record
        log_micro_batch(micro, plan, is_default_budget=is_default_budget, num_devices=num_devices)
        reset_peak_memory()
        with _open_callbacks(folder, log, callback) as callbacks:
            model, history = train_model(experiment, plan, prepared, micro, folder, callbacks)
        predictions = predict_cases(model, experiment, evaluation_data, ceil(micro.size / num_devices))
    with atomic_write(folder / "model.keras") as path:
        model.save(path)
    write_history(folder / "history.csv", history)
    write_json(folder / "network.json", network_summary(plan, micro))
    write_evaluation(folder, predictions, experiment, evaluation_data, run_costs(plan, history, peak_memory_bytes()))


def _write_run_setup(folder: Path, experiment: Experiment, prepared: PreparedData) -> None:
    """What is known of a run before it trains.

    Raises:
        RunError: The folder keeps the checkpoint of a run on other cases.
    """
    folder.mkdir(exist_ok=True)
    split = split_text(prepared.cases, prepared.sets)
    if (folder / CHECKPOINT).exists() and (folder / "split.csv").read_bytes() != split.encode():
        raise RunError(
            f"{folder / 'split.csv'}: the data have changed since this run began, so it cannot be continued. "
            "Bring them back, or give another folder with --out."
        )
    write_json(folder / "experiment.json", experiment.to_document())
    write_json(folder / "arch.json", experiment.arch.to_document())
    write_json(folder / "environment.json", environment())
    write_json(folder / "data.json", prepared.to_document())
    write_text(folder / "split.csv", split)


def _plan_network(experiment: Experiment, dataset: Dataset) -> tuple[PlannedLayer, ...]:
    """The network's layers; that the network and its augmentation fit the data is known before anything is cut."""
    plan = plan_network(experiment, dataset)
    problem = shape_problem(experiment.training.augmentation, dataset.shape)
    if problem:
        raise RunError(f"training.augmentation: {problem}")
    if experiment.training.memory is not None:
        choose_micro_batch(experiment, plan)
    return plan


@contextmanager
def _open_callbacks(folder: Path, log: logging.Logger, callback: Callback | None) -> Iterator[Callback]:
    """Tells the log, TensorBoard's files and another watcher how training goes."""
    from archnet.network.training.checkpoint import read_checkpoint_history

    with open_tensorboard_callback(folder, read_checkpoint_history(folder / CHECKPOINT)) as curve_callbacks:
        yield _LoggingCallback(log, [*curve_callbacks, *([callback] if callback else [])])


class _LoggingCallback:
    """A watcher that writes each epoch into the log and passes everything on."""

    def __init__(self, log: Any, callbacks: Sequence[Callback]) -> None:
        self.log = log
        self.callbacks = callbacks

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        for callback in self.callbacks:
            callback.on_step(epoch, step, num_steps, logs)

    def on_epoch(self, row: dict[str, float]) -> None:
        self.log.info(" ".join(f"{key}={value:.6g}" for key, value in row.items()))
        for callback in self.callbacks:
            callback.on_epoch(row)
