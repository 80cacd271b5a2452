"""Pixels as GDCM reads them, and bounds on what a damaged file can cost."""

import re
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    RLELossless,
)

from archnet.errors import DataError
from archnet.imaging import read_volume
from archnet.imaging.dicom.dicom_header import read_header
from archnet.imaging.dicom.dicom_pixels import read_pixels
from archnet.imaging.dicom_scan import read_dicom
from archnet.imaging.volume import convert_to_hu
from dicom_files import save_slice, slice_header, slice_of, write_bare, write_series


@pytest.fixture
def bounded(monkeypatch):
    """The test takes less than 64 MiB, and hands GDCM nothing."""
    monkeypatch.setattr(SimpleITK, "ReadImage", lambda *args, **options: pytest.fail("GDCM was handed a file"))
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**26


def _gdcm(path):
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path), imageIO="GDCMImageIO"))[0]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize(("bits", "stored"), [(8, 8), (16, 8), (16, 12), (16, 15), (16, 16), (32, 32)])
@pytest.mark.parametrize("is_signed", [0, 1])
@pytest.mark.parametrize(("slope", "intercept"), [("1", "0"), ("1", "-1024"), ("2", "-7"), ("0.5", "-1000.25")])
def test_plain_pixels_equal_gdcms(tmp_path, syntax, bits, stored, is_signed, slope, intercept):
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    low, high = (-7000, 7000) if bits == 32 else (0, 1 << bits)
    values = np.random.default_rng(0).integers(low, high, (8, 10)).astype(f"{order}i8")
    values = values.astype(f"{order}u{bits // 8}") if low == 0 else np.abs(values).astype(f"{order}u4")
    if stored == 16:
        values = values // 8
    header = slice_header(
        np.zeros((8, 10), np.uint16),
        ImagePositionPatient=[0, 0, 0],
        BitsAllocated=bits,
        BitsStored=stored,
        HighBit=stored - 1,
        PixelRepresentation=is_signed,
        RescaleSlope=slope,
        RescaleIntercept=intercept,
    )
    header.PixelData = values.astype(f"{order}u{bits // 8}").tobytes()
    header["PixelData"].VR = "OW" if bits > 8 else "OB"
    save_slice(tmp_path / "a.dcm", header, syntax)
    expected = _gdcm(tmp_path / "a.dcm")
    if bits == 32 and syntax == ExplicitVRBigEndian:
        with pytest.raises(DataError, match="32-bit values in big-endian order are not supported"):
            read_pixels(read_header(tmp_path / "a.dcm"))
        return
    if np.abs(expected.astype(np.float64)).max() > 32767:
        with pytest.raises(ValueError, match="Hounsfield units must fit 16-bit integers"):
            convert_to_hu(read_pixels(read_header(tmp_path / "a.dcm")))
        return
    found = convert_to_hu(read_pixels(read_header(tmp_path / "a.dcm")))
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == (np.int16 if intercept != "-1000.25" else np.float32)


@pytest.mark.parametrize(
    ("bits", "stored", "high"), [(16, 12, 15), (16, 12, 10), (16, 17, 16), (32, 31, 30), (24, 24, 23), (16, 0, -1)]
)
def test_values_that_do_not_fill_the_lowest_bits_are_refused(tmp_path, bits, stored, high):
    for number in range(2):
        header = slice_of(number, BitsAllocated=bits, BitsStored=stored, HighBit=max(high, 0))
        if high < 0:
            header["HighBit"] = DataElement(0x00280102, "SS", high)
        save_slice(tmp_path / f"{number}.dcm", header)
    message = (
        f"{tmp_path / '0.dcm'}: values must fill the lowest bits of 8, 16 or 32, got BitsAllocated {bits}, "
        f"BitsStored {stored}, HighBit {high}. Convert the series, for example with dcm2niix, and use the .nii.gz."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(tmp_path)


# What is astray in a file


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("seed", range(5))
def test_stray_bytes_behind_the_pixels_change_nothing(tmp_path, seed):
    write_series(tmp_path)
    good = read_volume(tmp_path)
    path = tmp_path / "3.dcm"
    path.write_bytes(path.read_bytes() + np.random.default_rng(seed).bytes(100))
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.hu, good.hu)
    assert volume.notes == ("Stray bytes after the pixels of 1 slice are ignored.",)


