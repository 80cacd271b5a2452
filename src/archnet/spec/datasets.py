"""The data sets' names, options and defaults; `data/` owns the code that reads them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

COMMON_OPTIONS: Final = frozenset({"name", "root", "positive", "view", "window_hu"})
"""Options that every data set takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """What a data set is and which options it takes beside the common ones.

    Attributes:
        description: One line for help texts.
        defaults: Its own options with their defaults.
        has_whole_scans: Cases are whole scans, not crops.
    """

    description: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    has_whole_scans: bool = False

    @property
    def options(self) -> frozenset[str]:
        """Every option that it takes."""
        return COMMON_OPTIONS | frozenset(self.defaults)


_CROP_OPTIONS: Final = {
    "crop_size": (64, 64, 10),
    "spacing_mm": None,
    "crop_size_mm": None,
    "negatives_per_positive": 5,
}
_VOLUME_OPTIONS: Final = {"crop_size": (128, 128, 64)}

DATASETS: Final[dict[str, DatasetSpec]] = {
    "luna16": DatasetSpec(
        description="LUNA16: a crop around each candidate of candidates.csv or candidates_V2.csv",
        defaults=_CROP_OPTIONS,
    ),
    "phantom": DatasetSpec(
        description="generated chest scans in LUNA16's layout: nodules against vessels", defaults=_CROP_OPTIONS
    ),
    "mosmed": DatasetSpec(
        description="whole scans (.nii, .nii.gz) in class folders such as CT-0 and CT-23",
        defaults=_VOLUME_OPTIONS,
        has_whole_scans=True,
    ),
    "folder": DatasetSpec(
        description="whole scans of any readable format in class folders",
        defaults=_VOLUME_OPTIONS,
        has_whole_scans=True,
    ),
    "npz": DatasetSpec(
        description="npz:PATH, arrays x (N, height, width[, depth]) and y, optionally group and split",
        defaults={"range": "auto", "axes": "hwd"},
    ),
}


def size_in_voxels(size_mm: Sequence[float], spacing_mm: Sequence[float]) -> tuple[int, int, int]:
    """The nearest whole number of voxels, at least one, that a size (height, width, depth) takes; ties up.

    >>> size_in_voxels((45.0, 45.0, 25.0), (0.7, 0.7, 2.5))
    (64, 64, 10)
    """
    x_mm, y_mm, z_mm = spacing_mm
    height, width, depth = (
        max(1, math.floor(round(length / step, 6) + 0.5))
        for length, step in zip(size_mm, (y_mm, x_mm, z_mm), strict=True)
    )
    return height, width, depth
