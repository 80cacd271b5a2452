"""An experiment becomes a run folder: read the data, split them, train, predict, judge, and write it all down."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archnet.budget import passes, tell
from archnet.data import open_dataset
from archnet.data.dataset import Dataset, Progress, silent
from archnet.errors import RunError
from archnet.evaluation.metrics import evaluate
from archnet.evaluation.predictions import Predictions, read_predictions, write_predictions
from archnet.evaluation.run_folder import read_json, replaced, run_folders, write_json, write_text
from archnet.machine import environment, peak_memory_bytes, reset_peak_memory
from archnet.placement import CHECKPOINT, is_to_run, run_name, shared_document
from archnet.prepared import Prepared, plan_for, prepare
from archnet.records import log_file, split_text, write_gallery, write_history
from archnet.report.comparison_report import write_comparison
from archnet.report.figures import write_figures
from archnet.report.run_report import write_report
from archnet.spec.arch import PlannedLayer
from archnet.spec.augmentations import shape_problem
from archnet.spec.cost import cost_of, network_summary
from archnet.spec.documents import Document, read_document
from archnet.spec.experiment import SETS, Experiment
from archnet.spec.memory import MicroBatch
from archnet.spec.resolve import parse_experiments

if TYPE_CHECKING:
    import keras

    from archnet.network.train import Watcher


class Run:
    """A finished run: what its folder holds, read when asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json."""
        return read_json(self.folder / "metrics.json")

    @cached_property
    def predictions(self) -> Predictions:
        """The probabilities of every case."""
        return read_predictions(self.folder / "predictions.csv")

    @cached_property
    def model(self) -> keras.Model:
        """The trained model: raw values (HU) in, class probabilities out."""
        from archnet.network.predict import load_model

        return load_model(self.folder / "model.keras")


def run(experiment: Experiment | Mapping[str, Any] | Path | str, *, out: Path | str | None = None) -> Run:
    """Trains and judges one architecture and leaves a run folder.

    Args:
        experiment: An experiment, its document, or the file that holds it.
        out: The experiment's folder; by default runs/<experiment>.

    Raises:
        ArchnetError: The documents, the data or the folder cannot be used.
    """
    experiments = (experiment,) if isinstance(experiment, Experiment) else load_experiments(experiment)
    if len(experiments) != 1:
        names = ", ".join(run_name(one) for one in experiments)
        raise RunError(f"run makes one run, but the experiment has {len(experiments)} ({names}). Use run_all.")
    return run_all(experiments, out=out)[0]


def load_experiments(source: Mapping[str, Any] | Path | str) -> tuple[Experiment, ...]:
    """The experiments in a file or a document, one for each architecture and fold.

    Raises:
        DocumentError: One line for every problem found.
    """
    if isinstance(source, Mapping):
        return parse_experiments(Document(value=dict(source), source="the experiment"))
    return parse_experiments(read_document(source))


def run_all(
    experiments: Sequence[Experiment],
    *,
    out: Path | str | None = None,
    progress: Progress = silent,
    watcher: Watcher | None = None,
    strict: bool = False,
    resume: bool = False,
) -> list[Run]:
    """Trains and judges architectures on the same splits, one after another, and compares all runs of the folder.

    Args:
        experiments: Of `parse_experiments`: the same data, one architecture and one split or fold each.
        out: The experiment's folder; by default runs/<experiment>.
        progress: Wraps what takes long while data are prepared.
        watcher: Is told of every training step and epoch.
        strict: A scan that cannot be read is an error, not a note.
        resume: Finished runs stay as they are, and one that was interrupted goes on where it stopped.

    Raises:
        ArchnetError: The documents, the data or the folder cannot be used.
    """
    folder = Path(out) if out else Path("runs") / experiments[0].name
    wanted = [one for one in experiments if is_to_run(folder, one, resume=resume)]
    if wanted:
        dataset = open_dataset(wanted[0].data, progress)
        plans = [_checked_plan(experiment, dataset) for experiment in wanted]
        prepared = prepare(dataset, wanted, progress, strict=strict)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "experiment.json", shared_document(wanted[0]))
        if wanted[0].split.folds is None:
            write_text(folder / "split.csv", split_text(prepared[0].cases, prepared[0].sets))
        for experiment, plan, data in zip(wanted, plans, prepared, strict=True):
            _run(experiment, plan, folder / run_name(experiment), data, watcher)
    finished = run_folders([folder])
    if len(finished) > 1:
        _compare(folder, finished)
    return [Run(folder / run_name(experiment)) for experiment in experiments]


def _compare(folder: Path, finished: Sequence[Path]) -> None:
    """Writes the comparison; folds that one architecture has and another has not yet are told, and no mistake."""
    try:
        write_comparison(folder, finished)
    except RunError as error:
        logging.getLogger("archnet").warning("no comparison: %s", error)


def _run(
    experiment: Experiment,
    plan: tuple[PlannedLayer, ...],
    folder: Path,
    prepared: Prepared,
    watcher: Watcher | None,
) -> None:
    """One run on prepared data; continues what the folder's checkpoint holds."""
    from archnet.network.backend import num_accelerators, start_quietly

    is_continued = (folder / CHECKPOINT).exists()
    _write_beginning(folder, experiment, prepared)
    with log_file(folder / "log.txt", is_continued=is_continued) as log:
        logging.getLogger("archnet.device").info(start_quietly())
        for note in (*experiment.warnings(), *prepared.notes):
            log.warning(note)
        micro = passes(experiment, plan, on_accelerator=num_accelerators() > 0)
        tell(micro, plan, is_own_budget=experiment.training.memory is None)
        reset_peak_memory()
        model, history = _trained(experiment, prepared, folder / CHECKPOINT, _Logged(log, watcher), micro)
        predictions = _predictions(model, experiment, prepared, micro.size)
    metrics = _judged(predictions, experiment, prepared.cases.positive) | _costs(plan, history)
    with replaced(folder / "model.keras") as path:
        model.save(path)
    write_history(folder / "history.csv", history)
    write_predictions(folder / "predictions.csv", predictions)
    predicted = predictions.predicted(positive=prepared.cases.positive, threshold=experiment.evaluation.threshold)
    write_gallery(folder / "gallery.npz", prepared, predictions, predicted)
    write_json(folder / "network.json", network_summary(plan, micro))
    write_json(folder / "metrics.json", metrics)
    shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)
    write_figures(folder)
    write_report(folder)


