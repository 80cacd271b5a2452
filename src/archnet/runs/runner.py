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
from archnet.evaluation.run_folder import run_folders
from archnet.files.atomic import replaced, write_json, write_text
from archnet.files.progress import Progress, silent
from archnet.machine import environment, peak_memory_bytes, reset_peak_memory
from archnet.runs.artifacts import log_file, split_text, write_history
from archnet.runs.evaluation import costs_of, draw_what_is_missing, of_sets, predictions_of, write_judgement
from archnet.runs.folder import CHECKPOINT, begun_experiment, experiment_folder, is_to_run, run_name, shared_document
from archnet.runs.froc import write_comparison_with_froc
from archnet.runs.micro_batch import as_begun, passes, tell
from archnet.runs.preparation import Prepared, picked_for, plan_for, prepare
from archnet.runs.result import Run
from archnet.runs.training import trained
from archnet.spec.arch import PlannedLayer
from archnet.spec.augmentations import shape_problem
from archnet.spec.auto import picks_told
from archnet.spec.cost import network_summary
from archnet.spec.experiment import SETS, Experiment
from archnet.tracking.curves import curves

if TYPE_CHECKING:
    from archnet.network.training.loop import Watcher


def run_all(  # noqa: PLR0913 - what the command line offers
    experiments: Sequence[Experiment],
    *,
    out: Path | str | None = None,
    progress: Progress = silent,
    watcher: Watcher | None = None,
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
        watcher: Is told of every training step and epoch.
        strict: A scan that cannot be read is an error, not a note.
        resume: Finished runs stay as they are, and one that was interrupted goes on where it stopped.
        device: What trains, for this whole process: "cpu", "gpu" (all of them) or "gpu:1"; null is a GPU if there is
            one.
        deterministic: GPUs give the same bits every time, too.

    Raises:
        ArchnetError: The documents, the data, the folder or the device cannot be used.
    """
    folder = experiment_folder(experiments[0], out)
    wanted = [one for one in experiments if is_to_run(folder, one, resume=resume)]
    if wanted and (device is not None or deterministic):
        _start(device, is_deterministic=deterministic)
    if wanted:
        dataset = open_dataset(wanted[0].data, progress)
        wanted = [begun_experiment(folder, experiment) or picked_for(experiment, dataset) for experiment in wanted]
        plans = [_checked_plan(experiment, dataset) for experiment in wanted]
        prepared = prepare(dataset, wanted, progress, strict=strict)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "experiment.json", shared_document(wanted[0]))
        if wanted[0].split.folds is None:
            write_text(folder / "split.csv", split_text(prepared[0].cases, prepared[0].sets))
        for experiment, plan, data in zip(wanted, plans, prepared, strict=True):
            _run(experiment, plan, folder / run_name(experiment), data, watcher)
    for experiment in experiments:
        draw_what_is_missing(folder / run_name(experiment))
    finished = run_folders([folder])
    if len(finished) > 1:
        compare_runs(folder, finished)
    return [Run(folder / run_name(experiment)) for experiment in experiments]


def run_part(
    experiment: Experiment,
    folder: Path,
    *,
    watcher: Watcher | None = None,
    judged: Sequence[str] = SETS,
    device: str | None = None,
) -> Run:
    """One run of a folder that others fill at the same time; goes on where it was interrupted, and compares nothing.

    Args:
        experiment: Of `parse_experiments`.
        folder: The experiment's.
        watcher: Is told of every training step and epoch.
        judged: The sets that the trained network is judged on; `judge` makes up for the others.
        device: See `run_all`.

    Raises:
        ArchnetError: The documents, the data or the folder cannot be used.
    """
    place = folder / run_name(experiment)
    if is_to_run(folder, experiment, resume=True):
        if device is not None:
            _start(device, is_deterministic=False)
        dataset = open_dataset(experiment.data)
        experiment = begun_experiment(folder, experiment) or picked_for(experiment, dataset)
        plan = _checked_plan(experiment, dataset)
        (prepared,) = prepare(dataset, [experiment])
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "experiment.json", shared_document(experiment))
        _run(experiment, plan, place, prepared, watcher, judged)
    draw_what_is_missing(place)
    return Run(place)


def _start(device: str | None, *, is_deterministic: bool) -> None:
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
    prepared: Prepared,
    watcher: Watcher | None,
    judged: Sequence[str] = SETS,
) -> None:
    """One run on prepared data, judged on some sets; continues what the folder's checkpoint holds."""
    from archnet.network.backend import devices, is_on_gpu, start_quietly

    is_continued, shown = (folder / CHECKPOINT).exists(), of_sets(prepared, judged)
    _write_beginning(folder, experiment, prepared)
    with log_file(folder / "log.txt", is_continued=is_continued) as log:
        logging.getLogger("archnet.device").info(start_quietly())
        from archnet.network.training.checkpoint import kept_record  # imports Keras: only after the quiet start

        if experiment.picked:
            logging.getLogger("archnet.picks").info(picks_told(experiment))
        for note in (*experiment.warnings(), *prepared.notes):
            log.warning(note)
        num_devices, begun = len(devices()), kept_record(folder / CHECKPOINT)
        micro = passes(experiment, plan, on_accelerator=is_on_gpu(), num_devices=num_devices)
        if begun:
            micro = as_begun(micro, begun["micro_batch"], experiment, plan, num_devices)
        is_own_budget = experiment.training.memory is None and not begun
        tell(micro, plan, is_own_budget=is_own_budget, num_devices=num_devices)
        reset_peak_memory()
        with _watchers(folder, log, watcher) as told:
            model, history = trained(experiment, plan, prepared, micro, folder, told)
        predictions = predictions_of(model, experiment, shown, ceil(micro.size / num_devices))
    with replaced(folder / "model.keras") as path:
        model.save(path)
    write_history(folder / "history.csv", history)
    write_json(folder / "network.json", network_summary(plan, micro))
    write_judgement(folder, predictions, experiment, shown, costs_of(plan, history, peak_memory_bytes()))


def _write_beginning(folder: Path, experiment: Experiment, prepared: Prepared) -> None:
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
    write_json(folder / "data.json", prepared.record())
    write_text(folder / "split.csv", split)


def _checked_plan(experiment: Experiment, dataset: Dataset) -> tuple[PlannedLayer, ...]:
    """The network's layers; that the network and its augmentation fit the data is known before anything is cut."""
    plan = plan_for(experiment, dataset)
    problem = shape_problem(experiment.training.augmentation, dataset.shape)
    if problem:
        raise RunError(f"training.augmentation: {problem}")
    if experiment.training.memory is not None:
        passes(experiment, plan)
    return plan


@contextmanager
def _watchers(folder: Path, log: logging.Logger, watcher: Watcher | None) -> Iterator[Watcher]:
    """Tells the log, TensorBoard's files and another watcher how training goes."""
    from archnet.network.training.checkpoint import kept_history

    with curves(folder, kept_history(folder / CHECKPOINT)) as drawn:
        yield _Logged(log, [*drawn, *([watcher] if watcher else [])])


class _Logged:
    """A watcher that writes each epoch into the log and passes everything on."""

    def __init__(self, log: Any, watchers: Sequence[Watcher]) -> None:
        self.log = log
        self.watchers = watchers

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        for watcher in self.watchers:
            watcher.on_step(epoch, step, num_steps, logs)

    def on_epoch(self, row: dict[str, float]) -> None:
        self.log.info(" ".join(f"{key}={value:.6g}" for key, value in row.items()))
        for watcher in self.watchers:
            watcher.on_epoch(row)
