"""Class probabilities of cases in scans, from one run or averaged over several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.scan_records import ScanRecord, record_scan
from archnet.data.crops import WholeVolumes
from archnet.data.recipe import Recipe
from archnet.data.scan_ranges import mean_hu
from archnet.errors import DataError, RunError, pluralize
from archnet.files.progress import Progress, no_progress
from archnet.imaging import Volume
from archnet.inference.suitability import geometry_warnings, intensity_warnings, rejection_reason, value_warnings
from archnet.inference.trained_run import TrainedOn, TrainedRun, find_trainings
from archnet.spec.view import IDENTITY, CaseView, evaluated_views, network_input, trained_views

_MAX_NAMED: Final = 3
"""Maximum number of cases that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScanPredictions:
    """The predictions of networks for the cases of scans.

    Attributes:
        probabilities: (N, classes); rows of rejected scans are NaN.
        rejected: The reason why a scan was rejected, by its path.
        warnings: Out-of-distribution warnings, by path.
        trained_on: The runs that were trained on a scan, by its path.
        undefined: The cases of a scan for which the networks output NaN, by its path.
        tta: Whether the probabilities are means over views of a case.
    """

    probabilities: NDArray[np.float64]
    rejected: dict[Path, str]
    warnings: dict[Path, list[str]]
    trained_on: dict[Path, list[TrainedOn]]
    undefined: dict[Path, str]
    tta: bool

    @property
    def is_predicted(self) -> NDArray[np.bool_]:
        """(N,) whether a case was predicted."""
        is_predicted: NDArray[np.bool_] = ~np.isnan(self.probabilities[:, 0])
        return is_predicted


