"""The files of one run folder, read once for all reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archnet.errors import DataError
from archnet.evaluation.integrity.manifest import Manifest, read_manifest
from archnet.evaluation.integrity.verification import REPORT_FILES, verify_run
from archnet.evaluation.predictions import Predictions, read_run_predictions
from archnet.evaluation.run_folder import is_finished, read_history, read_optional_json
from archnet.report.gallery_file import (
    GALLERY_FILE,
    HEAT_MAP_FILE,
    Gallery,
    HeatMaps,
    read_gallery,
    read_heat_maps,
)
from archnet.spec.experiment import SETS
from archnet.spec.outputs.metrics_file import missing_result, missing_result_error, read_metrics
from archnet.spec.outputs.output_file import RUN_REMEDY
from archnet.spec.schema import json_text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunFiles:
    """The contents of a run folder; files that the run did not write are None or empty.

    Attributes:
        folder: The run folder.
        metrics: `metrics.json`.
        predictions: `predictions.csv`.
        history: The columns of `history.csv`, one value per epoch.
        gallery: `gallery.npz`.
        heat_maps: `heat_maps.npz`.
        experiment: `experiment.json` with all defaults filled in.
        changes: `changes.json`: what differs from the earlier run.
        environment: `environment.json`.
        init: `init.json`: origin of the initial weights.
        network: `network.json`: the layers with their shapes and costs.
        data: `data.json`: findings of the data checks, and unreadable scans.
        manifest: `manifest.json` with accepted changes; empty until the run has written it.
    """

    folder: Path
    metrics: dict[str, Any]
    predictions: Predictions
    history: dict[str, list[float]]
    gallery: Gallery | None
    heat_maps: HeatMaps | None
    experiment: dict[str, Any] | None
    changes: dict[str, Any] | None
    environment: dict[str, Any] | None
    init: dict[str, Any] | None
    network: dict[str, Any] | None
    data: dict[str, Any] | None
    manifest: Manifest | None

    @property
    def name(self) -> str:
        """The run folder's name."""
        return self.folder.resolve().name

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names."""
        return self.predictions.classes

    @property
    def positive(self) -> int:
        """Index of the positive class."""
        return self.classes.index(self.metrics["positive"])

    @property
    def sets(self) -> list[str]:
        """The sets that have metrics, training first."""
        return [name for name in SETS if name in self.metrics]


def read_run(folder: Path, *, while_rewritten: bool = False) -> RunFiles:
    """Read a finished run folder and check that its files are unchanged.

    Args:
        folder: The run folder.
        while_rewritten: Accept files that an interrupted command was rewriting.

    Raises:
        RunError: `metrics.json` or `predictions.csv` is missing, so the run isn't finished.
        DataError: A file is damaged or has changed, or the files don't belong together.
    """
    verify_run(folder, REPORT_FILES, while_rewritten=while_rewritten)
    return read_run_files(folder)


def read_run_files(folder: Path, *, with_pictures: bool = True) -> RunFiles:
    """Read a run folder without checking its manifest, which the run writes last.

    Args:
        folder: The run folder.
        with_pictures: Read the gallery and the heat maps, the largest files.

    Raises:
        RunError: `metrics.json` or `predictions.csv` is missing.
        DataError: A file is damaged, or the files don't belong together.
    """
    metrics = read_metrics(folder / "metrics.json")
    predictions = read_run_predictions(folder, [name for name in SETS if name in metrics])
    if tuple(metrics["classes"]) != predictions.classes:
        raise DataError(
            f"{folder / 'metrics.json'}: its classes {json_text(metrics['classes'])} differ from those of "
            f"predictions.csv, {json_text(list(predictions.classes))}. {RUN_REMEDY}"
        )
    empty = next((name for name in SETS if name in metrics and not np.any(predictions.sets == name)), None)
    if empty is not None:
        raise DataError(
            f"{folder / 'metrics.json'}: has {empty} results, but predictions.csv has no {empty} cases. {RUN_REMEDY}"
        )
    return RunFiles(
        folder=folder,
        metrics=metrics,
        predictions=predictions,
        history=read_history(folder / "history.csv"),
        gallery=read_gallery(folder / GALLERY_FILE) if with_pictures else None,
        heat_maps=read_heat_maps(folder / HEAT_MAP_FILE) if with_pictures else None,
        experiment=read_optional_json(folder / "experiment.json"),
        changes=read_optional_json(folder / "changes.json"),
        environment=read_optional_json(folder / "environment.json"),
        init=read_optional_json(folder / "init.json"),
        network=read_optional_json(folder / "network.json"),
        data=read_optional_json(folder / "data.json"),
        manifest=read_manifest(folder) if is_finished(folder) else Manifest(files={}),
    )


def require_results(run: RunFiles) -> None:
    """Check that a run has all results that this version of archnet displays.

    Raises:
        DataError: A result is missing from metrics.json.
    """
    missing = missing_result(run.metrics)
    if missing is not None:
        raise missing_result_error(run.folder, missing)
