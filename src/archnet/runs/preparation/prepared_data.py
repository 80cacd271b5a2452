"""`PreparedData`: the cases of one split and their arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding
from archnet.data.checks.label_shares import summarize_soft_labels, summarize_weights
from archnet.data.checks.scan_records import ScanRecord
from archnet.data.dataset import Cases, Dataset, UnreadableScan
from archnet.data.scan_ranges import ScanRanges
from archnet.imaging import CasePlacement
from archnet.spec.experiment import SETS, Experiment
from archnet.spec.view import InputLimits, network_input, picture_channel


def label_summaries(cases: Cases) -> dict[str, Any]:
    """The summaries of soft labels and weights, JSON-ready, if the cases have any."""
    if not len(cases.ids):
        return {}
    return {
        **({} if cases.soft is None else {"soft_labels": summarize_soft_labels(cases.soft)}),
        **({} if cases.weight is None else {"case_weights": summarize_weights(cases.weight)}),
    }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedData:
    """The cases of one split and their arrays, shared by all runs on this split.

    Attributes:
        cases: The cases after sampling of negatives.
        sets: (N,) "train", "validation" or "test".
        values: (M, height, width[, depth]) raw values of the cases of all splits, channels last if there are several;
            may be memory-mapped.
        rows: (N,) row of each case in `values`.
        limits: Raw values that are scaled to 0 and 1.
        findings: Findings of the data checks.
        lost_scans: Unreadable scans, whose cases are missing.
        scan_ranges: Ranges of spacing, size and intensity of the scans of all sets; None without scans.
        scan_records: The record of each scan of all splits.
        scan_numbers: (N,) index into `scan_records` of the scan of each case; None without scans.
        geometry: SHA-256 of the positions of cases and of the geometry of scans; None without scans.
        flow: For each set the cases that were `found`, the negatives `not_drawn`, and those `lost` in unreadable scans.
        dataset: The data set if it knows the positions of its cases in scans; otherwise None.
    """

    cases: Cases
    sets: NDArray[np.str_]
    values: NDArray[Any]
    rows: NDArray[np.int64]
    limits: InputLimits
    findings: tuple[Finding, ...] = ()
    lost_scans: tuple[UnreadableScan, ...] = ()
    scan_ranges: ScanRanges | None = None
    scan_records: tuple[ScanRecord, ...] = ()
    scan_numbers: NDArray[np.int64] | None = None
    geometry: str | None = None
    flow: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    dataset: Dataset | None = None

    def to_document(self) -> dict[str, Any]:
        """The content of data.json: the data's digest, flow of cases, findings, missing scans, ranges of the others."""
        return {
            **self.digests(),
            "num_scans": self._num_scans(),
            "flow": {name: dict(counts) for name, counts in self.flow.items()},
            "findings": [finding.to_document() for finding in self.findings],
            "lost": [asdict(scan) for scan in self.lost_scans],
            "scans": self.scan_ranges and self.scan_ranges.to_document(),
            **label_summaries(self.cases),
        }

    def digests(self) -> dict[str, str]:
        """The digests of data.json, which differ between data that differ: `digest`, and with scans `geometry`."""
        return {"digest": self._digest(), **({} if self.geometry is None else {"geometry": self.geometry})}

    def _digest(self) -> str:
        """The SHA-256 of cases, groups, labels, weights, sets, and of the scans (without scans: of the arrays)."""
        cases, digest = self.cases, hashlib.sha256()
        for row in zip(
            cases.ids.tolist(), cases.groups.tolist(), cases.labels.tolist(), self.sets.tolist(), strict=True
        ):
            digest.update(repr(row).encode())
        for column in (cases.soft, cases.weight):
            digest.update(b"" if column is None else column.tobytes())
        for number in self._scans_in_order():
            digest.update(self.scan_records[number].identity.digest.encode())
        for place in self.rows.tolist() if self.scan_numbers is None else ():
            digest.update(np.ascontiguousarray(self.values[place]).tobytes())
        return digest.hexdigest()

    def _scans_in_order(self) -> list[int]:
        """The numbers of the scans, in the order of their first cases, whichever splits number them; empty without."""
        if self.scan_numbers is None:
            return []
        return list(dict.fromkeys(self.scan_numbers[np.argsort(self.rows, kind="stable")].tolist()))

    def _num_scans(self) -> dict[str, int]:
        """The number of scans in each set that has cases; empty without scans."""
        if self.scan_numbers is None:
            return {}
        return {name: len(np.unique(self.scan_numbers[self.sets == name])) for name in SETS if name in self.sets}

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one case, without channels."""
        return self.values.shape[1:-1] if self.limits.num_data_channels > 1 else self.values.shape[1:]

    @property
    def picture_values(self) -> NDArray[Any]:
        """The first channel of `values`, a NumPy view."""
        return picture_channel(self.values, self.limits)

    def place(self, rows: NDArray[np.int64]) -> list[CasePlacement | None]:
        """The positions of some cases in their scans, whose headers are read; None if unknown."""
        if self.dataset is None:
            return [None] * len(rows)
        order = np.argsort(self.dataset.cases.ids)
        positions = np.searchsorted(self.dataset.cases.ids, self.cases.ids[rows], sorter=order)
        return self.dataset.place(order[positions])

    def network_input(self, experiment: Experiment) -> NDArray[Any]:
        """The part of `values` that a network receives, a NumPy view in raw values."""
        return network_input(self.values, experiment)
