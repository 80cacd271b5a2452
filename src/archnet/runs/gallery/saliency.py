"""Grad-CAM heat maps of the stored cases of a run, from its network and its gallery alone."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.evaluation.predictions import Predictions
from archnet.evaluation.run_folder import read_json
from archnet.report.gallery_file import (
    GALLERY_FILE,
    HEAT_MAP_FILE,
    Gallery,
    HeatMaps,
    read_gallery,
    write_heat_maps,
)
from archnet.runs.gallery.feature_heat import heat_on_features
from archnet.spec.experiment import Experiment
from archnet.spec.layers.feature_map import FeatureMap
from archnet.spec.view import input_shape, network_input

if TYPE_CHECKING:
    import keras

MAX_MACS: Final = 2 * 10**12
"""Maximum multiply-adds of all heat maps of a run, under a minute on two cores. Unlike a time limit, a fixed number
gives the same maps on every machine."""

_log: Final = logging.getLogger("archnet")

_MAX_BATCH: Final = 16
_MAX_BATCH_VOXELS: Final = 1 << 21


def write_run_heat_maps(
    folder: Path, model: keras.Model, experiment: Experiment, predictions: Predictions, positive: int
) -> None:
    """Write heat_maps.npz for the evaluated cases in gallery.npz, errors first; nothing without a feature map.

    With two classes, a map shows the evidence for the positive class, so that the maps of two networks show the same
    class; with more classes, the evidence for the predicted class.

    Args:
        folder: The run folder, with its gallery and its network.json.
        model: Raw values in, probabilities out.
        experiment: The run's experiment.
        predictions: Predictions of all cases.
        positive: Index of the positive class.
    """
    gallery = read_gallery(folder / GALLERY_FILE)
    if gallery is None or _find_feature_map(experiment, gallery) is None:
        return
    shown = np.flatnonzero(gallery.kinds != "sample")
    numbers = shown[: max_heat_maps(folder)]
    if len(numbers) < len(shown):
        _log.info("Heat maps: of %d of the %d cases, %.1e multiply-adds in all", len(numbers), len(shown), MAX_MACS)
    if len(numbers):
        maps = compute_heat_maps(model, experiment, gallery, numbers, predictions, positive)
        write_heat_maps(folder / HEAT_MAP_FILE, maps)


def max_heat_maps(folder: Path) -> int:
    """The maximum number of heat maps of a run, from the cost of its network."""
    network = read_json(folder / "network.json")
    return MAX_MACS // max(1, int(network["macs"]) * int(network.get("members", 1)))


def _find_feature_map(experiment: Experiment, gallery: Gallery) -> FeatureMap | None:
    shape = input_shape(experiment, gallery.shape)
    return experiment.arch.feature_map(shape)


def _explained_labels(cases: NDArray[np.str_], predictions: Predictions, positive: int) -> NDArray[np.int64]:
    """The class whose evidence is shown for each case."""
    if len(predictions.classes) == 2:
        return np.full(len(cases), positive, np.int64)
    rows = {case: row for row, case in enumerate(predictions.cases.tolist())}
    labels: NDArray[np.int64] = predictions.probabilities[[rows[case] for case in cases.tolist()]].argmax(axis=1)
    return labels.astype(np.int64)


def compute_heat_maps(
    model: keras.Model,
    experiment: Experiment,
    gallery: Gallery,
    numbers: NDArray[np.int64],
    predictions: Predictions,
    positive: int,
) -> HeatMaps:
    """Compute the heat maps of some cases of a gallery; see `write_run_heat_maps`.

    Raises:
        RunError: The network has no feature map.
    """
    from archnet.network.explain import GradCam
    from archnet.network.scaling import input_limits

    limits, network, found = (
        input_limits(model),
        GradCam(model, experiment.arch),
        _find_feature_map(experiment, gallery),
    )
    labels = _explained_labels(gallery.cases[numbers], predictions, positive)
    if found is None:
        raise RunError(f"{model.name}: Grad-CAM needs a feature map on all paths, and this network has none.")
    size = min(_MAX_BATCH, max(1, _MAX_BATCH_VOXELS // math.prod(gallery.shape)))
    heats: list[NDArray[np.uint8]] = []
    for start in range(0, len(numbers), size):
        batch = slice(start, start + size)
        values = gallery.raw_channels(numbers[batch], limits)
        maps = network.compute(network_input(values, experiment), labels[batch].tolist())
        heats += [_as_shares(heat_on_features(one, found)) for one in maps]
    return HeatMaps(
        cases=gallery.cases[numbers],
        labels=labels,
        heat=np.stack(heats),
        grid=np.array([[axis.start, axis.step] for axis in found.grid], np.float64),
        slice=_seen_slice(experiment, gallery.shape),
    )


def _as_shares(heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A heat map as shares of its largest value, 0 to 255."""
    return (heat / (heat.max() or 1) * 255).round().astype(np.uint8)


def _seen_slice(experiment: Experiment, shape: Sequence[int]) -> int:
    """The slice of a volume that a 2D network sees; -1 if it sees all slices, or the cases have one."""
    sees_one = len(shape) == 3 and experiment.arch.rank == 2 and experiment.data.view != "slices-as-channels"
    return shape[2] // 2 if sees_one else -1
