"""Descriptions of the data sets: options, defaults, layout on disk and published files.

`data/` opens data sets, and `fetching/` downloads them. The key of a data set in `DATASETS` is its name in documents,
on the command line and below `$ARCHNET_DATA`.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from archnet.files.luna16_lists import ANNOTATIONS_FILE, CANDIDATE_FILES

COMMON_OPTIONS: Final = frozenset({"name", "root", "cases", "positive", "view", "window_hu", "allow"})
"""Options of every data set."""

CaseKind = Literal["candidates", "whole scans", "arrays"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile:
    """A published file of a data set.

    Attributes:
        archive: Name of the file on the server.
        target: The resulting file or folder below the root of the data set.
        record: Number of the Zenodo record that lists the file; null for a release file.
        subset: Number of its subset; null for a file that is always fetched.
        is_optional: Whether the file may be missing in a record.
    """

    archive: str
    target: str
    record: int | None = None
    subset: int | None = None
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """A data set.

    Attributes:
        description: One line for help texts.
        layout: Content of its root, as the end of the sentence "NAME needs ...".
        cases: Crops around candidates, whole scans, or arrays.
        defaults: Its options in addition to the common ones, with their defaults.
        symmetry: Why flips and right-angle rotations do not change the class of a case; empty if unknown.
        is_file: Whether its root is a file, given as NAME:PATH, instead of a folder.
        published: The files to fetch; empty for a data set that cannot be fetched.
    """

    description: str
    layout: str
    cases: CaseKind
    defaults: Mapping[str, Any] = field(default_factory=dict)
    symmetry: str = ""
    is_file: bool = False
    published: tuple[PublishedFile, ...] = ()

    @property
    def options(self) -> frozenset[str]:
        """All options of the data set."""
        return COMMON_OPTIONS | frozenset(self.defaults)

    @property
    def subsets(self) -> tuple[int, ...]:
        """Numbers of its published subsets, ascending."""
        return tuple(sorted({file.subset for file in self.published if file.subset is not None}))


_CROP_OPTIONS: Final = {
    "crop_size": (64, 64, 10),
    "spacing_mm": None,
    "crop_size_mm": None,
    "negatives_per_positive": 5,
}
READING_OPTIONS: Final = {
    "task": "nodule",
    "readings": None,
    "undecided": "leave_out",
    "label_weights": "equal",
}
"""Options of data sets whose scans are from LIDC-IDRI and have readings."""

_CANDIDATE_SYMMETRY: Final = "crops have no fixed orientation"
_VOLUME_OPTIONS: Final = {"crop_size": (128, 128, 64), "series": None}
_LUNA16_LAYOUT: Final = "subset0 to subset9 (any number of them) with .mhd scans, and candidates.csv"

# doi:10.5281/zenodo.3723295 and doi:10.5281/zenodo.4121926
_LUNA16_FILES: Final = (
    PublishedFile(archive=ANNOTATIONS_FILE, target=ANNOTATIONS_FILE, record=3723295),
    PublishedFile(archive=CANDIDATE_FILES[0], target=CANDIDATE_FILES[0], record=3723295),
    PublishedFile(archive="candidates_V2.zip", target=CANDIDATE_FILES[1], record=3723295, is_optional=True),
    PublishedFile(archive="evaluationScript.zip", target="evaluationScript", record=3723295, is_optional=True),
    *(
        PublishedFile(
            archive=f"subset{number}.zip",
            target=f"subset{number}",
            record=3723295 if number < 7 else 4121926,
            subset=number,
        )
        for number in range(10)
    ),
)

DATASETS: Final[dict[str, DatasetSpec]] = {
    "luna16": DatasetSpec(
        description="LUNA16: a crop around each candidate of candidates.csv or candidates_V2.csv",
        layout=_LUNA16_LAYOUT,
        cases="candidates",
        defaults={**_CROP_OPTIONS, **READING_OPTIONS},
        symmetry=_CANDIDATE_SYMMETRY,
        published=_LUNA16_FILES,
    ),
    "phantom": DatasetSpec(
        description="synthetic chest scans in LUNA16's layout: nodules versus vessels",
        layout=_LUNA16_LAYOUT,
        cases="candidates",
        defaults=_CROP_OPTIONS,
        symmetry=_CANDIDATE_SYMMETRY,
    ),
    "mosmed": DatasetSpec(
        description="whole scans (.nii, .nii.gz) in class folders such as CT-0 and CT-23",
        layout="one folder for each class (CT-0, CT-23) with scans inside",
        cases="whole scans",
        defaults=_VOLUME_OPTIONS,
        published=tuple(PublishedFile(archive=f"{name}.zip", target=name) for name in ("CT-0", "CT-23")),
    ),
    "folder": DatasetSpec(
        description="whole scans of any readable format in class folders",
        layout="one folder for each class (CT-0, CT-23) with scans inside",
        cases="whole scans",
        defaults=_VOLUME_OPTIONS,
    ),
    "npz": DatasetSpec(
        description="npz:PATH, arrays x (N, height, width[, depth]) and y; also group, split, classes, soft, weight",
        layout="an .npz file with the arrays x and y",
        cases="arrays",
        defaults={"channels": 1, "range": "auto", "axes": "hwd", "classes": None},
        is_file=True,
    ),
}


WORK_FOLDER: Final = ".fetch"
"""Folder in that of a data set for archives while they are downloaded and unpacked."""

FETCHABLE_DATASETS: Final = tuple(name for name, spec in DATASETS.items() if spec.published)


def dataset_names() -> str:
    """List the data sets as command arguments, for a sentence."""
    *names, last = (f"{name}:PATH" if spec.is_file else name for name, spec in DATASETS.items())
    return f"{', '.join(names)} or {last}"


def command_arguments(name: str, root: str | None) -> str:
    """Format a data set as command-line arguments.

    >>> command_arguments("npz", "cubes.npz"), command_arguments("luna16", "/data/LUNA16")
    ('npz:cubes.npz', 'luna16 --root /data/LUNA16')
    """
    if root is None:
        return name
    return shlex.quote(f"{name}:{root}") if DATASETS[name].is_file else f"{name} --root {shlex.quote(root)}"


def size_in_voxels(size_mm: Sequence[float], spacing_mm: Sequence[float]) -> tuple[int, int, int]:
    """Convert a size (height, width, depth) to the nearest number of voxels, at least 1; ties are rounded up.

    >>> size_in_voxels((45.0, 45.0, 25.0), (0.7, 0.7, 2.5))
    (64, 64, 10)
    """
    x_mm, y_mm, z_mm = spacing_mm
    height, width, depth = (
        max(1, math.floor(round(length / step, 6) + 0.5))
        for length, step in zip(size_mm, (y_mm, x_mm, z_mm), strict=True)
    )
    return height, width, depth
