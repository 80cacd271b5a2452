"""`gallery.npz` and `heat_maps.npz`: voxels and saliency maps of cases stored in a run folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from numpy.typing import NDArray

from archnet.errors import DataError
from archnet.files.archives.npy_arrays import read_npz
from archnet.files.archives.zip_archive import DamagedFileError
from archnet.files.atomic import atomic_write
from archnet.spec.view import InputLimits, scale_from_unit, scale_picture

GALLERY_FILE: Final = "gallery.npz"
HEAT_MAP_FILE: Final = "heat_maps.npz"

KINDS: Final = ("sample", "wrong", "right")
"""Training examples, incorrectly classified cases, and correctly classified cases."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placements:
    """Positions of cases in their scans; NaN where unknown. See `imaging.CasePlacement`.

    Attributes:
        centre_mm: (M, 3) world position (x, y, z) of the reference voxel, index n // 2 along each axis, LPS.
        steps_mm: (M, 3, 3) world displacements (rows x, y, z) along the width, the height and the depth (columns).
        slices: (M, 3) slice of the scan at the reference voxel; slices per slice of the case; slices of the scan.
    """

    centre_mm: NDArray[np.float64]
    steps_mm: NDArray[np.float64]
    slices: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gallery:
    """Cases stored for the report.

    Attributes:
        values: Stored values of the first channel, (M, height, width) or (M, height, width, depth): int16 or uint8.
        cases: Names as in `predictions.csv`, shape (M,).
        kinds: Kind of each case, one of `KINDS`, shape (M,).
        scales: (channels, 2) factor and offset that turn stored values into raw values; None in files of archnet 0.1,
            whose values 0 and 255 are the limits of each channel.
        window: Raw values of the first channel shown as black and white; None in files of archnet 0.1.
        is_hu: Whether raw values are known to be Hounsfield units.
        placements: Positions of the cases in their scans; None if no case is in a known scan.
        other_channels: Stored values of the other channels, channels last; None if there are none.
    """

    values: NDArray[Any]
    cases: NDArray[np.str_]
    kinds: NDArray[np.str_]
    scales: NDArray[np.float64] | None = None
    window: tuple[float, float] | None = None
    is_hu: bool = False
    placements: Placements | None = None
    other_channels: NDArray[Any] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width) or (height, width, depth) of a case."""
        return self.values.shape[1:]

    def picture(self, number: int) -> NDArray[np.uint8]:
        """One case in its window as uint8; 0 is black and 255 white."""
        if self.scales is None or self.window is None:
            return np.asarray(self.values[number], np.uint8)
        scaled = scale_picture(self.raw_values(number), InputLimits.of(*self.window))
        return (scaled * 255).round().astype(np.uint8)

    def raw_values(self, number: int) -> NDArray[np.float32]:
        """The first channel of one case in raw values; in files of archnet 0.1 the stored grey values 0 to 255."""
        factor, offset = (1.0, 0.0) if self.scales is None else self.scales[0].tolist()
        raw: NDArray[np.float32] = (self.values[number].astype(np.float64) * factor + offset).astype(np.float32)
        return raw

    def raw_channels(self, numbers: slice | NDArray[np.int64], limits: InputLimits) -> NDArray[np.float32]:
        """Some cases in raw values, channels last if the data have several.

        Args:
            numbers: The cases.
            limits: Limits of the network's input.
        """
        stored = self.values[numbers]
        if self.other_channels is not None:
            stored = np.concatenate([stored[..., np.newaxis], self.other_channels[numbers]], axis=-1)
        if self.scales is None:
            return scale_from_unit(stored / np.float32(255), limits)
        factors, offsets = self.scales.T
        raw: NDArray[np.float32] = (stored.astype(np.float64) * factors + offsets).astype(np.float32)
        return raw


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeatMaps:
    """Grad-CAM heat maps of some cases for a class, on the grid of the network's features.

    Attributes:
        cases: Names as in `predictions.csv`, shape (K,).
        labels: (K,) index of the class whose evidence each map shows.
        heat: (K, height, width[, depth]) uint8, each scaled to its maximum; all 0 without evidence.
        grid: (rank, 2) voxel of the first feature along each axis, and voxels from one feature to the next.
        slice: The slice of a volume to which two-dimensional maps apply; -1 for all slices.
    """

    cases: NDArray[np.str_]
    labels: NDArray[np.int64]
    heat: NDArray[np.uint8]
    grid: NDArray[np.float64]
    slice: int = -1


def write_gallery_file(path: Path, gallery: Gallery) -> None:
    """Write `gallery.npz` atomically."""
    window = None if gallery.window is None else np.array(gallery.window, np.float64)
    optional = {"other_channels": gallery.other_channels, "scales": gallery.scales, "window": window}
    placements = gallery.placements
    if placements is not None:
        optional |= {name: getattr(placements, name) for name in Placements.__slots__}
    arrays = {"values": gallery.values, "case": gallery.cases, "kind": gallery.kinds, "is_hu": np.bool_(gallery.is_hu)}
    _write_npz(path, arrays | {name: value for name, value in optional.items() if value is not None})


def write_heat_maps(path: Path, maps: HeatMaps) -> None:
    """Write `heat_maps.npz` atomically."""
    arrays = {"case": maps.cases, "label": maps.labels, "heat": maps.heat, "grid": maps.grid}
    _write_npz(path, arrays | {"slice": np.int64(maps.slice)})


def _write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write an .npz file. The level of `np.savez_compressed` takes three times as long, for a file smaller by 2%."""
    with atomic_write(path) as draft, ZipFile(draft, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asanyarray(array), allow_pickle=False)


