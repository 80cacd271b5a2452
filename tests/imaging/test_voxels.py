"""What the readers do with files that are packed, cut off, damaged, or that claim what they don't hold."""

import gzip
import re
import tracemalloc
import zlib
from contextlib import contextmanager

import nibabel
import numpy as np
import pytest
import SimpleITK

from archnet.errors import DataError
from archnet.imaging import read_frame, read_volume
from archnet.imaging.voxels import StoredVoxels

HU = np.random.default_rng(0).integers(-1000, 1000, (40, 5, 6)).astype(np.int16)
STORED = HU.tobytes()
PLACE = np.diag([-0.7, -0.7, 2.5, 1.0])


def _nifti(kind=nibabel.Nifti1Image, hu=HU, **header):
    image = kind(hu.transpose(2, 1, 0), PLACE)
    block = bytearray(image.to_bytes())
    length = image.header.sizeof_hdr
    fields = np.frombuffer(block, image.header.template_dtype, 1)
    for key, value in header.items():
        fields[key] = value
    assert len(block) == image.header.single_vox_offset + hu.nbytes
    assert length in (348, 540)
    return bytes(block)


def _big_endian_nifti():
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    return nibabel.Nifti1Image(HU.astype(">i2").transpose(2, 1, 0), PLACE, header).to_bytes()


def _nrrd(voxels=STORED, **fields):
    lines = {
        "type": "short",
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": "6 5 40",
        "space directions": "(0.7,0,0) (0,0.7,0) (0,0,2.5)",
        "endian": "little",
        "encoding": "raw",
        "space origin": "(0,0,0)",
    } | {key.replace("_", " "): value for key, value in fields.items()}
    return (
        "NRRD0004\n" + "".join(f"{key}: {value}\n" for key, value in lines.items() if value) + "\n"
    ).encode() + voxels


def _mha(voxels, **fields):
    lines = {"NDims": "3", "DimSize": "6 5 40", "ElementSpacing": "1 1 1", "ElementType": "MET_SHORT"}
    lines |= {"CompressedData": "True"} | fields | {"ElementDataFile": "LOCAL"}
    return "".join(f"{key} = {value}\n" for key, value in lines.items()).encode() + voxels


def _changed(stream, place):
    return stream[:place] + bytes([stream[place] ^ 255]) + stream[place:][1:]


@contextmanager
def _peak():
    """The most bytes that were held at once, when it is over."""
    peak = []
    tracemalloc.start()
    yield peak
    peak.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()


GZ, ZLIB, GZ_HU = gzip.compress(_nifti(), mtime=0), zlib.compress(HU.tobytes()), gzip.compress(HU.tobytes(), mtime=0)
SHOULD = "{name} should contain 6 x 5 x 40 voxels of 2 bytes (2,400 bytes), but contains {found}; copy the scan again"
HUGE = (32767, 32767, 32767)
HUGE_SHOULD = (
    "{name} should contain 32767 x 32767 x 32767 voxels of 2 bytes (70,362,301,923,326 bytes), but contains {found}; "
    "copy the scan again"
)
CUT, DAMAGED = (
    "{name} is truncated; copy the scan again",
    "{name} is damaged or not packed with gzip; copy the scan again",
)
NOT_FINITE = (
    "Hounsfield units must be finite, got NaN or infinity. Replace these values with air: "
    "numpy.nan_to_num(hu, nan=-1000, posinf=-1000, neginf=-1000)"
)
NO_SENSE = "its NIfTI header cannot be parsed ({found})"

