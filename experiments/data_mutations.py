"""Readable data sets, each changed in one way: value range, type, layout, labels, groups, orientation, unit, padding.

`mutated_data.py` writes them and evaluates how archnet handles each. All voxels are real: LIDC nodules and backgrounds,
slices through LUNA16 candidates, and two chest CTs (every fourth voxel of a slice).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations, product
from pathlib import Path
from typing import Any, Final

import nibabel
import numpy as np
import SimpleITK
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

Array = NDArray[Any]
Section = dict[str, Any]

WINDOW: Final = (-1000.0, 400.0)
SCAN_SHAPE: Final = (32, 32, 16)
CROP_SHAPE: Final = (24, 24, 8)
"""(height, width, depth) of the cases of class folders and of candidate lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A data set that is written to a folder.

    Attributes:
        kind: Type of the change.
        name: Name of the change.
        write: Writes it, and returns the "data" section of an experiment that reads it.
        like: The data set with the same network input: "nodules", "slices", "folders", "candidates" or a padded form of
            "folders".
    """

    kind: str
    name: str
    write: Callable[[Path], Section]
    like: str


def unit(hu: Array) -> Array:
    """Scale HU within the window to 0 to 1."""
    scaled: Array = np.clip((hu - WINDOW[0]) / (WINDOW[1] - WINDOW[0]), 0, 1)
    return scaled


# Arrays -----------------------------------------------------------------------------------------


def _hu(x: Array) -> Array:
    values: Array = (x / 255 * (WINDOW[1] - WINDOW[0]) + WINDOW[0]).round()
    return values


RANGES: Final[Mapping[str, Callable[[Array], Array]]] = {
    "uint8 0 to 255": lambda x: x,
    "float32 0 to 255": lambda x: x.astype(np.float32),
    "float64 0 to 255": lambda x: x.astype(np.float64),
    "float32 0 to 1": lambda x: x.astype(np.float32) / 255,
    "float16 0 to 1": lambda x: (x / 255).astype(np.float16),
    "float32 -1 to 1": lambda x: x.astype(np.float32) / 127.5 - 1,
    "z-scores": lambda x: ((x - x.mean()) / x.std()).astype(np.float32),
    "int8 -128 to 127": lambda x: (x.astype(np.int16) - 128).astype(np.int8),
    "int16 0 to 255": lambda x: x.astype(np.int16),
    "uint16 0 to 255": lambda x: x.astype(np.uint16),
    "int32 0 to 255": lambda x: x.astype(np.int32),
    "int64 0 to 255": lambda x: x.astype(np.int64),
    "int16 HU": lambda x: _hu(x).astype(np.int16),
    "big-endian int16 HU": lambda x: _hu(x).astype(">i2"),
    "float32 HU": lambda x: _hu(x).astype(np.float32),
    "uint16 HU + 1024": lambda x: (_hu(x) + 1024).astype(np.uint16),
    "int32 HU + 1000": lambda x: (_hu(x) + 1000).astype(np.int32),
    "float32 HU / 1000": lambda x: (_hu(x) / 1000).astype(np.float32),
    "uint16 0 to 4095": lambda x: (x * (4095 / 255)).round().astype(np.uint16),
    "uint16 0 to 65535": lambda x: x.astype(np.uint16) * 257,
}
LAYOUTS: Final[Mapping[str, Callable[[Array], Array]]] = {
    "channel first": lambda x: x[:, np.newaxis],
    "channel last": lambda x: x[..., np.newaxis],
    "three equal channels last": lambda x: np.repeat(x[..., np.newaxis], 3, axis=-1),
    "four channels last": lambda x: np.repeat(x[..., np.newaxis], 4, axis=-1),
    "three equal channels first": lambda x: np.repeat(x[:, np.newaxis], 3, axis=1),
    "Fortran order": np.asfortranarray,
}
LABELS: Final[Mapping[str, Callable[[Array], Array]]] = {
    "whole floats": lambda y: y.astype(np.float32),
    "one-hot": lambda y: np.eye(2, dtype=np.int64)[y],
    "one-hot floats": lambda y: np.eye(2, dtype=np.float32)[y],
    "text": lambda y: np.array(["background", "nodule"])[y],
    "bytes": lambda y: np.array([b"background", b"nodule"])[y],
    "objects": lambda y: np.array(["background", "nodule"], dtype=object)[y],
    "booleans": lambda y: y.astype(bool),
    "a column": lambda y: y[:, np.newaxis],
    "-1 and 1": lambda y: 2 * y - 1,
    "a NaN among floats": lambda y: np.where(np.arange(len(y)) == 5, np.nan, y),
    "halves among floats": lambda y: np.where(np.arange(len(y)) == 5, 0.5, y),
}
GROUPS: Final[Mapping[str, Callable[[Array], Array]]] = {
    "text": lambda g: np.array([f"patient {number}" for number in g]),
    "floats with NaN": lambda g: np.where(g % 3 == 0, np.nan, g.astype(np.float64)),
    'text with ""': lambda g: np.where(g % 3 == 0, "", np.char.add("p", g.astype(np.str_))),
    "a column": lambda g: g[:, np.newaxis],
}


def _save(folder: Path, x: Array, y: Array, **others: Array) -> Section:
    np.savez(folder / "cases.npz", x=x, y=y, **others)
    return {"name": "npz", "root": str(folder / "cases.npz")}


def _save_medmnist(folder: Path, x: Array, y: Array, sets: Array, *, column: bool) -> Section:
    arrays = {}
    for name in ("train", "val", "test"):
        arrays[f"{name}_images"] = x[sets == name]
        arrays[f"{name}_labels"] = y[sets == name][:, np.newaxis] if column else y[sets == name]
    np.savez(folder / "cases.npz", **arrays)
    return {"name": "npz", "root": str(folder / "cases.npz")}


def own_sets(group: Array) -> Array:
    """(N,) "train", "val" or "test" by group, about 60, 20 and 20%."""
    sets: Array = np.array(["train", "val", "test"])[np.digitize(group, np.quantile(group, (0.6, 0.8)))]
    return sets


def array_mutants(like: str, x: Array, y: Array, group: Array) -> Iterator[Mutant]:
    """Changes of an array file: ranges, layouts, labels, groups, sets."""
    mutant = partial(Mutant, like=like)
    for name, change in RANGES.items():
        yield mutant(kind="range", name=name, write=partial(_save, x=change(x), y=y, group=group))
    for name, change in LAYOUTS.items():
        yield mutant(kind="layout", name=name, write=partial(_save, x=change(x), y=y, group=group))
    for name, change in LABELS.items():
        yield mutant(kind="labels", name=name, write=partial(_save, x=x, y=change(y), group=group))
    for name, change in GROUPS.items():
        yield mutant(kind="groups", name=name, write=partial(_save, x=x, y=y, group=change(group)))
    sets = own_sets(group)
    yield mutant(kind="sets", name="split", write=partial(_save, x=x, y=y, split=sets))
    shared = np.where(np.arange(len(x)) % 7 == 0, "test", sets)
    yield mutant(kind="sets", name="groups on both sides", write=partial(_save, x=x, y=y, group=group, split=shared))
    for column in (True, False):
        write = partial(_save_medmnist, x=x, y=y, sets=sets, column=column)
        name = f"MedMNIST's keys, labels {'(N, 1)' if column else '(N,)'}"
        yield Mutant(kind="sets", name=name, write=write, like=f"{like}, set by set")
    broken = x.copy()
    broken[::9] = 0
    yield mutant(kind="padding", name="every ninth case empty", write=partial(_save, x=broken, y=y, group=group))


def flat_mutants(like: str, x: Array, y: Array, group: Array) -> Iterator[Mutant]:
    """Non-cubic volumes, stored with different orders of their axes."""
    for name, order, axes in (
        ("(z, y, x), stated", (0, 3, 1, 2), {"axes": "zyx"}),
        ("(z, y, x), not stated", (0, 3, 1, 2), {}),
    ):

        def write(folder: Path, order: Sequence[int] = order, axes: Section = axes) -> Section:
            return {**_save(folder, x=x.transpose(order), y=y, group=group), **axes}

        yield Mutant(kind="orientation", name=name, write=write, like=like)


# Scans ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A scan: (z, y, x) in HU, its axes pointing to L, P and S; spacing and origin (x, y, z) in mm, LPS."""

    hu: Array
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]

    def image(self) -> Any:
        """The scan as a SimpleITK image."""
        image = SimpleITK.GetImageFromArray(self.hu)
        image.SetSpacing(self.spacing_mm)
        image.SetOrigin(self.origin_mm)
        return image


