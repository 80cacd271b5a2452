import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.uid import (
    HTJ2K,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from archnet.errors import DataError
from archnet.imaging import list_scan_files, orient_to_lps, read_frame, read_volume
from archnet.imaging.dicom.slice_stack import Slice, stack
from archnet.imaging.dicom_scan import read_dicom
from dicom_files import UID, save_slice, slice_header, slice_of, write_dicomdir, write_series

OBLIQUE = np.array(SimpleITK.Euler3DTransform((0.0, 0.0, 0.0), 0.21, -0.13, 0.4).GetMatrix()).reshape(3, 3)


def _write_real(folder, image, *, intercept=-1024, seed=0):
    """A SimpleITK image as a DICOM series with shuffled file names and instance numbers; the names in their order."""
    folder.mkdir()
    direction = np.array(image.GetDirection()).reshape(3, 3)
    names = [f"IM{number:04d}" for number in np.random.default_rng(seed).permutation(image.GetDepth())]
    for index, voxels in enumerate(SimpleITK.GetArrayFromImage(image)):
        stored = (voxels.astype(np.int32) - intercept).astype(np.uint16 if intercept else np.int16)
        column_mm, row_mm, _ = image.GetSpacing()
        position_mm = image.TransformIndexToPhysicalPoint((0, 0, index))
        save_slice(
            folder / names[index],
            slice_header(
                stored,
                InstanceNumber=1 + (index * 7) % image.GetDepth(),
                PixelSpacing=[row_mm, column_mm],
                ImagePositionPatient=[f"{value:.8g}" for value in position_mm],
                ImageOrientationPatient=[f"{value:.12g}" for value in direction[:, :2].T.ravel()],
                RescaleIntercept=str(intercept),
            ),
        )
    return names


@pytest.mark.slow
@pytest.mark.parametrize(("number", "intercept"), [(1, -1024), (2, 0)])
@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE], ids=["axial", "oblique"])
def test_a_real_ct_comes_back_voxel_for_voxel_and_where_gdcm_places_it(
    tmp_path, real_data, number, intercept, direction
):
    image = SimpleITK.ReadImage(str(real_data / f"ct/lung{number}_image.nrrd"))[:, :, 10:30]
    image.SetDirection(direction.ravel().tolist())
    names = _write_real(tmp_path / "series", image, intercept=intercept)
    assert names != sorted(names)
    volume = read_dicom(tmp_path / "series")
    assert volume.hu.dtype == np.int16
    np.testing.assert_array_equal(volume.hu, SimpleITK.GetArrayFromImage(image))
    np.testing.assert_allclose(volume.spacing_mm, image.GetSpacing(), rtol=1e-6)
    np.testing.assert_allclose(volume.origin_mm, image.GetOrigin(), atol=1e-5)
    np.testing.assert_allclose(volume.direction.ravel(), image.GetDirection(), atol=1e-9)

    turned, frame = read_volume(tmp_path / "series"), read_frame(tmp_path / "series")
    assert (frame.hu.shape, frame.spacing_mm, frame.origin_mm) == (
        turned.hu.shape,
        turned.spacing_mm,
        turned.origin_mm,
    )
    np.testing.assert_array_equal(frame.direction, turned.direction)
    assert set(frame.hu.strides) == {0}
    assert list_scan_files(tmp_path / "series") == sorted(tmp_path / "series" / name for name in names)

    paths = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path / "series"), UID)
    theirs = SimpleITK.ReadImage(paths)
    np.testing.assert_array_equal(volume.hu, SimpleITK.GetArrayFromImage(theirs))
    np.testing.assert_allclose(volume.spacing_mm, theirs.GetSpacing(), rtol=1e-6)
    np.testing.assert_allclose(volume.origin_mm, theirs.GetOrigin(), atol=1e-9)
    np.testing.assert_allclose(volume.direction.ravel(), theirs.GetDirection(), atol=1e-6)


