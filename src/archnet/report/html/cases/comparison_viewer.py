"""The cases of a comparison's page: first those on which the networks disagree."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from archnet.evaluation.comparison.comparison import Comparison
from archnet.evaluation.comparison.pools import Pool
from archnet.evaluation.run_folder import read_optional_json
from archnet.files.terminal_text import escape_message
from archnet.report.figures.montage import shown_channel
from archnet.report.gallery_file import GALLERY_FILE, HEAT_MAP_FILE, read_gallery, read_heat_maps
from archnet.report.html.cases.viewer_data import ViewedCases, ViewedNetwork, viewer_panel


def comparison_viewer(comparison: Comparison) -> dict[str, Any] | None:
    """The viewer of a comparison; None if its runs store no cases."""
    pools = comparison.pools
    predictions = pools[0].predictions_by_seed[0]
    experiment = read_optional_json(pools[0].folders[0] / "experiment.json") or {}
    cases = ViewedCases(
        predictions=replace(predictions, sets=np.full(len(predictions.cases), comparison.set)),
        positive=comparison.classes.index(comparison.positive),
        networks=[_viewed_network(comparison, pool) for pool in pools],
        reported=comparison.set,
        columns={pool.name: (number, comparison.set) for number, pool in enumerate(pools)},
        presets=_presets(comparison),
        experiment=experiment,
        shown=shown_channel(experiment),
    )
    return viewer_panel(cases)


def _viewed_network(comparison: Comparison, pool: Pool) -> ViewedNetwork:
    galleries = [read_gallery(folder / GALLERY_FILE) for folder in pool.folders]
    heat_maps = [read_heat_maps(folder / HEAT_MAP_FILE) for folder in pool.folders]
    return ViewedNetwork(
        name=pool.name,
        probabilities=np.mean([part.probabilities for part in pool.predictions_by_seed], axis=0),
        threshold=comparison.row(pool.name).metrics.get("threshold"),
        galleries=[gallery for gallery in galleries if gallery is not None],
        heat_maps=[maps for maps in heat_maps if maps is not None],
    )


def _presets(comparison: Comparison) -> list[tuple[str, dict[str, Any]]]:
    """Cases on which the reference and another network disagree, for each pair, and those that both misclassify."""
    presets: list[tuple[str, dict[str, Any]]] = []
    for pair in comparison.pairs:
        presets += [
            (f"{right} right, {wrong} wrong", {"right": [escape_message(right)], "wrong": [escape_message(wrong)]})
            for right, wrong in ((pair.other, pair.reference), (pair.reference, pair.other))
        ]
    names = [escape_message(pool.name) for pool in comparison.pools]
    return [*presets, ("all wrong", {"right": [], "wrong": names}), ("all cases", {})]
