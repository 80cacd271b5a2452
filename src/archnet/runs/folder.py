"""The folders of runs: where they are, and whether a run may be made in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from archnet.errors import RunError
from archnet.evaluation.integrity.verification import verify_results
from archnet.evaluation.run_folder import CHECKPOINT, is_finished, read_optional_json
from archnet.files.locks import lock_folder
from archnet.files.strict_json import Document
from archnet.spec.arch import complete_arch
from archnet.spec.auto import AUTO_SPLIT, reuse_auto_values
from archnet.spec.experiment import AUTO_SPLITS, Experiment
from archnet.spec.resolve import parse_experiments, resolve_paths
from archnet.spec.section_options import complete_data, complete_training

SHARED_SECTIONS: Final = ("data", "split", "evaluation")
"""Sections that all runs in an experiment's folder have in common."""

_CHANGEABLE_KEYS: Final = frozenset({("data", "allow"), ("data", "cases")})
"""Keys that change no result."""


def experiment_folder(experiment: Experiment, out: Path | str | None = None) -> Path:
    """The folder of an experiment's runs: `out`, by default runs/<experiment>."""
    return Path(out) if out else Path("runs") / experiment.name


def run_name(experiment: Experiment) -> str:
    """The run folder's name: the architecture's, the fold if there are folds, and the seed if it is not 0."""
    seed, fold = experiment.training.seed, experiment.split.fold
    return experiment.arch.name + ("" if fold is None else f"-fold{fold}") + (f"-seed{seed}" if seed else "")


