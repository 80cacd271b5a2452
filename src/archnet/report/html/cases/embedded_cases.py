"""The cases whose voxels and heat maps are embedded in a page, the most important first, up to its size limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np

from archnet.report.gallery_file import Gallery, HeatMaps
from archnet.report.html.cases.voxel_encoding import block_factors, block_means, encode_numbers, encode_voxels

MAX_TEXT: Final = 8_500_000
"""Maximum size of all voxels and heat maps on a page in bytes; the limit of a page is 15 MB."""

_GREY_LEVELS: Final = 1400
"""Number of grey levels of a window that are kept if there is room: 1 HU of the default window."""

_ROUNDINGS: Final = (1, 2, 4, 8)
_NUM_TRIALS: Final = 8
_MAX_HEAT: Final = 8192
"""Maximum number of features of a heat map on a page; finer maps are averaged over blocks."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptCase:
    """A case that can be embedded.

    Attributes:
        row: Its row in the page's table of cases.
        gallery: The gallery that contains it.
        number: Its index in the gallery.
        heat_maps: For each network, the heat maps and the index of the case in them; None if it has none.
    """

    row: int
    gallery: Gallery
    number: int
    heat_maps: tuple[tuple[HeatMaps, int] | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddedCases:
    """The embedded cases of a page.

    Attributes:
        cases: One entry for each case, JSON-ready.
        rounding: The multiple of a raw unit to which values are rounded.
        reduction: The largest number of voxels along an axis that were averaged into one.
    """

    cases: list[dict[str, Any]]
    rounding: float
    reduction: int


def embed_cases(cases: Sequence[KeptCase], max_text: int = MAX_TEXT) -> EmbeddedCases:
    """Encode cases in order until the page is full.

    Values are rounded only if the cases would not fit otherwise.

    Args:
        cases: The cases, the most important first.
        max_text: Maximum total size in bytes.
    """
    trials = cases[:: max(1, len(cases) // _NUM_TRIALS)]
    for rounding in _ROUNDINGS:
        size = sum(_text_size(_encode(case, rounding)) for case in trials)
        if size * len(cases) <= max_text * len(trials):
            break
    entries, left = [], max_text
    for case in cases:
        entry = _encode(case, rounding)
        left -= _text_size(entry)
        if left < 0:
            break
        entries.append(entry)
    return EmbeddedCases(
        cases=entries,
        rounding=max((_step(case.gallery, rounding) * _scale(case.gallery)[0] for case in cases), default=1.0),
        reduction=max(chain.from_iterable(entry["factors"] for entry in entries), default=1),
    )


def _text_size(entry: Mapping[str, Any]) -> int:
    return len(entry["voxels"]) + sum(len(heat["text"]) for heat in entry["heat"] if heat) + 300


def _encode(case: KeptCase, rounding: int) -> dict[str, Any]:
    encoded = encode_voxels(case.gallery.values[case.number], _step(case.gallery, rounding))
    factor, offset = _scale(case.gallery)
    return {
        "row": case.row,
        "size": [*case.gallery.shape, 1][:3],
        "shape": encoded.shape,
        "factors": encoded.factors,
        "factor": encoded.factor * factor,
        "offset": encoded.offset * factor + offset,
        "voxels": encoded.text,
        "window": case.gallery.window or (0, 255),
        "is_hu": case.gallery.is_hu,
        "heat": [None if entry is None else _encode_heat(*entry) for entry in case.heat_maps],
        **_placement(case.gallery, case.number),
    }


def _scale(gallery: Gallery) -> tuple[float, float]:
    """Factor and offset from stored to raw values; grey values of archnet 0.1 count as raw."""
    return (1.0, 0.0) if gallery.scales is None else (float(gallery.scales[0, 0]), float(gallery.scales[0, 1]))


def _step(gallery: Gallery, rounding: int) -> int:
    """The step to which stored values are rounded."""
    if gallery.window is None:
        return 1
    low, high = gallery.window
    return max(1, round(rounding * (high - low) / _GREY_LEVELS / _scale(gallery)[0]))


def _placement(gallery: Gallery, number: int) -> dict[str, Any]:
    """The position of the case in its scan; empty if unknown."""
    places = gallery.placements
    if places is None or np.isnan(places.centre_mm[number]).any():
        return {}
    return {
        "centre": places.centre_mm[number].round(3).tolist(),
        "steps": places.steps_mm[number].round(5).tolist(),
        "slices": places.slices[number].round(4).tolist(),
    }


def _encode_heat(maps: HeatMaps, number: int) -> dict[str, Any]:
    heat, grid = maps.heat[number], maps.grid.tolist()
    volume = heat if heat.ndim == 3 else heat[..., np.newaxis]
    axes = (*grid, [0.0, 1.0])[:3]
    factors = block_factors(volume.shape, _MAX_HEAT)
    numbers = np.rint(block_means(volume.astype(np.float64), factors)).astype(np.int64)
    return {
        "label": int(maps.labels[number]),
        "shape": numbers.shape,
        "starts": [start + (factor - 1) / 2 * step for (start, step), factor in zip(axes, factors, strict=True)],
        "steps": [step * factor for (_, step), factor in zip(axes, factors, strict=True)],
        "slice": maps.slice,
        "flat": heat.ndim == 2,
        "text": encode_numbers(numbers),
    }