BAD_FILES = {
    "a .nii of nothing": ("a.nii", b"", "not a NIfTI file", ""),
    "a .nii cut off in its header": ("a.nii", _nifti()[:200], CUT, ""),
    "a .nii that ends after its header": ("a.nii", _nifti()[:348], SHOULD, "0"),
    "a .nii cut off before its voxels": ("a.nii", _nifti()[:350], SHOULD, "0"),
    "a .nii cut off in its voxels": ("a.nii", _nifti()[:-1], SHOULD, "2,399"),
    "a .nii with more than its voxels": ("a.nii", _nifti() + b"12", SHOULD, "2,402"),
    "a .nii of a claimed size": ("a.nii", _nifti(dim=[3, *HUGE, 1, 1, 1, 1]), HUGE_SHOULD, "2,400"),
    "a .nii without voxels": (
        "a.nii",
        _nifti(dim=[4, 6, 0, 40, 1, 1, 1, 1]),
        "expected at least one voxel along each axis, got (6, 0, 40)",
        "",
    ),
    "a .nii of negative size": (
        "a.nii",
        _nifti(dim=[3, 6, -5, 40, 1, 1, 1, 1]),
        "expected at least one voxel along each axis, got (6, -5, 40)",
        "",
    ),
    "a .nii of many axes": (
        "a.nii",
        _nifti(dim=[4, 6, 5, 20, 2, 1, 1, 1]),
        "expected three axes, got 4: (6, 5, 20, 2)",
        "",
    ),
    "a .nii of five axes": (
        "a.nii",
        _nifti(dim=[5, 6, 5, 20, 1, 2, 1, 1]),
        "expected three axes, got 5: (6, 5, 20, 1, 2)",
        "",
    ),
    "a .nii of two axes": ("a.nii", _nifti(dim=[2, 6, 200, 1, 1, 1, 1, 1]), "expected three axes, got 2: (6, 200)", ""),
    "a .nii of no known type": ("a.nii", _nifti(datatype=999), NO_SENSE, "data code 999 not recognized"),
    "a .nii whose voxels lie in its header": (
        "a.nii",
        _nifti(vox_offset=-400),
        NO_SENSE,
        "vox offset -400 too low for single file nifti1",
    ),
    "a .nii whose voxels lie far beyond its end": ("a.nii", _nifti(vox_offset=1e30), SHOULD, "0"),
    "a .nii whose voxels lie nowhere": (
        "a.nii",
        _nifti(vox_offset=np.nan),
        NO_SENSE,
        "cannot convert float NaN to integer",
    ),
    "a .nii without intercept": (
        "a.nii",
        _nifti(scl_slope=1, scl_inter=np.inf),
        NO_SENSE,
        "Valid slope but invalid intercept inf",
    ),
    "a .nii that leaves all floats": (
        "a.nii",
        _nifti(scl_slope=3e38, scl_inter=0),
        NOT_FINITE,
        "",
    ),
    "a .nii of a second version that leaves all floats": (
        "a.nii",
        _nifti(nibabel.Nifti2Image, hu=np.zeros_like(HU), scl_slope=1e300, scl_inter=0),
        NOT_FINITE,
        "",
    ),
    "a .nii far off in a second version": (
        "a.nii",
        _nifti(nibabel.Nifti2Image, srow_x=[1e300, 0, 0, 0], sform_code=1),
        "voxel spacings must be between 0.001 and 1000 mm, got (inf, 0.7, 2.5)",
        "",
    ),
    "a .nii.gz of nothing": ("a.nii.gz", b"", "not a NIfTI file", ""),
    "a .nii.gz that is not packed": ("a.nii.gz", _nifti()[4:], DAMAGED, ""),
    "a .nii called .nii.gz": (
        "a.nii.gz",
        _nifti(),
        "its name ends in .nii.gz but it is not compressed; rename it to a.nii",
        "",
    ),
    "a .nii of a second version called .nii.gz": (
        "a.nii.gz",
        _nifti(nibabel.Nifti2Image),
        "its name ends in .nii.gz but it is not compressed; rename it to a.nii",
        "",
    ),
    "a .nii of the other byte order called .nii.gz": (
        "a.nii.gz",
        _big_endian_nifti(),
        "its name ends in .nii.gz but it is not compressed; rename it to a.nii",
        "",
    ),
    "a .nii.gz called .nii": ("a.nii", GZ, "its name ends in .nii but it is compressed; rename it to a.nii.gz", ""),
    "a .nii.gz cut off in its header": ("a.nii.gz", GZ[:60], CUT, ""),
    "a .nii.gz cut off in its voxels": ("a.nii.gz", GZ[:-500], CUT, ""),
    "a .nii.gz without its checksum": ("a.nii.gz", GZ[:-8], CUT, ""),
    "a .nii.gz with a wrong checksum": ("a.nii.gz", _changed(GZ, -8), DAMAGED, ""),
    "a .nii.gz with a wrong bit": ("a.nii.gz", _changed(GZ, -1000), DAMAGED, ""),
    "a .nii.gz with too few voxels": ("a.nii.gz", gzip.compress(_nifti()[:-2]), SHOULD, "2,398"),
    "a .nii.gz with no voxels": ("a.nii.gz", gzip.compress(_nifti()[:352] * 100, 0)[:900], CUT, ""),
    "a .nii.gz that explodes": ("a.nii.gz", gzip.compress(_nifti() + bytes(50_000_000)), SHOULD, "more"),
    "a .nii.gz of a claimed size": (
        "a.nii.gz",
        gzip.compress(_nifti(dim=[3, *HUGE, 1, 1, 1, 1]), 0),
        HUGE_SHOULD,
        f"at most {(352 + 2400 + 23) * 1032:,}",
    ),
    "a .nrrd of nothing": ("a.nrrd", b"", "not a NRRD file", ""),
    "a .nrrd cut off in its header": ("a.nrrd", _nrrd()[:100], "not a NRRD file", ""),
    "a .nrrd cut off in its voxels": ("a.nrrd", _nrrd()[:-3], SHOULD, "2,397"),
    "a .nrrd of a claimed size": ("a.nrrd", _nrrd(sizes="32767 32767 32767"), HUGE_SHOULD, "2,400"),
    "a packed .nrrd cut off": ("a.nrrd", _nrrd(GZ_HU[:-100], encoding="gzip"), CUT, ""),
    "a packed .nrrd with a wrong checksum": ("a.nrrd", _nrrd(_changed(GZ_HU, -8), encoding="gz"), DAMAGED, ""),
    "a packed .nrrd that explodes": (
        "a.nrrd",
        _nrrd(gzip.compress(bytes(50_000_000)), encoding="gzip"),
        SHOULD,
        "more",
    ),
    "a packed .nrrd of a claimed size": (
        "a.nrrd",
        _nrrd(gzip.compress(bytes(77), 0), sizes="32767 32767 32767", encoding="gzip"),
        HUGE_SHOULD,
        "at most 103,200",
    ),
    "a .nrrd of many axes": (
        "a.nrrd",
        _nrrd(dimension="4", sizes="6 5 20 2", space_directions="none (1,0,0) (0,1,0) (0,0,1)"),
        "expected three axes, got 4",
        "",
    ),
    "a .nrrd of vectors with one component": (
        "a.nrrd",
        _nrrd(sizes="1 30 40", kinds="vector domain domain", space="", space_directions="", space_origin=""),
        "expected three axes and one value for each voxel, got (30, 40)",
        "",
    ),
    "a .nrrd without a number of axes": ("a.nrrd", _nrrd(dimension=""), "expected three axes, got none", ""),
    "a .nrrd without an encoding": (
        "a.nrrd",
        _nrrd(encoding=""),
        "encoding must be one of raw, gzip, gz, got none",
        "",
    ),
    "a .nrrd of colours": (
        "a.nrrd",
        _nrrd(sizes="3 10 40", kinds="RGB-color domain domain", space="", space_directions="", space_origin=""),
        "expected three axes and one value for each voxel, got (10, 40)",
        "",
    ),
    "a .nrrd without sizes": ("a.nrrd", _nrrd(sizes="many"), "its NRRD header cannot be parsed", ""),
    "a .nrrd in words": ("a.nrrd", _nrrd(encoding="ascii"), "encoding must be one of raw, gzip, gz, got ascii", ""),
    "a .nrrd with a gap": (
        "a.nrrd",
        _nrrd(line_skip="2"),
        "lines before its voxels (line skip) are not supported; remove them",
        "",
    ),
    "a .mha that is not packed": (
        "a.mha",
        _mha(HU.tobytes()),
        "{name} is damaged or not packed with zlib; copy the scan again",
        "",
    ),
    "a packed .mha cut off": ("a.mha", _mha(ZLIB[:-9]), CUT, ""),
    "a packed .mha cut off before its checksum": ("a.mha", _mha(ZLIB[:-2]), CUT, ""),
    "a packed .mha with a wrong checksum": (
        "a.mha",
        _mha(_changed(ZLIB, -1)),
        "{name} is damaged or not packed with zlib; copy the scan again",
        "",
    ),
    "a packed .mha that explodes": ("a.mha", _mha(zlib.compress(bytes(50_000_000))), SHOULD, "more"),
    "a packed .mha of a claimed size": (
        "a.mha",
        _mha(bytes(10), DimSize="32767 32767 32767"),
        HUGE_SHOULD,
        "at most 10,320",
    ),
    "a packed .mha of another length": (
        "a.mha",
        _mha(bytes(10), CompressedDataSize="77"),
        "{name} should contain 77 packed bytes (CompressedDataSize), but contains 10; copy the scan again",
        "",
    ),
    "a .mha in a world too large": (
        "a.mha",
        _mha(ZLIB, TransformMatrix="1e300 0 0 0 1 0 0 0 1"),
        "the axes of a scan must be perpendicular, got the direction matrix "
        "[[1e+300, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]; resample the scan to a straight grid, for example "
        "with SimpleITK.Resample",
        "",
    ),
    "a .mha beyond 32-bit floats": (
        "a.mha",
        _mha(zlib.compress(np.full((40, 5, 6), 1e300).tobytes()), ElementType="MET_DOUBLE"),
        NOT_FINITE,
        "",
    ),
}


