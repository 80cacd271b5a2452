import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archnet.imaging import Volume, crop, nearest_index, orient_to_lps
from archnet.imaging.volume import NotFiniteError, convert_to_hu

IDENTITY = np.eye(3)


def _volume(shape=(5, 6, 7), spacing_mm=(0.5, 0.75, 2.0), origin_mm=(-10.0, 20.0, 30.0), direction=IDENTITY):
    hu = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    return Volume(hu=hu, spacing_mm=spacing_mm, origin_mm=origin_mm, direction=direction)


def _rotation(degrees, axis):
    angle = np.deg2rad(degrees)
    turned = np.eye(3)
    first, second = [number for number in range(3) if number != axis]
    turned[first, first] = turned[second, second] = np.cos(angle)
    turned[first, second], turned[second, first] = -np.sin(angle), np.sin(angle)
    return turned


def _world(volume, z, y, x):
    return np.asarray(volume.origin_mm) + volume.direction @ (np.array([x, y, z]) * volume.spacing_mm)


def _stored_otherwise(volume, axes, flips):
    """The same scan with its (z, y, x) axes exchanged and some of them reversed, world positions kept."""
    hu = volume.hu.transpose(axes)
    order = [2 - axis for axis in reversed(axes)]
    direction = volume.direction[:, order].copy()
    spacing = np.asarray(volume.spacing_mm)[order]
    origin = np.asarray(volume.origin_mm, dtype=float)
    for axis in flips:
        origin = origin + direction[:, axis] * spacing[axis] * (hu.shape[2 - axis] - 1)
        direction[:, axis] *= -1
        hu = np.flip(hu, 2 - axis)
    return Volume(hu=hu, spacing_mm=tuple(spacing), origin_mm=tuple(origin), direction=direction)