def test_a_folder_is_read_like_any_other_scan_and_turned_to_lps(tmp_path):
    write_series(
        tmp_path / "series.1",
        ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
        num_slices=2,
        changes={0: {"ImagePositionPatient": [10.0, 0.0, 0.0]}, 1: {"ImagePositionPatient": [5.0, 0.0, 0.0]}},
    )
    volume = read_volume(tmp_path / "series.1")
    expected = orient_to_lps(read_dicom(tmp_path / "series.1"))
    np.testing.assert_array_equal(volume.hu, expected.hu)
    assert volume.hu.shape == (8, 10, 2)
    assert volume.spacing_mm == (5.0, 0.7, 0.71)
    np.testing.assert_allclose(volume.origin_mm, (5.0, 0.0, -7 * 0.71))
    np.testing.assert_array_equal(volume.direction, np.eye(3))


def test_each_slice_has_its_own_rescale_slope_and_intercept(tmp_path):
    slopes, intercepts = ["1", "0.5", "2", "1.25", "1", "1"], ["-1024", "-1000.5", "-3000", "0", "-1", "7"]
    changes = {
        number: {"RescaleSlope": slope, "RescaleIntercept": intercept}
        for number, (slope, intercept) in enumerate(zip(slopes, intercepts, strict=True))
    }
    write_series(tmp_path / "series", changes=changes)
    hu = read_dicom(tmp_path / "series").hu
    assert hu.dtype == np.float32
    for number in range(6):
        stored = np.frombuffer(slice_of(number).PixelData, np.uint16).reshape(8, 10).astype(np.float64)
        np.testing.assert_array_equal(hu[number], stored * float(slopes[number]) + float(intercepts[number]))


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless], ids=lambda syntax: syntax.name
)
def test_every_transfer_syntax_that_gdcm_decodes_gives_the_same_voxels(tmp_path, syntax):
    stored = np.random.default_rng(0).integers(0, 4000, (2, 32, 32)).astype(np.uint16)
    for number in range(2):
        header = slice_header(stored[number], ImagePositionPatient=[0, 0, number])
        if syntax == RLELossless:
            header.compress(RLELossless, generate_instance_uid=False)
        save_slice(tmp_path / f"{number}", header, syntax)
    np.testing.assert_array_equal(read_dicom(tmp_path).hu, stored.astype(np.int16) - 1024)


@pytest.mark.parametrize("compressor", ["JPEG", "JPEG2000"])
def test_lossless_jpeg_series_give_the_same_voxels(tmp_path, compressor):
    hu = np.random.default_rng(0).integers(-1000, 1000, (2, 64, 64)).astype(np.int16)
    writer = SimpleITK.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.KeepOriginalImageUIDOn()
    writer.UseCompressionOn()
    writer.SetCompressor(compressor)
    for number in range(2):
        image = SimpleITK.GetImageFromArray(hu[number : number + 1])
        values = {"0008|0016": CTImageStorage, "0008|0060": "CT", "0020|000e": UID, "0020|0032": f"0\\0\\{number}"}
        for key, value in (values | {"0028|1052": "0", "0028|1053": "1"}).items():
            image.SetMetaData(key, value)
        writer.SetFileName(str(tmp_path / f"{number}.dcm"))
        writer.Execute(image)
    assert pydicom.dcmread(tmp_path / "0.dcm").file_meta.TransferSyntaxUID.is_compressed
    np.testing.assert_array_equal(read_dicom(tmp_path).hu, hu)


def test_positions_rounded_to_one_decimal_are_still_even(tmp_path):
    positions = {n: {"ImagePositionPatient": [0.0, 0.0, round(0.625 * n, 1)]} for n in range(20)}
    write_series(tmp_path / "series", num_slices=20, changes=positions)
    np.testing.assert_allclose(read_dicom(tmp_path / "series").spacing_mm, (0.7, 0.71, 11.9 / 19))


def test_files_that_are_not_dicom_are_accepted_next_to_a_series(tmp_path):
    write_series(tmp_path)
    (tmp_path / "LICENSE").write_text("free", encoding="ascii")
    (tmp_path / "._0.dcm").write_bytes(b"\0" * 300)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    write_dicomdir(tmp_path / "DICOMDIR")
    assert read_dicom(tmp_path).hu.shape == (6, 8, 10)


