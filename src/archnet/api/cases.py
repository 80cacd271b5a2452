"""`load_data`: load the cases of a data set for inspection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archnet.api.display import ProgressOption, show_progress
from archnet.api.experiments import root_override
from archnet.api.paths import check_list
from archnet.data.checks.findings import Finding
from archnet.errors import DocumentError
from archnet.files.attribute_values import Attribute
from archnet.files.strict_json import plain_json
from archnet.spec.experiment import Range
from archnet.spec.overrides import parse_settings
from archnet.spec.resolve import allow_override, data_experiments

if TYPE_CHECKING:
    from archnet.runs.preparation import PreparedData


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CaseData:
    """Cases of a data set with their voxels, preprocessed as in a run.

    Attributes:
        name: Name of the data set.
        ids: Unique names of the N cases, shape (N,).
        groups: Scan or patient of each case, shape (N,); a split by group keeps each group in one set.
        labels: Class of each case as an index into `classes`, shape (N,).
        sets: Set of each case, "train", "validation" or "test", shape (N,).
        images: Raw values (HU for scans), shape (N, height, width[, depth]), channels last if there are several.
            Memory-mapped from the crop store: a case is read when it is indexed.
        limits: Raw values (low, high) that are scaled to 0 and 1 for a network; with several channels or windows, one
            pair for each channel of the network's input.
        classes: Class names.
        positive: Name of the positive class.
        findings: What the data checks found.
        attributes: Attributes of the cases, such as diameters and scanners: for each name, one text per case, shape
            (N,), empty where unknown.
        soft: Share of each class in the label of each case, shape (N, classes); None where the data have hard labels.
        weight: Weight of each case, shape (N,); None where the data have none.
    """

    name: str
    ids: NDArray[np.str_]
    groups: NDArray[np.str_]
    labels: NDArray[np.int64]
    sets: NDArray[np.str_]
    images: NDArray[Any]
    limits: Range | tuple[Range, ...]
    classes: tuple[str, ...]
    positive: str
    findings: tuple[Finding, ...]
    attributes: Mapping[str, Attribute]
    soft: NDArray[np.float32] | None = None
    weight: NDArray[np.float32] | None = None

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
    allow: Sequence[str] = (),
    progress: ProgressOption = None,
) -> CaseData:
    """Load the cases of a data set, preprocessed as in a run; extract crops that are missing from the crop store.

    >>> data = archnet.load_data("phantom")  # doctest: +SKIP
    >>> data.images[0], data.classes[data.labels[0]]  # doctest: +SKIP
    >>> archnet.load_data({"name": "luna16", "spacing_mm": [1, 1, 1]}, root="/data/LUNA16")  # doctest: +SKIP

    Args:
        data: Name of a data set, npz:PATH, or the "data" section of an experiment.
        root: Data folder. Defaults to $ARCHNET_DATA/NAME, or the user data folder.
        settings: Overrides for other keys of the experiment, such as {"split.seed": 1}. With "split.folds", the sets
            are those of the first fold.
        strict: Try all scans, then fail if any is unreadable or a candidate lies outside its scan. By default, they are
            skipped with a warning.
        allow: Data checks whose errors do not raise an exception, such as ["near_duplicates"] ("data.allow").
        progress: None (the default) shows progress in notebooks and on terminals, True always, False never.

    Returns:
        The N cases: `images` (N, height, width[, depth]) in raw values (HU for scans), `labels`, `groups` and `sets`.

    Raises:
        ArchnetError: The data set is unknown, missing or damaged, does not match the options, or has an error that is
            not allowed.
    """
    overrides = [*root_override(root), *parse_settings(settings), *allow_override(check_list(allow))]
    if not isinstance(data, str | Mapping):
        raise DocumentError(f'data={data!r}: expected a name, npz:PATH, or a mapping such as {{"name": "phantom"}}.')
    section = data if isinstance(data, str) else plain_json(data, "data")
    experiment = data_experiments(section, overrides)[0]
    from archnet.data import open_dataset
    from archnet.runs.log import log_findings
    from archnet.runs.preparation import prepare

    with show_progress(progress) as display:
        dataset = open_dataset(experiment.data, display.progress)
        (prepared,) = prepare(dataset, [experiment], display.progress, strict=strict)
        log_findings(prepared.findings, experiment.data)
    return _case_data(experiment.data.name, prepared)


def _case_data(name: str, prepared: PreparedData) -> CaseData:
    cases, rows = prepared.cases, prepared.rows
    channels = prepared.limits.channels
    are_all = np.array_equal(rows, np.arange(len(prepared.values)))
    return CaseData(
        name=name,
        ids=cases.ids,
        groups=cases.groups,
        labels=cases.labels,
        sets=prepared.sets,
        images=prepared.values if are_all else prepared.values[rows],
        limits=channels[0] if len(channels) == 1 else channels,
        classes=cases.classes,
        positive=cases.classes[cases.positive],
        findings=prepared.findings,
        attributes=cases.attributes,
        soft=cases.soft,
        weight=cases.weight,
    )
