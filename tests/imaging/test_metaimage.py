"""MetaImage headers of every dialect, read as SimpleITK reads them, and files that a header may not name."""

import itertools
import os
import re
import zlib

import numpy as np
import pytest
import SimpleITK

from archnet.errors import DataError
from archnet.imaging import list_scan_files, read_frame, read_volume
from simpleitk_reading import assert_reads_as, read_with_simpleitk

VOXELS = np.random.default_rng(0).integers(-1000, 400, (4, 5, 6)).astype(np.int16)
FIRST = "0 1 0 0 0 1 1 0 0"
SECOND = "0 0 1 1 0 0 0 1 0"


def write_header(folder, *lines, data_file="scan.raw", **changes):
    """A header of VOXELS; `lines` come before the last, ElementDataFile, and changes are keys of the first."""
    fields = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "DimSize": "6 5 4",
        "ElementType": "MET_SHORT",
        "ElementSpacing": "0.7 0.8 2.5",
        **changes,
    }
    text = [f"{key} = {value}" for key, value in fields.items() if value is not None]
    path = folder / "scan.mhd"
    path.write_bytes("\n".join([*text, *lines, f"ElementDataFile = {data_file}", ""]).encode())
    return path


def write_scan(folder, *lines, values=VOXELS, **options):
    values.tofile(folder / "scan.raw")
    return write_header(folder, *lines, **options)


def assert_as_simpleitk_reads(path, shape=(4, 5, 6)):
    theirs = read_with_simpleitk(path)
    assert_reads_as(path, theirs)
    assert sorted(theirs.hu.shape) == sorted(shape)


HEADERS = {
    "two comments": ["Comment = one", "Comment = another = 1"],
    "a comment that is no text": ["Comment = caf\xe9"],
    "both byte orders": ["BinaryDataByteOrderMSB = False", "ElementByteOrderMSB = False"],
    "flags as numbers": ["BinaryDataByteOrderMSB = 0", "CompressedData = 0"],
    "colons": ["Offset: 1 2 3", "Comment: a = b"],
    "one key twice with one value": ["ElementSpacing = 0.70 0.8 2.5", "Offset = 1 2 3", "Offset = 1.0 2 3"],
    "aliases that "
    "agree": ["Offset = 1 2 3", "Position = 1 2 3", "Origin = 1 2 3", f"Orientation = {FIRST}", f"Rotation = {FIRST}"],
    **{key: [f"{key} = 1 2 3.5"] for key in ("Position", "Offset", "Origin")},
    **{key: [f"{key} = {FIRST}", "Offset = 4 5 6"] for key in ("Orientation", "TransformMatrix", "Rotation")},
    "a rotation about a centre": ["CenterOfRotation = 5 5 5", f"TransformMatrix = {SECOND}", "Offset = 1 2 3"],
}  # fmt: skip


@pytest.mark.parametrize("lines", HEADERS.values(), ids=HEADERS)
def test_a_header_is_read_as_simpleitk_reads_it(tmp_path, lines):
    assert_as_simpleitk_reads(write_scan(tmp_path, *lines))


