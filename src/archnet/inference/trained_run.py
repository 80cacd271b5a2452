"""A finished run for inference: its network, its classes, and the preprocessing of its cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archnet.data.scan_ranges import ScanRanges, parse_scan_ranges
from archnet.errors import RunError
from archnet.evaluation.integrity.verification import INFERENCE_FILES, verify_run
from archnet.evaluation.run_folder import (
    find_named_run,
    find_run_folders,
    is_baseline,
    is_stacked,
    read_json,
    read_optional_json,
)
from archnet.files.strict_json import Document
from archnet.imaging.scan_identity import ScanIdentity
from archnet.report.integrity_wording import run_integrity_texts
from archnet.runs.log import log
from archnet.runs.preparation.training_scans import TrainingScans, read_training_scans
from archnet.spec.datasets import DATASETS, CaseKind
from archnet.spec.experiment import Experiment
from archnet.spec.outputs.metrics_file import read_metrics
from archnet.spec.resolve import parse_experiments


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedRun:
    """A finished run of a network.

    Attributes:
        folder: The run folder.
        experiment: The resolved experiment.
        classes: Names in the order of the model's outputs.
        positive: Index into `classes`.
        scan_ranges: Ranges of the training scans; None where there were none, or an older archnet made the run.
        training_scans: The scans that it was trained on; None if an older archnet made the run.
    """

    folder: Path
    experiment: Experiment
    classes: tuple[str, ...]
    positive: int
    scan_ranges: ScanRanges | None
    training_scans: TrainingScans | None

    @property
    def kind(self) -> CaseKind:
        """The type of its cases."""
        return DATASETS[self.experiment.data.name].cases

    @property
    def crop_size(self) -> tuple[int, int, int]:
        """Shape of a case in voxels, (height, width, depth).

        Raises:
            RunError: Its cases are arrays of a file, which are not extracted from scans.
        """
        if self.experiment.data.crop_size is None:
            raise RunError(f"{self.folder}: this run has no crop size, because it was trained on arrays, not on scans.")
        return self.experiment.data.crop_size

    def input_document(self) -> dict[str, Any]:
        """All options that determine the network's input, by name."""
        data = self.experiment.data
        cut: dict[CaseKind, dict[str, Any]] = {
            "candidates": {"crop_size": data.crop_size, "spacing_mm": data.spacing_mm},
            "whole scans": {"crop_size": data.crop_size, "window_hu": data.window_hu},
            "arrays": {"axes": data.axes},
        }
        return {"classes": self.classes, "trained on": self.kind, **cut[self.kind]}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedOn:
    """A run that was trained on a scan.

    Attributes:
        run: The run folder.
        sets: The sets that the scan was in: "train", "validation" or both.
    """

    run: Path
    sets: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """A predicate that follows the name of the scan."""
        sets = " and the ".join("training set" if name == "train" else f"{name} set" for name in self.sets)
        return f"was in the {sets} of {self.run}."

    def to_document(self) -> dict[str, Any]:
        """The run and the sets, JSON-ready."""
        return {"run": str(self.run), "sets": list(self.sets)}


def find_trainings(runs: Sequence[TrainedRun], identity: ScanIdentity) -> list[TrainedOn]:
    """The runs that were trained on a scan, among those that record their training scans."""
    known = [(run.folder, run.training_scans.sets_of(identity)) for run in runs if run.training_scans is not None]
    return [TrainedOn(run=folder, sets=sets) for folder, sets in known if sets]


def check_case_kind(run: TrainedRun, options: Mapping[str, object], remedy: str) -> None:
    """Check that candidates are given exactly if a run needs them.

    Args:
        run: The run.
        options: The options of the command for candidates, with their values; None if not given.
        remedy: How to name candidates, one sentence.

    Raises:
        RunError: An option is missing or superfluous, or the run was trained on arrays.
    """
    given = [value is not None for value in options.values()]
    if run.kind == "arrays":
        raise RunError(
            f"{run.folder}: this run was trained on arrays of an .npz file, which does not record how they were "
            "extracted from scans, so new scans cannot be preprocessed in the same way. Name a run on "
            "luna16, mosmed or folder data."
        )
    if run.kind == "candidates" and not all(given):
        raise RunError(f"{run.folder}: this run classifies candidates, not whole scans. {remedy}")
    if run.kind == "whole scans" and any(given):
        names = " and ".join(options)
        raise RunError(f"{run.folder}: this run classifies whole scans, not candidates. Leave out {names}.")


def read_trained_run(folder: Path) -> TrainedRun:
    """Read a run folder.

    Raises:
        ArchnetError: A file is missing, damaged or changed since the run finished, or the run is a baseline.
    """
    manifest = verify_run(folder, INFERENCE_FILES)
    source = folder / "experiment.json"
    document = read_json(source)
    if is_stacked(document):
        raise RunError(
            f"{folder}: combines a network with a baseline, and has no model file. Name the run of the network."
        )
    if is_baseline(document):
        raise RunError(f"{folder}: is a baseline, which has no model file. Name a run of a network.")
    for text in run_integrity_texts(manifest):
        log.warning("%s: %s", folder, text)
    experiments = parse_experiments(Document(value=document, source=str(source)))
    metrics = read_metrics(folder / "metrics.json")
    scans = (read_optional_json(folder / "data.json") or {}).get("scans")
    classes = tuple(metrics["classes"])
    return TrainedRun(
        folder=folder,
        experiment=experiments[0],
        classes=classes,
        positive=classes.index(metrics["positive"]),
        scan_ranges=parse_scan_ranges(scans) if scans else None,
        training_scans=read_training_scans(folder),
    )


def read_trained_runs(paths: Sequence[Path]) -> list[TrainedRun]:
    """Read runs that can be averaged.

    Args:
        paths: Run folders; or experiments' folders, each for all its networks.

    Raises:
        ArchnetError: A folder contains no finished run, or the runs differ in classes or preprocessing.
    """
    if not paths:
        raise RunError("no run is given. Name a run folder.")
    paths = [find_named_run(path) for path in paths]
    folders = [path for path in find_run_folders(paths) if path in paths or not _is_baseline_folder(path)]
    if not folders:
        raise RunError(f"{paths[0]}: contains only baselines, which have no model file. Name a run of a network.")
    first, *others = runs = [read_trained_run(folder) for folder in folders]
    expected = first.input_document()
    for run in others:
        document = run.input_document()
        key = next((key for key in expected if document.get(key) != expected[key]), None)
        if key is not None:
            raise RunError(
                f"{run.folder}: cannot be averaged with {first.folder}: {key} {_value_text(document.get(key))} here, "
                f"{_value_text(expected[key])} there. Name runs with the same preprocessing."
            )
    return runs


def _is_baseline_folder(folder: Path) -> bool:
    return is_baseline(read_json(folder / "experiment.json"))


def _value_text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