class Ensemble:
    """Networks with the same input, whose probabilities are averaged."""

    def __init__(self, runs: Sequence[TrainedRun], *, tta: bool | None = None) -> None:
        """Load the models.

        Args:
            runs: Result of `read_trained_runs`.
            tta: Test-time augmentation: also average over the flips and rotations of each run's training. None averages
                for the runs that were evaluated so.

        Raises:
            RunError: With `tta`, a run was trained without flips and rotations.
        """
        from archnet.network.predict import Predictor
        from archnet.network.trained_model import load_run_model

        self.runs = tuple(runs)
        views = [predicted_views(run, tta) for run in runs]
        self.tta = any(len(one) > 1 for one in views)
        self._predictors = [
            Predictor(load_run_model(run.folder), views=one) for run, one in zip(runs, views, strict=True)
        ]

    def probabilities(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Mean class probabilities, (N, classes), of cases (N, height, width[, depth]) in raw values."""
        rows = np.arange(len(values))
        run_probabilities = [
            predictor.predict(network_input(values, run.experiment), rows)
            for run, predictor in zip(self.runs, self._predictors, strict=True)
        ]
        mean: NDArray[np.float64] = np.mean(run_probabilities, axis=0)
        return mean


def predicted_views(run: TrainedRun, tta: bool | None) -> tuple[CaseView, ...]:
    """The views over which the probabilities of a run are averaged; see `Ensemble`.

    Raises:
        RunError: With `tta`, the run was trained without flips and rotations.
    """
    if tta is None:
        return evaluated_views(run.experiment)
    if not tta:
        return (IDENTITY,)
    views = trained_views(run.experiment.training.augmentation, run.experiment.arch.rank)
    if len(views) == 1:
        raise RunError(
            f"{run.folder}: test-time augmentation (tta) averages over the flips and rotations by right angles on "
            "which a network was trained, and this network was trained on none. Omit tta, or train with flips in "
            "training.augmentation."
        )
    return views


def predict_scans(ensemble: Ensemble, recipe: Recipe, progress: Progress = no_progress) -> ScanPredictions:
    """Predict cases extracted from scans, with one scan in memory at a time.

    A scan that is unreadable or not a chest CT is rejected, with the reason in the result.

    Args:
        ensemble: The networks.
        recipe: Recipe for the extraction of the cases.
        progress: Wraps the scans.
    """
    window_hu = ensemble.runs[0].experiment.data.window_range
    probabilities = np.full((len(recipe.ids), len(ensemble.runs[0].classes)), np.nan)
    rejected: dict[Path, str] = {}
    warnings: dict[Path, list[str]] = {}
    trained_on: dict[Path, list[TrainedOn]] = {}
    undefined: dict[Path, str] = {}
    for number in progress(range(len(recipe.scans)), "Predicting", len(recipe.scans)):
        path = recipe.scans[number]
        try:
            scan = check_chest_ct(path, recipe.read(number))
            total_hu = 0.0
            for rows, values in recipe.cut_volume(number, scan.volume):
                probabilities[rows] = ensemble.probabilities(values)
                total_hu += mean_hu(values, window_hu) * len(rows)
        except DataError as error:
            rejected[path] = str(error)
            continue
        if (text := _describe_undefined(path, recipe, number, probabilities)) is not None:
            undefined[path] = text
        sentences = out_of_distribution_warnings(scan, total_hu / len(recipe.rows[number]), ensemble.runs)
        if sentences:
            warnings[path] = sentences
        known = find_trainings(ensemble.runs, scan.record.identity)
        if known:
            trained_on[path] = known
    return ScanPredictions(
        probabilities=probabilities,
        rejected=rejected,
        warnings=warnings,
        trained_on=trained_on,
        undefined=undefined,
        tta=ensemble.tta,
    )


def _describe_undefined(path: Path, recipe: Recipe, number: int, probabilities: NDArray[np.float64]) -> str | None:
    """The error of a scan whose cases lack probabilities; None if none does."""
    rows = recipe.rows[number]
    names = [str(recipe.ids[row]) for row in rows if np.isnan(probabilities[row]).any()]
    if not names:
        return None
    more = f" and {len(names) - _MAX_NAMED:,} more" if len(names) > _MAX_NAMED else ""
    cases = f" for {len(names):,} of {pluralize(len(rows), 'candidate')}: {', '.join(names[:_MAX_NAMED])}{more}"
    return (
        f"{path}: the model outputs NaN instead of probabilities{cases if len(rows) > 1 else ''}. Its training has "
        "diverged: run the experiment again with a lower training.learning_rate, or with training.clip_norm=1."
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChestCt:
    """A chest CT.

    Attributes:
        volume: Its voxels and geometry.
        record: Its statistics and its identity.
    """

    volume: Volume
    record: ScanRecord


def check_chest_ct(path: Path, volume: Volume) -> ChestCt:
    """Measure a scan that has been read, and check that it is a chest CT.

    Raises:
        DataError: It is not a chest CT in Hounsfield units.
    """
    record = record_scan(path, volume)
    reason = rejection_reason(record.values)
    if reason:
        raise DataError(f"{path}: {reason}")
    return ChestCt(volume=volume, record=record)


def out_of_distribution_warnings(scan: ChestCt, mean: float, runs: Sequence[TrainedRun]) -> list[str]:
    """The reasons why a scan is out of distribution for any of the runs, without duplicates.

    Args:
        scan: The scan.
        mean: Mean of its cases, clipped to the window, in HU.
        runs: The runs.
    """
    sentences = (sentence for run in runs for sentence in _run_warnings(scan.volume, mean, run))
    return list(dict.fromkeys([*value_warnings(scan.record.values), *sentences]))


def _run_warnings(volume: Volume, mean: float, run: TrainedRun) -> Iterator[str]:
    yield from geometry_warnings(volume, run)
    yield from intensity_warnings(mean, run.scan_ranges, run.experiment.data.window_range)


def whole_scan_recipe(run: TrainedRun, scans: Sequence[Path], series: str | None = None) -> WholeVolumes:
    """The recipe that converts whole scans to cases of a run, as in its training.

    Args:
        run: A run on whole scans.
        scans: The scans.
        series: The CT series to read in DICOM folders that contain several.
    """
    recipe = WholeVolumes(
        source="scans on the command line",
        ids=np.array([str(path) for path in scans]),
        scans=scans,
        shape=run.crop_size,
        window_hu=run.experiment.data.window_range,
    )
    recipe.series = series
    return recipe
