"""gallery.npz and heat_maps.npz: what is written is read back, and what is damaged is refused."""

import re
from dataclasses import replace

import numpy as np
import pytest

from archnet.errors import DataError
from archnet.report.gallery_file import (
    Gallery,
    HeatMaps,
    Placements,
    read_gallery,
    read_heat_maps,
    write_gallery_file,
    write_heat_maps,
)
from archnet.spec.view import InputLimits

VALUES = np.arange(-12, 12, dtype=np.int16).reshape(2, 3, 2, 2)
PLACES = {"centre_mm": np.ones((2, 3)), "steps_mm": np.ones((2, 3, 3)), "slices": np.full((2, 3), 5.0)}
ARRAYS = {
    "values": VALUES,
    "case": np.array(["a", "b"]),
    "kind": np.array(["wrong", "right"]),
    "scales": np.array([[2.0, -1.0]]),
    "window": np.array([-10.0, 20.0]),
    "is_hu": np.bool_(True),
}
OTHER = {"other_channels": np.ones((2, 3, 2, 2, 1), np.int16), "scales": np.array([[2.0, -1.0], [0.5, 3.0]])}


def gallery_of(folder, **changes):
    path = folder / "gallery.npz"
    np.savez(path, **{name: value for name, value in (ARRAYS | changes).items() if value is not None})
    return read_gallery(path)


def test_a_gallery_is_read_back_as_it_was_written(tmp_path):
    written = Gallery(
        values=VALUES, cases=ARRAYS["case"], kinds=ARRAYS["kind"], scales=OTHER["scales"], window=(-10, 20), is_hu=True,
        placements=Placements(**PLACES), other_channels=OTHER["other_channels"],
    )  # fmt: skip
    write_gallery_file(tmp_path / "gallery.npz", written)
    found = read_gallery(tmp_path / "gallery.npz")
    for name in ("values", "cases", "kinds", "scales", "other_channels"):
        np.testing.assert_array_equal(getattr(found, name), getattr(written, name))
    for name, array in PLACES.items():
        np.testing.assert_array_equal(getattr(found.placements, name), array)
    assert (found.window, found.is_hu, found.shape) == ((-10.0, 20.0), True, (3, 2, 2))


def test_a_gallery_without_optional_arrays_is_read_back(tmp_path):
    written = Gallery(values=VALUES.astype(np.uint8), cases=ARRAYS["case"], kinds=ARRAYS["kind"])
    write_gallery_file(tmp_path / "gallery.npz", written)
    with np.load(tmp_path / "gallery.npz") as arrays:
        assert sorted(arrays) == ["case", "is_hu", "kind", "values"]
        assert not arrays["is_hu"]


def test_a_gallery_and_heat_maps_of_no_cases_are_read_back(tmp_path):
    no_names = np.array([], np.str_)
    empty = gallery_of(tmp_path, values=VALUES[:0], case=no_names, kind=no_names)
    assert (empty.shape, len(empty.cases)) == ((3, 2, 2), 0)
    path = tmp_path / "heat_maps.npz"
    write_heat_maps(path, HeatMaps(cases=no_names, labels=MAPS["label"][:0], heat=MAPS["heat"][:0], grid=MAPS["grid"]))
    assert len(read_heat_maps(path).cases) == 0


def test_a_gallery_that_cannot_be_opened_is_reported_with_the_reason(tmp_path):
    path = tmp_path / "gallery.npz"
    path.mkdir()
    message = f"{path}: cannot be read: Is a directory. Check its permissions."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_gallery(path)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5)])
def test_a_gallery_of_the_first_version_has_grey_values(tmp_path, shape):
    images = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    old = gallery_of(tmp_path, values=None, scales=None, window=None, is_hu=None, images=images)
    assert (old.scales, old.window, old.is_hu, old.placements) == (None, None, False, None)
    np.testing.assert_array_equal(old.picture(1), images[1])
    np.testing.assert_array_equal(old.raw_values(1), images[1].astype(np.float32))
    np.testing.assert_array_equal(replace(old, window=(0.0, 100.0)).picture(1), images[1])
    limits = InputLimits.of(-1000, 400)
    np.testing.assert_allclose(old.raw_channels(slice(None), limits), images / 255 * 1400 - 1000, rtol=1e-4, atol=1e-3)


def test_stored_values_are_scaled_to_raw_values_and_to_the_window(tmp_path):
    gallery = gallery_of(tmp_path)
    raw = VALUES[0] * 2.0 - 1
    np.testing.assert_array_equal(gallery.raw_values(0), raw)
    np.testing.assert_array_equal(gallery.picture(0), (255 * np.clip((raw + 10) / 30, 0, 1)).round())
    np.testing.assert_array_equal(gallery.raw_channels(np.array([1]), InputLimits.of(0, 1)), VALUES[1:] * 2.0 - 1)
    two_channels = gallery_of(tmp_path, **OTHER)
    np.testing.assert_array_equal(two_channels.raw_values(0), raw)
    both = two_channels.raw_channels(slice(0, 1), InputLimits.of(0, 1))
    np.testing.assert_array_equal(both[..., 0], VALUES[:1] * 2.0 - 1)
    np.testing.assert_array_equal(both[..., 1], np.full((1, 3, 2, 2), 3.5))


