"""Zip archives: what is damaged or would fill the memory is refused, and the message names the file in it."""

import io
import re
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

from archnet.files.archives.npy_arrays import read_npz
from archnet.files.archives.zip_archive import DamagedFileError, ZipLimits, check_checksums, open_member, open_zip


def archive_bytes(compression=zipfile.ZIP_DEFLATED, **members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def read_all(path, limits=ZipLimits()):  # noqa: B008 - it is frozen
    with open_zip(path, limits) as archive:
        check_checksums(archive)
        contents = {}
        for name in archive.namelist():
            with open_member(archive, name) as stream:
                contents[name] = stream.read()
    return contents


PLACES = {"flags": (8, "<H"), "method": (10, "<H"), "crc": (16, "<I"), "packed": (20, "<I"), "size": (24, "<I")}


def declare(content, **sizes):
    """An archive whose directory says something else of its first file."""
    content, start = bytearray(content), content.index(b"PK\x01\x02")
    for key, value in sizes.items():
        place, layout = PLACES[key]
        struct.pack_into(layout, content, start + place, value)
    return bytes(content)


def flip(content, place):
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


SOUND = archive_bytes(a=b"one" * 100, b=b"two")
ZEROS = archive_bytes(a=bytes(1_000_000))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_sound_archive_is_read(tmp_path, compression):
    path = tmp_path / "a.zip"
    path.write_bytes(archive_bytes(compression, a=b"one" * 100, b=b""))
    assert read_all(path) == {"a": b"one" * 100, "b": b""}


REFUSED = {
    "cut off": (SOUND[:-30], "it is truncated, or not a zip archive"),
    "empty": (b"", "it is truncated, or not a zip archive"),
    "text": (b"Dear all,", "it is truncated, or not a zip archive"),
    "a flipped byte": (flip(SOUND, 35), 'its "a" is damaged'),
    "another checksum": (declare(SOUND, crc=7), 'its "a" is damaged'),
    "a name in the directory alone": (SOUND.replace(b"a", b"c", 1), 'its "a" is damaged'),
    "packed by bzip2": (
        archive_bytes(zipfile.ZIP_BZIP2, a=b"one"), 'its "a" is encrypted or compressed by an unsupported method',
    ),
    "encrypted": (declare(SOUND, flags=1), 'its "a" is encrypted or compressed by an unsupported method'),
    "an unknown method": (declare(SOUND, method=77), 'its "a" is encrypted or compressed by an unsupported method'),
    "more packed bytes than the file": (declare(SOUND, packed=10**6), 'its "a" is damaged'),
    "a size of nothing": (declare(archive_bytes(a=b"one" * 100), size=0, crc=0), 'its "a" is damaged'),
    "a size too small": (declare(ZEROS, size=10, crc=zlib.crc32(bytes(10))), 'its "a" is damaged'),
    "a size too large": (
        declare(ZEROS, size=2_000_000),
        'its "a" has a different size than the archive states',
    ),
    "a size that is allowed at any ratio": (
        declare(ZEROS, size=10**9), 'its "a" has a different size than the archive states',
    ),
    "a byte more": (declare(ZEROS, size=10**9 + 1), "it would unpack from 1.1 kB to 1.0 GB, more than 100 times its size"),
    "too many bytes": (declare(ZEROS, size=4 * 10**9), "it would unpack from 1.1 kB to 4.0 GB, more than 100 times its size"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_damaged_or_too_large_is_refused(tmp_path, kind):
    content, message = REFUSED[kind]
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DamagedFileError, match=f"^{re.escape(message)}$"):
        read_all(tmp_path / "a.zip")


def test_a_name_that_occurs_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a", "2")
    with pytest.raises(DamagedFileError, match=r'^"a" occurs 2 times in it$'):
        read_all(tmp_path / "a.zip")


def test_more_files_than_allowed_are_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(SOUND)
    with pytest.raises(DamagedFileError, match=r"^it contains 2 files; at most 1 are allowed$"):
        read_all(tmp_path / "a.zip", ZipLimits(num_members=1))


def test_an_archive_may_reach_each_limit(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(SOUND)
    assert read_all(path, ZipLimits(num_members=2, ratio=0, harmless_bytes=303)) == {"a": b"one" * 100, "b": b"two"}
    with pytest.raises(DamagedFileError, match="it would unpack"):
        read_all(path, ZipLimits(num_members=2, ratio=0, harmless_bytes=302))


def test_an_archive_may_unpack_to_a_hundred_times_its_size(tmp_path):
    path, content = tmp_path / "a.zip", bytes(10_100_000) + ZEROS  # a zip archive may begin with other bytes
    path.write_bytes(declare(content, size=100 * len(content)))
    with open_zip(path) as archive:
        assert archive.namelist() == ["a"]
    path.write_bytes(declare(content, size=100 * len(content) + 1))
    with pytest.raises(DamagedFileError, match="more than 100 times its size"), open_zip(path):
        pass


def test_a_missing_file_is_named(tmp_path):
    (tmp_path / "a.zip").write_bytes(SOUND)
    with (
        open_zip(tmp_path / "a.zip") as archive,
        pytest.raises(DamagedFileError, match=r'^its "c" is missing$'),
        open_member(archive, "c"),
    ):
        pass


@pytest.mark.slow
def test_a_stream_longer_than_its_size_is_not_unpacked_whole(tmp_path):
    """Its checksum is right for the bytes that the archive admits, so only the length gives it away."""
    bomb = archive_bytes(a=bytes(100_000_000))
    (tmp_path / "a.zip").write_bytes(declare(bomb, size=10, crc=zlib.crc32(bytes(10))))
    tracemalloc.start()
    with pytest.raises(DamagedFileError, match=r'^its "a" is damaged$'):
        read_all(tmp_path / "a.zip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def npz_bytes(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def test_arrays_are_read_as_numpy_reads_them(tmp_path):
    arrays = {"x": np.arange(6.0).reshape(2, 3), "y": np.asfortranarray(np.eye(3)), "told": np.array("text")}
    (tmp_path / "a.npz").write_bytes(npz_bytes(**arrays))
    found = read_npz(tmp_path / "a.npz")
    assert list(found) == list(arrays)
    for key, array in arrays.items():
        np.testing.assert_array_equal(found[key], array)


def header(text):
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text.encode() + b"\n"


BAD_ARRAYS = {
    "no header": (b"Dear all,", "x is not a NumPy array"),
    "a cut header": (header("{'descr': '<f8'}")[:9], "x is not a NumPy array"),
    "no literal": (header("{'descr': (((("), "x is not a NumPy array"),
    "deep brackets": (header("[" * 5000), "x is not a NumPy array"),
    "an unknown version": (b"\x93NUMPY\x07\x00" + bytes(20), "x is not a NumPy array"),
    "values without a size": (
        header("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,)}"), "x is not a NumPy array",
    ),
    "an enormous shape": (
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"),
        "the header of x gives (1000000000000,) of float64, but it holds 0 bytes",
    ),
    "a shape too small": (
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}") + bytes(16),
        "the header of x gives (1,) of float64, but it holds 16 bytes",
    ),
    "objects": (
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}") + b"cos\nsystem\n",
        "x contains Python objects, which are never loaded",
    ),
}  # fmt: skip


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("code", [0xD800, 0xDFFF, 0x110000, 2**32 - 1])
def test_text_with_invalid_characters_is_refused(tmp_path, code, order):
    path, words = tmp_path / "a.npz", np.array(["one", "two"], f"{order}U3")
    path.write_bytes(npz_bytes(x=words))
    np.testing.assert_array_equal(read_npz(path)["x"], words)
    words.view(f"{order}u4")[4] = code
    path.write_bytes(npz_bytes(x=words))
    with pytest.raises(DamagedFileError, match=r"^x contains text with invalid characters$"):
        read_npz(path)


@pytest.mark.parametrize("kind", BAD_ARRAYS)
def test_a_damaged_array_is_refused(tmp_path, kind):
    content, message = BAD_ARRAYS[kind]
    (tmp_path / "a.npz").write_bytes(archive_bytes(**{"x.npy": content}))
    with pytest.raises(DamagedFileError, match=f"^{re.escape(message)}$"):
        read_npz(tmp_path / "a.npz")
