"""Heat maps for errors of other networks, so that a comparison shows the maps of all networks for a case."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.integrity.manifest import rewrite_files
from archnet.evaluation.predictions import Predictions, read_predictions
from archnet.evaluation.run_folder import read_json
from archnet.files.locks import RUN_LOCK_SECONDS, lock_folder
from archnet.files.strict_json import read_document
from archnet.report.gallery_file import (
    GALLERY_FILE,
    HEAT_MAP_FILE,
    Gallery,
    HeatMaps,
    read_gallery,
    read_heat_maps,
    write_heat_maps,
)
from archnet.runs.gallery.saliency import compute_heat_maps, max_heat_maps
from archnet.spec.resolve import parse_experiments


def share_heat_maps(folders: Sequence[Path], receivers: Collection[Path] | None = None) -> None:
    """Add heat maps of the other runs' errors to each run's heat_maps.npz, for cases that it has evaluated.

    Args:
        folders: Finished runs of one experiment.
        receivers: The runs whose heat maps are completed; None for all.

    Raises:
        DataError: A gallery is damaged.
    """
    galleries = {folder: gallery for folder in folders if (gallery := read_gallery(folder / GALLERY_FILE))}
    for folder in galleries if receivers is None else [one for one in galleries if one in receivers]:
        others = [gallery for other, gallery in galleries.items() if other != folder]
        maps = read_heat_maps(folder / HEAT_MAP_FILE)
        if maps is not None and others:
            with lock_folder(folder, timeout_s=RUN_LOCK_SECONDS):
                _add_errors(folder, maps, others)


def _add_errors(folder: Path, maps: HeatMaps, others: Sequence[Gallery]) -> None:
    """Add heat maps of errors stored in other galleries, within the limit of multiply-adds of a run."""
    predictions = read_predictions(folder / "predictions.csv")
    wanted = set(predictions.cases[predictions.sets != "train"].tolist()) - set(maps.cases.tolist())
    room = max_heat_maps(folder) - len(maps.cases)
    added: list[HeatMaps] = []
    for gallery in others:
        is_wanted = np.isin(gallery.cases, sorted(wanted)) & (gallery.kinds == "wrong")
        numbers = np.flatnonzero(is_wanted)[: max(0, room)]
        if not len(numbers):
            continue
        added.append(_compute_for(folder, gallery, numbers, predictions))
        wanted -= set(gallery.cases[numbers].tolist())
        room -= len(numbers)
    if added:
        with rewrite_files(folder, [HEAT_MAP_FILE], kept_edits=()):
            write_heat_maps(folder / HEAT_MAP_FILE, _join([maps, *added]))


def _compute_for(folder: Path, gallery: Gallery, numbers: NDArray[np.int64], predictions: Predictions) -> HeatMaps:
    from archnet.network.backend import start_quietly

    start_quietly()
    from archnet.network.trained_model import load_run_model  # imports Keras: deferred until the first use

    (experiment,) = parse_experiments(read_document(folder / "experiment.json"))
    positive = predictions.classes.index(read_json(folder / "metrics.json")["positive"])
    return compute_heat_maps(load_run_model(folder), experiment, gallery, numbers, predictions, positive)


def _join(parts: Sequence[HeatMaps]) -> HeatMaps:
    return HeatMaps(
        cases=np.concatenate([part.cases for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        heat=np.concatenate([part.heat for part in parts]),
        grid=parts[0].grid,
        slice=parts[0].slice,
    )