def read_scans(folder: Path) -> list[Scan]:
    """Eight scans from the two CTs: unchanged, without their lowest or highest slices, and mirrored."""
    scans = []
    for path in sorted(folder.glob("*_image.nrrd")):
        image = SimpleITK.ReadImage(str(path))
        hu = SimpleITK.GetArrayFromImage(image)[:, ::4, ::4].astype(np.int16)
        x, y, z = image.GetSpacing()
        whole = Scan(hu=hu, spacing_mm=(4 * x, 4 * y, z), origin_mm=image.GetOrigin())
        mirrored = np.ascontiguousarray(hu[:, :, ::-1])
        scans += [whole, replace(whole, hu=hu[7:]), replace(whole, hu=hu[:-7]), replace(whole, hu=mirrored)]
    return scans


def outside_circle(hu: Array, value: int) -> Array:
    """A scan with a constant value outside the circle of reconstruction."""
    rows, columns = np.ogrid[: hu.shape[1], : hu.shape[2]]
    middle = (hu.shape[1] - 1) / 2
    is_outside = (rows - middle) ** 2 + (columns - middle) ** 2 > (hu.shape[1] / 2) ** 2
    padded = hu.copy()
    padded[:, is_outside] = value
    return padded


Write = Callable[[Scan, Path], None]
"""Writes a scan at a path without extension."""


