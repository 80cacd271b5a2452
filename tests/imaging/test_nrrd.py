"""NRRD files whose header is detached from the voxels, read as SimpleITK reads them."""

import gzip
import re

import numpy as np
import pytest
import SimpleITK

from archnet.errors import DataError
from archnet.imaging import list_scan_files, read_frame, read_volume
from simpleitk_reading import assert_reads_as, read_with_simpleitk

VOXELS = np.random.default_rng(0).integers(-1000, 400, (4, 5, 6)).astype(np.int16)


def write_header(folder, *lines, blank=False, data_file="scan.raw", name="scan.nrrd", **changes):
    fields = {
        "type": "short",
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": "6 5 4",
        "space directions": "(0.7,0,0) (0,0.8,0) (0,0,-2.5)",
        "kinds": "domain domain domain",
        "endian": "little",
        "encoding": "raw",
        "space origin": "(1,2,3.5)",
        **{key.replace("_", " "): value for key, value in changes.items()},
    }
    text = ["NRRD0005", "# a comment: of no use", *(f"{key}: {value}" for key, value in fields.items()), *lines]
    path = folder / name
    path.write_bytes("\n".join([*text, f"data file: {data_file}"]).encode() + b"\n\n" * blank)
    return path


def assert_as_simpleitk_reads(path):
    copy = path.with_suffix(".nhdr")
    content = path.read_bytes()  # SimpleITK wants another name, and Teem an end
    copy.write_bytes(content + (b"\n" if b"LIST" in content else b"\n\n"))
    theirs = read_with_simpleitk(copy)
    copy.unlink()
    assert_reads_as(path, theirs)


@pytest.mark.parametrize("blank", [False, True], ids=["without a blank line", "with a blank line"])
@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_a_detached_header_is_read_as_simpleitk_reads_it(tmp_path, blank, encoding):
    (tmp_path / "größe.raw").write_bytes(VOXELS.tobytes() if encoding == "raw" else gzip.compress(VOXELS.tobytes()))
    path = write_header(tmp_path, blank=blank, encoding=encoding, data_file="größe.raw")
    assert_as_simpleitk_reads(path)
    assert list_scan_files(path) == sorted([path, tmp_path / "größe.raw"])


def test_the_last_line_needs_no_end(tmp_path):
    VOXELS.tofile(tmp_path / "scan.raw")
    path = write_header(tmp_path)
    assert not path.read_bytes().endswith(b"\n")
    assert_as_simpleitk_reads(path)


@pytest.mark.parametrize("data_file", ["s%02d.raw 1 4 1", "LIST\ns01.raw\ns02.raw\ns03.raw\ns04.raw"])
def test_one_file_for_each_slice_is_read_as_simpleitk_reads_it(tmp_path, data_file):
    for number, values in enumerate(VOXELS, 1):
        values.tofile(tmp_path / f"s{number:02d}.raw")
    path = write_header(tmp_path, data_file=data_file)
    assert_as_simpleitk_reads(path)
    assert list_scan_files(path) == [*(tmp_path / f"s{number:02d}.raw" for number in range(1, 5)), path]


@pytest.mark.parametrize("skip", ["0", "7", "-1"])
def test_bytes_before_the_voxels_are_skipped(tmp_path, skip):
    (tmp_path / "scan.raw").write_bytes(bytes(abs(int(skip))) + VOXELS.tobytes())
    assert_as_simpleitk_reads(write_header(tmp_path, f"byte skip: {skip}"))


def test_bytes_before_packed_voxels_are_skipped_when_they_are_unpacked(tmp_path):
    (tmp_path / "scan.raw").write_bytes(gzip.compress(bytes(9) + VOXELS.tobytes()))
    assert_as_simpleitk_reads(write_header(tmp_path, "byte skip: 9", encoding="gzip"))


@pytest.mark.parametrize("skip", ["0", "5", "-1"])
def test_bytes_between_an_attached_header_and_its_voxels_are_skipped(tmp_path, skip):
    path = write_header(tmp_path)
    header = path.read_bytes().replace(b"data file: scan.raw", f"byte skip: {skip}\n\n".encode())
    path.write_bytes(header + bytes(abs(int(skip))) + VOXELS.tobytes())
    np.testing.assert_array_equal(read_volume(path).hu[::-1], VOXELS)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))), VOXELS)


def test_the_names_of_fields_may_be_written_without_spaces(tmp_path):
    (tmp_path / "scan.raw").write_bytes(bytes(7) + VOXELS.tobytes())
    path = write_header(tmp_path, "byteskip: 7")
    path.write_bytes(path.read_bytes().replace(b"data file", b"datafile"))
    assert_as_simpleitk_reads(path)


