import numpy as np
import pytest
from pydicom.uid import (
    BasicTextSRStorage,
    EnhancedCTImageStorage,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from archnet.errors import DataError
from archnet.imaging.dicom_folders import is_series, read_patient_id, read_series_uid
from dicom_files import (
    OTHER_UID,
    UID,
    companion,
    save_slice,
    slice_of,
    write_bare,
    write_dicomdir,
    write_series,
)

REPORT = {"SOPClassUID": BasicTextSRStorage, "Modality": "SR", "SeriesInstanceUID": OTHER_UID}


def _damage(folder):
    (folder / "0.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 40)


def _cut(folder):
    write_series(folder, 2, PixelData=None)


SERIES = {
    "a CT": lambda folder: write_series(folder, 3),
    "an MR, which the reader refuses": lambda folder: write_series(
        folder, 2, Modality="MR", SOPClassUID=MRImageStorage
    ),
    "one slice": lambda folder: write_series(folder, 1),
    "a multi-frame file": lambda folder: write_series(
        folder, 1, SOPClassUID=EnhancedCTImageStorage, NumberOfFrames=2, ImagePositionPatient=None
    ),
    "slices without mark and ending": lambda folder: [write_bare(folder / f"{k}", slice_of(k)) for k in range(3)],
    "a damaged file with a DICOM ending": _damage,
    "slices without pixels": _cut,
    "a report before a slice": lambda folder: (
        save_slice(folder / "0", companion(**REPORT)),
        save_slice(folder / "1", slice_of(1)),
    ),
}


@pytest.mark.parametrize("lay_out", SERIES.values(), ids=SERIES)
def test_a_folder_that_holds_slices_is_a_series(tmp_path, lay_out):
    lay_out(tmp_path)
    assert is_series(tmp_path)


def _letters(folder):
    (folder / "README").write_text("A letter that begins with nothing special.")
    (folder / "autorun.inf").write_bytes(bytes(5000))
    (folder / "numbers.raw").write_bytes(np.full(3000, 8, np.int16).tobytes())
    (folder / "._0.dcm").write_bytes(bytes(300))


NO_SERIES = {
    "nothing": lambda folder: None,
    "a DICOMDIR": lambda folder: write_dicomdir(folder / "DICOMDIR"),
    "a report": lambda folder: save_slice(folder / "0.dcm", companion(**REPORT)),
    "a mask": lambda folder: save_slice(
        folder / "0.dcm", slice_of(0, SOPClassUID=SegmentationStorage, Modality="SEG", NumberOfFrames=4)
    ),
    "a scout": lambda folder: write_series(folder, 1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
    "a dose report as a picture": lambda folder: save_slice(
        folder / "0.dcm",
        slice_of(0, SOPClassUID=SecondaryCaptureImageStorage, ImagePositionPatient=None, NumberOfFrames=1),
    ),
    "letters": _letters,
}


@pytest.mark.parametrize("lay_out", NO_SERIES.values(), ids=NO_SERIES)
def test_a_folder_without_slices_is_not_a_series(tmp_path, lay_out):
    lay_out(tmp_path)
    assert not is_series(tmp_path)


STRAY = {
    "one slice": lambda folder: write_series(folder, 1),
    "nine slices of one series and one of another": lambda folder: write_series(
        folder, 10, {9: {"SeriesInstanceUID": OTHER_UID}}
    ),
    "a damaged file": _damage,
    "the export of a CD": lambda folder: (
        _letters(folder),
        write_dicomdir(folder / "DICOMDIR"),
        save_slice(folder / "stray.dcm", slice_of(3)),
    ),
}


@pytest.mark.parametrize("lay_out", STRAY.values(), ids=STRAY)
def test_stray_files_above_a_series_are_none_themselves(tmp_path, lay_out):
    lay_out(tmp_path)
    (tmp_path / "patient/study/series").mkdir(parents=True)
    (tmp_path / "patient/letters").mkdir()
    write_series(tmp_path / "patient/study/series", 3)
    assert not is_series(tmp_path)
    assert not is_series(tmp_path / "patient")
    assert is_series(tmp_path / "patient/study/series")


def test_ten_slices_above_a_series_are_a_series_too(tmp_path):
    write_series(tmp_path, 10)
    write_series(tmp_path / "lower", 3)
    assert is_series(tmp_path)


def test_the_series_with_most_slices_counts(tmp_path):
    write_series(tmp_path, 11, {0: {"SeriesInstanceUID": OTHER_UID}})
    write_series(tmp_path / "lower", 3)
    assert is_series(tmp_path)


@pytest.mark.parametrize(("depth", "is_found"), [(8, True), (9, False)])
def test_series_are_searched_eight_folders_below(tmp_path, depth, is_found):
    write_series(tmp_path, 1)
    lower = tmp_path.joinpath(*map(str, range(depth)))
    lower.mkdir(parents=True)
    write_series(lower, 1)
    assert is_series(tmp_path) == (not is_found)


def test_a_link_to_a_series_elsewhere_is_a_folder_below(tmp_path):
    write_series(tmp_path / "store", 2)
    write_series(tmp_path / "a", 1)
    (tmp_path / "a/link").symlink_to(tmp_path / "store")
    assert not is_series(tmp_path / "a")


def test_a_folder_that_links_to_itself_ends(tmp_path):
    write_series(tmp_path / "a", 2)
    (tmp_path / "a/again").symlink_to(tmp_path / "a")
    write_dicomdir(tmp_path / "DICOMDIR")
    assert not is_series(tmp_path)
    assert is_series(tmp_path / "a")  # a link back is no folder below


def test_patient_and_uid_come_from_a_slice_and_not_from_what_lies_beside(tmp_path):
    _damage(tmp_path)
    save_slice(tmp_path / "00.dcm", companion(**REPORT, PatientID="Somebody"))
    write_bare(tmp_path / "1", slice_of(1, PatientID="P-17"))
    assert (read_patient_id(tmp_path), read_series_uid(tmp_path)) == ("P-17", UID)
    assert read_series_uid(tmp_path.parent) is None


def test_the_uid_is_that_of_the_series_that_was_chosen(tmp_path):
    write_series(tmp_path, 3)
    for number in range(2):
        save_slice(tmp_path / f"other{number}", slice_of(number, SeriesInstanceUID=OTHER_UID, SeriesDescription="Lung"))
    assert read_series_uid(tmp_path, "lung") == read_series_uid(tmp_path, OTHER_UID) == OTHER_UID
    assert read_series_uid(tmp_path, "Thorax 5.0") == read_series_uid(tmp_path) == UID
    with pytest.raises(DataError, match='there is no series "Bone" here'):
        read_series_uid(tmp_path, "Bone")
