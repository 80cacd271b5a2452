"""`load_data`: the cases of a data set, for a look at them in Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archnet.api.display import ProgressOption, show_progress
from archnet.files.strict_json import plain_json
from archnet.spec.overrides import parse_key
from archnet.spec.resolve import data_experiments

if TYPE_CHECKING:
    from archnet.runs.preparation import PreparedData


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CaseData:
    """The cases that a run on a data set sees, with their voxels.

    Attributes:
        name: The data set.
        ids: Unique names of the N cases, shape (N,).
        groups: The scan or patient of each case, shape (N,); a split by group keeps these together.
        labels: Index into `classes`, shape (N,).
        sets: "train", "validation" or "test", shape (N,).
        images: Raw values, of scans HU, shape (N, height, width[, depth]); memory-mapped from the crop store, so that a
            case is read when it is indexed.
        limits: Raw values that become 0 and 1 in a network.
        classes: The class names.
        positive: The class whose recall counts.
        notes: What a reader of results on these data should know, one sentence each.
    """

    name: str
    ids: NDArray[np.str_]
    groups: NDArray[np.str_]
    labels: NDArray[np.int64]
    sets: NDArray[np.str_]
    images: NDArray[Any]
    limits: tuple[float, float]
    classes: tuple[str, ...]
    positive: str
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        counts = np.bincount(self.labels, minlength=len(self.classes)).tolist()
        classes = ", ".join(f"{count:,} {name}" for name, count in zip(self.classes, counts, strict=True))
        return f"CaseData({self.name}: {classes}; {'x'.join(map(str, self.images.shape[1:]))})"


def load_data(
    data: str | Mapping[str, Any],
    *,
    root: PathLike[str] | str | None = None,
    settings: Mapping[str, Any] | None = None,
    strict: bool = False,
    progress: ProgressOption = None,
) -> CaseData:
    """Load the cases that a run on a data set would see; crops that are not stored yet are cut now.

    >>> data = archnet.load_data("phantom")  # doctest: +SKIP
    >>> data.images[0], data.classes[data.labels[0]]  # doctest: +SKIP
    >>> archnet.load_data({"name": "luna16", "spacing_mm": [1, 1, 1]}, root="/data/LUNA16")  # doctest: +SKIP

    Args:
        data: As after `--data`, a name or npz:PATH; or the "data" section of an experiment.
        root: Folder of the data.
        settings: Values of other keys of the experiment, such as {"split.seed": 1}. With folds, the first is taken.
        strict: Fail if a scan cannot be read; otherwise its cases are left out, with a warning.
        progress: Null shows progress in a notebook and on a terminal, true everywhere, false nowhere.

    Raises:
        ArchnetError: The data set is unknown, missing, damaged, or not what the options say.
    """
    overrides = [(parse_key(key), plain_json(value, key)) for key, value in (settings or {}).items()]
    if root is not None:
        overrides.insert(0, (("data", "root"), str(Path(root))))
    section = data if isinstance(data, str) else plain_json(data, "data")
    experiment = data_experiments(section, overrides)[0]
    from archnet.data import open_dataset
    from archnet.runs.log import log
    from archnet.runs.preparation import prepare

    with show_progress(progress) as display:
        dataset = open_dataset(experiment.data, display.progress)
        (prepared,) = prepare(dataset, [experiment], display.progress, strict=strict)
        for note in prepared.notes:
            log.warning(note)
    return _case_data(experiment.data.name, prepared)


def _case_data(name: str, prepared: PreparedData) -> CaseData:
    cases, rows = prepared.cases, prepared.rows
    are_all = np.array_equal(rows, np.arange(len(prepared.values)))
    return CaseData(
        name=name,
        ids=cases.ids,
        groups=cases.groups,
        labels=cases.labels,
        sets=prepared.sets,
        images=prepared.values if are_all else prepared.values[rows],
        limits=prepared.limits,
        classes=cases.classes,
        positive=cases.classes[cases.positive],
        notes=prepared.notes,
    )