def read_gallery(path: Path) -> Gallery | None:
    """Read a run's `gallery.npz`, or None if it has none; files of archnet 0.1 have the array `images`.

    Raises:
        DataError: The file is damaged.
    """
    return _read(path, _parse_gallery, "the arrays values, case and kind", "pictures of cases")


def read_heat_maps(path: Path) -> HeatMaps | None:
    """Read a run's `heat_maps.npz`, or None if it has none.

    Raises:
        DataError: The file is damaged.
    """
    return _read(path, _parse_heat_maps, "the arrays case, label, heat, grid and slice", "heat maps")


def _read(path: Path, parse: Callable[[Mapping[str, NDArray[Any]]], T | None], content: str, loss: str) -> T | None:
    if not path.exists():
        return None
    remedy = f"To report without {loss}, delete it and run: archnet report --accept-edits {path.parent}"
    try:
        arrays = read_npz(path)
    except DamagedFileError as error:
        raise DataError(f"{path}: {error}. {remedy}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}. Check its permissions.") from error
    parsed = parse(arrays)
    if parsed is None:
        raise DataError(f"{path}: does not contain {content}. {remedy}")
    return parsed


def _parse_gallery(arrays: Mapping[str, NDArray[Any]]) -> Gallery | None:
    values = arrays.get("values", arrays.get("images"))
    if values is None or values.dtype not in (np.uint8, np.int16) or values.ndim not in (3, 4):
        return None
    others, count = arrays.get("other_channels"), len(values)
    num_channels = 1 if others is None or others.ndim == 0 else 1 + others.shape[-1]
    expected = {
        "case": (count,),
        "kind": (count,),
        "other_channels": (*values.shape, num_channels - 1),
        "scales": (num_channels, 2),
        "window": (2,),
        "is_hu": (),
        "centre_mm": (count, 3),
        "steps_mm": (count, 3, 3),
        "slices": (count, 3),
    }
    needed = ("scales", "window", "is_hu") if "values" in arrays else ()
    has_needed = all(name in arrays for name in needed)
    has_words = all(name in arrays and arrays[name].dtype.kind == "U" for name in ("case", "kind"))
    has_shapes = all(arrays[name].shape == shape for name, shape in expected.items() if name in arrays)
    has_types = all(arrays[name].dtype == np.float64 for name in expected if name in arrays and name in _FLOATS)
    has_types = has_types and (others is None or (others.dtype == values.dtype and bool(others.size)))
    if not (has_needed and has_words and has_shapes and has_types) or min(values.shape[1:]) == 0:
        return None
    return _build_gallery(values, arrays)


_FLOATS: Final = ("scales", "window", "centre_mm", "steps_mm", "slices")


def _build_gallery(values: NDArray[Any], arrays: Mapping[str, NDArray[Any]]) -> Gallery:
    window = arrays["window"].tolist() if "window" in arrays else None
    names = Placements.__slots__
    return Gallery(
        values=values,
        cases=arrays["case"],
        kinds=arrays["kind"],
        scales=arrays.get("scales"),
        window=window and (window[0], window[1]),
        is_hu=bool(arrays.get("is_hu")),
        placements=Placements(**{name: arrays[name] for name in names})
        if all(name in arrays for name in names)
        else None,
        other_channels=arrays.get("other_channels"),
    )


def _parse_heat_maps(arrays: Mapping[str, NDArray[Any]]) -> HeatMaps | None:
    if not {"case", "label", "heat", "grid", "slice"} <= set(arrays):
        return None
    case, label, heat, grid = (arrays[name] for name in ("case", "label", "heat", "grid"))
    has_types = case.dtype.kind == "U" and label.dtype == np.int64 and heat.dtype == np.uint8
    has_types = has_types and grid.dtype == np.float64 and arrays["slice"].dtype == np.int64
    has_shapes = heat.ndim in (3, 4) and case.shape == label.shape == heat.shape[:1]
    has_shapes = has_shapes and grid.shape == (heat.ndim - 1, 2) and arrays["slice"].shape == ()
    if not (has_types and has_shapes) or min(heat.shape[1:]) == 0 or not (grid[:, 1] > 0).all():
        return None
    return HeatMaps(cases=case, labels=label, heat=heat, grid=grid, slice=int(arrays["slice"]))
