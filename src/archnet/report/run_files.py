"""What reports are drawn from: the files of one run folder, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.errors import DataError
from archnet.evaluation.integrity.manifest import Manifest, read_manifest
from archnet.evaluation.integrity.verification import REPORT_FILES, verify_run
from archnet.evaluation.predictions import Predictions, read_run_predictions
from archnet.evaluation.run_folder import is_finished, read_history, read_optional_json
from archnet.files.archives.npy_arrays import read_npz
from archnet.files.archives.zip_archive import DamagedFileError
from archnet.spec.experiment import SETS
from archnet.spec.outputs.metrics_file import missing_result, missing_result_error, read_metrics
from archnet.spec.outputs.output_file import RUN_REMEDY
from archnet.spec.schema import json_text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gallery:
    """Input crops kept for the report.

    Attributes:
        images: Shape (M, height, width) or (M, height, width, depth), uint8: the limits of the first channel map to 0
            and 255.
        cases: Names as in `predictions.csv`, shape (M,).
        kinds: "sample" (training) or "wrong" (confidently wrong), shape (M,).
        other_channels: The other channels of `images` as a last axis; null if there are none.
    """

    images: NDArray[np.uint8]
    cases: NDArray[np.str_]
    kinds: NDArray[np.str_]
    other_channels: NDArray[np.uint8] | None = None

    @property
    def all_channels(self) -> NDArray[np.uint8]:
        """The images with all channels of the data, channels last if there are several."""
        if self.other_channels is None:
            return self.images
        return np.concatenate([self.images[..., np.newaxis], self.other_channels], axis=-1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunFiles:
    """One run folder; what the run did not write is None or empty.

    Attributes:
        folder: The run folder.
        metrics: `metrics.json`.
        predictions: `predictions.csv`.
        history: The columns of `history.csv`, one value an epoch.
        gallery: `gallery.npz`.
        experiment: `experiment.json`, every default written out.
        environment: `environment.json`.
        init: `init.json`: origin of the initial weights.
        network: `network.json`: the layers with their shapes and costs.
        data: `data.json`: findings of the data checks, and the scans that could not be read.
        manifest: `manifest.json`, with the changes that were accepted; empty until the run has written it.
    """

    folder: Path
    metrics: dict[str, Any]
    predictions: Predictions
    history: dict[str, list[float]]
    gallery: Gallery | None
    experiment: dict[str, Any] | None
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
        """Index of the class whose recall counts."""
        return self.classes.index(self.metrics["positive"])

    @property
    def sets(self) -> list[str]:
        """The sets that have metrics, training first."""
        return [name for name in SETS if name in self.metrics]


def read_run(folder: Path, *, while_rewritten: bool = False) -> RunFiles:
    """Read a finished run folder, whose files must be unchanged.

    Args:
        folder: The run folder.
        while_rewritten: Accept files that an interrupted command was rewriting.

    Raises:
        RunError: `metrics.json` or `predictions.csv` is missing, so the run isn't finished.
        DataError: A file is damaged or has changed, or the files don't belong together.
    """
    verify_run(folder, REPORT_FILES, while_rewritten=while_rewritten)
    return read_run_files(folder)


def read_run_files(folder: Path) -> RunFiles:
    """Read a run folder without the check of its manifest, which the run writes last.

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
        gallery=read_gallery(folder / "gallery.npz"),
        experiment=read_optional_json(folder / "experiment.json"),
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


def read_gallery(path: Path) -> Gallery | None:
    """A run's `gallery.npz`, or None where it has none.

    Raises:
        DataError: The file is damaged.
    """
    if not path.exists():
        return None
    remedy = f"To report without pictures of cases, delete it and run: archnet report --accept-edits {path.parent}"
    try:
        arrays = read_npz(path)
    except DamagedFileError as error:
        raise DataError(f"{path}: {error}. {remedy}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}. Check its permissions.") from error
    if not _is_gallery(arrays):
        raise DataError(f"{path}: does not hold the arrays images, case and kind. {remedy}")
    return Gallery(
        images=arrays["images"],
        cases=arrays["case"],
        kinds=arrays["kind"],
        other_channels=arrays.get("other_channels"),
    )


def _is_gallery(arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Whether arrays are pictures with their names and kinds."""
    if not {"images", "case", "kind"} <= set(arrays):
        return False
    images, names = arrays["images"], (arrays["case"], arrays["kind"])
    others = arrays.get("other_channels", images[..., np.newaxis])
    are_pictures = images.dtype == np.uint8 and images.ndim in (3, 4) and min(images.shape[1:]) > 0
    are_pictures = are_pictures and others.dtype == np.uint8 and others.shape[:-1] == images.shape and others.size > 0
    return are_pictures and all(words.dtype.kind == "U" and words.shape == images.shape[:1] for words in names)