@contextmanager
def lock_experiment_folder(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on an experiment's folder while the block runs.

    Raises:
        LockedError: Another process is writing to it.
    """
    with lock_folder(folder, advice="Wait for it to end, or choose another folder with --out."):
        yield


def is_started(run_folder: Path) -> bool:
    """Whether a run folder holds a run that was interrupted."""
    return (run_folder / CHECKPOINT).exists() and not is_finished(run_folder)


def check_same_folder(experiments: Sequence[Experiment]) -> None:
    """Check that experiments can share a folder: they have the same cases, and each run has a name of its own.

    Raises:
        RunError: They differ in data, split or evaluation, or two runs would have one folder.
    """
    names: dict[str, str] = {}
    for experiment in experiments:
        first, document = shared_document(experiments[0]), shared_document(experiment)
        difference = _first_difference(first, document, SHARED_SECTIONS)
        if difference:
            raise RunError(
                f'the experiments "{first["name"]}" and "{document["name"]}" have a different {difference}. Run those '
                "with the same data, split and evaluation together."
            )
        name = run_name(experiment)
        if name.lower() in names:
            raise RunError(
                f'the runs "{names[name.lower()]}" and "{name}" would share a folder. Give the architectures different '
                'names ("name"), or the trainings different seeds ("training.seed").'
            )
        names[name.lower()] = name


def check_run_folder(folder: Path, experiment: Experiment, *, resume: bool = False) -> None:
    """Check that an experiment's folder can take a run.

    Args:
        folder: The experiment's folder.
        experiment: The run's experiment, one architecture and one split or fold.
        resume: Accept a run that is finished or interrupted, provided that it is this one.

    Raises:
        RunError: The run exists, or the folder holds an experiment on different data or a different split.
        DataError: The run is finished, but its files have changed since.
    """
    run_folder = folder / run_name(experiment)
    check_shared_sections(folder, experiment)
    if is_finished(run_folder) and not resume:
        raise RunError(
            f"{run_folder}: this run is finished and is not overwritten. Give another folder with --out, or add "
            f"--resume to make only the runs that are missing. To see it again: archnet report {run_folder}"
        )
    if is_started(run_folder) and not resume:
        raise RunError(
            f"{run_folder}: this run was interrupted. Continue it with --resume, remove the folder to start anew, or "
            "give another one with --out."
        )
    if is_started(run_folder) or is_finished(run_folder):
        _check_same_run(run_folder, experiment)
    if is_finished(run_folder):
        verify_results(run_folder)
        _check_same_cases(folder, run_folder, experiment)


def read_interrupted_experiment(folder: Path, experiment: Experiment) -> Experiment | None:
    """The experiment of a run to resume, with the "auto" values that it started with; null if there is no such run."""
    run_folder = folder / run_name(experiment)
    folder_document = read_optional_json(run_folder / "experiment.json") if is_started(run_folder) else None
    if not folder_document:
        return None
    document = reuse_auto_values(experiment.to_document(), folder_document)
    (folder_experiment,) = parse_experiments(Document(value=document, source=str(run_folder / "experiment.json")))
    auto_values = {name: getattr(folder_experiment.training, name) for name in experiment.training.auto}
    training = replace(experiment.training, auto=(), **auto_values)
    return replace(experiment, training=training, auto_reasons=folder_document.get("picked", {}))


def keep_folder_split(folder: Path, experiment: Experiment) -> Experiment:
    """The experiment with the split of the runs in its folder, where its own is "auto"; they share their cases."""
    by = ((read_optional_json(folder / "experiment.json") or {}).get("split") or {}).get("by")
    if experiment.split.by != "auto" or by not in AUTO_SPLITS:
        return experiment
    reasons = {AUTO_SPLIT: f"{by}: as in the other runs in this folder", **experiment.auto_reasons}
    return replace(experiment, split=replace(experiment.split, by=by), auto_reasons=reasons)


def shared_document(experiment: Experiment) -> dict[str, Any]:
    """The experiment.json of an experiment's folder; `view` differs between 2D and 3D, `fold` between folds."""
    document = experiment.to_document()
    document["data"].pop("view")
    document["split"].pop("fold")
    return {key: document[key] for key in ("name", "description", *SHARED_SECTIONS) if key in document}


def check_shared_sections(folder: Path, experiment: Experiment) -> None:
    """Check that the runs in an experiment's folder have the shared sections of this experiment.

    Raises:
        RunError: The folder holds an experiment on different data or a different split.
    """
    folder_document = resolve_paths(read_optional_json(folder / "experiment.json"), folder)
    document = shared_document(keep_folder_split(folder, experiment))
    difference = folder_document and _first_difference(folder_document, document, SHARED_SECTIONS)
    if difference:
        raise RunError(
            f"{folder}: contains an experiment with a different {difference}. Choose a new folder with --out."
        )


def _check_same_run(run_folder: Path, experiment: Experiment) -> None:
    """Check that the run in a folder, interrupted or finished, is the one of an experiment."""
    folder_document = resolve_paths(read_optional_json(run_folder / "experiment.json") or {}, run_folder)
    document = reuse_auto_values(keep_folder_split(run_folder, experiment).to_document(), folder_document)
    difference = _first_difference(folder_document, document, ("arch", "training", *SHARED_SECTIONS))
    if difference:
        raise RunError(
            f"{run_folder}: was started with a different {difference}. Use the original settings to resume, or a "
            "different folder with --out."
        )


def _check_same_cases(folder: Path, run_folder: Path, experiment: Experiment) -> None:
    """Check that a finished run has the cases of its experiment's folder; without folds, all runs share them."""
    paths = folder / "split.csv", run_folder / "split.csv"
    if experiment.split.folds is not None or not all(path.exists() for path in paths):
        return
    if paths[0].read_bytes() != paths[1].read_bytes():
        raise RunError(
            f"{paths[1]}: lists different cases or sets than {paths[0]}, so this run belongs to another experiment. "
            "Remove its folder to run it again, or choose a different folder with --out."
        )


_COMPLETE: Final = {"arch": complete_arch, "data": complete_data, "training": complete_training}
"""By section, a function that converts the section of an earlier version to the current form."""


def _first_difference(
    folder_document: Mapping[str, Any], document: Mapping[str, Any], sections: tuple[str, ...]
) -> str | None:
    """The first section that differs, and in it the first key, with both values.

    A key that an earlier version did not write has its default.
    """
    for section in sections:
        there, here = folder_document.get(section) or {}, document[section]
        there = complete(there) if (complete := _COMPLETE.get(section)) else there
        there, here = (
            {key: value for key, value in one.items() if (section, key) not in _CHANGEABLE_KEYS}
            for one in (there, here)
        )
        key = next((key for key in [*here, *there] if there.get(key) != here.get(key)), None)
        if key is not None:
            return f"{section} ({key}: {there.get(key)!r} there, {here.get(key)!r} here)"
    return None
