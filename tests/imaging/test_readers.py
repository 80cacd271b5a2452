import itertools
import re
import zlib

import nibabel
import numpy as np
import pytest
import SimpleITK

from archnet.errors import DataError
from archnet.imaging import (
    READERS,
    Volume,
    crop,
    list_scan_files,
    nearest_index,
    orient_to_lps,
    read_frame,
    read_volume,
)
from archnet.imaging.metaimage import write_mhd

OBLIQUE = SimpleITK.Euler3DTransform((0.0, 0.0, 0.0), 0.21, -0.13, 0.4).GetMatrix()
DIRECTIONS = {
    "axial": (1, 0, 0, 0, 1, 0, 0, 0, 1),
    "flipped in x and y": (-1, 0, 0, 0, -1, 0, 0, 0, 1),
    "flipped in z": (1, 0, 0, 0, 1, 0, 0, 0, -1),
    "sagittal": (0, 0, 1, 1, 0, 0, 0, -1, 0),
    "oblique": OBLIQUE,
}


def _image(array, spacing=(0.7, 0.71, 5.0), origin=(-193.7, -201.3, 1499.9), direction=DIRECTIONS["axial"]):
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(direction)
    return image


def _small():
    return np.random.default_rng(0).integers(-1000, 1000, (4, 5, 6)).astype(np.int16)


def _inside(volume):
    """World points of every corner, of some edges and of the middle, none of them halfway between voxels."""
    z, y, x = volume.hu.shape
    places = itertools.product((0, 3, z // 2, z - 1), (0, 20, y // 2, y - 1), (0, 31, x // 2, x - 1))
    to_world = volume.direction * np.asarray(volume.spacing_mm)
    return [np.asarray(volume.origin_mm) + to_world @ (np.array([x, y, z]) + 0.2) for z, y, x in places]


@pytest.mark.slow
@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
@pytest.mark.parametrize("number", [1, 2])
def test_crops_of_a_real_ct_equal_what_simpleitk_finds_at_their_world_positions(tmp_path, real_data, number, direction):
    ct = SimpleITK.ReadImage(str(real_data / f"ct/lung{number}_image.nrrd"))
    path = tmp_path / "scan.mhd"
    image = _image(SimpleITK.GetArrayFromImage(ct), direction=direction)
    SimpleITK.WriteImage(image, str(path))
    volume = read_volume(path)
    points = _inside(volume)
    indices = nearest_index(volume, points)
    to_world = volume.direction * np.asarray(volume.spacing_mm)
    for point, centre in zip(points, indices.tolist(), strict=True):
        at_point = image[image.TransformPhysicalPointToIndex(point.tolist())]
        cut = crop(volume, tuple(centre), (12, 8, 4))
        assert cut[6, 4, 2] == at_point
        for row, column, slice_ in itertools.product((0, 5, 11), (0, 7), (0, 3)):
            step = np.array([column - 4, row - 6, slice_ - 2])
            near = np.asarray(volume.origin_mm) + to_world @ (np.array(centre[::-1]) + step)
            assert cut[row, column, slice_] == _value_at(image, near)


def _value_at(image, point):
    index = image.TransformPhysicalPointToIndex(point.tolist())
    inside = all(0 <= place < length for place, length in zip(index, image.GetSize(), strict=True))
    return image[index] if inside else -1000


@pytest.mark.parametrize(
    "name", ["scan.mhd", "scan.mha", "zipped.mhd", "zipped.mha", "scan.nrrd", "scan.nii", "scan.nii.gz"]
)
@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_every_format_gives_the_same_volume(tmp_path, name, direction):
    image = _image(_small(), direction=direction)
    SimpleITK.WriteImage(image, str(tmp_path / name), useCompression="zipped" in name)
    expected = orient_to_lps(
        Volume(
            hu=_small(),
            spacing_mm=image.GetSpacing(),
            origin_mm=image.GetOrigin(),
            direction=np.array(image.GetDirection()).reshape(3, 3),
        )
    )
    found = read_volume(tmp_path / name)
    np.testing.assert_array_equal(found.hu, expected.hu)
    np.testing.assert_allclose(found.spacing_mm, expected.spacing_mm, rtol=1e-6)
    np.testing.assert_allclose(found.origin_mm, expected.origin_mm, rtol=1e-5)
    np.testing.assert_allclose(found.direction, expected.direction, atol=1e-6)


def test_the_names_that_simpleitk_writes_are_all_readable_formats():
    assert set(READERS) == {".mhd", ".mha", ".nii", ".nii.gz", ".nrrd"}


@pytest.mark.parametrize("kind", ["<u1", ">i2", "<u2", "<i4", "<f4", ">f8"])
def test_every_voxel_type_and_byte_order_of_metaimage_is_read(tmp_path, kind):
    array = np.arange(24).reshape(2, 3, 4).astype(kind)
    array.tofile(tmp_path / "scan.raw")
    names = {
        "u1": "MET_UCHAR",
        "i2": "MET_SHORT",
        "u2": "MET_USHORT",
        "i4": "MET_INT",
        "f4": "MET_FLOAT",
        "f8": "MET_DOUBLE",
    }
    _write_header(tmp_path, ElementType=names[kind[1:]], BinaryDataByteOrderMSB=str(kind[0] == ">"))
    np.testing.assert_array_equal(read_volume(tmp_path / "scan.mhd").hu, array)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "scan.mhd"))), array)