@pytest.mark.parametrize("changes", [
    {"values": None}, {"values": VALUES.astype(np.int32)}, {"values": VALUES[0, 0]}, {"values": VALUES[..., None]},
    {"values": VALUES[:, :0]}, {"case": None}, {"case": np.array([1, 2])}, {"case": np.array(["a"])}, {"kind": None},
    {"kind": np.array([1, 2])}, {"kind": np.array(["wrong"])}, {"scales": None}, {"scales": np.ones((2, 2))},
    {"scales": np.ones((1, 2), np.float32)}, {"window": None}, {"window": np.ones(3)}, {"window": np.ones(2, np.int64)},
    {"is_hu": None}, {"is_hu": np.array([True])}, {**PLACES, "centre_mm": np.ones((1, 3))},
    {**PLACES, "steps_mm": np.ones((2, 3))}, {**PLACES, "slices": np.ones((2, 2))},
    {**PLACES, "slices": np.ones((2, 3), np.float32)}, {**OTHER, "other_channels": np.ones((2, 3, 2, 2, 1), np.uint8)},
    {**OTHER, "other_channels": np.ones((1, 3, 2, 2, 1), np.int16)}, {"other_channels": np.int16(1)},
    {"other_channels": np.ones((2, 3, 2, 2, 0), np.int16)}, {**OTHER, "scales": ARRAYS["scales"]},
])  # fmt: skip
def test_a_gallery_whose_arrays_do_not_fit_each_other_is_refused(tmp_path, changes):
    message = f"^{re.escape(str(tmp_path / 'gallery.npz'))}: does not contain the arrays values, case and kind. "
    with pytest.raises(DataError, match=message):
        gallery_of(tmp_path, **changes)


def test_places_without_one_of_their_arrays_are_left_out(tmp_path):
    assert gallery_of(tmp_path, **PLACES | {"slices": None}).placements is None
    assert gallery_of(tmp_path, **PLACES).placements is not None


MAPS = {
    "case": np.array(["a", "b"]),
    "label": np.array([0, 1]),
    "heat": np.ones((2, 3, 2), np.uint8),
    "grid": np.array([[1.5, 4.0], [0.5, 0.5]]),
    "slice": np.int64(3),
}


@pytest.mark.parametrize("rank", [2, 3])
def test_heat_maps_are_read_back_as_they_were_written(tmp_path, rank):
    heat = np.arange(2 * 3 * 2, dtype=np.uint8).reshape(2, 3, 2, *[1] * (rank - 2))
    grid = np.ones((rank, 2))
    maps = HeatMaps(
        cases=MAPS["case"], labels=MAPS["label"], heat=heat, grid=grid, **({"slice": 3} if rank == 2 else {})
    )
    write_heat_maps(tmp_path / "heat_maps.npz", maps)
    found = read_heat_maps(tmp_path / "heat_maps.npz")
    for name in ("cases", "labels", "heat", "grid"):
        np.testing.assert_array_equal(getattr(found, name), getattr(maps, name))
    assert found.slice == (3 if rank == 2 else -1)


@pytest.mark.parametrize("changes", [
    *({name: None} for name in MAPS), {"case": np.array([1, 2])}, {"case": np.array(["a"])},
    {"label": np.array([0, 1], np.int32)}, {"label": np.array([0])}, {"heat": np.ones((2, 3, 2), np.int16)},
    {"heat": np.ones((2, 3), np.uint8)}, {"heat": np.ones((2, 3, 2, 1, 1), np.uint8)}, {"heat": np.ones((2, 0, 2), np.uint8)},
    {"heat": np.ones((1, 3, 2), np.uint8)}, {"grid": np.ones((3, 2))}, {"grid": np.ones((2, 2), np.float32)},
    {"grid": np.array([[1.5, 4.0], [0.5, 0.0]])}, {"slice": np.int32(3)}, {"slice": np.array([3])},
])  # fmt: skip
def test_heat_maps_whose_arrays_do_not_fit_each_other_are_refused(tmp_path, changes):
    path = tmp_path / "heat_maps.npz"
    np.savez(path, **{name: value for name, value in (MAPS | changes).items() if value is not None})
    message = f"^{re.escape(str(path))}: does not contain the arrays case, label, heat, grid and slice. "
    with pytest.raises(DataError, match=message):
        read_heat_maps(path)