@pytest.mark.parametrize(
    "everywhere",
    [{"NumberOfFrames": 1}, {"SOPClassUID": None}, {"BitsStored": 1, "HighBit": 0}],
    ids=["one frame", "class in the file meta information only", "one bit"],
)
def test_unusual_headers_are_read(tmp_path, everywhere):
    for number in range(2):
        header = slice_of(number, **everywhere)
        header.file_meta.MediaStorageSOPClassUID = CTImageStorage
        header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
        save_slice(tmp_path / f"{number}.dcm", header)
        if header.BitsStored == 1:
            stored = np.frombuffer(header.PixelData, np.uint16).reshape(8, 10)
    hu = read_volume(tmp_path).hu
    assert hu.shape == (2, 8, 10)
    if "BitsStored" in everywhere:
        np.testing.assert_array_equal(hu[1] + 1024, stored & 1)


def test_slices_of_one_row_are_read(tmp_path):
    stored = np.arange(5, dtype=np.uint16)
    for shape in ((1, 5), (5, 1)):
        for number in range(2):
            header = slice_header(stored.reshape(shape), ImagePositionPatient=[0, 0, number])
            save_slice(tmp_path / f"{number}.dcm", header)
        np.testing.assert_array_equal(read_dicom(tmp_path).hu[1] + 1024, stored.reshape(shape))


def test_values_that_do_not_matter_may_be_invalid(tmp_path):
    write_series(tmp_path, num_slices=2)
    for path in tmp_path.iterdir():
        changed = path.read_bytes().replace(b"Thorax 5.0", b"Thorax\xff\xfe\\ ")
        path.write_bytes(changed.replace(UID.encode(), UID.replace(".1.368", ".01.36").encode()))
    assert read_dicom(tmp_path).hu.shape == (2, 8, 10)


def _shift(number, x, y, z):
    return {"ImagePositionPatient": [-30.5 + x, -40.0 + y, -100.0 + 5 * number + z]}


AXES = "the axes (1, 0, 0, 0, 1, 0)"
TROUBLES = {
    "one slice": (
        {"num_slices": 1},
        f"series {UID}: expected at least two slices, got 1.",
    ),
    "mixed sizes": (
        {"changes": {3: {"Rows": 10, "Columns": 8}}},
        f"series {UID}: its slices are inconsistent: most have 10 x 8 pixels; 3.dcm has 8 x 10 pixels.",
    ),
    "mixed pixels": (
        {"changes": {k: {"PixelSpacing": [0.71, 0.8]} for k in (1, 4)}},
        f"series {UID}: its slices are inconsistent: most have pixels of 0.7 x 0.71 mm; "
        "1.dcm, 4.dcm have pixels of 0.8 x 0.71 mm.",
    ),
    "many slices across the others": (
        {"changes": {k: {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]} for k in range(2, 6)}, "num_slices": 12},
        f"series {UID}: its slices are inconsistent: most have {AXES}; 2.dcm, 3.dcm, 4.dcm and 1 more have the axes "
        "(1, 0, 0, 0, 0, -1).",
    ),
    "a slice askew": (
        {"changes": {5: {"ImageOrientationPatient": [1, 0, 0, 0, 0.8, -0.6]}}},
        f"series {UID}: its slices are inconsistent: most have {AXES}; 5.dcm has the axes (1, 0, 0, 0, 0.8, -0.6).",
    ),
    "doubled slices": (
        {"num_slices": 7, "changes": {2: _shift(1, 0, 0, 0.005), 6: _shift(0, 0, 0, 0)}},
        f"series {UID}: slices have the same position: 0.dcm and 6.dcm (at -100.00 mm), "
        "1.dcm and 2.dcm (at -95.00 mm); remove one of each.",
    ),
    "every slice doubled": (
        {"num_slices": 10, "changes": {k: _shift(k % 5, 0, 0, 0) for k in range(10)}},
        f"series {UID}: slices have the same position: 0.dcm and 5.dcm (at -100.00 mm), "
        "1.dcm and 6.dcm (at -95.00 mm), 2.dcm and 7.dcm (at -90.00 mm) and 2 more; remove one of each.",
    ),
    "missing slices": (
        {"num_slices": 9, "changes": {k: _shift(k, 0, 0, 5 * (k > 3) + 10 * (k > 7)) for k in range(9)}},
        f"series {UID}: slices are missing: 1 between 3.dcm (at -85.00 mm) and 4.dcm (at -75.00 mm), "
        "2 between 7.dcm (at -60.00 mm) and 8.dcm (at -45.00 mm); copy the whole series again.",
    ),
    "mixed spacings": (
        {"num_slices": 7, "changes": {k: _shift(k, 0, 0, -2.5 * max(k - 4, 0)) for k in range(7)}},
        f"series {UID}: its slices are not evenly spaced: usually 5.000 mm apart, but "
        "2.500 mm between 4.dcm (at -80.00 mm) and 5.dcm (at -77.50 mm), "
        "2.500 mm between 5.dcm (at -77.50 mm) and 6.dcm (at -75.00 mm).",
    ),
    "spacings that drift": (
        {"num_slices": 10, "changes": {k: _shift(k, 0, 0, 0.09 * max(k - 5, 0)) for k in range(10)}},
        f"series {UID}: its slices are not evenly spaced: usually 5.000 mm apart, but "
        "5.090 mm between 5.dcm (at -75.00 mm) and 6.dcm (at -69.91 mm), "
        "5.090 mm between 6.dcm (at -69.91 mm) and 7.dcm (at -64.82 mm), "
        "5.090 mm between 7.dcm (at -64.82 mm) and 8.dcm (at -59.73 mm) and 1 more.",
    ),
    "gantry tilt": (
        {"changes": {k: _shift(k, 0, 5 * k * np.tan(np.radians(12)), 0) for k in range(6)}},
        f"series {UID}: the gantry was tilted by 12.0 degrees, so its slices (0.dcm to 5.dcm) do not form a box: "
        "each is shifted by 1.06 mm relative to the one below it; correct the tilt first, for example with dcm2niix, "
        "and use the .nii.gz.",
    ),
    "shifted sideways": (
        {"changes": {4: _shift(4, 3, 4, 0)}},
        f"series {UID}: its slices are shifted sideways: 4.dcm by 5.00 mm.",
    ),
    "no area": (
        {"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]},
        f"series {UID}: the axes (0, 0, 0, 0, 0, 0) of its slices are not perpendicular unit vectors.",
    ),
    "no rotation": (
        {"ImageOrientationPatient": [1, 0, 0, 0.6, 0.8, 0]},
        f"series {UID}: the axes (1, 0, 0, 0.6, 0.8, 0) of its slices are not perpendicular unit vectors.",
    ),
}


