"""The viewer's data: all cases of a page with their probabilities, and the voxels of the embedded ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.evaluation.predictions import Predictions
from archnet.files.terminal_text import escape_message
from archnet.report.figures.theme import network_name
from archnet.report.gallery_file import Gallery, HeatMaps
from archnet.report.html.cases.embedded_cases import EmbeddedCases, KeptCase, embed_cases
from archnet.report.wording import SET_NAMES, short_case
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import SETS

MAX_LISTED: Final = 3000
"""Maximum number of cases available for selection; errors and embedded cases come first."""

NUM_BINS: Final = 10
"""Number of bins of a histogram of scores."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ViewedNetwork:
    """A network whose cases are displayed.

    Attributes:
        name: Its name on the page.
        probabilities: (N, classes), means over seeds.
        threshold: Threshold of the positive class; None with more than two classes.
        galleries: Galleries of its runs.
        heat_maps: Heat maps of its runs, those of the first seed first.
    """

    name: str
    probabilities: NDArray[np.float64]
    threshold: float | None
    galleries: Sequence[Gallery]
    heat_maps: Sequence[HeatMaps]

    def predicted(self, positive: int) -> NDArray[np.int64]:
        """(N,) the predicted classes."""
        if self.threshold is None:
            classes: NDArray[np.int64] = self.probabilities.argmax(axis=1)
            return classes
        return np.where(self.probabilities[:, positive] >= self.threshold, positive, 1 - positive)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ViewedCases:
    """The cases of a page.

    Attributes:
        predictions: Names, groups, sets and truth of all cases.
        positive: Index of the positive class.
        networks: Networks that classify them.
        reported: The reported set.
        columns: For each confusion matrix on the page, by name, the index of its network, and its set.
        presets: Label and conditions of each button that selects cases.
        experiment: The content of experiment.json.
        shown: The channel or window of the pictures, if there are several.
    """

    predictions: Predictions
    positive: int
    networks: Sequence[ViewedNetwork]
    reported: str
    columns: Mapping[str, tuple[int, str]]
    presets: Sequence[tuple[str, Mapping[str, Any]]]
    experiment: Mapping[str, Any]
    shown: str = ""


def viewer_panel(cases: ViewedCases) -> dict[str, Any] | None:
    """The values of the template and the data of the script; None if no run stores cases."""
    kept = _keep_cases(cases)
    if not kept:
        return None
    rows = _listed_rows(cases, [case.row for case in kept])
    embedded = embed_cases(kept)
    places = {row: place for place, row in enumerate(rows)}
    voxels = [{**entry, "row": places[entry["row"]]} for entry in embedded.cases]
    return {
        "presets": [label for label, _ in cases.presets],
        "histograms": _histograms(cases),
        "notes": _notes(cases, len(rows), embedded, kept),
        "data": _table(cases, rows),
        "voxels": voxels,
    }


def _keep_cases(cases: ViewedCases) -> list[KeptCase]:
    """All cases of the galleries: errors of each network in turn, then the others."""
    rows = {name: row for row, name in enumerate(cases.predictions.cases.tolist())}
    maps = [_heat_maps_by_name(network.heat_maps) for network in cases.networks]
    found: dict[int, KeptCase] = {}
    for gallery, number in _gallery_queue([gallery for network in cases.networks for gallery in network.galleries]):
        name = str(gallery.cases[number])
        row = rows.get(name)
        if row is None or row in found:
            continue
        heat = tuple(numbers.get(name) for numbers in maps)
        found[row] = KeptCase(row=row, gallery=gallery, number=number, heat_maps=heat)
    return _sort_by_disagreement(cases, list(found.values()))


def _gallery_queue(galleries: Sequence[Gallery]) -> list[tuple[Gallery, int]]:
    """Errors of each gallery in turn, with a correct case after every third; training examples are omitted."""
    queue: list[tuple[float, int, Gallery, int]] = []
    for place, gallery in enumerate(galleries):
        wrong, right = (np.flatnonzero(gallery.kinds == kind).tolist() for kind in ("wrong", "right"))
        queue += [(float(turn), place, gallery, number) for turn, number in enumerate(wrong)]
        queue += [(3 * turn + 2.5, place, gallery, number) for turn, number in enumerate(right)]
    return [(gallery, number) for _, _, gallery, number in sorted(queue, key=lambda entry: entry[:2])]


def _sort_by_disagreement(cases: ViewedCases, kept: list[KeptCase]) -> list[KeptCase]:
    """Cases on which networks disagree first, in their order."""
    correct = np.stack([one.predicted(cases.positive) == cases.predictions.y_true for one in cases.networks])
    disputed = set(np.flatnonzero(correct.any(axis=0) & ~correct.all(axis=0)).tolist())
    return sorted(kept, key=lambda case: case.row not in disputed)