@pytest.mark.parametrize("rest", [
    struct.pack("<HH2sH", 0x0008, 0x0060, b"CS", 2) + b"MR",
    struct.pack("<HH2sH", 0x0028, 0x1052, b"DS", 2) + b"7 ",
    struct.pack("<HH2sH", 0x0020, 0x000E, b"UI", 4) + b"1.2.",
])  # fmt: skip
def test_elements_behind_the_pixels_change_no_value(tmp_path, rest):
    write_series(tmp_path)
    good = read_volume(tmp_path)
    path = tmp_path / "3.dcm"
    path.write_bytes(path.read_bytes() + rest)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.hu, good.hu)
    assert volume.notes == ("Stray bytes after the pixels of 1 slice are ignored.",)


def test_a_header_of_too_many_elements_is_damage(tmp_path):
    write_series(tmp_path, 2)
    path = tmp_path / "1.dcm"
    content = path.read_bytes()
    start = content.index(struct.pack("<HH", 0x28, 0x2))
    path.write_bytes(content[:start] + struct.pack("<HH2sH", 0x21, 0x10, b"SH", 0) * 20_000 + content[start:])
    message = f"{path}: its DICOM header is damaged (it has more than 20,000 elements). Copy the series again."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(tmp_path)


@pytest.mark.parametrize("rest", [b"", bytes(100), struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 4) + b"1234"])
def test_zeros_and_padding_behind_the_pixels_are_not_astray(tmp_path, rest):
    write_series(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes() + rest)
    assert read_volume(tmp_path).notes == ()


@pytest.mark.usefixtures("bounded")
def test_a_length_that_lies_behind_the_pixels_changes_nothing(tmp_path):
    write_series(tmp_path)
    good = read_volume(tmp_path)
    path = tmp_path / "3.dcm"
    path.write_bytes(path.read_bytes() + struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 0xFFFFFFF0))
    np.testing.assert_array_equal(read_volume(tmp_path).hu, good.hu)


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("place", ["before the pixels", "of the pixels"])
def test_a_length_that_lies_is_refused_and_not_believed(tmp_path, place):
    write_series(tmp_path)
    path = tmp_path / "3.dcm"
    content = path.read_bytes()
    start = content.index(struct.pack("<HH2sH", 0x7FE0, 0x10, b"OW", 0))
    if place == "of the pixels":
        path.write_bytes(content[: start + 8] + struct.pack("<I", 0xFFFFFFF0) + content[start + 12 :])
        reason = (
            "expected 160 bytes of pixels, got 4,294,967,280: it contains more than one slice. Convert the "
            "series, for example with dcm2niix, and use the .nii.gz."
        )
    else:
        private = struct.pack("<HH2sHI", 0x0051, 0x1001, b"OB", 0, 0xFFFFFFF0)
        path.write_bytes(content[:start] + private + content[start:])
        reason = "expected 160 bytes of pixels, got 0. Copy the series again."
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}: {reason}')}$"):
        read_volume(tmp_path)


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize(("rows", "columns"), [(65535, 65535), (4097, 4096)])
def test_a_slice_of_enormous_size_is_refused_before_it_is_unpacked(tmp_path, rows, columns):
    header = slice_of(0, Rows=rows, Columns=columns)
    header.PixelData = encapsulate([bytes(64)])
    header["PixelData"].is_undefined_length = True
    for number in range(2):
        header.ImagePositionPatient = [0, 0, number]
        save_slice(tmp_path / f"{number}.dcm", header, RLELossless)
    message = f"{tmp_path / '0.dcm'}: a CT slice cannot have {columns:,} x {rows:,} pixels. Copy the series again."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(tmp_path)


@pytest.mark.usefixtures("bounded")
def test_packed_pixels_cannot_claim_more_than_two_hundred_times_their_size(tmp_path):
    header = slice_of(0, Rows=4096, Columns=4096, ImagePositionPatient=[0, 0, 0])
    header.PixelData = encapsulate([bytes(64)])
    header["PixelData"].is_undefined_length = True
    save_slice(tmp_path / "0.dcm", header, RLELossless)
    with pytest.raises(DataError, match="its pixels are damaged or truncated"):
        read_pixels(read_header(tmp_path / "0.dcm"))


