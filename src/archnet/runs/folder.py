"""Where a run's files go, and whether they may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from archnet.errors import RunError
from archnet.evaluation.run_folder import read_optional_json
from archnet.files.strict_json import Document
from archnet.spec.auto import reuse_auto_values
from archnet.spec.experiment import Experiment
from archnet.spec.resolve import parse_experiments

SHARED_SECTIONS: Final = ("data", "split", "evaluation")
"""What all runs of one experiment's folder have in common."""

CHECKPOINT: Final = "checkpoint"
"""The folder inside a run's that keeps an unfinished training."""


def experiment_folder(experiment: Experiment, out: Path | str | None = None) -> Path:
    """The folder of an experiment's runs: the one that is asked for, otherwise runs/<experiment>."""
    return Path(out) if out else Path("runs") / experiment.name


def run_name(experiment: Experiment) -> str:
    """The run folder's name: the architecture's, the fold if there are folds, and the seed if it is not 0."""
    seed, fold = experiment.training.seed, experiment.split.fold
    return experiment.arch.name + ("" if fold is None else f"-fold{fold}") + (f"-seed{seed}" if seed else "")


def is_pending(folder: Path, experiment: Experiment, *, resume: bool = False) -> bool:
    """Whether a run has to be made in an experiment's folder; false if it is finished and `resume` is set.

    Raises:
        RunError: The run is there, or the folder holds an experiment on other data or another split.
    """
    run_folder = folder / run_name(experiment)
    check_shared_sections(folder, experiment)
    is_finished, is_started = (run_folder / "metrics.json").exists(), (run_folder / CHECKPOINT).exists()
    if is_finished and not resume:
        raise RunError(
            f"{run_folder}: this run is finished and is not overwritten. Give another folder with --out, or add "
            f"--resume to make only the runs that are missing. To see it again: archnet report {run_folder}"
        )
    if is_started and not is_finished and not resume:
        raise RunError(
            f"{run_folder}: this run was interrupted. Continue it with --resume, remove the folder to start anew, or "
            "give another one with --out."
        )
    if is_started or is_finished:
        _check_same_run(run_folder, experiment)
    return not is_finished


def read_interrupted_experiment(folder: Path, experiment: Experiment) -> Experiment | None:
    """The experiment of a run that goes on, with what was picked when it began; null where there is no such run."""
    run_folder = folder / run_name(experiment)
    folder_document = read_optional_json(run_folder / "experiment.json") if (run_folder / CHECKPOINT).exists() else None
    if not folder_document:
        return None
    document = reuse_auto_values(experiment.to_document(), folder_document)
    (folder_experiment,) = parse_experiments(Document(value=document, source=str(run_folder / "experiment.json")))
    auto_values = {name: getattr(folder_experiment.training, name) for name in experiment.training.auto}
    training = replace(experiment.training, auto=(), **auto_values)
    return replace(experiment, training=training, auto_reasons=folder_document.get("picked", {}))


def shared_document(experiment: Experiment) -> dict[str, Any]:
    """What an experiment's folder says of all its runs; `view` differs between 2D and 3D, `fold` between folds."""
    document = experiment.to_document()
    document["data"].pop("view")
    document["split"].pop("fold")
    return {key: document[key] for key in ("name", *SHARED_SECTIONS)}


def check_shared_sections(folder: Path, experiment: Experiment) -> None:
    """That an experiment's folder holds what this one has in common with its runs.

    Raises:
        RunError: It holds an experiment on other data or another split.
    """
    folder_document, document = read_optional_json(folder / "experiment.json"), shared_document(experiment)
    for key in SHARED_SECTIONS if folder_document else ():
        if folder_document and folder_document.get(key) != document[key]:
            difference = _difference(folder_document.get(key) or {}, document[key])
            raise RunError(
                f"{folder}: holds an experiment with another {key} ({difference}). "
                "Give this one its own folder with --out."
            )


def _check_same_run(run_folder: Path, experiment: Experiment) -> None:
    """That a run which goes on, or counts as done, is the one that is asked for."""
    folder_document = read_optional_json(run_folder / "experiment.json") or {}
    document = reuse_auto_values(experiment.to_document(), folder_document)
    for key in ("arch", "training"):
        if folder_document.get(key) != document[key]:
            difference = _difference(folder_document.get(key) or {}, document[key])
            raise RunError(
                f"{run_folder}: was begun with another {key} ({difference}). "
                "Give the same one to continue, or another folder with --out."
            )


def _difference(folder_document: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    key = next(key for key in [*document, *folder_document] if folder_document.get(key) != document.get(key))
    return f"{key}: {folder_document.get(key)!r} there, {document.get(key)!r} here"
