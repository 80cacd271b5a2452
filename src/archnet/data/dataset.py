"""Cases, a table without voxels, and Dataset, which extracts the voxels of selected rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding
from archnet.data.checks.scan_records import ScanRecord
from archnet.errors import DataError, did_you_mean
from archnet.files.attribute_values import Attribute
from archnet.files.progress import Progress, no_progress
from archnet.imaging import CasePlacement
from archnet.spec.view import InputLimits

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cases:
    """A table of cases, one row per case.

    Attributes:
        ids: Unique, readable names.
        groups: The patient or scan of each case; a split by group keeps groups together.
        labels: Index into `classes`.
        classes: Class names, in the order of the labels.
        own_sets: "train", "validation" or "test" if the data set has its own split, else None.
        folds: The official fold, -1 for a case outside the folds; None if the data set has no official folds.
        positive: Index into `classes` of the positive class, for which recall is reported.
        attributes: Further attributes of the cases, such as a diameter or a scanner, by name.
        soft: (N, classes) float32, the share of each class in the label of each case, such as the share of readers who
            chose it; each row sums to 1. A case without a soft label has a row with a single 1. None if the data set
            has only hard labels. `labels` are hard labels in both cases.
        weight: (N,) float32, positive: the relative weight of each case in the loss. None if all cases have equal
            weights.
        train_only: (N,) whether a case has a soft label but no valid hard label, so that it can only be used for
            training, not in validation and test sets. None if there are no such cases.
    """

    ids: NDArray[np.str_]
    groups: NDArray[np.str_]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    own_sets: NDArray[np.str_] | None = None
    folds: NDArray[np.int64] | None = None
    positive: int = 1
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    soft: NDArray[np.float32] | None = None
    weight: NDArray[np.float32] | None = None
    train_only: NDArray[np.bool_] | None = None

    @property
    def has_label(self) -> NDArray[np.bool_]:
        """(N,) whether a case has a valid hard label, so that it counts as a case of its class."""
        return np.ones(len(self.ids), np.bool_) if self.train_only is None else ~self.train_only

    def count_classes(self) -> NDArray[np.int64]:
        """(classes,) number of cases of each class, without those that have only a soft label."""
        return np.bincount(self.labels[self.has_label], minlength=len(self.classes))

    def select(self, rows: NDArray[np.int64]) -> Cases:
        """Select rows of the table, in the order of `rows`."""
        return replace(
            self,
            ids=self.ids[rows],
            groups=self.groups[rows],
            labels=self.labels[rows],
            own_sets=None if self.own_sets is None else self.own_sets[rows],
            folds=None if self.folds is None else self.folds[rows],
            attributes={name: values[rows] for name, values in self.attributes.items()},
            soft=None if self.soft is None else self.soft[rows],
            weight=None if self.weight is None else self.weight[rows],
            train_only=None if self.train_only is None else self.train_only[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableScan:
    """A scan that could not be read.

    Attributes:
        scan: Its path.
        reason: The problem.
        num_cases: Number of its cases, which are missing.
    """

    scan: str
    reason: str
    num_cases: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crops:
    """The arrays of some cases.

    Attributes:
        values: (N, height, width[, depth]) raw values, channels last if there are several; may be memory-mapped.
        is_there: (N,) false for cases whose scan could not be read.
        scans: The scans of the other cases, without duplicates; empty if the data set has none.
        scan_records: The record of each of `scans`.
        scan_numbers: (N,) index into `scans` of the scan of each case; -1 if it could not be read; None without scans.
        unreadable_scans: The scans that could not be read.
    """

    values: NDArray[Any]
    is_there: NDArray[np.bool_]
    scans: tuple[Path, ...] = ()
    scan_records: tuple[ScanRecord, ...] = ()
    scan_numbers: NDArray[np.int64] | None = None
    unreadable_scans: tuple[UnreadableScan, ...] = ()


class Dataset(ABC):
    """Cases and their arrays.

    Attributes:
        cases: The table.
        shape: Shape of one case without channels: (height, width) or (height, width, depth).
        limits: Raw values that the model maps to 0 and 1; their `num_data_channels` matches the cases.
        findings: Findings from reading the lists.
        series: The CT series to read in DICOM folders with several; see `series_to_read`.
        root: Folder or file of the data set; None if it has none.
        counts: Numbers of cases by criteria other than class and set, such as readers, before any case is excluded.
    """

    cases: Cases
    shape: tuple[int, ...]
    limits: InputLimits
    findings: tuple[Finding, ...] = ()
    series: str | None = None
    root: Path | None = None
    counts: Mapping[str, Mapping[str, int]] = {}

    @abstractmethod
    def crops(self, rows: NDArray[np.int64], progress: Progress = no_progress) -> Crops:
        """Extract cases, in the order of `rows`."""

    def points_mm(self, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """The world positions (x, y, z) around which cases are cropped, LPS, (n, 3); None if whole scans are used."""
        return None

    def place(self, rows: NDArray[np.int64]) -> list[CasePlacement | None]:
        """Positions of cases in their scans; None if unknown."""
        return [None] * len(rows)

    def store_summary(self, rows: NDArray[np.int64]) -> str | None:
        """Describe the crop store of cases in one line; None if the data set has none."""
        return None

    @abstractmethod
    def crop(self, row: int) -> NDArray[Any]:
        """Extract one case, (*shape), channels last if there are several, for a preview; it is not stored."""


def positive_class(classes: Sequence[str], wanted: str | None, default: int = 1) -> int:
    """Index of the positive class, for which recall is reported.

    Raises:
        DataError: There are fewer than two classes, or the requested class does not exist.
    """
    if len(classes) < 2:
        raise DataError(
            f"classification needs at least two classes, but the data have {len(classes)}: {', '.join(classes)}."
        )
    if wanted is None:
        return default
    if wanted not in classes:
        known = ", ".join(f'"{name}"' for name in classes)
        raise DataError(f'data.positive: no class "{wanted}".{did_you_mean(wanted, classes)} The data have {known}.')
    return list(classes).index(wanted)
