"""Class folders of whole scans: `mosmed` (CT-0, CT-23; Morozov et al. 2020, arXiv:2005.06465) and `folder`.

A scan is a file, or a folder that holds one DICOM series.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding
from archnet.data.crops import WholeVolumes
from archnet.data.dataset import Cases, positive_class
from archnet.data.patients import PATIENTS_FILE, read_patients
from archnet.data.scan_dataset import ScanDataset, crop_size, require_root
from archnet.errors import DataError
from archnet.files.progress import Progress, no_progress
from archnet.imaging import READERS, scan_suffix
from archnet.imaging.dicom_folders import is_series, read_patient_id
from archnet.spec.experiment import Data


class FolderDataset(ScanDataset):
    """Whole scans, resized; the folder that a scan lies in is its class."""

    def __init__(self, root: Path, data: Data) -> None:
        paths = _find_scans_by_class(root)
        classes = tuple(sorted(paths))
        self._paths = [path for name in classes for path in paths[name]]
        ids = [f"{path.parent.name}/{_stem(path)}" for path in self._paths]
        groups, self.findings = _assign_groups(ids, self._paths, root)
        self.cases = Cases(
            ids=np.array(ids),
            groups=np.array(groups),
            labels=np.repeat(np.arange(len(classes)), [len(paths[name]) for name in classes]),
            classes=classes,
            positive=positive_class(classes, data.positive),
        )
        self.shape = crop_size(data)
        self.limits = data.window_hu
        self._source = f"{data.name} in {root}"

    def recipe(self, rows: NDArray[np.int64]) -> WholeVolumes:
        """Whole volumes in HU, clipped to the window and resized."""
        scans = [self._paths[row] for row in rows]
        return WholeVolumes(self._source, self.cases.ids[rows], scans, self.shape, self.limits)


def open_folder(data: Data, progress: Progress = no_progress) -> FolderDataset:
    """The scans of class folders.

    Raises:
        DataError: The folder is missing, or does not hold at least two classes of at least two scans.
    """
    return FolderDataset(require_root(data), data)


def _find_scans_by_class(root: Path) -> dict[str, list[Path]]:
    folders = [path for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    paths = {folder.name: _find_scans(folder) for folder in folders}
    if len(paths) < 2:
        found = f"only {folders[0].name}" if folders else "none"
        raise DataError(f"{root}: at least two class folders with scans are needed, there is {found}.")
    for name, scans in paths.items():
        if len(scans) < 2:
            raise DataError(
                f"{root / name}: a class needs at least two scans ({', '.join(READERS)}, DICOM folders), there "
                f"{'is one' if scans else 'are none'}. Add scans, or move the folder away."
            )
    return paths


def _find_scans(folder: Path) -> list[Path]:
    scans = [path for path in sorted(folder.iterdir()) if _is_scan(path)]
    stems = [_stem(path) for path in scans]
    for path, stem in zip(scans, stems, strict=True):
        if stems.count(stem) > 1:
            raise DataError(f"{path}: the folder holds this scan in two formats. Remove one of them.")
    return scans


def _is_scan(path: Path) -> bool:
    if path.is_dir():
        return not path.name.startswith(".") and is_series(path)
    return path.is_file() and scan_suffix(path) in READERS


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.name[: -len(scan_suffix(path))]


def _assign_groups(ids: list[str], paths: list[Path], root: Path) -> tuple[list[str], tuple[Finding, ...]]:
    """The group of each case, and a finding where patients are not distinguished.

    Scans of one patient are one group; patients.csv knows them best, by the case's name ("CT-0/study_1"), then DICOM's
    PatientID. A group bears the name of its first case, since what a run writes may be shown to others and a PatientID
    may not. A scan whose patient is unknown is a group of its own, and so is every scan where all have the same
    PatientID: an anonymising program wrote it. Wherever else it is in doubt whether two scans are of one patient they
    stay together, which never leaks.
    """
    listed_patients = read_patients(root / PATIENTS_FILE, ids) if (root / PATIENTS_FILE).is_file() else {}
    patients = [
        listed_patients[case] if case in listed_patients else read_patient_id(path) if path.is_dir() else None
        for case, path in zip(ids, paths, strict=True)
    ]
    if not listed_patients and patients[0] is not None and len(set(patients)) == 1:
        message = f"All {len(ids)} scans have the same PatientID, so it names no patient: each scan is its own group."
        remedy = f"If patients have several scans, list them in {root / PATIENTS_FILE} (seriesuid, patient)."
        return ids, (Finding(check="patients", severity="warning", message=message, remedy=remedy),)
    first_case: dict[str, str] = {}
    groups = [
        case if patient is None else first_case.setdefault(patient, case)
        for case, patient in zip(ids, patients, strict=True)
    ]
    return groups, ()