@pytest.mark.parametrize(("name", "stored", "message", "found"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_one_clear_error_and_takes_no_memory(tmp_path, caplog, capsys, name, stored, message, found):
    path = tmp_path / name
    path.write_bytes(stored)
    with _peak() as peak, pytest.raises(DataError) as raised:
        read_volume(path)
    assert str(raised.value) == f"{path}: {message.format(name=name, found=found)}."
    assert peak[0] < 8_000_000
    assert not caplog.records
    assert capsys.readouterr() == ("", "")  # nibabel logs nothing either


@pytest.mark.parametrize(
    "kind", [name for name in BAD_FILES if re.search("header|claimed|axes|type|many|nothing", name)]
)
def test_problems_in_a_header_are_reported_before_the_voxels_are_read(tmp_path, kind):
    name, stored, message, found = BAD_FILES[kind]
    (tmp_path / name).write_bytes(stored)
    with pytest.raises(DataError) as raised:
        read_frame(tmp_path / name)
    assert str(raised.value) == f"{tmp_path / name}: {message.format(name=name, found=found)}."


GOOD_FILES = {
    "NIfTI-1": ("a.nii", _nifti()),
    "NIfTI-2": ("a.nii", _nifti(nibabel.Nifti2Image)),
    "NIfTI of the other byte order": ("a.nii", _big_endian_nifti()),
    "NIfTI with a fourth axis of length 1": ("a.nii", _nifti(dim=[4, 6, 5, 40, 1, 1, 1, 1])),
    "NIfTI with a slope of 1": ("a.nii", _nifti(scl_slope=1, scl_inter=0)),
    "NIfTI in two gzip streams": ("a.nii.gz", gzip.compress(_nifti()[:1000]) + gzip.compress(_nifti()[1000:])),
    "NIfTI with an extension": ("a.nii", _nifti(vox_offset=352 + 48)[:352] + bytes(48) + HU.tobytes()),
    "NIfTI whose header has small faults": (
        "a.nii.gz",
        gzip.compress(_nifti(vox_offset=0, pixdim=[0, -0.7] + [1] * 6)),
    ),
    "NRRD": ("a.nrrd", _nrrd()),
    "packed NRRD": ("a.nrrd", _nrrd(GZ_HU, encoding="gzip")),
    "NRRD of the other byte order": ("a.nrrd", _nrrd(HU.astype(">i2").tobytes(), endian="big")),
    "packed .mha": ("a.mha", _mha(ZLIB, CompressedDataSize=str(len(ZLIB)))),
}


@pytest.mark.parametrize(("name", "stored"), GOOD_FILES.values(), ids=GOOD_FILES)
def test_whole_files_of_every_kind_are_read(tmp_path, caplog, name, stored):
    (tmp_path / name).write_bytes(stored)
    volume = read_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.hu, HU)
    assert volume.hu.dtype == np.int16
    assert volume.hu.flags.writeable == (STORED not in stored)  # what lies plain is mapped
    assert not caplog.records


@pytest.mark.parametrize("packing", ["gzip", "zlib"])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_unpacking_gives_what_was_packed_and_keeps_one_copy(tmp_path, packing, level):
    voxels = np.tile(HU, (300, 3, 4))
    pack = gzip.compress if packing == "gzip" else zlib.compress
    (tmp_path / "packed").write_bytes(b"12345" + pack(voxels.tobytes(), level))
    stored = StoredVoxels(
        path=tmp_path / "packed", start=5, shape=voxels.shape, dtype=np.dtype(np.int16), compression=packing
    )
    with _peak() as peak:
        found = stored.read()
    np.testing.assert_array_equal(found, voxels)
    assert peak[0] < voxels.nbytes + 2_000_000


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
def test_nibabel_and_simpleitk_find_the_voxels_of_a_real_ct_where_the_reader_puts_them(
    tmp_path, real_data, number, name
):
    image = SimpleITK.ReadImage(str(real_data / f"ct/lung{number}_image.nrrd"))
    image.SetDirection(SimpleITK.Euler3DTransform((0.0, 0.0, 0.0), 0.21, -0.13, 0.4).GetMatrix())
    SimpleITK.WriteImage(image, str(tmp_path / name))
    volume = read_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.hu, SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / name))))
    theirs = nibabel.load(tmp_path / name)
    np.testing.assert_array_equal(volume.hu, np.asanyarray(theirs.dataobj).transpose(2, 1, 0))
    for z, y, x in [(0, 0, 0), (10, 200, 300), (47, 511, 0)]:
        ours = np.asarray(volume.origin_mm) + volume.direction @ (np.array([x, y, z]) * volume.spacing_mm)
        np.testing.assert_allclose(ours, (theirs.affine @ [x, y, z, 1])[:3] * [-1, -1, 1], atol=1e-3)
        np.testing.assert_allclose(ours, image.TransformIndexToPhysicalPoint((x, y, z)), atol=1e-3)


