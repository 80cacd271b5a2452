"""Placements: each voxel of a case has the world position from which its value comes, however the scan is stored."""

import numpy as np
import pytest

from archnet.imaging import (
    Volume,
    crop,
    crop_mm,
    nearest_index,
    orient_to_lps,
    place_crop,
    place_resized,
    resize_volume,
)

TILTED = np.array([[0.98, -0.199, 0.0], [0.199, 0.98, 0.0], [0.0, 0.0, 1.0]])
SLOPES = np.array([3.0, -2.0, 5.0])
POINT = (12.0, -20.5, 31.0)


def ramp(direction):
    """A scan whose values are a linear function of the world position, oriented to LPS; 40 x 44 x 48 mm or more."""
    spacing, origin = np.array([0.8, 1.1, 1.6]), np.array(POINT) - direction @ np.array([16.4, 22.6, 24.7])
    z, y, x = np.meshgrid(np.arange(30), np.arange(40), np.arange(40), indexing="ij")
    world = origin + (np.stack([x, y, z], axis=-1) * spacing) @ direction.T
    volume = Volume(
        hu=(world @ SLOPES).astype(np.float32),
        spacing_mm=tuple(spacing.tolist()),
        origin_mm=tuple(origin.tolist()),
        direction=direction,
    )
    return orient_to_lps(volume)


def values_of(placement, shape):
    """The value that each voxel of a case has at the position that the placement gives it."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1) - np.array(shape) // 2
    world = placement.centre_mm + index[..., [1, 0, 2]] @ placement.steps_mm.T
    return world @ SLOPES


@pytest.mark.parametrize(
    "direction",
    [np.eye(3), np.diag([-1.0, -1.0, 1.0]), np.diag([1.0, 1.0, -1.0]), TILTED, TILTED[:, [1, 0, 2]], TILTED[:, [2, 0, 1]]],
    ids=["LPS", "RAS", "upside down", "tilted", "transposed", "sagittal slices"],
)  # fmt: skip
def test_a_placement_gives_each_voxel_the_world_position_of_its_value(direction):
    volume, shape = ramp(direction), (8, 6, 5)
    cropped = crop(volume, nearest_index(volume, POINT)[0].tolist(), shape)
    np.testing.assert_allclose(cropped, values_of(place_crop(volume, POINT), shape), atol=0.01)
    resampled = crop_mm(volume, POINT, shape, (0.7, 0.5, 1.2))
    placement = place_crop(volume, POINT, (0.7, 0.5, 1.2))
    np.testing.assert_allclose(placement.centre_mm, POINT, atol=1e-9)
    np.testing.assert_allclose(resampled, values_of(placement, shape), atol=0.01)


def test_a_resized_scan_has_the_world_positions_of_its_scan():
    volume, shape = ramp(np.diag([-1.0, -1.0, 1.0])), (20, 32, 9)
    resized = resize_volume(volume, shape, (-9999, 9999))
    placement = place_resized(volume, shape)
    np.testing.assert_allclose(resized, values_of(placement, shape), atol=0.01)
    np.testing.assert_allclose(placement.slices, [4 * 29 / 8, 29 / 8, 30])


@pytest.mark.parametrize("rows", [30, 33])
def test_a_resized_scan_that_is_not_square_has_the_positions_of_the_voxels_that_are_kept(rows):
    square, size = ramp(np.eye(3)), (40, rows, 30)
    volume = Volume(
        hu=square.hu[:, :rows],
        spacing_mm=square.spacing_mm,
        origin_mm=square.origin_mm,
        direction=square.direction,
    )
    resized, placement = resize_volume(volume, size, (-9999, 9999)), place_resized(volume, size)
    is_kept = resized > -9999
    assert is_kept.mean() == pytest.approx(rows / 40)
    np.testing.assert_allclose(resized[is_kept], values_of(placement, size)[is_kept], atol=0.01)


@pytest.mark.parametrize("number", [1, 2])
def test_a_resized_scan_of_few_slices_keeps_their_distance(number):
    whole = ramp(np.eye(3))
    volume = Volume(
        hu=whole.hu[:number], spacing_mm=whole.spacing_mm, origin_mm=whole.origin_mm, direction=whole.direction
    )
    size = (number, number, number)
    placement = place_resized(volume, size)
    np.testing.assert_allclose(placement.steps_mm[2], [0, 0, whole.spacing_mm[2]])
    np.testing.assert_allclose(placement.slices, [number // 2, 1, number])
    np.testing.assert_allclose(resize_volume(volume, size, (-9999, 9999)), values_of(placement, size), atol=0.01)


def test_the_slice_of_a_crop_is_counted_from_the_inferior_end():
    volume = ramp(np.diag([1.0, 1.0, -1.0]))
    index = int(nearest_index(volume, POINT)[0, 0])
    np.testing.assert_array_equal(place_crop(volume, POINT).slices, [index, 1, 30])
    np.testing.assert_allclose(place_crop(volume, POINT, (1, 1, 0.8)).slices[1:], [0.5, 30])