def _write_itk(scan: Scan, path: Path, ending: str, *, compressed: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(scan.image(), f"{path}{ending}", compressed)


def _write_oriented(scan: Scan, path: Path, order: Sequence[int], signs: Sequence[int], ending: str) -> None:
    """The same scan with its axes in a different order and direction."""
    image = SimpleITK.PermuteAxes(scan.image(), list(order))
    path.parent.mkdir(parents=True, exist_ok=True)
    flipped = SimpleITK.Flip(image, [sign < 0 for sign in signs], False)
    SimpleITK.WriteImage(flipped, f"{path}{ending}")


def _write_type(scan: Scan, path: Path, dtype: str, ending: str) -> None:
    _write_itk(replace(scan, hu=scan.hu.astype(dtype)), path, ending)


def _write_nifti(
    scan: Scan,
    path: Path,
    unit_name: str = "mm",
    scale: float = 1.0,
    slope: tuple[float, float] | None = None,
    forms: str = "both",
) -> None:
    """NIfTI in a different unit, with a stored slope and intercept, or with one form only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    x, y, z = (step * scale for step in scan.spacing_mm)
    affine = np.diag([-x, -y, z, 1.0])
    affine[:3, 3] = np.array([-1, -1, 1]) * scan.origin_mm * scale
    stored = scan.hu if slope is None else np.round((scan.hu - slope[1]) / slope[0]).astype(np.uint16)
    image = nibabel.Nifti1Image(stored.T, affine)
    image.header.set_xyzt_units(unit_name)
    image.set_qform(affine, int(forms in ("both", "qform")))
    image.set_sform(affine, int(forms in ("both", "sform")))
    if slope is not None:
        image.header.set_slope_inter(*slope)
    nibabel.save(image, f"{path}.nii")


def _write_dicom(
    scan: Scan, path: Path, intercept: int = -1024, preamble: bool = True, ending: str = ".dcm", reverse: bool = False
) -> None:
    """A DICOM series, one file per slice."""
    path.mkdir(parents=True, exist_ok=True)
    series = generate_uid(entropy_srcs=[str(path)])
    for number, plane in enumerate(scan.hu):
        file = Dataset()
        file.file_meta = FileMetaDataset()
        file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        file.SOPClassUID, file.SOPInstanceUID = CTImageStorage, generate_uid(entropy_srcs=[str(path), str(number)])
        file.file_meta.MediaStorageSOPClassUID = file.SOPClassUID
        file.file_meta.MediaStorageSOPInstanceUID = file.SOPInstanceUID
        file.Modality, file.SeriesInstanceUID, file.StudyInstanceUID = "CT", series, "1.2.3"
        file.PatientID = path.name
        file.Rows, file.Columns = plane.shape
        file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
        file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 16, 15, 1
        x, y, z = scan.spacing_mm
        file.PixelSpacing = [f"{y:.8g}", f"{x:.8g}"]
        file.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        place = scan.origin_mm[2] + number * z
        file.ImagePositionPatient = [f"{scan.origin_mm[0]:.8g}", f"{scan.origin_mm[1]:.8g}", f"{place:.8g}"]
        file.RescaleSlope, file.RescaleIntercept = "1", str(intercept)
        file.PixelData = (plane.astype(np.int16) - intercept).astype(np.int16).tobytes()
        name = path / f"{len(scan.hu) - number if reverse else number:03d}{ending}"
        if preamble:
            file.save_as(name, enforce_file_format=True)
        else:
            del file.file_meta
            file.save_as(name, implicit_vr=False, little_endian=True)


WRITE_NIFTI: Final = partial(_write_itk, ending=".nii")
WRITE_MHD: Final = partial(_write_itk, ending=".mhd")
WRITERS: Final[Mapping[tuple[str, str], Write]] = {
    **{
        ("format", ending): partial(_write_itk, ending=ending)
        for ending in (".nii", ".nii.gz", ".mhd", ".mha", ".nrrd")
    },
    **{
        ("format", f"{ending} compressed"): partial(_write_itk, ending=ending, compressed=True)
        for ending in (".mha", ".mhd")
    },
    ("format", "DICOM"): _write_dicom,
    ("format", "DICOM without preamble"): partial(_write_dicom, preamble=False),
    ("format", "DICOM without endings"): partial(_write_dicom, ending=""),
    ("format", "DICOM, names in reverse"): partial(_write_dicom, reverse=True),
    **{
        ("orientation", f"{'xyz'[a]}{'xyz'[b]}{'xyz'[c]} {signs}, {ending}"): partial(
            _write_oriented, order=(a, b, c), signs=signs, ending=ending
        )
        for (a, b, c), signs, ending in [
            (order, signs, (".nii.gz", ".nrrd", ".mha")[number % 3])
            for number, (order, signs) in enumerate(product(permutations(range(3)), product((1, -1), repeat=3)))
            if number % 2 == 0
        ]
    },
    **{
        ("type", f"{dtype}, {ending}"): partial(_write_type, dtype=dtype, ending=ending)
        for dtype in ("int32", "float32", "float64")
        for ending in (".nii", ".mha", ".nrrd")
    },
    ("unit", "micrometres"): partial(_write_nifti, unit_name="micron", scale=1000.0),
    ("unit", "metres"): partial(_write_nifti, unit_name="meter", scale=0.001),
    ("unit", "unknown"): partial(_write_nifti, unit_name="unknown"),
    ("type", "NIfTI with slope 1 and intercept -1024"): partial(_write_nifti, slope=(1.0, -1024.0)),
    ("type", "NIfTI with slope 0.5 and intercept -2000"): partial(_write_nifti, slope=(0.5, -2000.0)),
    ("orientation", "sform alone"): partial(_write_nifti, forms="sform"),
    ("orientation", "qform alone"): partial(_write_nifti, forms="qform"),
    ("orientation", "neither sform nor qform"): partial(_write_nifti, forms="neither"),
}


def write_classes(folder: Path, scans: Sequence[Scan], write: Write = WRITE_NIFTI, place: str = "{name}") -> Section:
    """Class folders "a" and "b" with half of the scans each."""
    for number, scan in enumerate(scans):
        name = f"case{number % (len(scans) // 2)}"
        write(scan, folder / "ab"[number // (len(scans) // 2)] / place.format(name=name))
    return {"name": "folder", "root": str(folder), "crop_size": list(SCAN_SHAPE)}


def _with_files(folder: Path, scans: Sequence[Scan], files: Mapping[str, bytes]) -> Section:
    section = write_classes(folder, scans)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return section


def folder_mutants(scans: Sequence[Scan]) -> Iterator[Mutant]:
    """Class folders of whole scans: formats, orientations, types, units, padding, lost intercepts, layouts."""
    mutant = partial(Mutant, like="folders")
    for (kind, name), write in WRITERS.items():
        yield mutant(kind=kind, name=name, write=partial(write_classes, scans=scans, write=write))
    for value in (-2000, -3024, -1024, 0):
        padded = [replace(scan, hu=outside_circle(scan.hu, value)) for scan in scans]
        like = "folders with 0 outside" if value == 0 else "folders with air outside"
        yield mutant(
            kind="padding", name=f"{value} outside the circle", write=partial(write_classes, scans=padded), like=like
        )
    half = len(scans) // 2
    changes: dict[str, Callable[[Array], Array]] = {
        "HU + 1024": lambda hu: hu + 1024,
        "HU + 1000": lambda hu: hu + 1000,
        "0 to 255": lambda hu: (unit(hu) * 255).round().astype(np.int16),
        "0 to 1": lambda hu: unit(hu).astype(np.float32),
        "z-scores": lambda hu: ((hu - hu.mean()) / hu.std()).astype(np.float32),
    }
    for name, change in changes.items():
        changed = [replace(scan, hu=change(scan.hu)) for scan in scans]
        for where, some in (
            ("all scans", changed),
            ("one class", [*scans[:half], *changed[half:]]),
            ("one scan", [*scans[:-1], changed[-1]]),
        ):
            yield mutant(kind="range", name=f"{name} in {where}", write=partial(write_classes, scans=some))
    for name, place, write in (
        ("a folder for each case", "{name}/ct", partial(_write_itk, ending=".nii.gz")),
        ("patient and study", "{name}/study/ct", partial(_write_itk, ending=".mha")),
        ("patient, study and series", "{name}/study/series", _write_dicom),
    ):
        yield mutant(kind="layout", name=name, write=partial(write_classes, scans=scans, write=write, place=place))
    header = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "
    beside: dict[str, dict[str, bytes]] = {
        "resource forks": {"a/._case0.nii": header, "b/._case1.nii": header},
        "desktop files": {"a/.DS_Store": header, "b/Thumbs.db": header, "Thumbs.db": header, "b/desktop.ini": b"[x]"},
        "__MACOSX": {"__MACOSX/a/._case0.nii": header},
        "unknown endings": {"a/case9.gipl": header, "b/case9.img": header, "b/case9.hdr": header},
        "a list and a readme": {"README.txt": b"scans", "labels.csv": b"case,label\n"},
    }
    for name, files in beside.items():
        yield mutant(kind="layout", name=name, write=partial(_with_files, scans=scans, files=files))


# Candidates -------------------------------------------------------------------------------------

POINTS: Final = 40
"""Number of candidates of each scan."""


def candidate_points(scans: Sequence[Scan]) -> list[Array]:
    """(POINTS, 3) world positions (x, y, z) in each scan, in the lungs or their walls, a quarter of them nodules."""
    points = []
    for number, scan in enumerate(scans):
        z, y, x = np.nonzero((scan.hu > -950) & (scan.hu < -300))
        chosen = np.random.default_rng(number).choice(len(z), POINTS, replace=False)
        voxels = np.stack([x[chosen], y[chosen], z[chosen]], axis=1)
        points.append(voxels * np.array(scan.spacing_mm) + np.array(scan.origin_mm))
    return points


def write_tree(
    folder: Path,
    scans: Sequence[Scan],
    points: Sequence[Array],
    write: Write = WRITE_MHD,
    place: str = "subset{number}",
    extra: Sequence[str] = (),
) -> Section:
    """LUNA16's layout."""
    lines = ["seriesuid,coordX,coordY,coordZ,class"]
    for number, (scan, its_points) in enumerate(zip(scans, points, strict=True)):
        uid = f"1.2.3.{number}"
        write(scan, folder / place.format(number=number) / uid)
        lines += [f"{uid},{x:.6f},{y:.6f},{z:.6f},{int(row % 4 == 0)}" for row, (x, y, z) in enumerate(its_points)]
    (folder / "candidates.csv").write_text("\n".join([*lines, *extra]) + "\n", encoding="utf-8")
    options = {"crop_size": list(CROP_SHAPE), "negatives_per_positive": "all"}
    return {"name": "luna16", "root": str(folder), **options}


def tree_mutants(scans: Sequence[Scan]) -> Iterator[Mutant]:
    """LUNA16 trees: formats, orientations, layouts, ranges, and points in another frame."""
    mutant = partial(Mutant, like="candidates")
    points = candidate_points(scans)
    tree = partial(write_tree, scans=scans, points=points)
    for ending in (".mha", ".nii.gz", ".nrrd"):
        yield mutant(
            kind="format", name=f"tree of {ending}", write=partial(tree, write=partial(_write_itk, ending=ending))
        )
    yield mutant(
        kind="format", name="zraw", write=partial(tree, write=partial(_write_itk, ending=".mhd", compressed=True))
    )
    for place in ("subset{number}/subset{number}", ".", "subset{number}/subset{number}/subset{number}"):
        yield mutant(kind="layout", name=f"scans in {place}", write=partial(tree, place=place))
    for dtype in ("int32", "float32"):
        write = partial(_write_type, dtype=dtype, ending=".mhd")
        yield mutant(kind="type", name=f"tree of {dtype}", write=partial(tree, write=write))
    for order, signs in (
        ((0, 1, 2), (-1, -1, 1)),
        ((0, 1, 2), (1, 1, -1)),
        ((2, 1, 0), (1, 1, 1)),
        ((1, 0, 2), (1, -1, 1)),
    ):
        write = partial(_write_oriented, order=order, signs=signs, ending=".mhd")
        yield mutant(kind="orientation", name=f"scans stored {order} {signs}", write=partial(tree, write=write))
    frames: dict[str, Callable[[Array], Array]] = {
        "RAS": lambda p: p * (-1, -1, 1),
        "in (z, y, x)": lambda p: p[:, ::-1],
        "in (y, x, z)": lambda p: p[:, [1, 0, 2]],
        "in metres": lambda p: p / 1000,
        "in centimetres": lambda p: p / 10,
    }
    for name, change in frames.items():
        yield mutant(kind="orientation", name=f"points {name}", write=partial(tree, points=[change(p) for p in points]))
    voxels = [(p - np.array(s.origin_mm)) / np.array(s.spacing_mm) for s, p in zip(scans, points, strict=True)]
    yield mutant(kind="unit", name="points in voxels", write=partial(tree, points=voxels))
    yield mutant(kind="layout", name="points of another scan", write=partial(tree, points=points[::-1]))
    corner = np.array(scans[0].origin_mm)
    far = {
        "one negative 0.1 voxel outside": (*(corner - 0.6 * np.array(scans[0].spacing_mm)), 0),
        "one negative 4 m outside": (*(corner - 4000), 0),
        "one nodule outside": (*(corner - 50), 1),
    }
    for name, (x, y, z, label) in far.items():
        line = f"1.2.3.0,{x:.6f},{y:.6f},{z:.6f},{label}"
        yield mutant(kind="layout", name=name, write=partial(tree, extra=[line]))
    yield mutant(kind="layout", name="an unknown series", write=partial(tree, extra=["9.9.9,0,0,0,0", "9.9.9,0,0,0,1"]))
    for name, offset, which in (("all scans", 1024, range(len(scans))), ("one scan", 1024, (0,))):
        changed = [replace(s, hu=s.hu + offset * (n in which)) for n, s in enumerate(scans)]
        yield mutant(kind="range", name=f"HU + 1024 in {name} of a tree", write=partial(tree, scans=changed))
