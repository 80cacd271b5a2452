"""Files that are not what they should be, laid out in a working directory by functions that take it."""

import io
import os
import struct
from pathlib import Path

import nibabel
import numpy as np
import pytest

from dicom_files import write_series
from server import zip_bytes

VOXELS = np.random.default_rng(0).integers(-1000, 400, (12, 24, 24)).astype(np.int16)
VOXEL_BYTES = VOXELS.tobytes()
HEADER = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "ElementSpacing": "1 1 2",
    "DimSize": "24 24 12",
    "ElementType": "MET_SHORT",
}
COLUMNS = "seriesuid,coordX,coordY,coordZ,class\n"
LIST = COLUMNS + "1.2.3,12,12,12,0\n1.2.3,8,8,8,1\n1.2.3,12,8,12,0\n1.2.3,8,12,8,1\n"
X = np.random.default_rng(0).integers(0, 256, (20, 8, 8)).astype(np.uint8)
Y = np.arange(20) % 2


def nothing(folder):
    pass


def file(name, content):
    def lay_out(folder):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return lay_out


def empty(name):
    return lambda folder: (folder / name).mkdir(parents=True)


def both(*steps):
    return lambda folder: [step(folder) for step in steps]


def gone(name):
    return lambda folder: (folder / name).unlink()


def scan(raw=VOXEL_BYTES, name="scans/subset0/1.2.3", **changes):
    """A scan and its candidates; changes are keys of its header, and the voxels are the bytes that are given."""
    data_file = changes.pop("ElementDataFile", f"{Path(name).name}.raw")
    fields = {**HEADER, **changes, "ElementDataFile": data_file}
    header = "".join(f"{key} = {value}\n" for key, value in fields.items())
    return both(file(f"{name}.raw", raw), file(f"{name}.mhd", header), file("scans/candidates.csv", LIST))


def candidates(text):
    """A good scan with this list."""
    return both(scan(), file("scans/candidates.csv", text))


def linked(folder):
    """A scan whose header names a folder that is a link to another, with the voxels in it."""
    scan(ElementDataFile="away/1.2.3.raw")(folder)
    (folder / "elsewhere").mkdir()
    (folder / "scans/subset0/1.2.3.raw").rename(folder / "elsewhere/1.2.3.raw")
    (folder / "scans/subset0/away").symlink_to(folder / "elsewhere")


def unreadable(folder):
    """A good scan whose list is forbidden."""
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    scan()(folder)
    (folder / "scans/candidates.csv").chmod(0)


def classes(suffix, content, names=("a/1", "a/2", "b/1", "b/2")):
    """Class folders of scans that are all alike."""
    return both(*(file(f"scans/{name}{suffix}", content) for name in names))


def series(changes):
    """Class folders of DICOM series that are all alike: six slices, some with a changed header."""

    def lay_out(folder):
        for name in ("a/1", "a/2", "b/1", "b/2"):
            (folder / "scans" / name).mkdir(parents=True)
            write_series(folder / "scans" / name, 6, changes)

    return lay_out


def arrays(**given):
    return lambda folder: np.savez(folder / "a.npz", **given)


def members(**given):
    """An .npz file of members that hold these bytes."""
    return file("a.npz", zip_bytes({f"{key}.npy": content for key, content in given.items()}))


def published(archive):
    """MosMed as its server has it, with one archive replaced."""
    good = zip_bytes({"CT-23/a.nii": b"1"})
    return both(file("server/CT-0.zip", archive), file("server/CT-23.zip", good))


# Bytes that are not what they say.


def nifti(shape=(12, 12, 4), **changes):
    """A NIfTI file; changes are numbers in its header."""
    values = np.random.default_rng(0).integers(-1000, 400, shape).astype(np.int16)
    content = bytearray(nibabel.Nifti1Image(values, np.diag([-1.0, 1, 2, 1])).to_bytes())
    places = {"sizes": (42, "<3h"), "datatype": (70, "<h"), "offset": (108, "<f"), "affine": (280, "<12f")}
    for key, numbers in changes.items():
        place, layout = places[key]
        struct.pack_into(layout, content, place, *numbers)
    return bytes(content)


def nrrd(**changes):
    fields = {
        "type": "short",
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": "24 24 12",
        "space directions": "(1,0,0) (0,1,0) (0,0,2)",
        "endian": "little",
        "encoding": "raw",
        **changes,
    }
    return "\n".join(["NRRD0004", *(f"{key}: {value}" for key, value in fields.items()), "", ""]).encode() + VOXEL_BYTES


def npy(array, **lies):
    """An array as .npy bytes, with a header that says something else."""
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape, **lies}
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + array.tobytes()


def bomb(num_bytes):
    """An .npz file of a few bytes whose x takes that many, if its directory and its header are believed."""
    header = npy(X[:0], shape=(20, num_bytes // 20, 1))
    content = bytearray(zip_bytes({"x.npy": header, "y.npy": npy(Y)}))
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, len(header) + num_bytes)
    return bytes(content)