def test_zeros_of_gigabytes_packed_in_megabytes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("archnet.imaging.voxels._LARGE_BYTES", 100_000)
    voxels = np.zeros((40, 50, 60), np.int16)
    packed = zlib.compress(voxels.tobytes())
    (tmp_path / "packed").write_bytes(packed)
    stored = StoredVoxels(
        path=tmp_path / "packed", start=0, shape=voxels.shape, dtype=np.dtype(np.int16), compression="zlib"
    )
    message = (
        "packed should contain 60 x 50 x 40 voxels of 2 bytes (240,000 bytes), but contains at most 100,000; "
        "copy the scan again"
    )
    assert 240 < voxels.nbytes / len(packed) < 1032
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        stored.read()
    monkeypatch.setattr("archnet.imaging.voxels._LARGE_BYTES", 2**30)
    np.testing.assert_array_equal(stored.read(), voxels)


@pytest.mark.parametrize(
    ("packed_bytes", "most"),
    [(2**10, 1032 * 2**10), (2**21, 2**30), (2**24, 100 * 2**24)],
    ids=["as deflate packs", "up to a gibibyte", "a hundred times"],
)
def test_packed_voxels_are_at_most_as_large_as_the_format_or_a_ct_allows(tmp_path, packed_bytes, most):
    with (tmp_path / "packed").open("wb") as file:
        file.truncate(packed_bytes)  # takes no space on the disk
    for shape in ((1, 1, most), (1, 1, most + 1)):
        stored = StoredVoxels(
            path=tmp_path / "packed", start=0, shape=shape, dtype=np.dtype(np.uint8), compression="gzip"
        )
        if shape[2] == most:
            stored.check_size()
        else:
            with pytest.raises(ValueError, match=f"but contains at most {most:,}; copy the scan again$"):
                stored.check_size()