@pytest.mark.parametrize(("options", "reason"), TROUBLES.values(), ids=TROUBLES)
def test_slices_that_form_no_scan_are_named(tmp_path, options, reason):
    write_series(tmp_path / "series", **options)
    with pytest.raises(DataError) as raised:
        read_dicom(tmp_path / "series")
    assert str(raised.value) == f"{tmp_path / 'series'}: {reason}"


BAD_FILES = {
    "MRI": ({"Modality": "MR"}, "the modality must be CT, got MR: its values are not Hounsfield units."),
    "no modality": ({"Modality": None}, "the modality must be CT, got nothing: its values are not Hounsfield units."),
    "many slices in one file": (
        {"SOPClassUID": EnhancedCTImageStorage},
        "this is a multi-frame file (Enhanced CT Image Storage); only one slice per file is supported. "
        "Convert the series, for example with dcm2niix, and use the .nii.gz.",
    ),
    "colours": (
        {"PhotometricInterpretation": "RGB"},
        "expected one grey value for each pixel (MONOCHROME2), got RGB.",
    ),
    "optical density": ({"RescaleType": "OD"}, "expected values in HU, got RescaleType OD."),
    "values beyond 16 bits": (
        {"RescaleIntercept": "40000"},
        "Hounsfield units must fit 16-bit integers, got values from 0 to 43922.",
    ),
    "no intercept": ({"RescaleIntercept": None}, "RescaleIntercept must be 1 number, got nothing."),
    "no position": ({"ImagePositionPatient": None}, "ImagePositionPatient must be 3 numbers, got nothing."),
    "a short position": ({"ImagePositionPatient": [1, 2]}, "ImagePositionPatient must be 3 numbers, got [1.0, 2.0]."),
    "one pixel spacing": ({"PixelSpacing": "0.7"}, "PixelSpacing must be 2 numbers, got 0.7."),
    "no orientation": (
        {"ImageOrientationPatient": None},
        "ImageOrientationPatient must be 6 numbers, got nothing.",
    ),
    "no finite values": ({"RescaleSlope": "1e308"}, "Hounsfield units must be finite, got NaN or infinity."),
    "two slices": (
        {"PixelData": bytes(320)},
        "expected 160 bytes of pixels, got 320: it contains more than one slice. Convert the series, for example with "
        "dcm2niix, and use the .nii.gz.",
    ),
    "no size": ({"Rows": None}, "Rows must be 1 number, got nothing."),
    "no series": (
        {"SeriesInstanceUID": None},
        "its DICOM header is damaged (it has no SeriesInstanceUID). Copy the series again.",
    ),
    "too few pixels": (
        {"PixelData": b"\0" * 100},
        "expected 160 bytes of pixels, got 100. Copy the series again.",
    ),
    "no pixels": ({"PixelData": None}, "expected 160 bytes of pixels, got 0. Copy the series again."),
}