def test_voxels_of_one_byte_need_no_byte_order(tmp_path):
    values = np.arange(120, dtype=np.uint8).reshape(4, 5, 6)
    values.tofile(tmp_path / "scan.raw")
    path = write_header(tmp_path, type="uchar")
    path.write_bytes(path.read_bytes().replace(b"endian: little\n", b""))
    assert_as_simpleitk_reads(path)


BAD = {
    "../outside.raw": "data file = ../outside.raw is outside the header's folder; put the voxels next to the header",
    "/etc/passwd": "data file = /etc/passwd is outside the header's folder; put the voxels next to the header",
    "other.raw": "data file = other.raw does not exist; put the voxels next to the header",
    "short.raw": "short.raw should contain 6 x 5 x 4 voxels of 2 bytes (240 bytes), but contains 239; copy the scan again",
    "LIST\nscan.raw": "data file: LIST names 1 file, but sizes has 4 slices; copy the scan again",
    "LIST 3\nscan.raw": "data file: LIST 3: a list must name one file for each slice; use LIST",
    "s%d.raw 1 5 "
    "1": "data file = s%d.raw 1 5 1 does not name 4 files, one for each slice; write the first number, the last one "
         "and the step",
}  # fmt: skip


@pytest.mark.parametrize(("data_file", "reason"), BAD.items(), ids=BAD)
@pytest.mark.parametrize("read", [read_volume, read_frame])
def test_a_detached_header_that_lies_is_refused(tmp_path, data_file, reason, read):
    folder = tmp_path / "scans"
    folder.mkdir()
    VOXELS.tofile(folder / "scan.raw")
    VOXELS.tofile(tmp_path / "outside.raw")
    (folder / "short.raw").write_bytes(bytes(239))
    path = write_header(folder, data_file=data_file)
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}: {reason}.')}$"):
        read(path)


@pytest.mark.parametrize(
    ("skip", "encoding"), [("x", "raw"), ("-2", "raw"), ("1e9", "raw"), ("99999999999", "raw"), ("-1", "gzip")]
)
def test_a_wrong_number_of_bytes_to_skip_is_refused(tmp_path, skip, encoding):
    VOXELS.tofile(tmp_path / "scan.raw")
    path = write_header(tmp_path, f"byte skip: {skip}", encoding=encoding)
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}: byte skip must be a whole number, got {skip}.')}$"):
        read_volume(path)


def test_a_detached_header_with_a_different_name_gets_the_right_name(tmp_path):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(VOXELS), str(tmp_path / "scan.nhdr"))
    message = f"{tmp_path / 'scan.nhdr'}: this scan format is not supported. Rename it to scan.nrrd."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(tmp_path / "scan.nhdr")
    (tmp_path / "scan.nhdr").rename(tmp_path / "scan.nrrd")
    np.testing.assert_array_equal(read_volume(tmp_path / "scan.nrrd").hu, VOXELS)


def test_a_real_ct_with_a_detached_header_comes_back(tmp_path, real_data):
    ct = SimpleITK.ReadImage(str(real_data / "ct/lung1_image.nrrd"))[100:200, 100:220, 10:20]
    SimpleITK.WriteImage(ct, str(tmp_path / "scan.nhdr"))
    (tmp_path / "scan.nrrd").write_bytes((tmp_path / "scan.nhdr").read_bytes().rstrip())
    assert_as_simpleitk_reads(tmp_path / "scan.nrrd")


def test_a_header_line_that_would_crash_teem_is_refused(tmp_path):
    path = tmp_path / "scan.nrrd"
    fields = "dimension: 3\nsizes: 2 2 2\nendian: little\nencoding: raw\n"
    path.write_bytes(f"NRRD0004\ntype: {'x' * 5000}\n{fields}\n".encode() + bytes(16))
    message = f"{path}: line 2 of its header has 5,006 bytes; at most 1,000 are allowed."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_frame(path)
    path.write_bytes(
        f"NRRD0004\ncontent: {'x' * 5000}\nkey:={'x' * 5000}\ntype: short\n{fields}\n".encode() + bytes(16)
    )
    assert read_frame(path).hu.shape == (2, 2, 2)


def test_a_header_line_may_have_a_thousand_bytes_and_a_header_a_mebibyte(tmp_path):
    VOXELS.tofile(tmp_path / "scan.raw")
    path = write_header(tmp_path)
    directions = b"space directions: (0.7,0,0) (0,0.8,0) (0,0,-2.5)"
    line = directions.replace(b"0.7", b"0.7" + b"0" * (1000 - len(directions)))
    comments = (b"# ".ljust(999, b"x") + b"\n") * 1047
    header = path.read_bytes().replace(directions, line).replace(b"# a", comments + b"# a")
    assert 2**20 - 1000 < len(header) < 2**20
    path.write_bytes(header)
    assert read_frame(path).hu.shape == (4, 5, 6)
    path.write_bytes(header.replace(b"# a", comments[:2000] + b"# a"))
    with pytest.raises(DataError, match="not a NRRD file"):
        read_frame(path)