def test_a_point_halfway_between_two_voxels_goes_to_the_higher_index():
    volume = _volume(spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    assert nearest_index(volume, (0.5, 1.5, 2.5)).tolist() == [[3, 2, 1]]
    assert nearest_index(volume, (-0.5, -1.5, -2.5)).tolist() == [[-2, -1, 0]]


@pytest.mark.parametrize(("place", "index"), [(0.4999996, 1), (0.4999994, 0), (1.4999996, 2), (1.4999994, 1)])
def test_halfway_includes_half_a_millionth_of_a_voxel(place, index):
    volume = _volume(spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    assert nearest_index(volume, (place, place, place)).tolist() == [[index] * 3]


@pytest.mark.parametrize("far", [1e300, -1e300, 1e12])
def test_a_point_in_another_world_is_only_outside(far):
    volume = _volume(spacing_mm=(0.001, 0.001, 1000.0), origin_mm=(1e6, -1e6, 0.0))
    (index,) = nearest_index(volume, [(far, far, far)])
    assert not ((index >= 0) & (index < volume.hu.shape)).any()


def test_a_crop_is_height_width_depth_and_its_centre_is_the_voxel():
    volume = _volume()
    cut = crop(volume, (2, 3, 4), (4, 3, 2))
    assert cut.shape == (4, 3, 2)
    assert cut[2, 1, 1] == volume.hu[2, 3, 4]
    np.testing.assert_array_equal(cut, volume.hu[1:3, 1:5, 3:6].transpose(1, 2, 0))


@given(
    centre=st.tuples(*[st.integers(-4, 12)] * 3),
    size=st.tuples(*[st.integers(1, 9)] * 3),
)
def test_a_crop_is_that_of_the_scan_padded_with_air_on_all_sides(centre, size):
    volume = _volume()
    padded = np.pad(volume.hu, 20, constant_values=-1000)
    height, width, depth = size
    corner = [c - n // 2 + 20 for c, n in zip(centre, (depth, height, width), strict=True)]
    expected = padded[tuple(slice(start, start + n) for start, n in zip(corner, (depth, height, width), strict=True))]
    np.testing.assert_array_equal(crop(volume, centre, size), expected.transpose(1, 2, 0))


@pytest.mark.parametrize("axes", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
@pytest.mark.parametrize("flips", [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("tilt", [0.0, 17.0])
def test_every_storage_order_of_a_scan_gives_the_same_array_and_geometry(axes, flips, tilt):
    volume = _volume(direction=_rotation(tilt, 0) @ _rotation(tilt / 2, 2))
    found = orient_to_lps(_stored_otherwise(volume, axes, flips))
    np.testing.assert_array_equal(found.hu, volume.hu)
    np.testing.assert_allclose(found.spacing_mm, volume.spacing_mm, atol=1e-12)
    np.testing.assert_allclose(found.origin_mm, volume.origin_mm, atol=1e-9)
    np.testing.assert_allclose(found.direction, volume.direction, atol=1e-12)


def test_a_tie_stays_a_tie_in_a_flipped_copy_whose_origin_is_rounded():
    volume = _volume(spacing_mm=(0.7, 0.7, 1.1), origin_mm=(0.1, 0.2, 0.3))
    flipped = orient_to_lps(_stored_otherwise(volume, (0, 1, 2), (0, 1, 2)))
    points = np.array([_world(volume, z + 0.5, y + 0.5, x + 0.5) for z in range(4) for y in range(5) for x in range(6)])
    expected = [[z + 1, y + 1, x + 1] for z in range(4) for y in range(5) for x in range(6)]
    assert nearest_index(volume, points).tolist() == expected
    assert nearest_index(flipped, points).tolist() == expected


def test_reordering_makes_views_and_copies_nothing():
    volume = _volume()
    assert np.shares_memory(orient_to_lps(_stored_otherwise(volume, (2, 0, 1), (0, 2))).hu, volume.hu)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (5, 6, 0)}, r"a scan has three axes (z, y, x) with at least one voxel each, got (5, 6, 0)"),
        ({"shape": (5, 6)}, r"a scan has three axes (z, y, x) with at least one voxel each, got (5, 6)"),
        ({"spacing_mm": (1.0, -1.0, 1.0)}, r"voxel spacings must be between 0.001 and 1000 mm, got (1.0, -1.0, 1.0)"),
        (
            {"spacing_mm": (1.0, 1e308, 1.0)},
            "voxel spacings must be between 0.001 and 1000 mm, got (1.0, 1e+308, 1.0)",
        ),
        (
            {"origin_mm": (0.0, 1e308, 0.0)},
            "the origin must be three numbers in millimetres, got (0.0, 1e+308, 0.0)",
        ),
        ({"origin_mm": (0.0, np.nan, 0.0)}, r"the origin must be three numbers in millimetres, got (0.0, nan, 0.0)"),
        (
            {"direction": np.array([[1.0, 0.3, 0], [0, 1, 0], [0, 0, 1]])},
            "the axes of a scan must be perpendicular, got the direction matrix "
            "[[1.0, 0.3, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]; resample the scan to a straight grid, for example with SimpleITK.Resample",
        ),
        *(
            (
                {"direction": np.diag([1.0, length, 1.0])},
                "the axes of a scan must be perpendicular, got the direction matrix "
                f"[[1.0, 0.0, 0.0], [0.0, {length}, 0.0], [0.0, 0.0, 1.0]]; resample the scan to a straight grid, for example with SimpleITK.Resample",
            )
            for length in (-1.5, 1.5, 0.5, -1.002, 1e200, 1.0006, 0.9994)
        ),
        *(
            (
                {"spacing_mm": (1.0, 1.0, spacing)},
                f"voxel spacings must be between 0.001 and 1000 mm, got (1.0, 1.0, {spacing})",
            )
            for spacing in (0.00099, 1000.1)
        ),
        *(
            (
                {"origin_mm": (0.0, 0.0, place)},
                f"the origin must be three numbers in millimetres, got (0.0, 0.0, {place})",
            )
            for place in (1000001.0, -1000001.0)
        ),
    ],
)
def test_an_impossible_volume_is_refused(change, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _volume(**change)


def test_a_volume_may_be_as_large_and_as_far_as_the_limits_and_its_directions_rounded():
    volume = _volume(spacing_mm=(0.001, 1000.0, 1.0), origin_mm=(1e6, -1e6, 0.0), direction=np.diag([1.0004, -1, 1]))
    assert volume.spacing_mm == (0.001, 1000.0, 1.0)


def test_hounsfield_units_are_int16_where_whole_and_float32_else():
    assert convert_to_hu(np.array([-1000, 3000], dtype=">i4")).dtype == np.dtype("=i2")
    assert convert_to_hu(np.array([0.5])).dtype == np.float32
    assert convert_to_hu(np.array([-32768, 32767])).tolist() == [-32768, 32767]
    stored = np.zeros(3, dtype=np.int16)
    assert convert_to_hu(stored) is stored


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([0, 40_000]), "Hounsfield units must fit 16-bit integers, got values from 0 to 40000"),
        (np.array([5, 32_768]), "Hounsfield units must fit 16-bit integers, got values from 0 to 32768"),
        (np.array([-32_769, -5]), "Hounsfield units must fit 16-bit integers, got values from -32769 to 0"),
        (np.array([0.0, np.nan]), "Hounsfield units must be finite, got NaN or infinity"),
        (np.array(["a"]), "Hounsfield units must be numbers, got <U1"),
    ],
)
def test_values_that_are_not_hounsfield_units_are_refused(values, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        convert_to_hu(values)


def test_notes_stay_when_a_scan_is_turned():
    volume = replace(_volume(direction=np.diag([-1.0, 1.0, -1.0])), notes=("A note.", "Another."))
    turned = orient_to_lps(volume)
    assert turned.notes == ("A note.", "Another.")
    assert not np.array_equal(turned.direction, volume.direction)
    assert not np.signbit(turned.direction).any()  # messages and files contain no -0.0
    assert _volume().notes == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([-32769, 0], "Hounsfield units must fit 16-bit integers, got values from -32769 to 0"),
        ([5, 32768], "Hounsfield units must fit 16-bit integers, got values from 0 to 32768"),
        (["a"], "Hounsfield units must be numbers, got <U1"),
        ([1j], "Hounsfield units must be numbers, got complex128"),
        ([True], "Hounsfield units must be numbers, got bool"),
        ([1e39], "Hounsfield units must be finite, got NaN or infinity"),
        ([np.nan, 1.0], "Hounsfield units must be finite, got NaN or infinity"),
    ],
)
def test_values_that_are_no_hounsfield_units_are_refused(values, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        convert_to_hu(np.array(values))
    assert issubclass(NotFiniteError, ValueError)


def test_hounsfield_units_are_copied_only_where_their_type_changes():
    for kind in (np.int16, np.float32):
        values = np.zeros(3, kind)
        assert convert_to_hu(values) is values
    assert convert_to_hu(np.zeros(3, np.uint8)).dtype == np.int16