@pytest.mark.parametrize(("change", "reason"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_not_a_ct_slice_is_named(tmp_path, change, reason):
    write_series(tmp_path, num_slices=3, changes={1: change})
    with pytest.raises(DataError) as raised:
        read_dicom(tmp_path)
    assert str(raised.value) == f"{tmp_path / '1.dcm'}: {reason}"


@pytest.mark.parametrize(
    ("keyword", "expected"), [("RescaleIntercept", "1 number"), ("ImageOrientationPatient", "6 numbers")]
)
def test_what_all_slices_lack_is_missed_in_the_headers_already(tmp_path, keyword, expected):
    write_series(tmp_path, num_slices=3, **{keyword: None})
    with pytest.raises(DataError) as raised:
        read_frame(tmp_path)
    assert str(raised.value) == f"{tmp_path / '0.dcm'}: {keyword} must be {expected}, got nothing."


def test_a_number_that_is_none_is_refused(tmp_path):
    write_series(tmp_path, num_slices=2)
    path = tmp_path / "1.dcm"
    path.write_bytes(path.read_bytes().replace(b"-1024 ", b"-1O24 "))
    message = f"{path}: RescaleIntercept must be 1 number, got -1O24."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_dicom(tmp_path)


@pytest.mark.parametrize("num_bytes", [1, 20])
def test_a_file_cut_off_in_its_pixels_is_refused(tmp_path, num_bytes):
    write_series(tmp_path, num_slices=2)
    path = tmp_path / "1.dcm"
    path.write_bytes(path.read_bytes()[:-num_bytes])
    message = f"{path}: its pixels are damaged or truncated. Copy the series again."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_dicom(tmp_path)


@pytest.mark.parametrize("length", [0, 60, 128, 131, 140, 200, 350, 500, 600])
def test_a_file_cut_off_anywhere_is_a_data_error_that_names_it(tmp_path, length):
    write_series(tmp_path, num_slices=2)
    path = tmp_path / "1.dcm"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}: "):
        read_dicom(tmp_path)


@pytest.mark.filterwarnings("ignore")
def test_a_file_with_wrong_bytes_is_read_or_refused_but_never_a_bug(tmp_path):
    write_series(tmp_path, num_slices=2)
    path = tmp_path / "1.dcm"
    good, rng = path.read_bytes(), np.random.default_rng(0)
    num_refused = 0
    for _ in range(100):
        wrong = bytearray(good)
        for place in rng.integers(128, len(good) - 160, 3):
            wrong[place] = rng.integers(256)
        path.write_bytes(wrong)
        try:
            read_dicom(tmp_path)
        except DataError:
            num_refused += 1
    assert 50 < num_refused < 100


def test_a_file_with_a_dicom_name_that_is_none_is_refused(tmp_path):
    write_series(tmp_path, num_slices=2)
    (tmp_path / "x.IMA").write_bytes(b"\0" * 300)
    message = f"{tmp_path / 'x.IMA'}: this is not a DICOM file; it has no DICM prefix. Copy the series again."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_dicom(tmp_path)


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        (HTJ2K, "High-Throughput JPEG 2000 Image Compression"),
        (JPEG2000Lossless, "JPEG 2000 Image Compression (Lossless Only)"),
    ],
)
def test_pixels_that_cannot_be_decoded_are_refused_with_their_compression(tmp_path, syntax, name):
    for number in range(2):
        header = slice_of(number)
        header.PixelData = pydicom.encaps.encapsulate([b"\0" * 64])
        header["PixelData"].is_undefined_length = True
        save_slice(tmp_path / f"{number}.dcm", header, syntax)
    message = (
        f"{tmp_path / '0.dcm'}: its pixels are compressed ({name}) and cannot be decoded. Decompress the series "
        f"first, for example with gdcmconv --raw, or convert it with dcm2niix and use the .nii.gz."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_dicom(tmp_path)


def test_an_empty_folder_and_a_missing_one_say_so(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing", encoding="ascii")
    message = f"{tmp_path}: found no DICOM files. A series needs its own folder, with one file for each slice."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_dicom(tmp_path)
    message = f"{tmp_path / 'nowhere'}: there is no such folder."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_dicom(tmp_path / "nowhere")


def test_reading_other_formats_does_not_import_pydicom():
    code = "import sys, archnet.imaging; sys.exit('pydicom' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _slices(positions_mm):
    axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    return [
        Slice(name=f"{number}.dcm", position_mm=position, axes=axes, pixel_mm=(0.7, 0.7), shape=(8, 8))
        for number, position in enumerate(positions_mm)
    ]


def test_a_little_error_of_each_of_300_slices_does_not_add_up(tmp_path):
    rounded = [(0.05 * (-1) ** number, 0.05 * (-1) ** (number // 2), 1.25 * number) for number in range(300)]
    found = stack(_slices(rounded))
    assert found.order == tuple(range(300))
    assert found.spacing_mm == pytest.approx((0.7, 0.7, 1.25))
    uneven = [(0.0, 0.0, 1.25 * number + 0.05 * (number % 2)) for number in range(300)]
    assert len(stack(_slices(uneven)).order) == 300


@pytest.mark.parametrize(
    ("position_mm", "message"),
    [
        ((0.2, 0.0, 20.0), None),
        ((0.3, 0.0, 20.0), "its slices are shifted sideways: 4.dcm by 0.30 mm"),
        ((0.18, 0.24, 20.0), "its slices are shifted sideways: 4.dcm by 0.30 mm"),
        ((0.0, 0.0, 20.0999), None),
        (
            (0.0, 0.0, 20.11),
            "its slices are not evenly spaced: usually 5.000 mm apart, but "
            "5.110 mm between 3.dcm (at 15.00 mm) and 4.dcm (at 20.11 mm), "
            "4.890 mm between 4.dcm (at 20.11 mm) and 5.dcm (at 25.00 mm)",
        ),
    ],
)
def test_a_slice_may_be_as_far_off_as_rounding_puts_it(position_mm, message):
    slices = _slices([position_mm if number == 4 else (0.0, 0.0, 5.0 * number) for number in range(8)])
    if message is None:
        assert stack(slices).order == tuple(range(8))
        return
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        stack(slices)


@pytest.mark.parametrize(
    ("changes", "is_alike"),
    [
        ({"pixel_mm": (0.70009, 0.7)}, True),
        ({"pixel_mm": (0.7, 0.70011)}, False),
        ({"axes": (1.0, 0.00099, 0.0, 0.0, 1.0, 0.0)}, True),
        ({"axes": (1.0, 0.00101, 0.0, 0.0, 1.0, 0.0)}, False),
        ({"shape": (8, 9)}, False),
    ],
)
def test_slices_may_differ_as_much_as_rounding_makes_them(changes, is_alike):
    slices = _slices([(0.0, 0.0, 5.0 * number) for number in range(4)])
    slices[2] = replace(slices[2], **changes)
    if is_alike:
        assert stack(slices).order == (0, 1, 2, 3)
    else:
        with pytest.raises(ValueError, match=r"^its slices are inconsistent: most have .*; 2\.dcm has "):
            stack(slices)


@pytest.mark.parametrize(
    ("places_mm", "message"),
    [
        ((0, 0.0101), None),
        ((0, 0.01), None),
        ((0, 0.0099), "slices have the same position: 0.dcm and 1.dcm (at 0.00 mm); remove one of each"),
        ((0, 0.2, 0.448, 0.6), None),
        ((-1, 0.1, 1), None),
        (
            (0, 0.2, 0.46, 0.6),
            "its slices are not evenly spaced: usually 0.200 mm apart, but "
            "0.260 mm between 1.dcm (at 0.20 mm) and 2.dcm (at 0.46 mm), "
            "0.140 mm between 2.dcm (at 0.46 mm) and 3.dcm (at 0.60 mm)",
        ),
        (
            (0, 5, 10.01, 15.01, 20.5, 25.5),
            "its slices are not evenly spaced: usually 5.000 mm apart, but "
            "5.490 mm between 3.dcm (at 15.01 mm) and 4.dcm (at 20.50 mm)",
        ),
        (
            (0, 0.4, 0.8, 1.2, 1.79, 2.26, 2.66, 3.06),
            "its slices are not evenly spaced: usually 0.400 mm apart, but "
            "0.590 mm between 3.dcm (at 1.20 mm) and 4.dcm (at 1.79 mm)",
        ),
        (
            (0, 5, 10, 15, 17.5, 20),
            "its slices are not evenly spaced: usually 5.000 mm apart, but "
            "2.500 mm between 3.dcm (at 15.00 mm) and 4.dcm (at 17.50 mm), "
            "2.500 mm between 4.dcm (at 17.50 mm) and 5.dcm (at 20.00 mm)",
        ),
        (
            (0, 5, 10, 20.9, 25.9),
            "slices are missing: 1 between 2.dcm (at 10.00 mm) and 3.dcm (at 20.90 mm); copy the whole series again",
        ),
        (
            (0, 5, 10, 21.1, 26.1),
            "its slices are not evenly spaced: usually 5.000 mm apart, but "
            "11.100 mm between 2.dcm (at 10.00 mm) and 3.dcm (at 21.10 mm)",
        ),
        (
            (0, 5, 10, 30, 35),
            "slices are missing: 3 between 2.dcm (at 10.00 mm) and 3.dcm (at 30.00 mm); copy the whole series again",
        ),
    ],
)
def test_the_distances_between_slices_are_equal_or_multiples(places_mm, message):
    slices = _slices([(0.0, 0.0, place) for place in places_mm])
    if message is None:
        mean_mm = (places_mm[-1] - places_mm[0]) / (len(places_mm) - 1)
        assert stack(slices).spacing_mm[2] == pytest.approx(mean_mm)
    else:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            stack(slices)


@pytest.mark.parametrize(
    ("usual", "changes", "message"),
    [
        ({"shape": (8, 10)}, {0: {"shape": (9, 9)}}, "most have 10 x 8 pixels; 0.dcm has 9 x 9 pixels"),
        (
            {"pixel_mm": (0.704, 0.7)},
            {0: {"pixel_mm": (0.7, 0.7)}, 1: {"pixel_mm": (0.7, 0.7)}},
            "most have pixels of 0.704 x 0.7 mm; 0.dcm, 1.dcm have pixels of 0.7 x 0.7 mm",
        ),
        (
            {"axes": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)},
            {
                0: {},
                1: {},
                2: {"axes": (1.0, 0.0001, 0.0, 0.0, 1.0, 0.0)},
                3: {"axes": (1.0, 0.0002, 0.0, 0.0, 1.0, 0.0)},
                4: {"axes": (1.0, 0.0003, 0.0, 0.0, 1.0, 0.0)},
            },
            "most have the axes (1, 0.0001, 0, 0, 1, 0); 0.dcm, 1.dcm have the axes (0, 1, 0, 0, 0, -1)",
        ),
    ],
)
def test_the_usual_geometry_is_that_of_most_slices_up_to_rounding(usual, changes, message):
    slices = [replace(one, **usual) for one in _slices([(0.0, 0.0, 5.0 * number) for number in range(5)])]
    slices = [replace(one, **changes.get(number, {})) for number, one in enumerate(slices)]
    with pytest.raises(ValueError, match=f"^its slices are inconsistent: {re.escape(message)}$"):
        stack(slices)


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ([8, 8, 8, 9, 9], "most have 8 x 8 pixels; 3.dcm, 4.dcm have 9 x 9 pixels"),
        ([8, 8, 9, 9], "some have 8 x 8 pixels; 2.dcm, 3.dcm have 9 x 9 pixels"),
        ([8, 8, 9, 10], "some have 8 x 8 pixels; 2.dcm has 9 x 9 pixels; 3.dcm has 10 x 10 pixels"),
        (
            [8, 8, 9, 10, 11, 12],
            "some have 8 x 8 pixels; 2.dcm has 9 x 9 pixels; 3.dcm has 10 x 10 pixels; 4.dcm has 11 x 11 pixels; 1 slice "
            "differs in other ways",
        ),
        (
            [8, 8, 9, 10, 11, 12, 12],
            "some have 8 x 8 pixels; 2.dcm has 9 x 9 pixels; 3.dcm has 10 x 10 pixels; 4.dcm has 11 x 11 pixels; 2 slices "
            "differ in other ways",
        ),
    ],
)
def test_each_geometry_is_told_with_its_slices(sides, message):
    slices = _slices([(0.0, 0.0, 5.0 * number) for number in range(len(sides))])
    slices = [replace(one, shape=(side, side)) for one, side in zip(slices, sides, strict=True)]
    with pytest.raises(ValueError, match=f"^its slices are inconsistent: {re.escape(message)}$"):
        stack(slices)


def test_axes_may_be_rounded():
    axes = (1.0, 0.0, 0.0, 0.0, 0.9998, 0.0)
    slices = [replace(one, axes=axes) for one in _slices([(0.0, 0.0, 5.0 * number) for number in range(3)])]
    assert stack(slices).direction.T.tolist() == [[1, 0, 0], [0, 0.9998, 0], [0, 0, 0.9998]]


@pytest.mark.parametrize(
    ("offsets_mm", "message"),
    [
        ({0: (3.0, 4.0)}, "0.dcm by 5.00 mm"),
        ({1: (-3.0, 0.0), 3: (-3.0, 0.0), 5: (-3.0, 0.0)}, "1.dcm by 3.00 mm, 3.dcm by 3.00 mm, 5.dcm by 3.00 mm"),
        ({2: (0.2, 0.0), 4: (0.3, 0.0)}, "4.dcm by 0.30 mm"),
    ],
)
def test_slices_beside_most_others_are_shifted(offsets_mm, message):
    slices = _slices([(*offsets_mm.get(number, (0.0, 0.0)), 5.0 * number) for number in range(7)])
    with pytest.raises(ValueError, match=f"^its slices are shifted sideways: {re.escape(message)}$"):
        stack(slices)


def test_a_gantry_tilt_is_recognized_in_rounded_positions():
    shift_mm = np.tan(np.radians(10))
    slices = _slices([(0.0, shift_mm * number + 0.05 * (-1) ** number, 1.0 * number) for number in range(100)])
    with pytest.raises(ValueError, match=r"^the gantry was tilted by 10\.0 degrees"):
        stack(slices)


def test_doubled_slices_are_named_in_the_order_of_their_files():
    slices = _slices([(0.0, 0.0, 5.0 * (number % 50)) for number in range(100)])
    message = "0.dcm and 50.dcm (at 0.00 mm), 1.dcm and 51.dcm (at 5.00 mm), 2.dcm and 52.dcm (at 10.00 mm) and 47 more"
    with pytest.raises(ValueError, match=f"^slices have the same position: {re.escape(message)}; remove one of each$"):
        stack(slices)


def test_how_a_series_was_acquired_is_read_from_its_slices(tmp_path):
    write_series(
        tmp_path / "a", SliceThickness="0.6250", Manufacturer="SIEMENS", ManufacturerModelName=" Sensation  64 ",
        ConvolutionKernel=["I50f", "3"], KVP="120.0",
    )  # fmt: skip
    expected = {
        "slice_thickness_mm": "0.625",
        "scanner": "SIEMENS Sensation 64",
        "kernel": "I50f 3",
        "tube_voltage_kv": "120",
    }
    assert read_frame(tmp_path / "a").acquisition == expected
    assert read_volume(tmp_path / "a").acquisition == expected
    write_series(tmp_path / "b")
    assert read_frame(tmp_path / "b").acquisition == {}


def test_what_differs_between_slices_or_is_not_a_number_is_unknown(tmp_path):
    changes = {2: {"Manufacturer": "GE"}}
    write_series(tmp_path / "a", changes=changes, SliceThickness="0", KVP="-120", ManufacturerModelName="X\x9by")
    assert read_frame(tmp_path / "a").acquisition == {"scanner": r"X\x9by"}


def test_long_texts_of_the_acquisition_are_cut(tmp_path):
    write_series(tmp_path, ConvolutionKernel=["sharp kernel 1"] * 5)
    assert read_frame(tmp_path).acquisition == {"kernel": " ".join(["sharp kernel 1"] * 4) + " shar"}