def _trained(
    experiment: Experiment, prepared: Prepared, checkpoint: Path, watcher: Watcher, micro: MicroBatch
) -> tuple[keras.Model, list[dict[str, float]]]:
    """The trained model (raw values in, probabilities out), and the rows of history.csv."""
    from archnet.network.build import build, with_probabilities
    from archnet.network.train import Execution, train

    training, cases = experiment.training, prepared.cases
    images = prepared.seen(experiment)
    network = build(experiment.arch, images.shape[1:], len(cases.classes), seed=training.seed)
    sets = _examples(images, prepared)
    history = train(
        network,
        prepared.limits,
        sets["train"],
        sets.get("validation"),
        training,
        positive=cases.positive,
        watcher=watcher,
        execution=Execution(micro_batch=micro.size, checkpoint=checkpoint, ids=cases.ids[prepared.sets == "train"]),
    )
    return with_probabilities(network, prepared.limits), history


def _predictions(model: keras.Model, experiment: Experiment, prepared: Prepared, at_once: int) -> Predictions:
    from archnet.network.predict import probabilities

    cases = prepared.cases
    return Predictions(
        cases=cases.ids,
        groups=cases.groups,
        sets=prepared.sets,
        y_true=cases.labels,
        probabilities=probabilities(model, prepared.seen(experiment), prepared.rows, at_once),
        classes=cases.classes,
    )


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


def _examples(images: NDArray[Any], prepared: Prepared) -> dict[str, Any]:
    """The sets that are not empty, as the network takes them."""
    from archnet.network.batches import Examples

    rows = {name: np.flatnonzero(prepared.sets == name) for name in SETS}
    return {
        name: Examples(images=images, rows=prepared.rows[members], labels=prepared.cases.labels[members])
        for name, members in rows.items()
        if members.size
    }


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


def _costs(plan: tuple[PlannedLayer, ...], history: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """What the network and its training cost; copies and repeated draws count as samples."""
    cost = cost_of(plan)
    seconds = sum(row["seconds"] for row in history)
    return {
        "parameters": cost.num_parameters,
        "macs": cost.num_macs,
        "peak_memory_bytes": peak_memory_bytes(),
        "train_seconds": seconds,
        "samples_per_second": sum(row["cases"] for row in history) / seconds,
    }


class _Logged:
    """A watcher that writes each epoch into the log and passes everything on."""

    def __init__(self, log: Any, watcher: Watcher | None) -> None:
        self.log = log
        self.watcher = watcher

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        if self.watcher:
            self.watcher.on_step(epoch, step, num_steps, logs)

    def on_epoch(self, row: dict[str, float]) -> None:
        self.log.info(" ".join(f"{key}={value:.6g}" for key, value in row.items()))
        if self.watcher:
            self.watcher.on_epoch(row)