def test_an_uncompressed_raw_file_is_mapped_and_not_read(tmp_path):
    SimpleITK.WriteImage(_image(_small(), direction=DIRECTIONS["flipped in z"]), str(tmp_path / "scan.mhd"))
    hu = read_volume(tmp_path / "scan.mhd").hu
    assert isinstance(hu, np.memmap)
    assert not hu.flags.writeable


def test_a_written_scan_is_read_back_by_simpleitk(tmp_path):
    direction = np.array(OBLIQUE).reshape(3, 3)
    volume = Volume(hu=_small(), spacing_mm=(0.7, 0.8, 2.5), origin_mm=(-1.5, 2.25, 1e-3), direction=direction)
    write_mhd(tmp_path / "a scan.mhd", volume)
    image = SimpleITK.ReadImage(str(tmp_path / "a scan.mhd"))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), volume.hu)
    assert image.GetSpacing() == volume.spacing_mm
    assert image.GetOrigin() == volume.origin_mm
    np.testing.assert_allclose(image.GetDirection(), direction.ravel(), atol=1e-15)


def test_rescale_slope_and_intercept_of_nifti_are_applied(tmp_path):
    image = nibabel.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.diag([-1.0, -1.0, 1.0, 1.0]))
    image.header.set_slope_inter(2.0, -1024.0)
    nibabel.save(image, tmp_path / "scan.nii.gz")
    expected = np.asanyarray(nibabel.load(tmp_path / "scan.nii.gz").dataobj).transpose(2, 1, 0)
    assert expected.min() == -1024.0
    np.testing.assert_array_equal(read_volume(tmp_path / "scan.nii.gz").hu, expected)


def _write_header(folder, **changes):
    lines = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "ElementSpacing": "1 1 2",
        "DimSize": "4 3 2",
        "ElementType": "MET_SHORT",
        **changes,
    }
    lines["ElementDataFile"] = lines.pop("ElementDataFile", "scan.raw")
    text = "".join(f"{key} = {value}\n" for key, value in lines.items() if value is not None)
    (folder / "scan.mhd").write_text(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"DimSize": "4 3 3"},
            "scan.raw should contain 4 x 3 x 3 voxels of 2 bytes (72 bytes), but contains 48; copy the scan again",
        ),
        (
            {"DimSize": "4 3 1"},
            "scan.raw should contain 4 x 3 x 1 voxels of 2 bytes (24 bytes), but contains 48; copy the scan again",
        ),
        ({"DimSize": "4 3"}, "DimSize must be 3 whole numbers, got 4 3"),
        ({"DimSize": "4 3 0"}, "DimSize must be 3 whole numbers, got 4 3 0"),
        ({"DimSize": None}, "the header has no DimSize"),
        ({"DimSize": "4 x 2"}, "DimSize must be 3 whole numbers, got 4 x 2"),
        ({"ElementSpacing": None}, "the header has no ElementSpacing"),
        ({"HeaderSize": "x"}, "HeaderSize must be 1 whole number, got x"),
        (
            {"ObjectType": "Image\n" + "line" * 16},
            f'every line of a MetaImage header must read "Key = value", got {"line" * 15!r}',
        ),
        ({"NDims": "4"}, "NDims must be 3, got 4"),
        ({"ElementNumberOfChannels": "3"}, "ElementNumberOfChannels must be 1, got 3"),
        ({"BinaryData": "False"}, "BinaryData must be True, got False"),
        ({"BinaryData": "0"}, "BinaryData must be True, got 0"),
        (
            {"ElementType": "MET_STRING"},
            "ElementType must be one of MET_CHAR, MET_UCHAR, MET_SHORT, MET_USHORT, MET_INT, MET_UINT, MET_LONG, "
            "MET_ULONG, MET_LONG_LONG, MET_ULONG_LONG, MET_FLOAT, MET_DOUBLE, got MET_STRING",
        ),
        ({"ElementSpacing": "1 1 -2"}, "voxel spacings must be between 0.001 and 1000 mm, got (1.0, 1.0, -2.0)"),
        ({"ElementSpacing": "1 1 nan"}, "ElementSpacing must be 3 numbers, got 1 1 nan"),
        ({"CompressedData": "perhaps"}, "CompressedData must be True or False, got perhaps"),
        (
            {"Offset": "0 0 0\nOrigin = 1 1 1"},
            "Offset appears twice in the header, as 0 0 0 and as 1 1 1; keep the correct one",
        ),
        ({"ObjectType": "Image\nhello"}, "every line of a MetaImage header must read \"Key = value\", got 'hello'"),
        (
            {"ElementDataFile": "../../etc/passwd"},
            "ElementDataFile = ../../etc/passwd is outside the header's folder; put the voxels next to the header",
        ),
        (
            {"ElementDataFile": "/etc/passwd"},
            "ElementDataFile = /etc/passwd is outside the header's folder; put the voxels next to the header",
        ),
        (
            {"ElementDataFile": "other.raw"},
            "ElementDataFile = other.raw does not exist; put the voxels next to the header",
        ),
        (
            {"ElementDataFile": "LIST"},
            "ElementDataFile = LIST names 0 files, but DimSize has 2 slices; copy the scan again",
        ),
    ],
)
def test_a_header_that_lies_is_refused_with_its_place(tmp_path, changes, message):
    np.arange(24, dtype=np.int16).tofile(tmp_path / "scan.raw")
    _write_header(tmp_path, **changes)
    path = tmp_path / "scan.mhd"
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}: {message}.')}$"):
        read_volume(path)


