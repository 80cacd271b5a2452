"""Record the scans that a run was trained on, so that they are recognized later.

A scan is recognized by its series UID or by a digest of its voxels. Patients are not recorded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding, first_names
from archnet.errors import pluralize
from archnet.evaluation.run_folder import read_optional_json
from archnet.imaging.scan_identity import DIGEST_LENGTH, ScanIdentity
from archnet.runs.preparation.prepared_data import PreparedData
from archnet.spec.experiment import Experiment

TRAINING_SCANS_FILE: Final = "training_scans.json"

KNOWN_SETS: Final = ("train", "validation")
"""Sets whose scans influence the weights or their selection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingScan:
    """A scan with cases in the training or validation set.

    Attributes:
        identity: Identifiers of the scan.
        sets: "train", "validation" or both.
    """

    identity: ScanIdentity
    sets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingScans:
    """The training scans or cases of a run.

    Attributes:
        scans: Its scans; empty for a run on arrays.
        cases: Digests of the cases by set; empty for a run on scans.
    """

    scans: tuple[TrainingScan, ...] = ()
    cases: Mapping[str, tuple[str, ...]]

    def to_document(self) -> dict[str, Any]:
        """The content of training_scans.json; `parse_training_scans` reads it back."""
        scans = [
            {"series_uid": scan.identity.series_uid, "digest": scan.identity.digest, "sets": list(scan.sets)}
            for scan in self.scans
        ]
        return {"scans": scans, "cases": {name: list(digests) for name, digests in self.cases.items()}}

    def hashed(self) -> TrainingScans:
        """The same with UIDs and digests replaced by their hashes, which can be matched only with the scan itself."""
        scans = tuple(
            TrainingScan(
                identity=ScanIdentity(
                    series_uid=scan.identity.series_uid and hash_text(scan.identity.series_uid),
                    digest=hash_text(scan.identity.digest),
                ),
                sets=scan.sets,
            )
            for scan in self.scans
        )
        cases = {name: tuple(map(hash_text, digests)) for name, digests in self.cases.items()}
        return TrainingScans(scans=scans, cases=cases)

    def sets_of(self, identity: ScanIdentity) -> tuple[str, ...]:
        """The sets that contained a scan; empty if none did."""
        found = {
            name
            for scan in self.scans
            if scan.identity.digest == identity.digest
            or (identity.series_uid is not None and scan.identity.series_uid == identity.series_uid)
            for name in scan.sets
        }
        return tuple(name for name in KNOWN_SETS if name in found)

    @property
    def series_uids(self) -> frozenset[str]:
        """The known series UIDs."""
        return frozenset(scan.identity.series_uid for scan in self.scans if scan.identity.series_uid is not None)


def hash_text(text: str) -> str:
    """The SHA-256 of a UID or a digest, as listed with an exported model."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def list_training_scans(prepared: PreparedData) -> TrainingScans:
    """List the scans or cases of the training and validation sets."""
    numbers = prepared.scan_numbers
    if numbers is None:
        rows = {name: prepared.rows[prepared.sets == name] for name in KNOWN_SETS}
        cases = {name: tuple(case_digest(prepared.values[row]) for row in rows[name]) for name in KNOWN_SETS}
        return TrainingScans(cases={name: digests for name, digests in cases.items() if digests})
    sets: dict[int, set[str]] = {}
    for number, name in zip(numbers.tolist(), prepared.sets.tolist(), strict=True):
        sets.setdefault(number, set()).add(name)
    scans = tuple(
        TrainingScan(
            identity=prepared.scan_records[number].identity,
            sets=tuple(name for name in KNOWN_SETS if name in sets[number]),
        )
        for number in sorted(sets)
        if sets[number] & set(KNOWN_SETS)
    )
    return TrainingScans(scans=scans, cases={})


def find_known_cases(experiment: Experiment, prepared: PreparedData) -> Iterator[Finding]:
    """Find the test cases on which the run that provides the initial weights was trained or validated.

    Args:
        experiment: The experiment; only a run folder in `training.init` can be checked.
        prepared: The cases.
    """
    init = experiment.training.init
    known = read_training_scans(Path(init.weights)) if init else None
    if known is None:
        return
    is_test = prepared.sets == "test"
    names = prepared.cases.ids[is_test][_are_known(known, prepared, is_test)].tolist()
    if names:
        yield Finding(
            check="starting_weights",
            severity="warning",
            message=(
                f"{len(names):,} of {pluralize(int(is_test.sum()), 'test case')} come from scans or cases on which the "
                "initial weights were trained or validated, so the test results are optimistic: "
                f"{first_names(names)}."
            ),
            cases=tuple(names),
            remedy="Use initial weights from different scans, or the same split in both runs.",
        )


def _are_known(known: TrainingScans, prepared: PreparedData, selected: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the scans of selected cases, or the cases themselves without scans, are known."""
    if prepared.scan_numbers is None:
        digests = {digest for group in known.cases.values() for digest in group}
        rows = prepared.rows[selected]
        return np.array([case_digest(prepared.values[row]) in digests for row in rows], np.bool_)
    numbers = prepared.scan_numbers[selected]
    known_numbers = [one for one in np.unique(numbers) if known.sets_of(prepared.scan_records[int(one)].identity)]
    return np.isin(numbers, known_numbers)


def case_digest(case: NDArray[Any]) -> str:
    """A digest of the values of a case, independent of their data type."""
    content = repr(case.shape).encode() + np.ascontiguousarray(case, "<f4").tobytes()
    return hashlib.sha256(content).hexdigest()[:DIGEST_LENGTH]


def read_training_scans(folder: Path) -> TrainingScans | None:
    """Read the training scans of a run; None if an older archnet made the run and did not record them.

    Raises:
        DataError: The file is damaged.
    """
    document = read_optional_json(folder / TRAINING_SCANS_FILE)
    return None if document is None else parse_training_scans(document)


def hashed_training_scans(folder: Path) -> TrainingScans | None:
    """The training scans of a run by hash, for publication; None if they are unknown.

    Raises:
        DataError: The file is damaged.
    """
    training = read_training_scans(folder)
    return training and training.hashed()


def parse_training_scans(document: Mapping[str, Any]) -> TrainingScans:
    """Parse the result of `TrainingScans.to_document`.

    Raises:
        KeyError: A key is missing.
    """
    scans = tuple(
        TrainingScan(
            identity=ScanIdentity(series_uid=scan["series_uid"], digest=scan["digest"]), sets=tuple(scan["sets"])
        )
        for scan in document["scans"]
    )
    return TrainingScans(scans=scans, cases={name: tuple(digests) for name, digests in document["cases"].items()})
