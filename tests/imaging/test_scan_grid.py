"""Arrays are put back onto their scans where crops and resized volumes were taken from them."""

import numpy as np
import pytest

from archnet.imaging import Volume, crop, nearest_index
from archnet.imaging.scan_grid import crop_grid, interpolate, resample_to_scan, resized_grid
from archnet.imaging.volume import placeholder_voxels

SHAPE = (6, 9, 12)


def scan(spacing_mm=(0.5, 2.0, 4.0)):
    hu = np.random.default_rng(0).integers(1, 1000, SHAPE).astype(np.int16)
    return Volume(hu=hu, spacing_mm=spacing_mm, origin_mm=(10.0, -20.0, 30.0), direction=np.eye(3))


@pytest.mark.parametrize("size", [(4, 5, 3), (3, 4, 2), (20, 30, 40)])
@pytest.mark.parametrize("point_mm", [(12.6, -11.2, 41.0), (10.0, -20.0, 30.0), (15.5, -4.0, 50.0)])
def test_a_crop_comes_back_to_its_voxels_and_the_others_are_zero(size, point_mm):
    volume = scan()
    (centre,) = nearest_index(volume, point_mm).tolist()
    back = resample_to_scan(crop(volume, tuple(centre), size), crop_grid(volume, point_mm, size))
    wanted = np.zeros(SHAPE, np.float32)
    height, width, depth = size
    inside = tuple(
        slice(max(place - count // 2, 0), place - count // 2 + count)
        for place, count in zip(centre, (depth, height, width), strict=True)
    )
    wanted[inside] = volume.hu[inside]
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, wanted)


def test_the_grid_of_a_crop_with_a_spacing_counts_in_its_samples():
    z, y, x = crop_grid(scan(), (12.0, -16.5, 38.0), (4, 6, 5), spacing_mm=(1.0, 0.5, 8.0))
    np.testing.assert_allclose(z, 2 + (np.arange(6) * 4 - 8) / 8)
    np.testing.assert_allclose(y, 2 + (np.arange(9) * 2.0 - 3.5) / 0.5)
    np.testing.assert_allclose(x, 3 + (np.arange(12) * 0.5 - 2.0) / 1.0)


@pytest.mark.parametrize(
    ("shape", "size", "z", "y", "x"),
    [
        ((5, 3, 3), (5, 9, 3), (0, 2), (0, 4), (0, 8)),
        ((1, 1, 1), (5, 9, 3), (0, 0), (0, 0), (0, 0)),
        ((3, 4, 8), (8, 4, 5), (0, 4), (2, 5), (-2, 5)),  # the sides of its planes are exchanged
        ((3, 8, 4), (4, 8, 5), (0, 4), (-2, 5), (2, 5)),
        ((2, 5, 8), (8, 5, 2), (0, 1), (2, 6), (-2, 5)),
    ],
)
def test_the_ends_of_a_scan_are_those_of_the_resized_volume(shape, size, z, y, x):
    grid = resized_grid(shape, size)
    assert [len(positions) for positions in grid] == list(shape)
    for positions, (first, last) in zip(grid, (z, y, x), strict=True):
        np.testing.assert_allclose(positions, np.linspace(first, last, len(positions)))


def test_interpolation_is_linear_between_voxels_and_constant_outside():
    array = np.array([[0, 10, 40], [100, 110, 140]], np.int16)
    grid = [np.array([-3, 0, 0.25, 1, 9.0]), np.array([-0.5, 0.5, 1.5, 2.0, 2.7])]
    np.testing.assert_allclose(
        interpolate(array, grid), np.array([0, 0, 25, 100, 100])[:, np.newaxis] + [0, 5, 25, 40, 40]
    )


def test_values_are_zero_from_half_a_voxel_outside_on():
    array = np.full((2, 3, 4), 7.0)  # height, width, depth
    inside, outside = np.array([-0.5, 1.49]), np.array([-0.51, 1.5])
    middle = np.array([1.0])
    assert (resample_to_scan(array, (middle, inside, middle)) == 7).all()
    assert (resample_to_scan(array, (middle, outside, middle)) == 0).all()
    assert resample_to_scan(array, (np.array([3.49, 3.5]), middle, np.array([2.49, 2.5])))[:, 0].tolist() == [
        [7, 0],
        [0, 0],
    ]


def test_the_grid_needs_no_voxels():
    volume = scan()
    frame = Volume(
        hu=placeholder_voxels(SHAPE), spacing_mm=volume.spacing_mm, origin_mm=volume.origin_mm, direction=np.eye(3)
    )
    for one, other in zip(*(crop_grid(each, (12, -16, 38), (4, 6, 5)) for each in (volume, frame)), strict=True):
        np.testing.assert_array_equal(one, other)
