import itertools

import numpy as np
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import strategies as st

from archnet.imaging import Volume, crop, crop_mm, nearest_index, orient_to_lps, read_volume

AXIAL = np.eye(3)
OBLIQUE = np.array(SimpleITK.Euler3DTransform((0.0, 0.0, 0.0), 0.21, -0.13, 0.4).GetMatrix()).reshape(3, 3)
DIRECTIONS = {
    "axial": AXIAL,
    "flipped": np.diag([-1.0, 1.0, -1.0]),
    "sagittal": np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]),
    "oblique": OBLIQUE,
    "oblique and flipped": OBLIQUE @ np.diag([-1.0, -1.0, 1.0]),
}
OWN_MM = (0.7, 0.8, 2.5)


def _volume(hu, spacing_mm=OWN_MM, direction=AXIAL):
    return orient_to_lps(Volume(hu=hu, spacing_mm=spacing_mm, origin_mm=(-30.0, 12.5, 100.0), direction=direction))


def _noise(shape=(9, 14, 11), dtype=np.int16):
    return np.random.default_rng(0).integers(-1000, 1000, shape).astype(dtype)


def _world(volume, z, y, x):
    return tuple((np.asarray(volume.origin_mm) + volume.direction @ (np.array([x, y, z]) * volume.spacing_mm)).tolist())


