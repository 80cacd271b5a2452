"""An experiment becomes a run folder: read the data, split them, train, predict, judge, and write it all down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archnet.data import open_dataset
from archnet.data.dataset import Cases, Progress, silent
from archnet.data.split import keep_rows, make_split
from archnet.errors import RunError
from archnet.evaluation.metrics import evaluate
from archnet.evaluation.predictions import Predictions, read_predictions, write_predictions
from archnet.evaluation.run_folder import SETS, optional_json, read_json, replaced, run_folders, write_json
from archnet.machine import environment, peak_memory_bytes, reset_peak_memory
from archnet.records import log_file, write_gallery, write_history, write_split
from archnet.report.comparison_report import write_comparison
from archnet.report.figures import write_figures
from archnet.report.run_report import write_report
from archnet.spec.arch import PlannedLayer
from archnet.spec.cost import network_summary
from archnet.spec.documents import Document, read_document
from archnet.spec.experiment import Experiment
from archnet.spec.resolve import parse_experiments

if TYPE_CHECKING:
    import keras

    from archnet.network.train import Watcher

SHARED_SECTIONS = ("data", "split", "evaluation")
"""What all runs of one experiment's folder have in common."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """The data of an experiment, divided and cut; the runs of one experiment share it.

    Attributes:
        cases: The cases that are left after the draw of negatives.
        sets: (N,) "train", "validation" or "test".
        crops: (N, height, width[, depth]) raw values; may be memory-mapped.
        limits: Raw values that become 0 and 1.
        notes: What a reader of the results should know about the data.
    """

    cases: Cases
    sets: NDArray[np.str_]
    crops: NDArray[Any]
    limits: tuple[float, float]
    notes: tuple[str, ...] = ()


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
        names = ", ".join(one.arch.name for one in experiments)
        raise RunError(f"run takes one architecture, but the experiment has {len(experiments)} ({names}). Use run_all.")
    return run_all(experiments, out=out)[0]


def load_experiments(source: Mapping[str, Any] | Path | str) -> tuple[Experiment, ...]:
    """The experiments in a file or a document, one for each architecture.

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
) -> list[Run]:
    """Trains and judges architectures on the same split, one after another, and compares all runs of the folder.

    Args:
        experiments: Of `parse_experiments`: the same data and split, one architecture each.
        out: The experiment's folder; by default runs/<experiment>.
        progress: Wraps what takes long while data are prepared.
        watcher: Is told of every training step and epoch.

    Raises:
        ArchnetError: The documents, the data or the folder cannot be used.
    """
    folder = Path(out) if out else Path("runs") / experiments[0].name
    for experiment in experiments:
        check_free(folder, experiment)
    prepared = prepare(experiments, progress)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "experiment.json", _shared_document(experiments[0]))
    write_split(folder / "split.csv", prepared.cases, prepared.sets)
    runs = [_run(experiment, folder / run_name(experiment), prepared, watcher) for experiment in experiments]
    finished = run_folders([folder])
    if len(finished) > 1:
        write_comparison(folder, finished)
    return runs


def _run(experiment: Experiment, folder: Path, prepared: Prepared, watcher: Watcher | None) -> Run:
    """One run on prepared data."""
    from archnet.network.build import build, with_probabilities
    from archnet.network.predict import probabilities
    from archnet.network.train import train

    training, cases = experiment.training, prepared.cases
    images = seen_images(prepared.crops, experiment)
    plan = plan_for(experiment, prepared.crops.shape[1:], cases)
    _write_beginning(folder, experiment, prepared)

    with log_file(folder / "log.txt") as log:
        for note in (*experiment.warnings(), *prepared.notes):
            log.warning(note)
        reset_peak_memory()
        network = build(experiment.arch, images.shape[1:], len(cases.classes), seed=training.seed)
        sets = _examples(images, prepared)
        history = train(
            network,
            prepared.limits,
            sets["train"],
            sets.get("validation"),
            training,
            positive=cases.positive,
            watcher=_Logged(log, watcher),
        )
        model = with_probabilities(network, prepared.limits)
        predictions = Predictions(
            cases=cases.ids,
            groups=cases.groups,
            sets=prepared.sets,
            y_true=cases.labels,
            probabilities=probabilities(model, images),
            classes=cases.classes,
        )

    metrics = _judged(predictions, experiment, cases.positive) | _costs(plan, history)
    with replaced(folder / "model.keras") as path:
        model.save(path)
    write_history(folder / "history.csv", history)
    write_predictions(folder / "predictions.csv", predictions)
    predicted = predictions.predicted(positive=cases.positive, threshold=experiment.evaluation.threshold)
    write_gallery(folder / "gallery.npz", prepared.crops, prepared.limits, predictions, predicted)
    write_json(folder / "network.json", network_summary(plan, training.batch_size))
    write_json(folder / "metrics.json", metrics)
    write_figures(folder)
    write_report(folder)
    return Run(folder)


def _write_beginning(folder: Path, experiment: Experiment, prepared: Prepared) -> None:
    """What is known of a run before it trains."""
    folder.mkdir(exist_ok=True)
    write_json(folder / "experiment.json", experiment.to_document())
    write_json(folder / "arch.json", experiment.arch.to_document())
    write_json(folder / "environment.json", environment())
    write_split(folder / "split.csv", prepared.cases, prepared.sets)