@pytest.mark.parametrize("key", ["BinaryDataByteOrderMSB", "ElementByteOrderMSB"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_byte_order_has_two_names(tmp_path, key, order):
    assert_as_simpleitk_reads(
        write_scan(tmp_path, f"{key} = {order == '>'}", values=VOXELS.astype(f"{order}i2"), ElementSpacing="1 1 1")
    )


@pytest.mark.parametrize(("element", "kind"), [
    ("MET_CHAR", "i1"), ("MET_UCHAR", "u1"), ("MET_SHORT", "i2"), ("MET_USHORT", "u2"), ("MET_INT", "i4"),
    ("MET_UINT", "u4"), ("MET_LONG", "i4"), ("MET_ULONG", "u4"), ("MET_LONG_LONG", "i8"), ("MET_ULONG_LONG", "u8"),
    ("MET_FLOAT", "f4"), ("MET_DOUBLE", "f8"),
])  # fmt: skip
def test_every_element_type_has_the_size_that_itk_gives_it(tmp_path, element, kind):
    values = np.clip(VOXELS, 0 if kind[0] == "u" else -100, 100).astype(kind)
    assert_as_simpleitk_reads(write_scan(tmp_path, values=values, ElementType=element))


def test_element_size_is_the_spacing_where_there_is_none(tmp_path):
    assert_as_simpleitk_reads(write_scan(tmp_path, "ElementSize = 0.7 0.8 2.5", ElementSpacing=None))
    assert_as_simpleitk_reads(write_scan(tmp_path, "ElementSize = 9 9 9"))
    assert read_volume(tmp_path / "scan.mhd").spacing_mm == (0.7, 0.8, 2.5)


@pytest.mark.parametrize(
    ("one", "other", "key"),
    [
        *((one, other, "Offset") for one, other in itertools.permutations(("Offset", "Origin", "Position"), 2)),
        ("TransformMatrix", "Rotation", "TransformMatrix"),
        ("BinaryDataByteOrderMSB", "ElementByteOrderMSB", "BinaryDataByteOrderMSB"),
        ("ElementType", "ElementType", "ElementType"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(tmp_path, one, other, key):
    given, also = {"Offset": ("1 2 "
                              "3", "4 5 "
                                   "6"), "TransformMatrix": (FIRST, SECOND), "ElementType": ("MET_SHORT", "MET_USHORT")}.get(key, ("True", "False"))  # fmt: skip
    path = write_scan(tmp_path, f"{one} = {given}", f"{other} = {also}")
    message = f"{path}: {key} appears twice in the header, as {given} and as {also}; keep the correct one."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(path)


@pytest.mark.parametrize("name", ["größe.raw", "肺.raw", "with a space.raw", "50%.raw"])
def test_a_name_in_utf_8_is_found(tmp_path, name):
    VOXELS.tofile(tmp_path / name)
    path = write_header(tmp_path, data_file=name)
    if "%" not in name:
        assert_as_simpleitk_reads(path)
    np.testing.assert_array_equal(read_volume(path).hu, VOXELS)
    assert list_scan_files(path) == sorted([path, tmp_path / name])


def test_what_simpleitk_writes_under_a_name_in_utf_8_is_read(tmp_path):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(VOXELS), str(tmp_path / "Größe.mhd"))
    np.testing.assert_array_equal(read_volume(tmp_path / "Größe.mhd").hu, VOXELS)


def test_a_name_of_bytes_that_are_not_text_is_found_and_printed_with_escapes(tmp_path):
    name = os.fsdecode(b"gr\xf6\xdfe.raw")
    VOXELS.tofile(tmp_path / name)
    path = write_header(tmp_path, data_file="NAME")
    path.write_bytes(path.read_bytes().replace(b"NAME", b"gr\xf6\xdfe.raw"))
    np.testing.assert_array_equal(read_volume(path).hu, VOXELS)
    (tmp_path / name).unlink()
    message = rf"{path}: ElementDataFile = gr\udcf6\udcdfe.raw does not exist; put the voxels next to the header."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(path)


# One file for each slice


@pytest.mark.parametrize("first_line", ["LIST", "LIST 2", "LIST 2D"])
@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "packed"])
def test_a_list_of_files_is_read_as_simpleitk_reads_it(tmp_path, first_line, is_packed):
    names = ["one.raw", "two.raw", "a name.raw", "vier é.raw"]
    for name, values in zip(names, VOXELS, strict=True):
        (tmp_path / name).write_bytes(zlib.compress(values.tobytes()) if is_packed else values.tobytes())
    path = write_header(tmp_path, data_file="\n".join([first_line, *names]), CompressedData=str(is_packed))
    assert_as_simpleitk_reads(path)
    assert list_scan_files(path) == sorted([path, *(tmp_path / name for name in names)])


PATTERNS = {
    "s%03d.raw 1 4 1": (1, 2, 3, 4),
    "s%03d.raw 0 3 1": (0, 1, 2, 3),
    "s%03d.raw 5": (5, 6, 7, 8),
    "s%03d.raw": (1, 2, 3, 4),
    "s%03i.raw 1 4 1": (1, 2, 3, 4),
}


@pytest.mark.parametrize(("pattern", "numbers"), PATTERNS.items(), ids=PATTERNS)
def test_a_pattern_of_names_is_read_as_simpleitk_reads_it(tmp_path, pattern, numbers):
    for number, values in zip(numbers, VOXELS, strict=True):
        values.tofile(tmp_path / f"s{number:03d}.raw")
    path = write_header(tmp_path, data_file=pattern)
    assert_as_simpleitk_reads(path)
    assert list_scan_files(path) == [*(tmp_path / f"s{number:03d}.raw" for number in numbers), path]


def test_a_pattern_counts_in_steps_where_simpleitk_fails(tmp_path):
    for number, values in zip((2, 4, 6, 8), VOXELS, strict=True):
        values.tofile(tmp_path / f"s{number}.raw")
    for numbers in ("2 8 2", "2 8"):
        np.testing.assert_array_equal(read_volume(write_header(tmp_path, data_file=f"s%d.raw {numbers}")).hu, VOXELS)


@pytest.mark.parametrize(("numbers", "text"), [((1,), ""), ((5,), " 5"), ((1, 3), " 1 3"), ((1, 3), " 1 3 2")])
def test_a_pattern_may_name_one_file_or_two(tmp_path, numbers, text):
    for number, values in zip(numbers, VOXELS, strict=False):
        values.tofile(tmp_path / f"s{number}.raw")
    path = write_header(tmp_path, data_file=f"s%d.raw{text}", DimSize=f"6 5 {len(numbers)}")
    np.testing.assert_array_equal(read_volume(path).hu, VOXELS[: len(numbers)])


def test_files_of_slices_may_have_a_header_of_their_own(tmp_path):
    for number, values in enumerate(VOXELS, 1):
        (tmp_path / f"s{number}.raw").write_bytes(b"head" + values.tobytes())
    for size in ("4", "-1"):
        path = write_header(tmp_path, data_file="s%d.raw 1 4 1", HeaderSize=size)
        np.testing.assert_array_equal(read_volume(path).hu, VOXELS)


BAD_LISTS = {
    "LIST\ns1.raw\ns2.raw": "ElementDataFile = LIST names 2 files, but DimSize has 4 slices; copy the scan again",
    "LIST\ns1.raw\ns2.raw\ns3.raw\ns4.raw\ns4.raw": "ElementDataFile = LIST names 5 files, but DimSize has 4 slices; "
                                                    "copy the scan again",
    "LIST 3D\ns1.raw": "ElementDataFile = LIST 3D: a list must name one file for each slice; use LIST",
    "LIST\ns1.raw\ns2.raw\ns3.raw\nother.raw": "ElementDataFile = other.raw does not exist; put the voxels next to "
                                               "the header",
    "LIST\ns1.raw\ns2.raw\ns3.raw\n../outside.raw": "ElementDataFile = ../outside.raw is outside the header's "
                                                    "folder; put the voxels next to the header",
    "LIST\ns1.raw\ns2.raw\ns3.raw\nshort.raw": "short.raw should contain 6 x 5 x 1 voxels of 2 bytes (60 bytes), but "
                                               "contains 59; copy the scan again",
    "s%d.raw 1 5 "
    "1": "ElementDataFile = s%d.raw 1 5 1 does not name 4 files, one for each slice; write the first number, the last "
         "one and the step",
    "s%d.raw 4 1 "
    "0": "ElementDataFile = s%d.raw 4 1 0 does not name 4 files, one for each slice; write the first number, the last "
         "one and the step",
    "s%d.raw 4 4 "
    "0": "ElementDataFile = s%d.raw 4 4 0 does not name 4 files, one for each slice; write the first number, the last "
         "one and the step",
    "s%d.raw 2 5 1": "ElementDataFile = s5.raw does not exist; put the voxels next to the header",
    "../s%d.raw 1 4 "
    "1": "ElementDataFile = ../s1.raw is outside the header's folder; put the voxels next to the header",
    "s%999999999d.raw": "ElementDataFile = s%999999999d.raw does not exist; put the voxels next to the header",
    "%d%s.raw": "ElementDataFile = %d%s.raw does not exist; put the voxels next to the header",
}  # fmt: skip


@pytest.mark.parametrize(("data_file", "reason"), BAD_LISTS.items(), ids=BAD_LISTS)
@pytest.mark.parametrize("read", [read_volume, read_frame])
def test_a_list_that_does_not_fit_is_refused(tmp_path, data_file, reason, read):
    folder = tmp_path / "scans"
    folder.mkdir()
    for number, values in enumerate(VOXELS, 1):
        values.tofile(folder / f"s{number}.raw")
    (folder / "short.raw").write_bytes(bytes(59))
    (tmp_path / "outside.raw").write_bytes(bytes(60))
    path = write_header(folder, data_file=data_file)
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}: {reason}.')}$"):
        read(path)


def test_a_pattern_of_very_many_slices_ends_at_the_first_that_is_missing(tmp_path):
    VOXELS[0].tofile(tmp_path / "s1.raw")
    path = write_header(tmp_path, data_file="s%d.raw", DimSize="6 5 999999999")
    with pytest.raises(DataError, match=r"ElementDataFile = s2\.raw does not exist"):
        read_volume(path)


# Links, and names that lead outside


def link_both(folder, store, one="1.mhd", other="1.raw"):
    """A scan of links, as git-annex and download caches keep it; the link to the header."""
    (folder / "scan.mhd").symlink_to(store / one)
    (folder / "scan.raw").symlink_to(store / other)
    return folder / "scan.mhd"


def store_scan(store, one="1.mhd", other="1.raw", data_file="scan.raw"):
    for name in (one, other):
        (store / name).parent.mkdir(parents=True, exist_ok=True)
    write_header(store, data_file=data_file).rename(store / one)
    VOXELS.tofile(store / other)


@pytest.mark.parametrize(("one", "other"), [("1.mhd", "1.raw"), ("aa/bb/SHA-1/SHA-1", "cc/dd/SHA-2/SHA-2")])
def test_a_scan_of_links_is_read(tmp_path, one, other):
    folder, store = tmp_path / "data", tmp_path / ".git/annex/objects"
    folder.mkdir()
    store.mkdir(parents=True)
    store_scan(store, one, other)
    path = link_both(folder, store, one, other)
    np.testing.assert_array_equal(read_volume(path).hu, VOXELS)
    assert list_scan_files(path) == [path, folder / "scan.raw"]


def test_voxels_alone_may_be_a_link(tmp_path):
    folder, store = tmp_path / "data", tmp_path / "store"
    folder.mkdir()
    store.mkdir()
    VOXELS.tofile(store / "object")
    path = write_header(folder)
    (folder / "scan.raw").symlink_to("../store/object")
    np.testing.assert_array_equal(read_volume(path).hu, VOXELS)
    assert list_scan_files(path) == [path, folder / "scan.raw"]


def test_voxels_may_be_next_to_the_file_that_the_header_is_a_link_to(tmp_path):
    folder, store = tmp_path / "data", tmp_path / "store"
    folder.mkdir()
    store.mkdir()
    store_scan(store, "scan.mhd", "scan.raw")
    (folder / "scan.mhd").symlink_to(store / "scan.mhd")
    np.testing.assert_array_equal(read_volume(folder / "scan.mhd").hu, VOXELS)
    assert list_scan_files(folder / "scan.mhd") == [folder / "scan.mhd", store / "scan.raw"]


@pytest.mark.parametrize("name", ["../secret.raw", "sub/../../secret.raw", "{outside}/secret.raw", "away/secret.raw", "sub/away/secret.raw"])  # fmt: skip
@pytest.mark.parametrize("is_link", [False, True], ids=["the header itself", "a link to the header"])
def test_no_header_leads_outside(tmp_path, name, is_link):
    folder, store = tmp_path / "data", tmp_path / "place/store"
    for root in (folder, store):
        (root / "sub").mkdir(parents=True)
        (root / "away").symlink_to(tmp_path)
        (root / "sub/away").symlink_to(tmp_path)
    for secret in (tmp_path / "secret.raw", tmp_path / "place/secret.raw"):
        VOXELS.tofile(secret)
    name = name.format(outside=tmp_path)
    path = write_header(store if is_link else folder, data_file=name)
    if is_link:
        (folder / "scan.mhd").symlink_to(path)
        path = folder / "scan.mhd"
    message = f"{path}: ElementDataFile = {name} is outside the header's folder; put the voxels next to the header."
    for read in (read_volume, read_frame, list_scan_files):
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            read(path)


@pytest.mark.parametrize("name", ["sub/scan.raw", "./scan.raw", "sub/../scan.raw", "{folder}/scan.raw"])
def test_names_within_the_folder_are_read(tmp_path, name):
    (tmp_path / "sub").mkdir()
    VOXELS.tofile(tmp_path / "sub/scan.raw")
    path = write_scan(tmp_path, data_file=name.format(folder=tmp_path))
    np.testing.assert_array_equal(read_volume(path).hu, VOXELS)


@pytest.mark.parametrize("name", ["", ".", "..", "sub", "pipe", "scan.raw\0"])
def test_only_files_are_read(tmp_path, name):
    (tmp_path / "sub").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=f"^{re.escape(str(tmp_path / 'scan.mhd'))}: "):
        read_volume(write_scan(tmp_path, data_file=name))


