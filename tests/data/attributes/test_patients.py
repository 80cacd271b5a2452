"""patients.csv: which series belong to one patient, and what a list may not say."""

import numpy as np
import pytest

from archnet.data.attributes.patients import LUNA16_PATIENTS, patient_groups, read_patients
from archnet.data.luna16 import Luna16Dataset
from archnet.errors import DataError
from archnet.spec.experiment import Data

KNOWN = ("1.2.3", "1.2.4", "1.2.5")


def _written(folder, text, encoding="utf-8"):
    (folder / "patients.csv").write_bytes(text.encode(encoding))
    return folder / "patients.csv"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("seriesuid,patient\n1.2.3,p1\n1.2.5,p1\n", "utf-8"),
        ("seriesuid,patient\r\n1.2.3,p1\r\n\r\n1.2.5,p1\r\n", "utf-8-sig"),
        ("age,patient,seriesuid\n60, p1 ,1.2.3\n61,p1, 1.2.5", "utf-8"),
    ],
)
def test_series_of_one_patient_are_one_group_and_the_others_stand_for_themselves(tmp_path, text, encoding):
    _written(tmp_path, text, encoding)
    groups = patient_groups(["1.2.5", "1.2.4", "1.2.3", "1.2.5"], tmp_path, KNOWN, {})
    assert groups.tolist() == ["p1", "1.2.4", "p1", "p1"]


def test_without_a_list_only_lunas_own_patient_is_known(tmp_path):
    groups = patient_groups(["1.2.4", *LUNA16_PATIENTS], tmp_path, KNOWN, {})
    assert groups.tolist() == ["1.2.4", "LIDC-IDRI-0332", "LIDC-IDRI-0332"]


def test_lunas_patient_with_two_series_is_in_lunas_own_list(real_data):
    series = (real_data / "luna16_lists/seriesuids.csv").read_text().split()
    assert set(LUNA16_PATIENTS) <= set(series)


def test_a_list_next_to_the_candidates_decides_the_groups_and_may_name_scans_that_are_not_there(tmp_path):
    (tmp_path / "subset4").mkdir()
    for uid in ("1.2.3", "1.2.5"):
        (tmp_path / f"subset4/{uid}.mhd").touch()
    rows = [f"{uid},0,0,0,{label}" for uid in KNOWN for label in (0, 1)]
    (tmp_path / "candidates.csv").write_text("\n".join(["seriesuid,coordX,coordY,coordZ,class", *rows]))
    _written(tmp_path, "seriesuid,patient\n1.2.3,p1\n1.2.4,p1\n1.2.5,p1\n")
    cases = Luna16Dataset(tmp_path, Data(name="luna16")).cases
    assert cases.groups.tolist() == ["p1"] * 4
    assert cases.folds.tolist() == [4] * 4
    assert cases.select(np.array([2])).folds.tolist() == [4]


def test_scans_outside_the_subset_folders_have_no_official_fold(tmp_path):
    (tmp_path / "subset12").mkdir()
    for name in ("1.2.3", "subset12/1.2.4"):
        (tmp_path / f"{name}.mhd").touch()
    rows = ["1.2.3,0,0,0,1", "1.2.4,0,0,0,0", "1.2.5,0,0,0,0"]
    (tmp_path / "candidates.csv").write_text("\n".join(["seriesuid,coordX,coordY,coordZ,class", *rows]))
    assert Luna16Dataset(tmp_path, Data(name="luna16")).cases.folds is None
    (tmp_path / "subset0").mkdir()
    (tmp_path / "subset0/1.2.5.mhd").touch()
    assert Luna16Dataset(tmp_path, Data(name="luna16")).cases.folds.tolist() == [-1, -1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "seriesuid,person\n1.2.3,p1\n",
            'line 1: the column "patient" is missing. Expected seriesuid, patient (separated by commas), '
            "got seriesuid, person.",
        ),
        (
            "",
            'line 1: the column "seriesuid" is missing. Expected seriesuid, patient (separated by commas), got nothing.',
        ),
        ("seriesuid,patient\n1.2.3\n", "line 2: expected seriesuid, patient, got 1.2.3."),
        (
            "seriesuid,patient\n1.2.3,p1\n1.2.4,\n",
            'line 3: the series "1.2.4" has no patient. Add it or remove the line.',
        ),
        (
            "seriesuid,patient\n1.2.3,p1\n1.2.4,p1\n1.2.3,p2\n",
            'line 4: the series "1.2.3" is also in line 2. Keep one of them.',
        ),
        (
            "seriesuid,patient\n1.2.9,p1\n",
            'line 2: the data have no series "1.2.9". The ids of these data look like "1.2.3". Correct it or '
            "remove the line.",
        ),
        (
            "seriesuid,patient\n1.2,p1\n",
            'line 2: the data have no series "1.2". Did you mean "1.2.3"? Correct it or remove the line.',
        ),
        (
            "seriesuid,patient\n1.,p1\n",
            'line 2: the data have no series "1.". The ids of these data look like "1.2.3". Correct it or remove the line.',
        ),
        (
            "seriesuid,patient\n1.2.3.nii.gz,p1\n",
            'line 2: the data have no series "1.2.3.nii.gz". Did you mean "1.2.3"? Correct it or remove the line.',
        ),
    ],
)
def test_a_damaged_list_is_refused(tmp_path, text, message):
    path = _written(tmp_path, text)
    with pytest.raises(DataError) as caught:
        read_patients(path, KNOWN)
    assert str(caught.value) == f"{path} {message}"


def test_a_list_that_is_not_text_is_refused(tmp_path):
    path = _written(tmp_path, "seriesuid,patient\n1.2.3,p\xe9\n", "latin-1")
    with pytest.raises(DataError) as caught:
        read_patients(path, KNOWN)
    assert str(caught.value) == (
        f"{path} line 2, column 2: not UTF-8 text. Save it as text in UTF-8, columns separated by commas."
    )