def test_a_compressed_scan_that_was_cut_off_is_refused(tmp_path):
    SimpleITK.WriteImage(_image(_small()), str(tmp_path / "scan.mhd"), useCompression=True)
    zraw = tmp_path / "scan.zraw"
    size = zraw.stat().st_size
    zraw.write_bytes(zraw.read_bytes()[:100])
    message = (
        f"{tmp_path / 'scan.mhd'}: scan.zraw should contain {size} packed bytes (CompressedDataSize), but contains 100; "
        "copy the scan again."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(tmp_path / "scan.mhd")


def test_a_compressed_scan_that_explodes_is_refused_without_inflating_it(tmp_path):
    (tmp_path / "scan.zraw").write_bytes(zlib.compress(bytes(50_000_000)))
    _write_header(tmp_path, CompressedData="True", ElementDataFile="scan.zraw")
    message = "scan.zraw should contain 4 x 3 x 2 voxels of 2 bytes (48 bytes), but contains more; copy the scan again."
    with pytest.raises(DataError, match=re.escape(message)):
        read_volume(tmp_path / "scan.mhd")


def test_an_unknown_format_is_refused_with_those_that_are_known(tmp_path):
    with pytest.raises(DataError) as caught:
        read_volume(tmp_path / "scan.png")
    assert str(caught.value) == (
        f"{tmp_path / 'scan.png'}: this scan format is not supported. Use one of .mhd, .mha, .nii, .nii.gz, .nrrd."
    )


def test_a_missing_scan_is_named(tmp_path):
    with pytest.raises(DataError, match=f"^{re.escape(str(tmp_path / 'scan.nii'))}: there is no such file\\.$"):
        read_volume(tmp_path / "scan.nii")


@pytest.mark.parametrize("read", [read_volume, read_frame, list_scan_files])
def test_a_scan_that_the_system_does_not_open_is_named_with_the_reason(tmp_path, read):
    (tmp_path / "file").touch()
    path = tmp_path / "file/scan.mhd"
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}: it cannot be read \\(Not a directory\\)\\.$"):
        read(path)


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.nrrd", "scan.mhd"])
def test_a_file_of_something_else_is_refused(tmp_path, name):
    (tmp_path / name).write_text("This is a letter, not a scan.\n")
    with pytest.raises(DataError, match=re.escape(str(tmp_path / name))):
        read_volume(tmp_path / name)