# Real voxels, and damage


def test_a_real_ct_in_slices_behind_links_comes_back(tmp_path, real_data):
    ct = SimpleITK.ReadImage(str(real_data / "ct/lung1_image.nrrd"))[100:200, 100:220, 10:20]
    SimpleITK.WriteImage(ct, str(tmp_path / "whole.mhd"))
    header = (tmp_path / "whole.mhd").read_text().replace("whole.raw", "s%02d.raw 0 9 1")
    for number, values in enumerate(SimpleITK.GetArrayFromImage(ct)):
        (tmp_path / "store").mkdir(exist_ok=True)
        values.tofile(tmp_path / f"store/{number}")
        (tmp_path / f"s{number:02d}.raw").symlink_to(f"store/{number}")
    (tmp_path / "scan.mhd").write_text(header)
    assert_as_simpleitk_reads(tmp_path / "scan.mhd", shape=(10, 120, 100))


def test_mutated_headers_are_read_as_simpleitk_reads_them_or_refused(tmp_path):
    write_scan(tmp_path, "Comment = a", "Offset = 1 2 3", f"TransformMatrix = {FIRST}", "CompressedData = False")
    path, rng, num_read = tmp_path / "scan.mhd", np.random.default_rng(0), 0
    good = path.read_bytes()
    for _ in range(100):
        lines = good.splitlines(keepends=True)
        kind, at = rng.integers(4), int(rng.integers(len(lines)))
        line = bytearray(lines[at])
        line[rng.integers(len(line))] = rng.choice(list(b"0123456789 =-.:TeN\n"))
        lines[at : at + 1] = [[bytes(line)], [], [lines[at]] * 2, [lines[at], lines[at - 1]]][kind]
        path.write_bytes(b"".join(lines))
        try:
            read_volume(path)
        except DataError:
            continue
        num_read += 1
        assert_as_simpleitk_reads(path)
    assert num_read > 20


def test_a_flag_may_be_1(tmp_path):
    assert_as_simpleitk_reads(write_scan(tmp_path, BinaryData="1"))


def test_a_header_may_be_up_to_a_mebibyte_long(tmp_path):
    path = write_scan(tmp_path, f"Comment = {'x' * (2**20 - 400)}")
    np.testing.assert_array_equal(read_volume(path).hu, VOXELS)
    write_scan(tmp_path, f"Comment = {'x' * 2**20}")
    message = f"{path}: the header has no ElementDataFile, which ends every MetaImage header."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(path)
