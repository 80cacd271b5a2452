"""Columns, rows and z to world points: against the grid of the scan, and found again from nodules."""

import numpy as np
import pytest

from archnet.data.readings.reading_placement import Nodules, ReaderMarks, fit_placement, fits_nodules, header_placement
from archnet.imaging import Volume
from archnet.imaging.volume import placeholder_voxels

SPACING = 0.7


def frame(direction, spacing_mm=(0.7, 0.8, 2.5), origin_mm=(-170.0, -160.0, -300.0)):
    return Volume(
        hu=placeholder_voxels((90, 80, 70)), spacing_mm=spacing_mm, origin_mm=origin_mm, direction=np.array(direction)
    )


def rotation(axis, degrees):
    angle = np.radians(degrees)
    first, second = (number for number in range(3) if number != axis)
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


@pytest.mark.parametrize(
    "direction",
    [
        np.eye(3),
        np.diag([-1.0, -1.0, 1.0]),
        np.diag([1.0, 1.0, -1.0]),
        np.eye(3)[[1, 0, 2]],
        rotation(0, 12) @ rotation(1, -7) @ rotation(2, 30),
    ],
    ids=["usual", "turned", "head first", "rows along x", "tilted"],
)
def test_a_voxel_is_placed_where_the_grid_of_its_scan_has_it(direction):
    volume = frame(direction)
    indices = np.random.default_rng(0).uniform(0, 70, (20, 3))  # column, row, slice
    world = indices * volume.spacing_mm @ direction.T + volume.origin_mm
    positions = np.column_stack([indices[:, :2], world[:, 2]])
    placement = header_placement(volume)
    np.testing.assert_allclose(placement.place(positions), world, atol=1e-9)


@pytest.mark.parametrize(("axial", "is_placed"), [(0.0009, False), (0.0011, True), (0.0019, True)])
def test_slices_that_are_almost_upright_have_no_placement(axial, is_placed):
    assert (header_placement(frame(rotation(0, np.degrees(np.arccos(axial))))) is not None) == is_placed


def test_a_scan_without_axial_slices_has_no_placement():
    assert header_placement(frame(np.eye(3)[[0, 2, 1]])) is None


def marks_of(nodules, signs=(1, 1), offset=(-170.0, -160.0), noise=0.0, extra=()):
    """What four readers mark around the nodules, in columns and rows."""
    rng = np.random.default_rng(1)
    centres = np.repeat(nodules.points_mm, 4, axis=0) + rng.normal(0, noise, (4 * len(nodules.radii_mm), 3))
    centres = np.vstack([centres, *extra]) if extra else centres
    radii = np.concatenate([np.repeat(nodules.radii_mm, 4), np.full(len(extra), 3.0)])
    positions = centres.copy()
    positions[:, :2] = (centres[:, :2] - offset) / SPACING * signs
    return ReaderMarks(positions=positions, radii_mm=radii, pixel_spacing_mm=SPACING), centres


NODULES = Nodules(
    points_mm=np.array([[-60.0, 20.0, -120.0], [75.0, -10.0, -90.0], [-40.0, 33.0, -120.5]]),
    radii_mm=np.array([4.0, 2.5, 9.0]),
)


@pytest.mark.parametrize("signs", [(1, 1), (-1, -1)], ids=["usual", "turned"])
def test_the_offset_of_a_scan_is_found_from_its_nodules(signs):
    elsewhere = [np.array([0.0, 40.0, -119.0]), np.array([10.0, 0.0, -60.0])]
    marks, centres = marks_of(NODULES, signs, noise=0.2, extra=elsewhere)
    placement = fit_placement(marks, NODULES)
    np.testing.assert_allclose(placement.place(marks.positions), centres, atol=0.4)
    np.testing.assert_array_equal(np.sign(np.diag(placement.matrix)), [*signs, 1])


def test_a_single_nodule_is_matched_to_the_three_readers_at_its_z_in_the_usual_directions():
    nodule = Nodules(points_mm=NODULES.points_mm[:1], radii_mm=NODULES.radii_mm[:1])
    lone_reader = np.array([50.0, 50.0, -120.0])
    marks, centres = marks_of(nodule, noise=0.2, extra=[lone_reader])
    placement = fit_placement(marks, nodule)
    np.testing.assert_allclose(placement.place(marks.positions), centres, atol=0.5)
    assert placement.matrix[0, 0] > 0


def test_the_offset_is_that_of_most_marks_not_of_one():
    nodule = Nodules(points_mm=NODULES.points_mm[2:], radii_mm=NODULES.radii_mm[2:])
    deviations = np.array([[-1.0, 0, 1], [-1.0, 3, 1], [2.0, 0, 1], [2.0, 3, 1]])
    positions = nodule.points_mm + deviations
    marks = ReaderMarks(positions=positions, radii_mm=np.full(4, 9.0), pixel_spacing_mm=1.0)
    placement = fit_placement(marks, nodule)
    np.testing.assert_allclose(placement.offset_mm, [-0.5, -1.5, 0])


def test_without_a_mark_near_the_z_of_a_nodule_there_is_no_offset():
    marks, _ = marks_of(NODULES)
    far = Nodules(points_mm=NODULES.points_mm + np.array([0, 0, 500]), radii_mm=NODULES.radii_mm)
    assert fit_placement(marks, far) is None
    mark = ReaderMarks(positions=np.zeros((1, 3)), radii_mm=np.array([2.0]), pixel_spacing_mm=1.0)
    for z_mm, is_near in ((5.0, False), (4.75, True)):
        nodule = Nodules(points_mm=np.array([[9.0, 7.0, z_mm]]), radii_mm=np.array([3.0]))
        assert (fit_placement(mark, nodule) is not None) == is_near


def test_a_header_fits_if_half_of_the_nodules_have_a_mark():
    marks, _ = marks_of(NODULES)
    header = header_placement(frame(np.eye(3), spacing_mm=(SPACING, SPACING, 2.5)))
    assert fits_nodules(header, marks, NODULES)
    moved = NODULES.points_mm.copy()
    moved[0] += 100
    assert fits_nodules(header, marks, Nodules(points_mm=moved, radii_mm=NODULES.radii_mm))
    two = Nodules(points_mm=moved[:2], radii_mm=NODULES.radii_mm[:2])
    assert fits_nodules(header, marks, two)
    moved[1] += 100
    assert not fits_nodules(header, marks, Nodules(points_mm=moved, radii_mm=NODULES.radii_mm))
