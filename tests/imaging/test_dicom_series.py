"""Which of the DICOM objects of a folder are read, and what is said of the others."""

import re

import numpy as np
import pytest
import SimpleITK
from pydicom.uid import (
    BasicTextSRStorage,
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    RTDoseStorage,
    RTStructureSetStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    XRayRadiationDoseSRStorage,
)

from archnet.errors import DataError
from archnet.imaging import list_scan_files, read_frame, read_volume
from archnet.imaging.dicom.dicom_file import has_dicom_start
from archnet.imaging.dicom_folders import is_series
from archnet.imaging.dicom_scan import read_dicom
from dicom_files import (
    OTHER_UID,
    UID,
    companion,
    save_slice,
    slice_header,
    slice_of,
    write_bare,
    write_dicomdir,
    write_series,
)

LOCALIZER = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
SCOUT = {"ImageType": LOCALIZER, "ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}
COMPANIONS = {
    "a report": (companion, {"SOPClassUID": BasicTextSRStorage, "Modality": "SR"}, "1 SR"),
    "a list of key images": (companion, {"SOPClassUID": KeyObjectSelectionDocumentStorage, "Modality": "KO"}, "1 KO"),
    "a presentation state": (
        companion,
        {"SOPClassUID": GrayscaleSoftcopyPresentationStateStorage, "Modality": "PR"},
        "1 PR",
    ),
    "contours": (companion, {"SOPClassUID": RTStructureSetStorage, "Modality": "RTSTRUCT"}, "1 RTSTRUCT"),
    "a dose report": (companion, {"SOPClassUID": XRayRadiationDoseSRStorage, "Modality": "SR"}, "1 SR"),
    "a dose report as a picture": (
        slice_of,
        {"SOPClassUID": SecondaryCaptureImageStorage, "Modality": "CT", "ImagePositionPatient": None},
        "1 CT",
    ),
    "a picture with three colours": (
        slice_of,
        {
            "SOPClassUID": SecondaryCaptureImageStorage,
            "Modality": "OT",
            "SamplesPerPixel": 3,
            "PhotometricInterpretation": "RGB",
        },
        "1 OT",
    ),
    "a mask": (slice_of, {"SOPClassUID": SegmentationStorage, "Modality": "SEG", "NumberOfFrames": 4}, "1 SEG"),
    "a dose": (slice_of, {"SOPClassUID": RTDoseStorage, "Modality": "RTDOSE"}, "1 RTDOSE"),
    "a scout": (slice_of, SCOUT, "1 scout"),
    "a scout in the plane of the slices": (slice_of, {"ImageType": LOCALIZER}, "1 scout"),
    "a scout that is not called so": (slice_of, {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, "1 CT"),
}


@pytest.mark.parametrize("uid", [UID, OTHER_UID], ids=["of the same series", "of another series"])
@pytest.mark.parametrize(("make", "changes", "kind"), COMPANIONS.values(), ids=COMPANIONS)
def test_other_series_next_to_a_ct_are_noted_and_not_read(tmp_path, make, changes, kind, uid):
    write_series(tmp_path)
    alone = read_volume(tmp_path)
    header = make(**changes) if make is companion else make(2, **changes)
    header.SeriesInstanceUID = uid
    save_slice(tmp_path / "0000", header)
    volume, frame = read_volume(tmp_path), read_frame(tmp_path)
    np.testing.assert_array_equal(volume.hu, alone.hu)
    assert (volume.spacing_mm, volume.origin_mm) == (alone.spacing_mm, alone.origin_mm)
    assert alone.notes == ()
    assert volume.notes == frame.notes == (f"1 DICOM file next to the slices is not read: {kind}.",)
    assert [path.name for path in list_scan_files(tmp_path, UID)] == [f"{k}.dcm" for k in range(6)]


@pytest.mark.parametrize(("num_slices", "num_scouts"), [(9, 3), (4, 2)])
def test_up_to_three_scouts_that_are_not_called_so_are_left_out(tmp_path, num_slices, num_scouts):
    across = {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}
    write_series(tmp_path, num_slices, dict.fromkeys(range(num_slices - num_scouts, num_slices), across))
    volume = read_volume(tmp_path)
    assert len(volume.hu) == num_slices - num_scouts
    assert volume.notes == (f"{num_scouts} DICOM files next to the slices are not read: {num_scouts} CT.",)


def test_of_three_images_in_three_directions_none_is_a_scout(tmp_path):
    directions = {1: [1, 0, 0, 0, 0, -1], 2: [0, 1, 0, 0, 0, -1]}
    write_series(tmp_path, 3, {number: {"ImageOrientationPatient": axes} for number, axes in directions.items()})
    with pytest.raises(DataError, match="its slices are inconsistent: "):
        read_volume(tmp_path)


def test_images_of_other_scanners_are_counted_by_kind(tmp_path):
    write_series(tmp_path)
    others = {"SOPClassUID": PositronEmissionTomographyImageStorage, "Modality": "PT", "SeriesInstanceUID": OTHER_UID}
    for number in range(3):
        save_slice(tmp_path / f"pt{number}", slice_of(number, **others))
    save_slice(tmp_path / "sr", companion(SOPClassUID=BasicTextSRStorage, Modality="SR", SeriesInstanceUID="1.2.3"))
    assert read_dicom(tmp_path).notes == ("4 DICOM files next to the slices are not read: 3 PT, 1 SR.",)


def test_a_folder_without_slices_says_what_it_holds(tmp_path):
    write_dicomdir(tmp_path / "DICOMDIR")
    save_slice(tmp_path / "1", companion(SOPClassUID=BasicTextSRStorage, Modality="SR"))
    save_slice(tmp_path / "2", slice_of(0, **SCOUT))
    message = f"{tmp_path}: found no CT slices, only 1 SR, 1 scout. Give the folder of the series."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(tmp_path)


def test_a_slice_of_another_class_within_the_series_is_not_a_companion(tmp_path):
    write_series(tmp_path, changes={3: {"SOPClassUID": MRImageStorage}})
    message = (
        f"{tmp_path / '3.dcm'}: expected CT Image Storage, got MR Image Storage: its values may not be Hounsfield "
        f"units. "
        "If they are, convert the series, for example with dcm2niix, and use the .nii.gz."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(tmp_path)


def test_a_series_of_another_scanner_is_refused_by_its_modality(tmp_path):
    write_series(tmp_path, SOPClassUID=MRImageStorage, Modality="MR")
    message = f"{tmp_path / '0.dcm'}: the modality must be CT, got MR: its values are not Hounsfield units."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(tmp_path)


@pytest.mark.parametrize(
    ("changes", "described"),
    [
        ({"SOPClassUID": EnhancedCTImageStorage, "NumberOfFrames": 1200}, "Enhanced CT Image Storage, 1,200 slices"),
        ({"SOPClassUID": EnhancedCTImageStorage}, "Enhanced CT Image Storage"),
        ({"SOPClassUID": EnhancedCTImageStorage, "NumberOfFrames": 1}, "Enhanced CT Image Storage"),
        ({"NumberOfFrames": 2}, "CT Image Storage, 2 slices"),
        ({"NumberOfFrames": 999_999_999}, "CT Image Storage, 999,999,999 slices"),
    ],
)
def test_a_multi_frame_file_is_called_so(tmp_path, changes, described):
    write_series(tmp_path, 1, **changes)
    message = (
        f"{tmp_path / '0.dcm'}: this is a multi-frame file ({described}); only one slice per file is supported. "
        "Convert the series, for example with dcm2niix, and use the .nii.gz."
    )
    for read in (read_volume, read_frame):
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            read(tmp_path)


def test_a_multi_frame_file_next_to_a_ct_is_noted(tmp_path):
    write_series(tmp_path)
    save_slice(
        tmp_path / "all", slice_of(0, SOPClassUID=EnhancedCTImageStorage, NumberOfFrames=6, SeriesInstanceUID="1.2.3")
    )
    assert read_volume(tmp_path).notes == ("1 DICOM file next to the slices is not read: 1 CT.",)


# Several series


def _write_two_series(folder):
    write_series(folder, num_slices=3, SeriesNumber=2)
    other = {"SeriesInstanceUID": OTHER_UID, "SeriesDescription": "Lung 1.0 B60f", "SeriesNumber": 3}
    for number in range(2):
        save_slice(folder / f"other{number}", slice_of(number, **other))
    report = {"SOPClassUID": BasicTextSRStorage, "SeriesInstanceUID": "1.2.3", "Modality": "SR"}
    save_slice(folder / "report", companion(**report))
    save_slice(folder / "single", slice_of(0, SeriesInstanceUID="1.2.4", SeriesDescription="Monitoring"))


FOUND = f'{UID} (CT, "Thorax 5.0", 3 slices); {OTHER_UID} (CT, "Lung 1.0 B60f", 2 slices)'


def test_of_several_series_one_must_be_chosen(tmp_path):
    _write_two_series(tmp_path)
    message = (
        f"{tmp_path}: contains 2 series: {FOUND}. Choose one by its uid, number or description with data.series or "
        f"--series, or move each to its own folder."
    )
    for read in (read_volume, read_frame):
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            read(tmp_path)


@pytest.mark.parametrize(
    ("series", "num_slices"),
    [(UID, 3), ("Thorax 5.0", 3), ("2", 3), (OTHER_UID, 2), (" lung 1.0 b60F", 2), ("3", 2)],
)
def test_a_series_is_chosen_by_its_uid_number_or_description(tmp_path, series, num_slices):
    _write_two_series(tmp_path)
    volume = read_volume(tmp_path, series=series)
    assert volume.hu.shape == (num_slices, 8, 10)
    assert read_frame(tmp_path, series=series).hu.shape == (num_slices, 8, 10)
    assert volume.notes == ("2 DICOM files next to the slices are not read: 1 CT, 1 SR.",)
    assert len(list_scan_files(tmp_path, series)) == num_slices


def test_a_description_of_two_series_chooses_none(tmp_path):
    _write_two_series(tmp_path)
    for number, description in enumerate(("Thorax 5.0", "Thorax 5.0", "Zoom")):
        save_slice(
            tmp_path / f"third{number}", slice_of(number, SeriesInstanceUID="1.2.9", SeriesDescription=description)
        )
    message = (
        f'{tmp_path}: "Thorax 5.0" matches 2 series: {UID} (CT, "Thorax 5.0", 3 slices); 1.2.9 (CT, "Thorax 5.0", '
        f"3 slices). Choose one by its uid with data.series or --series."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(tmp_path, "Thorax 5.0")


@pytest.mark.parametrize(
    ("series", "hint"),
    [
        (OTHER_UID + "0", f' Did you mean "{OTHER_UID}"?'),
        ("Lung 1.0 B50f", ' Did you mean "Lung 1.0 B60f"?'),
        ("7", ""),
    ],
)
def test_a_series_that_is_not_there_is_answered_with_those_that_are(tmp_path, series, hint):
    _write_two_series(tmp_path)
    found = f'1.2.4 (CT, "Monitoring", 1 slice); {FOUND}'
    found = "; ".join(sorted(found.split("; ")))
    message = f'{tmp_path}: there is no series "{series}" here.{hint} Found: {found}.'
    for read in (read_volume, read_frame, list_scan_files):
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            read(tmp_path, series)


# Files without preamble or mark


BARE = {
    "the data set alone": {},
    "file meta information without preamble": {"has_meta": True},
    "the mark without preamble": {"has_meta": True, "front": b"DICM"},
    "a preamble without the mark": {"has_meta": True, "front": bytes(128)},
    "a preamble and the data set alone": {"front": bytes(128)},
}


@pytest.mark.parametrize("ending", ["", ".dcm"])
@pytest.mark.parametrize("options", BARE.values(), ids=BARE)
def test_slices_need_neither_preamble_nor_mark_nor_ending(tmp_path, options, ending):
    write_series(tmp_path / "marked")
    (tmp_path / "bare").mkdir()
    for number in range(6):
        write_bare(tmp_path / f"bare/IM{number}{ending}", slice_of(number), **options)
    marked, bare = read_volume(tmp_path / "marked"), read_volume(tmp_path / "bare")
    np.testing.assert_array_equal(bare.hu, marked.hu)
    assert (bare.spacing_mm, bare.origin_mm, bare.notes) == (marked.spacing_mm, marked.origin_mm, ())
    assert len(list_scan_files(tmp_path / "bare")) == 6


def test_a_data_set_alone_may_be_in_big_endian_order(tmp_path):
    write_bare(tmp_path / "big", slice_of(2), syntax=ExplicitVRBigEndian)
    assert has_dicom_start(tmp_path / "big")
    data = (tmp_path / "big").read_bytes()
    assert data[:2] == b"\x00\x08"
    (tmp_path / "none").write_bytes(data[:2] + b"\x05\x00" + data[4:])
    assert not has_dicom_start(tmp_path / "none")


@pytest.mark.parametrize(
    ("start", "is_dicom"),
    [
        (b"\x08\0\x05\0CS\x0a\0ISO_IR 100", True),
        (b"\x08\0\x05\0CS\x0a", False),  # an element has eight bytes or more
        (b"\x08\0\x05\0??\x0a\0ISO_IR 100", False),
        (b"\x08\0\xff\0CS\x0a\0ISO_IR 100", True),
        (b"\x08\0\0\x01CS\x0a\0ISO_IR 100", False),
        (b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100", True),  # a length in the place of the type
        (b"\x08\0\x05\0\0\x04\0\0ISO_IR 100", True),
        (b"\x08\0\x05\0\x01\x04\0\0ISO_IR 100", False),
        (b"\0\x08\0\x05CS\0\x0aISO_IR 100", True),  # big-endian
        (b"\0\x08\0\x05\x0a\0\0\0ISO_IR 100", False),
        (b"\x09\0\x05\0CS\x0a\0ISO_IR 100", False),
    ],
)
def test_a_data_set_begins_with_a_low_element_of_a_known_type_or_a_short_one(tmp_path, start, is_dicom):
    (tmp_path / "file").write_bytes(start)
    assert has_dicom_start(tmp_path / "file") == is_dicom


@pytest.mark.parametrize("absent", ["SOPClassUID", "Rows", "Columns", "PixelData"])
def test_a_file_without_mark_is_dicom_only_if_it_is_an_image(tmp_path, absent):
    write_series(tmp_path)
    header = slice_of(2, **{absent: None})
    header.file_meta.MediaStorageSOPClassUID = CTImageStorage
    write_bare(tmp_path / "other", header)
    volume = read_volume(tmp_path)
    assert volume.hu.shape == (6, 8, 10)
    assert volume.warnings == ("1 file begins like DICOM but cannot be parsed and is skipped.",)


def test_the_files_of_a_folder_are_those_that_begin_like_dicom(tmp_path):
    write_series(tmp_path, 2)
    write_dicomdir(tmp_path / "DICOMDIR")
    write_bare(tmp_path / "bare", slice_of(2))
    (tmp_path / "notes.txt").write_text("A letter")
    (tmp_path / ".DS_Store").write_bytes(bytes(200))
    (tmp_path / "folder").mkdir()
    assert [path.name for path in list_scan_files(tmp_path)] == ["0.dcm", "1.dcm", "bare"]


@pytest.mark.parametrize("name", ["5.dcm", "5"])
def test_a_slice_that_was_not_fetched_is_reported_as_that(tmp_path, name):
    write_series(tmp_path, 5)
    (tmp_path / name).symlink_to(tmp_path / ".git/annex/objects/1")
    (tmp_path / "notes.txt").symlink_to(tmp_path / ".git/annex/objects/2")
    message = f"{tmp_path / name}: it is a link to a missing file. Fetch it, for example with git annex get."
    for read in (read_volume, read_frame):
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            read(tmp_path)


def test_a_series_of_links_is_read(tmp_path):
    write_series(tmp_path / "store")
    (tmp_path / "series").mkdir()
    for path in (tmp_path / "store").iterdir():
        (tmp_path / "series" / path.name).symlink_to(path)
    np.testing.assert_array_equal(read_volume(tmp_path / "series").hu, read_volume(tmp_path / "store").hu)


def test_a_real_ct_of_a_cd_is_found_below_what_lies_above_it(tmp_path, real_data):
    ct = SimpleITK.ReadImage(str(real_data / "ct/lung1_image.nrrd"))[100:300, 100:260, 10:24]
    folder = tmp_path / "cd/DICOM/PAT00001/STD00001/SER00001"
    folder.mkdir(parents=True)
    for number in range(ct.GetDepth()):
        values = (SimpleITK.GetArrayFromImage(ct[:, :, number]).astype(np.int32) + 1024).astype(np.uint16)
        column_mm, row_mm, _ = ct.GetSpacing()
        position_mm = [f"{value:.8g}" for value in ct.TransformIndexToPhysicalPoint((0, 0, number))]
        header = slice_header(values, PixelSpacing=[row_mm, column_mm], ImagePositionPatient=position_mm)
        write_bare(folder / f"IM{number:05d}", header, has_meta=True)
    with (folder / "IM00003").open("ab") as file:
        file.write(np.random.default_rng(3).bytes(100))
    for make, changes, _ in COMPANIONS.values():
        save_slice(
            folder / f"X{len(list(folder.iterdir()))}", make(**changes) if make is companion else make(0, **changes)
        )
    write_dicomdir(tmp_path / "cd/DICOMDIR")
    save_slice(tmp_path / "cd/stray.dcm", slice_of(3))
    (tmp_path / "cd/README").write_text("Open with the viewer.")
    (tmp_path / "cd/autorun.inf").write_bytes(b"MZ" + bytes(5000))
    assert [path for path in sorted((tmp_path / "cd").rglob("*")) if path.is_dir() and is_series(path)] == [folder]
    volume = read_volume(folder)
    np.testing.assert_array_equal(volume.hu, SimpleITK.GetArrayFromImage(ct))
    np.testing.assert_allclose(volume.spacing_mm, ct.GetSpacing(), rtol=1e-6)
    np.testing.assert_allclose(volume.origin_mm, ct.GetOrigin(), rtol=1e-6)
    assert volume.notes == (
        "12 DICOM files next to the slices are not read: 2 CT, 1 KO, 1 OT, 1 PR, 1 RTDOSE, 1 RTSTRUCT, 1 SEG, 2 SR, "
        "2 scouts.",
        "Stray bytes after the pixels of 1 slice are ignored.",
    )