def prepare(experiments: Sequence[Experiment], progress: Progress = silent) -> Prepared:
    """Reads, divides and cuts the data that experiments share.

    Args:
        experiments: With the same data and split; every architecture is checked against the data before they are cut.
        progress: Wraps what takes long.

    Raises:
        ArchnetError: The data are missing or damaged, or an architecture does not fit them.
    """
    data, split = experiments[0].data, experiments[0].split
    dataset = open_dataset(data, progress)
    for experiment in experiments:
        plan_for(experiment, dataset.shape, dataset.cases)
        _check_augmentation(experiment, dataset.shape)
    sets = make_split(dataset.cases, split)
    rows = keep_rows(dataset.cases, sets, data, split)
    cases = dataset.cases.only(rows)
    _check_training_set(cases, sets[rows], experiments[0])
    return Prepared(
        cases=cases,
        sets=sets[rows],
        crops=dataset.crops(rows, progress),
        limits=dataset.limits,
        notes=tuple(dataset.notes),
    )


def run_name(experiment: Experiment) -> str:
    """The run folder's name: the architecture's, and the seed if it is not 0."""
    seed = experiment.training.seed
    return experiment.arch.name + (f"-seed{seed}" if seed else "")


def check_free(folder: Path, experiment: Experiment) -> None:
    """That a run may be written into an experiment's folder.

    Raises:
        RunError: The run is there and finished, or the folder holds an experiment on other data or another split.
    """
    name = run_name(experiment)
    if (folder / name / "metrics.json").exists():
        raise RunError(
            f"{folder / name}: this run is finished and is not overwritten. "
            f"Give another folder with --out, or remove it first. To see it again: archnet report {folder / name}"
        )
    there, here = optional_json(folder / "experiment.json"), _shared_document(experiment)
    for key in SHARED_SECTIONS if there else ():
        if there and there.get(key) != here[key]:
            raise RunError(
                f"{folder}: holds an experiment with another {key} ({_difference(there.get(key) or {}, here[key])}). "
                "Give this one its own folder with --out."
            )


def _difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    key = next(key for key in [*here, *there] if there.get(key) != here.get(key))
    return f"{key}: {there.get(key)!r} there, {here.get(key)!r} here"


def _shared_document(experiment: Experiment) -> dict[str, Any]:
    """What an experiment's folder says of all its runs; `view` differs between 2D and 3D."""
    document = experiment.to_document()
    document["data"].pop("view")
    return {key: document[key] for key in ("name", *SHARED_SECTIONS)}


def input_shape(experiment: Experiment, shape: tuple[int, ...]) -> tuple[int, ...]:
    """What a network sees of cases of a (height, width[, depth]): its input shape, channels last.

    Raises:
        RunError: A 3D network on 2D data.
    """
    if experiment.arch.rank == 3:
        if len(shape) == 2:
            raise RunError(
                f"{experiment.arch.document.source}: a 3D network needs volumes, but the cases of "
                f'"{experiment.data.name}" are single slices of {shape[0]}x{shape[1]}. Take a 2D architecture.'
            )
        return (*shape, 1)
    if experiment.data.view == "slices-as-channels" and len(shape) == 3:
        return shape
    return (*shape[:2], 1)


def seen_images(crops: NDArray[Any], experiment: Experiment) -> NDArray[Any]:
    """The part of all cases that a network sees, a view of shape (N, *input_shape)."""
    wanted = input_shape(experiment, crops.shape[1:])
    if len(wanted) == 3 and crops.ndim == 4 and wanted[-1] == 1:
        crops = crops[..., crops.shape[-1] // 2]
    return crops if crops.shape[1:] == wanted else crops[..., np.newaxis]


def plan_for(experiment: Experiment, shape: tuple[int, ...], cases: Cases) -> tuple[PlannedLayer, ...]:
    """The network's layers on these data.

    Raises:
        ArchnetError: The architecture does not fit the data.
    """
    return experiment.arch.plan(input_shape(experiment, shape), len(cases.classes))


def _check_augmentation(experiment: Experiment, shape: tuple[int, ...]) -> None:
    from archnet.network.augment import shape_problem

    problem = shape_problem(experiment.training.augmentation, shape)
    if problem:
        raise RunError(f"training.augmentation: {problem}")


def _check_training_set(cases: Cases, sets: NDArray[np.str_], experiment: Experiment) -> None:
    present = np.unique(cases.labels[sets == "train"])
    if present.size < len(cases.classes):
        is_own = experiment.split.by == "own"
        remedy = "Use split.by=group." if is_own else "Lower split.test and split.validation, or add data."
        missing = ", ".join(name for label, name in enumerate(cases.classes) if label not in present)
        raise RunError(
            f"the training set has no case of {missing}: {np.count_nonzero(sets == 'train')} of {len(sets)} cases "
            f"are in it. {remedy}"
        )


def _examples(images: NDArray[Any], prepared: Prepared) -> dict[str, Any]:
    """The sets that are not empty, as the network takes them."""
    from archnet.network.batches import Examples

    rows = {name: np.flatnonzero(prepared.sets == name) for name in SETS}
    return {
        name: Examples(images=images, rows=members, labels=prepared.cases.labels[members])
        for name, members in rows.items()
        if members.size
    }


def _judged(predictions: Predictions, experiment: Experiment, positive: int) -> dict[str, Any]:
    """The metrics of each set."""
    options = experiment.evaluation
    sets = evaluate(predictions, positive=positive, threshold=options.threshold, bootstraps=options.bootstraps)
    return {"positive": predictions.classes[positive], "classes": list(predictions.classes), **sets}


def _costs(plan: tuple[PlannedLayer, ...], history: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """What the network and its training cost; copies and repeated draws count as samples."""
    summary = network_summary(plan, 1)
    seconds = sum(row["seconds"] for row in history)
    return {
        "parameters": summary["parameters"],
        "macs": summary["macs"],
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
