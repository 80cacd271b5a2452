"""The folders of experiments and runs, and checks whether a run can start in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from archnet.errors import RunError
from archnet.evaluation.comparison.document_differences import Difference
from archnet.evaluation.integrity.verification import verify_results
from archnet.evaluation.run_folder import CHECKPOINT, RUNS_FOLDER, is_finished, read_optional_json
from archnet.files.locks import lock_folder
from archnet.files.strict_json import Document
from archnet.report.sentences.document_difference import differences_line
from archnet.runs.folders.run_differences import SHARED_SECTIONS, setting_differences
from archnet.spec.auto import AUTO_SPLIT, reuse_auto_values
from archnet.spec.experiment import AUTO_SPLITS, Experiment
from archnet.spec.outputs.output_file import read_cache
from archnet.spec.resolve import parse_experiments, resolve_paths

OTHER_FOLDER: Final = "Choose a different folder with --out, or replace its runs with --overwrite."
"""Advice for a folder of runs with different settings."""


def experiment_folder(experiment: Experiment, out: Path | str | None = None) -> Path:
    """The folder of an experiment's runs: `out`, by default runs/<experiment>."""
    return Path(out) if out else RUNS_FOLDER / experiment.name


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
    """Check that experiments can share a folder: they have the same cases, and each run has a unique name.

    Raises:
        RunError: They differ in data, split or evaluation, or two runs would share a folder.
    """
    names: dict[str, str] = {}
    for experiment in experiments:
        first, document = shared_document(experiments[0]), shared_document(experiment)
        differences = setting_differences(first, document, SHARED_SECTIONS)
        if differences:
            raise RunError(
                f'the experiments "{first["name"]}" and "{document["name"]}" differ: {differences_line(differences)}. '
                "Run those with the same data, split and evaluation together."
            )
        name = run_name(experiment)
        if name.lower() in names:
            raise RunError(
                f'the runs "{names[name.lower()]}" and "{name}" would share a folder. Give the architectures different '
                'names ("name"), or the trainings different seeds ("training.seed").'
            )
        names[name.lower()] = name


def check_no_other_document(out: Path | None) -> None:
    """Check that the experiment.json of a folder for runs is not a file that the user has written, or that of a run.

    Raises:
        RunError: It is.
    """
    document = read_cache(out / "experiment.json", "reservation") if out is not None else None
    if out is not None and document and ("archs" in document or "arch" in document):
        owner = "an experiment to run" if "archs" in document else "a run"
        raise RunError(
            f"{out / 'experiment.json'}: this is the file of {owner}, which the runs would overwrite. Choose a "
            f"different folder with --out, such as {out / 'runs'}."
        )


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
    if not (is_started(run_folder) or is_finished(run_folder)):
        return
    differences = run_differences(run_folder, experiment)
    if differences:
        raise RunError(
            f"{run_folder}: holds a run with different settings: {differences_line(differences)}. {OTHER_FOLDER}"
        )
    if not resume:
        raise existing_run_error(run_folder)
    if is_finished(run_folder):
        verify_results(run_folder)
        _check_same_cases(folder, run_folder, experiment)


def existing_run_error(run_folder: Path) -> RunError:
    """The error for an existing run with the same settings, finished or interrupted."""
    if is_finished(run_folder):
        return RunError(
            f"{run_folder}: this run is finished and has the same settings. Its report: {run_folder / 'report.html'}. "
            "Add --resume to train only the missing runs, or --overwrite to train it again."
        )
    return RunError(
        f"{run_folder}: this run was interrupted. Continue it with --resume, or train it from the start with "
        "--overwrite."
    )


def read_interrupted_experiment(folder: Path, experiment: Experiment) -> Experiment | None:
    """The experiment of a run to resume, with the "auto" values that it started with; None if there is no such run."""
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
    differences = shared_differences(folder, experiment)
    if differences:
        raise RunError(f"{folder}: contains a different experiment: {differences_line(differences)}. {OTHER_FOLDER}")


def shared_differences(folder: Path, experiment: Experiment) -> list[Difference]:
    """The differences of an experiment from the shared sections of its folder; empty in a new folder."""
    folder_document = resolve_paths(read_optional_json(folder / "experiment.json"), folder)
    document = shared_document(keep_folder_split(folder, experiment))
    return setting_differences(folder_document, document, SHARED_SECTIONS) if folder_document else []


def run_differences(run_folder: Path, experiment: Experiment) -> list[Difference]:
    """The differences of an experiment from the run in a folder, interrupted or finished."""
    folder_document = resolve_paths(read_optional_json(run_folder / "experiment.json") or {}, run_folder)
    document = reuse_auto_values(keep_folder_split(run_folder, experiment).to_document(), folder_document)
    return setting_differences(folder_document, document)


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