def _by_simpleitk(image, volume, point_mm, size, spacing_mm):
    """SimpleITK's linear interpolation of the scan as it is stored, on the grid of the crop."""
    height, width, depth = size
    corner_mm = np.array([-(n // 2) * step for n, step in zip((width, height, depth), spacing_mm, strict=True)])
    found = SimpleITK.Resample(
        image,
        (width, height, depth),
        SimpleITK.Transform(),
        SimpleITK.sitkLinear,
        (np.asarray(point_mm) + volume.direction @ corner_mm).tolist(),
        spacing_mm,
        volume.direction.ravel().tolist(),
        -1000.0,
        SimpleITK.sitkFloat64,
    )
    return SimpleITK.GetArrayFromImage(found).transpose(1, 2, 0)


def _by_hand(volume, point_mm, size, spacing_mm):
    """Each sample as the mean of all voxels of the scan, weighed by the product of three triangles."""
    height, width, depth = size
    centre = np.linalg.solve(volume.direction * volume.spacing_mm, np.subtract(point_mm, volume.origin_mm))
    result = np.full(size, -1000.0)
    for row, column, slice_ in np.ndindex(*size):
        offsets = np.array([column - width // 2, row - height // 2, slice_ - depth // 2])
        place = centre + offsets * spacing_mm / volume.spacing_mm
        if (place < -0.5).any() or (place >= np.array(volume.hu.shape[::-1]) - 0.5).any():
            continue
        weights = np.ones(volume.hu.shape)
        for axis, reach in enumerate(np.maximum(np.divide(spacing_mm, volume.spacing_mm), 1.0)):
            distance = np.abs(np.indices(volume.hu.shape)[2 - axis] - place[axis])
            weights *= np.maximum(1 - distance / reach, 0)
        result[row, column, slice_] = (weights * volume.hu).sum() / weights.sum()
    return result


@pytest.mark.slow
@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
@pytest.mark.parametrize(("number", "dtype"), [(1, np.int16), pytest.param(2, np.float32, marks=pytest.mark.slow)])
def test_crops_of_a_real_ct_on_a_finer_grid_are_simpleitks(tmp_path, real_data, number, direction, dtype):
    array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(real_data / f"ct/lung{number}_image.nrrd")))
    image = SimpleITK.GetImageFromArray(array[:20, 100:260, 150:350].astype(dtype))
    image.SetSpacing((0.7, 0.71, 5.0))
    image.SetOrigin((-193.7, -201.3, 1499.9))
    image.SetDirection(direction.ravel().tolist())
    SimpleITK.WriteImage(image, str(tmp_path / "scan.mhd"))
    volume = read_volume(tmp_path / "scan.mhd")
    spacing_mm = (0.61, 0.7, 0.66)
    ends = [(-0.7, 0.3, length / 2, length - 0.9, length - 0.2) for length in volume.hu.shape]
    for place in itertools.product(*ends):
        point_mm = _world(volume, *place)
        found = crop_mm(volume, point_mm, (12, 9, 7), spacing_mm)
        assert found.dtype == np.float32
        expected = _by_simpleitk(image, volume, point_mm, (12, 9, 7), spacing_mm)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS)
@pytest.mark.parametrize("spacing_mm", [(2.0, 2.0, 5.0), (1.1, 0.5, 7.5), (30.0, 0.8, 2.5)])
def test_a_coarser_grid_takes_the_mean_under_a_triangle(direction, spacing_mm):
    volume = _volume(_noise(dtype=np.float32), direction=direction)
    for place in [(4.2, 6.7, 5.1), (-0.4, 13.3, 0.0), (8.3, -0.2, 10.4), (12.0, 5.0, 5.0)]:
        point_mm = _world(volume, *place)
        found = crop_mm(volume, point_mm, (5, 4, 3), spacing_mm)
        np.testing.assert_allclose(found, _by_hand(volume, point_mm, (5, 4, 3), spacing_mm), rtol=0, atol=1e-3)


@given(
    place=st.tuples(st.floats(-6, 15), st.floats(-6, 20), st.floats(-6, 17)),
    spacing_mm=st.tuples(*[st.floats(0.2, 9)] * 3),
    size=st.tuples(*[st.integers(1, 6)] * 3),
    value=st.integers(-1000, 3000),
)
def test_a_scan_of_one_value_keeps_it_inside_and_is_air_outside(place, spacing_mm, size, value):
    volume = _volume(np.full((9, 14, 11), value, np.int16))
    found = crop_mm(volume, _world(volume, *place), size, spacing_mm)
    inside = np.ones(size, bool)
    for axis, number in zip((1, 0, 2), range(3), strict=True):
        steps = np.arange(size[axis]) - size[axis] // 2
        places = place[2 - number] + steps * spacing_mm[number] / OWN_MM[number]
        if (np.abs(places[:, None] - [-0.5, volume.hu.shape[2 - number] - 0.5]) < 1e-5).any():
            return  # which side of the border a rounding error falls on is not this test's matter
        holds = (places > -0.5) & (places < volume.hu.shape[2 - number] - 0.5)
        inside &= holds.reshape([-1 if one == axis else 1 for one in range(3)])
    assert np.rint(found).tolist() == np.where(inside, value, -1000).tolist()


@pytest.mark.parametrize("centre", [(4, 7, 5), (0, 0, 0), (8, 13, 10), (-3, 7, 20)])
def test_on_the_scans_own_grid_a_crop_in_millimetres_is_the_crop_in_voxels(centre):
    volume = _volume(_noise(), direction=OBLIQUE)
    point_mm = _world(volume, *centre)
    assert tuple(nearest_index(volume, point_mm)[0].tolist()) == centre
    found = crop_mm(volume, point_mm, (6, 5, 4), volume.spacing_mm)
    np.testing.assert_array_equal(np.rint(found), crop(volume, centre, (6, 5, 4)))


def test_a_crop_is_centred_on_its_exact_point():
    ramp = np.broadcast_to(np.arange(20, dtype=np.int16) * 10, (5, 6, 20))
    volume = _volume(ramp)
    found = crop_mm(volume, _world(volume, 2, 3, 7.25), (1, 5, 1), (0.35, 1.0, 1.0))[0, :, 0]
    np.testing.assert_allclose(found, [62.5, 67.5, 72.5, 77.5, 82.5], atol=1e-3)


def test_what_a_coarse_grid_cannot_show_vanishes_and_does_not_alias():
    stripes = np.zeros((4, 64, 64), np.int16)
    stripes[:, :, ::2] = 1000
    volume = _volume(stripes, spacing_mm=(1.0, 1.0, 1.0))
    found = crop_mm(volume, _world(volume, 2, 32, 32.3), (8, 8, 2), (4.0, 4.0, 1.0))
    np.testing.assert_allclose(found, 500, atol=20)


def test_samples_on_the_border_do_not_fall_out_of_a_copy_stored_flipped():
    hu = _noise((5, 6, 7))
    volume = Volume(hu=hu, spacing_mm=(0.7, 0.7, 1.1), origin_mm=(0.1, 0.2, 0.3), direction=np.eye(3))
    flipped = orient_to_lps(
        Volume(
            hu=hu[::-1, ::-1, ::-1],
            spacing_mm=volume.spacing_mm,
            origin_mm=_world(volume, 4, 5, 6),
            direction=-np.eye(3),
        )
    )
    for corner in itertools.product((0, 4), (0, 5), (0, 6)):
        point_mm = _world(volume, *corner)
        found = [crop_mm(scan, point_mm, (4, 4, 4), (0.35, 0.35, 0.55)) for scan in (volume, flipped)]
        np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("place", "is_inside"),
    [(-0.5, True), (-0.5000004, True), (-0.5000006, False), (10.5, False), (10.4999996, False), (10.4999994, True)],
)
def test_the_border_of_a_scan_belongs_to_it_at_the_lower_end_only(place, is_inside):
    volume = _volume(np.full((9, 14, 11), 40, np.int16), spacing_mm=(1.0, 1.0, 1.0))
    found = crop_mm(volume, _world(volume, 4, 5, place), (1, 1, 1), (0.5, 0.5, 0.5))
    np.testing.assert_allclose(found, 40 if is_inside else -1000, atol=1e-3)