@pytest.mark.usefixtures("bounded")
def test_packed_pixels_of_another_size_than_the_header_are_refused(tmp_path):
    image = SimpleITK.GetImageFromArray(np.zeros((1, 64, 64), np.int16))
    writer = SimpleITK.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.UseCompressionOn()
    for compressor in ("JPEG", "JPEG2000"):
        writer.SetCompressor(compressor)
        for key, value in {"0008|0016": "1.2.840.10008.5.1.4.1.1.2", "0028|1052": "0", "0028|1053": "1"}.items():
            image.SetMetaData(key, value)
        path = tmp_path / f"{compressor}.dcm"
        writer.SetFileName(str(path))
        writer.Execute(image)
        content = path.read_bytes()
        rows = struct.pack("<HH2sHH", 0x28, 0x10, b"US", 2, 64)
        assert rows in content
        path.write_bytes(content.replace(rows, rows[:-2] + struct.pack("<H", 32)))
        with pytest.raises(DataError, match="cannot be decoded"):
            read_pixels(read_header(path))


@pytest.fixture
def handed_over(monkeypatch):
    """The calls of GDCM, which decodes nothing."""
    calls = []

    def refuse(*_, **__):
        calls.append(1)
        raise RuntimeError

    monkeypatch.setattr(SimpleITK, "ReadImage", refuse)
    return calls


def _write_packed(path, frame, syntax, rows=8, columns=10):
    header = slice_of(0, Rows=rows, Columns=columns)
    header.PixelData = encapsulate([frame])
    header["PixelData"].is_undefined_length = True
    save_slice(path, header, syntax)
    return read_header(path)


@pytest.mark.parametrize(
    ("num_bytes", "rows", "columns", "is_possible"),
    [
        (64, 2048, 1024, True),  # four mebibytes
        (64, 2049, 1024, False),
        (21000, 2100, 1000, True),  # two hundred times
        (21000, 2101, 1000, False),
    ],
)
def test_packed_pixels_may_be_two_hundred_times_smaller_and_small_ones_any_times(
    tmp_path, handed_over, num_bytes, rows, columns, is_possible
):
    file = _write_packed(tmp_path / "0.dcm", bytes(num_bytes), RLELossless, rows, columns)
    with pytest.raises(DataError, match="cannot be decoded" if is_possible else "its pixels are damaged or truncated"):
        read_pixels(file)
    assert len(handed_over) == is_possible


WRONG_SIZE = b"\0\x08\x10\0\x05\0\x06"
SIZE = b"\xff\xc3\0\x08\x10\0\x08\0\x0a\x01"
FRAMES = {
    **{f"a frame {marker:X} of another size": (b"\xff" + bytes([marker]) + WRONG_SIZE + b"!" + SIZE, False)
       for marker in (0xC0, 0xC3, 0xC5, 0xC7, 0xC9, 0xCB, 0xCD, 0xCF, 0xF7)},
    **{f"a segment {marker:X} before the frame": (b"\xff" + bytes([marker]) + WRONG_SIZE + b"!" + SIZE, True)
       for marker in (0xBF, 0xC4, 0xC8, 0xCC, 0xD0, 0xF6, 0xF8, 0xFE)},
    "a wrong size at the end": (b"\xff\xfe\0\x03!\xff\xc3" + WRONG_SIZE, False),
    "a size that is cut off": (b"\xff\xc3" + WRONG_SIZE[:-1], True),
}  # fmt: skip


@pytest.mark.parametrize(("segments", "is_possible"), FRAMES.values(), ids=FRAMES)
def test_the_size_of_a_jpeg_is_that_of_its_first_frame(tmp_path, handed_over, segments, is_possible):
    file = _write_packed(tmp_path / "0.dcm", b"\xff\xd8" + segments, JPEGLossless)
    with pytest.raises(DataError, match="cannot be decoded"):
        read_pixels(file)
    assert len(handed_over) == is_possible


@pytest.mark.parametrize(
    ("numbers", "is_possible"),
    [((10, 8, 0, 0), True), ((13, 10, 3, 2), True), ((10, 8, 3, 2), False), ((10,), False)],
    ids=["its own", "with an offset", "a smaller one", "cut off"],
)
def test_the_size_of_a_jpeg_2000_is_that_of_its_image_area(tmp_path, handed_over, numbers, is_possible):
    size = b"\0\x29\0\0" + struct.pack(f">{len(numbers)}I", *numbers)
    file = _write_packed(tmp_path / "0.dcm", b"\xff\x4f\xff\x51" + size, JPEG2000Lossless)
    with pytest.raises(DataError, match="cannot be decoded"):
        read_pixels(file)
    assert len(handed_over) == is_possible