FILES = {
    "scan.mhd": ["scan.mhd", "scan.raw"],
    "zipped.mhd": ["zipped.mhd", "zipped.zraw"],
    "scan.mha": ["scan.mha"],
    "zipped.mha": ["zipped.mha"],
    "scan.nrrd": ["scan.nrrd"],
    "scan.nii": ["scan.nii"],
    "scan.nii.gz": ["scan.nii.gz"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
def test_a_real_cts_frame_is_that_of_its_volume_and_takes_no_memory(tmp_path, real_data, name, direction):
    ct = SimpleITK.ReadImage(str(real_data / "ct/lung1_image.nrrd"))[100:300:4, :, 10:20]
    image = _image(SimpleITK.GetArrayFromImage(ct), direction=direction)
    SimpleITK.WriteImage(image, str(tmp_path / name), useCompression="zipped" in name)
    _compare_frame(tmp_path / name)


def _compare_frame(path):
    frame, volume = read_frame(path), read_volume(path)
    assert frame.hu.shape == volume.hu.shape
    assert frame.spacing_mm == volume.spacing_mm
    assert frame.origin_mm == volume.origin_mm
    np.testing.assert_array_equal(frame.direction, volume.direction)
    assert not frame.hu.any()
    assert set(frame.hu.strides) == {0}


@pytest.mark.parametrize("name", FILES)
def test_all_files_of_a_scan_are_known(tmp_path, name):
    SimpleITK.WriteImage(_image(_small()), str(tmp_path / name), useCompression="zipped" in name)
    assert list_scan_files(tmp_path / name) == [tmp_path / file for file in FILES[name]]


@pytest.mark.parametrize("read", [read_frame, list_scan_files])
def test_a_header_whose_voxels_are_missing_has_neither_a_frame_nor_files(tmp_path, read):
    _write_header(tmp_path, ElementDataFile="other.raw")
    path = tmp_path / "scan.mhd"
    message = f"{path}: ElementDataFile = other.raw does not exist; put the voxels next to the header."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read(path)


@pytest.mark.parametrize("read", [read_frame, list_scan_files])
@pytest.mark.parametrize("name", FILES)
def test_a_missing_scan_has_neither_a_frame_nor_files(tmp_path, read, name):
    with pytest.raises(DataError, match=f"^{re.escape(str(tmp_path / name))}: there is no such file\\.$"):
        read(tmp_path / name)


def test_a_frame_tells_when_a_raw_file_is_cut_off(tmp_path):
    np.arange(23, dtype=np.int16).tofile(tmp_path / "scan.raw")
    _write_header(tmp_path)
    message = (
        f"{tmp_path / 'scan.mhd'}: scan.raw should contain 4 x 3 x 2 voxels of 2 bytes (48 bytes), but contains 46; "
        "copy the scan again."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_frame(tmp_path / "scan.mhd")


@pytest.mark.parametrize(("header_size", "num_bytes"), [("-1", 0), ("-1", 7), ("-1", 1), ("7", 7), ("0", 0)])
def test_voxels_of_metaimage_may_follow_a_header_of_their_own(tmp_path, header_size, num_bytes):
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    (tmp_path / "scan.raw").write_bytes(b"?" * num_bytes + array.tobytes())
    _write_header(tmp_path, HeaderSize=header_size)
    np.testing.assert_array_equal(read_volume(tmp_path / "scan.mhd").hu, array)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "scan.mhd"))), array)


def test_packed_voxels_of_metaimage_begin_their_file_whatever_the_header_size(tmp_path):
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    (tmp_path / "scan.zraw").write_bytes(zlib.compress(array.tobytes()))
    _write_header(tmp_path, HeaderSize="-1", CompressedData="True", ElementDataFile="scan.zraw")
    np.testing.assert_array_equal(read_volume(tmp_path / "scan.mhd").hu, array)


def test_a_raw_file_shorter_than_its_voxels_is_cut_off_whatever_the_header_size(tmp_path):
    np.arange(23, dtype=np.int16).tofile(tmp_path / "scan.raw")
    _write_header(tmp_path, HeaderSize="-1")
    message = (
        f"{tmp_path / 'scan.mhd'}: scan.raw should contain 4 x 3 x 2 voxels of 2 bytes (48 bytes), but contains 46; "
        "copy the scan again."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(tmp_path / "scan.mhd")


@pytest.mark.parametrize("read", [read_volume, read_frame, list_scan_files])
@pytest.mark.parametrize("name", FILES)
def test_a_link_to_a_scan_that_was_not_fetched_is_reported_as_that(tmp_path, read, name):
    (tmp_path / name).symlink_to(tmp_path / ".git/annex/objects/1")
    message = f"{tmp_path / name}: it is a link to a missing file. Fetch it, for example with git annex get."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read(tmp_path / name)


@pytest.mark.parametrize("read", [read_volume, read_frame, list_scan_files])
def test_a_link_to_voxels_that_were_not_fetched_is_reported_as_that(tmp_path, read):
    _write_header(tmp_path)
    (tmp_path / "scan.raw").symlink_to(tmp_path / ".git/annex/objects/1")
    message = (
        f"{tmp_path / 'scan.mhd'}: ElementDataFile = scan.raw is a link to a missing file; fetch it, "
        "for example with git annex get."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read(tmp_path / "scan.mhd")