def _heat_maps_by_name(parts: Sequence[HeatMaps]) -> dict[str, tuple[HeatMaps, int]]:
    """The first heat maps with each case, and the index of the case in them, by name of the case."""
    return {name: (maps, number) for maps in reversed(parts) for number, name in enumerate(maps.cases.tolist())}


def _listed_rows(cases: ViewedCases, kept: Sequence[int]) -> list[int]:
    """Rows of the page's table: embedded cases, then errors, then the others; the reported set first."""
    predictions = cases.predictions
    is_wrong = np.any([one.predicted(cases.positive) != predictions.y_true for one in cases.networks], axis=0)
    order = {name: rank for rank, name in enumerate(dict.fromkeys((cases.reported, *SETS[::-1])))}
    ranks = np.array([order[name] for name in predictions.sets.tolist()])
    others = np.lexsort((ranks, ~is_wrong)).tolist()
    return list(dict.fromkeys([*kept, *others]))[: max(MAX_LISTED, len(kept))]


def _table(cases: ViewedCases, rows: Sequence[int]) -> dict[str, Any]:
    predictions = cases.predictions
    is_binary = len(predictions.classes) == 2
    names = [escape_message(name) for name in predictions.cases[list(rows)].tolist()]
    kind = _case_kind(cases.experiment)
    return {
        "classes": [escape_message(name) for name in predictions.classes],
        "positive": cases.positive,
        "sets": [SET_NAMES[name] for name in SETS],
        "reported": SETS.index(cases.reported),
        "networks": [{"name": escape_message(one.name), "threshold": one.threshold} for one in cases.networks],
        "columns": {
            escape_message(name): [network, SETS.index(part)] for name, (network, part) in cases.columns.items()
        },
        "presets": [selection for _, selection in cases.presets],
        "names": names,
        "short": [short_case(name) for name in names],
        "groups": [escape_message(name) for name in predictions.groups[list(rows)].tolist()],
        "set": [SETS.index(name) for name in predictions.sets[list(rows)].tolist()],
        "truth": predictions.y_true[list(rows)].tolist(),
        "scores": [
            (one.probabilities[list(rows), cases.positive] if is_binary else one.probabilities[list(rows)]).tolist()
            for one in cases.networks
        ],
        "total": len(predictions.cases),
        "is_lps": kind in ("candidates", "whole scans"),
        "spacing": _spacing(cases.experiment, kind),
        "mark": {"candidates": "candidate", "arrays": "centre"}.get(kind, ""),
    }


def _case_kind(experiment: Mapping[str, Any]) -> str:
    name = (experiment.get("data") or {}).get("name")
    return DATASETS[name].cases if name in DATASETS else "arrays"


def _spacing(experiment: Mapping[str, Any], kind: str) -> list[float] | None:
    """The voxel spacing of resampled crops in mm along x, y, z."""
    spacing: list[float] | None = (experiment.get("data") or {}).get("spacing_mm")
    return spacing if kind == "candidates" else None


def _histograms(cases: ViewedCases) -> list[dict[str, Any]]:
    """Histograms of scores in the reported set, for each network and true class.

    The score is the probability of the positive class; with more than two classes, that of the true class.
    """
    predictions, edges = cases.predictions, np.linspace(0, 1, NUM_BINS + 1)
    is_binary = len(predictions.classes) == 2
    entries = []
    for number, network in enumerate(cases.networks):
        for label, name in enumerate(predictions.classes):
            members = (predictions.sets == cases.reported) & (predictions.y_true == label)
            scores = network.probabilities[members, cases.positive if is_binary else label]
            counts = np.histogram(scores, edges)[0].tolist()
            hue = network_name(number) if len(cases.networks) > 1 else cases.reported
            names = {"name": network.name, "class": name, "hue": hue}
            entries.append({"network": number, "label": label, "counts": counts, **names})
    return entries


def _notes(cases: ViewedCases, num_listed: int, embedded: EmbeddedCases, kept: Sequence[KeptCase]) -> list[str]:
    """Notes on what the page omits, rounds or reduces."""
    total, notes = len(cases.predictions.cases), []
    if len(embedded.cases) < len(kept):
        notes.append(
            f"The page has room for the images of {len(embedded.cases):,} of {len(kept):,} cases; the rest are listed."
        )
    if num_listed < total:
        notes.append(f"Selections search {num_listed:,} of the {total:,} cases, errors first.")
    if embedded.reduction > 1:
        notes.append(f"Large cases are shown as means over blocks of up to {embedded.reduction} voxels along an axis.")
    gallery = kept[0].gallery
    if gallery.scales is None:
        notes.append(
            "Runs of archnet 0.1 store grey values in the training window only, so no other window is available."
        )
    elif not gallery.is_hu:
        notes.append("The data are not known to be in Hounsfield units, so only the training window is available.")
    elif embedded.rounding > 1:
        notes.append(f"On this page, values are rounded to {embedded.rounding:g} HU.")
    if cases.shown:
        notes.append(f"The pictures show {cases.shown}.")
    return notes