def test_an_image_of_another_size_or_with_colours_is_not_the_slice(tmp_path, monkeypatch):
    file = _write_packed(tmp_path / "0.dcm", bytes(64), RLELossless)
    for shape in ((1, 8, 9), (2, 8, 10), (1, 8, 10, 3)):
        image = SimpleITK.GetImageFromArray(np.zeros(shape, np.int16), isVector=len(shape) == 4)
        monkeypatch.setattr(SimpleITK, "ReadImage", lambda *_, image=image, **__: image)
        with pytest.raises(DataError, match="cannot be decoded"):
            read_pixels(file)


def test_an_unknown_transfer_syntax_is_named(tmp_path):
    header = slice_of(0)
    save_slice(tmp_path / "0.dcm", header)
    path = tmp_path / "0.dcm"
    syntax = struct.pack("<HH2sH", 0x2, 0x10, b"UI", 20)
    content = path.read_bytes()
    assert content.count(syntax + b"1.2.840.10008.1.2.1\0") == 1
    path.write_bytes(content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.7\0"))
    message = f"{path}: its transfer syntax is unknown (1.2.840.10008.1.2.7). Copy the series again."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_pixels(read_header(path))


@pytest.mark.usefixtures("bounded")
def test_files_without_a_preamble_and_deflated_ones_take_no_more_memory(tmp_path):
    write_bare(tmp_path / "0", slice_of(0), has_meta=True, front=bytes(128))
    save_slice(tmp_path / "1", slice_of(1), DeflatedExplicitVRLittleEndian)
    assert read_volume(tmp_path).hu.shape == (2, 8, 10)


def test_a_slope_that_exceeds_integers_does_not_wrap_around(tmp_path):
    header = slice_of(0, BitsAllocated=32, BitsStored=32, HighBit=31, RescaleSlope=str(2**34), RescaleIntercept="0")
    header.PixelData = np.full((8, 10), 2**30, np.uint32).tobytes()
    save_slice(tmp_path / "0.dcm", header)
    assert (read_pixels(read_header(tmp_path / "0.dcm")) == 2.0**64).all()


def test_a_slice_may_be_packed_in_several_fragments(tmp_path):
    values = np.random.default_rng(0).integers(0, 4000, (16, 24)).astype(np.uint16)
    image = SimpleITK.GetImageFromArray(values[None].astype(np.int16))
    for key, value in {"0008|0016": "1.2.840.10008.5.1.4.1.1.2", "0028|1052": "0", "0028|1053": "1"}.items():
        image.SetMetaData(key, value)
    writer = SimpleITK.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.UseCompressionOn()
    writer.SetCompressor("JPEG")
    writer.SetFileName(str(tmp_path / "slice.dcm"))
    writer.Execute(image)
    whole = dcmread(tmp_path / "slice.dcm")
    (frame,) = generate_frames(whole.PixelData, number_of_frames=1)
    whole.PixelData = encapsulate([frame], fragments_per_frame=3, has_bot=False)
    whole.save_as(tmp_path / "slice.dcm")
    np.testing.assert_array_equal(read_pixels(read_header(tmp_path / "slice.dcm")), values)


@pytest.mark.parametrize("segments", [b"", b"\xff\xfe\0\4ab", b"\xff\xe0\0\6abcd\xff\xfe\0\4ab"])
def test_the_size_of_a_jpeg_is_read_behind_its_comments(tmp_path, segments, monkeypatch):
    values = np.random.default_rng(0).integers(0, 4000, (1, 16, 24)).astype(np.int16)
    image = SimpleITK.GetImageFromArray(values)
    for key, value in {"0008|0016": "1.2.840.10008.5.1.4.1.1.2", "0028|1052": "0", "0028|1053": "1"}.items():
        image.SetMetaData(key, value)
    path = tmp_path / "slice.dcm"
    writer = SimpleITK.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.UseCompressionOn()
    writer.SetCompressor("JPEG")
    writer.SetFileName(str(path))
    writer.Execute(image)
    content = path.read_bytes()
    start = content.index(b"\xff\xd8")
    (length,) = struct.unpack("<I", content[start - 4 : start])
    packed = b"\xff\xd8" + segments + content[start + 2 :]
    content = content[: start - 4] + struct.pack("<I", length + len(segments)) + packed
    path.write_bytes(content)
    np.testing.assert_array_equal(read_pixels(read_header(path)), values[0])
    monkeypatch.setattr(SimpleITK, "ReadImage", lambda *_, **__: pytest.fail("it was unpacked"))
    for tag, number in ((0x10, 16), (0x11, 24)):
        element = struct.pack("<HH2sHH", 0x28, tag, b"US", 2, number)
        path.write_bytes(content.replace(element, element[:-2] + struct.pack("<H", 8)))
        with pytest.raises(DataError, match="cannot be decoded"):
            read_pixels(read_header(path))


def test_a_deflated_file_that_explodes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("archnet.imaging.dicom.dicom_file._MAX_UNPACKED_BYTES", 2**20)
    write_series(tmp_path, 2)
    save_slice(tmp_path / "0.dcm", slice_of(0), DeflatedExplicitVRLittleEndian)
    content = (tmp_path / "0.dcm").read_bytes()
    start = 132 + 12 + struct.unpack("<I", content[140:144])[0]
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(bytes(2**20 + 1000)) + packer.flush()
    (tmp_path / "0.dcm").write_bytes(content[:start] + packed)
    message = (
        f"{tmp_path / '0.dcm'}: its DICOM header is damaged (it unpacks to more than 1,048,576 bytes). Copy the "
        f"series again."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_volume(tmp_path)


@pytest.mark.usefixtures("bounded")
def test_nested_sequences_without_end_are_damage(tmp_path):
    write_series(tmp_path, 2)
    content = (tmp_path / "0.dcm").read_bytes()
    start = content.index(struct.pack("<HH", 0x28, 0x2))
    item = struct.pack("<HH2sHI", 0x0028, 0x0001, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    (tmp_path / "0.dcm").write_bytes(content[:start] + item * 5000 + content[start:])
    with pytest.raises(DataError, match=r"0\.dcm: its DICOM header is damaged"):
        read_volume(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("bounded")
def test_zeros_that_begin_like_a_data_set_are_left_alone_soon(tmp_path):
    write_series(tmp_path)
    (tmp_path / "zeros").write_bytes(b"\x08\0" + bytes(2**24))
    assert read_volume(tmp_path).hu.shape == (6, 8, 10)


@pytest.mark.usefixtures("bounded")
def test_a_table_of_offsets_that_lies_is_damage(tmp_path):
    header = slice_of(0)
    header.PixelData = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFF0) + bytes(200)
    header["PixelData"].is_undefined_length = True
    save_slice(tmp_path / "0.dcm", header, RLELossless)
    with pytest.raises(DataError, match="its pixels are damaged or truncated"):
        read_pixels(read_header(tmp_path / "0.dcm"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("is_bare", [False, True])
def test_mutated_slices_are_read_as_gdcm_reads_them_or_refused(tmp_path, is_bare):
    write_series(tmp_path / "series", 2)
    path, rng, num_read = tmp_path / "series/1.dcm", np.random.default_rng(int(is_bare)), 0
    if is_bare:
        write_bare(path, slice_of(1), has_meta=True)
    good, stored = path.read_bytes(), read_dicom(tmp_path / "series").hu
    for _ in range(60):
        wrong = bytearray(good)
        for place in rng.integers(0 if is_bare else 128, len(good), 2):
            wrong[place] = rng.integers(256)
        path.write_bytes(wrong)
        try:
            volume = read_dicom(tmp_path / "series")
        except DataError:
            continue
        if volume.hu.shape == stored.shape:
            num_read += 1
            (tmp_path / "marked.dcm").write_bytes((bytes(128) + b"DICM" if is_bare else b"") + bytes(wrong))
            try:
                theirs = _gdcm(tmp_path / "marked.dcm")
            except RuntimeError:  # GDCM refuses some that are understood here: not more than the changed pixels differ
                assert np.count_nonzero(volume.hu != stored) <= 2
            else:
                assert any(np.array_equal(theirs, own) for own in volume.hu)
    assert num_read > 10
