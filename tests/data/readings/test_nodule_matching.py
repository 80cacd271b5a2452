"""Readings matched to nodules, on synthetic scans whose truth is known."""

import numpy as np
import pytest

from archnet.data.readings.contour_shape import NoduleShape
from archnet.data.readings.nodule_matching import count_readers, match_scan
from archnet.data.readings.reading_placement import Nodules, Placement
from archnet.data.readings.readings_file import Reading, ScanReadings

SPACING = 0.5
ORIGIN = (-100.0, -90.0)


def reading(number, reader, point_mm, radius_mm=4.0, signs=(1, 1), ratings=None):
    (x, y), z = ((point_mm[axis] - ORIGIN[axis]) / SPACING * signs[axis] for axis in (0, 1)), point_mm[2]
    shape = NoduleShape(column=x, row=y, z_mm=z, radius_pixels=radius_mm / SPACING)
    return Reading(annotation=number, reader=reader, shape=shape, ratings=ratings or {"malignancy": 3})


def scan(*readings):
    return ScanReadings(patient="P", pixel_spacing_mm=SPACING, readings=readings)


def nodules(*rows):
    table = np.array(rows, float)
    return Nodules(points_mm=table[:, :3], radii_mm=table[:, 3])


def header(signs=(1, 1)):
    return Placement(matrix=np.diag([signs[0] * SPACING, signs[1] * SPACING, 1.0]), offset_mm=np.array([*ORIGIN, 0.0]))


def numbers(matched):
    return [[one.annotation for one in nodule] for nodule in matched.nodules]


READERS = ("Nodule", "IL057_", "MI014_", "counted")


@pytest.mark.parametrize("signs", [(1, 1), (-1, -1)], ids=["usual", "turned"])
@pytest.mark.parametrize("has_header", [True, False])
def test_four_readers_of_three_nodules_are_found_with_and_without_a_header(signs, has_header):
    listed = nodules((-20, 10, -50, 4), (30, -15, -80, 3), (5, 40, -50.5, 6))
    rng = np.random.default_rng(0)
    readings, truth = [], [[], [], []]
    for reader in READERS:
        for row in rng.permutation(3).tolist():
            point = listed.points_mm[row] + rng.normal(0, 0.7, 3)
            readings.append(reading(len(readings), reader, point, listed.radii_mm[row], signs))
            truth[row].append(len(readings) - 1)
    matched = match_scan(scan(*readings), listed, header(signs) if has_header else None)
    assert numbers(matched) == truth
    assert matched.is_fitted is not has_header


def test_two_close_nodules_keep_their_own_readings():
    listed = nodules((0, 0, 0, 4), (7, 0, 0, 4))
    points = [(0.5, 0, 0), (6.6, 0, 0), (-1, 1, 0), (3.4, 0, 0), (3.6, 0, 0)]
    matched = match_scan(scan(*(reading(n, f"r{n}", point) for n, point in enumerate(points))), listed, header())
    assert numbers(matched) == [[0, 2, 3], [1, 4]]


def test_the_nearer_of_two_marks_of_one_reader_counts_in_any_order():
    listed = nodules((0, 0, 0, 5))
    points = {"Nodule": [(4, 0, 0), (1, 0, 0)], "counted": [(0, 1, 0), (0, 6, 0)], "IL057_": [(0, 0, 1)]}
    flat = [(reader, point) for reader, both in points.items() for point in both]
    matched = match_scan(scan(*(reading(n, reader, point) for n, (reader, point) in enumerate(flat))), listed, header())
    assert numbers(matched) == [[1, 2, 4]]
    assert count_readers(matched.nodules[0]) == 3


def test_a_reader_who_marks_a_nodule_and_its_neighbour_counts_for_both():
    listed = nodules((0, 0, 0, 4), (7, 0, 0, 4))
    matched = match_scan(scan(reading(0, "Nodule", (0, 0, 0)), reading(1, "Nodule", (7, 0, 0))), listed, header())
    assert numbers(matched) == [[0], [1]]


def test_readings_far_from_all_nodules_are_not_used_and_nodules_without_a_reading_are_empty():
    listed = nodules((0, 0, 0, 4), (50, 0, 0, 4), (0, 50, 0, 4))
    far = reading(1, "Nodule", (-50, 0, 0))
    matched = match_scan(scan(reading(0, "Nodule", (0, 0, 0)), far, reading(2, "Nodule", (50, 0, 0))), listed, header())
    assert numbers(matched) == [[0], [2], []]
    assert not matched.is_fitted


def test_a_reading_belongs_to_a_nodule_strictly_within_the_sum_of_their_radii():
    listed = nodules((0, 0, 0, 4))
    at, below = reading(0, "a", (0, 7, 0), radius_mm=3.0), reading(1, "b", (0, 6.999, 0), radius_mm=3.0)
    assert numbers(match_scan(scan(at, below), listed, header())) == [[1]]


def test_a_scan_that_was_cropped_is_matched_by_the_positions_of_its_nodules():
    listed = nodules((-20, 10, -50, 4), (30, -15, -80, 3))
    readings = [reading(2 * n + m, f"r{n}", listed.points_mm[m]) for n in range(3) for m in range(2)]
    wrong = Placement(matrix=header().matrix, offset_mm=np.array([ORIGIN[0] + 60, ORIGIN[1] + 25, 0.0]))
    matched = match_scan(scan(*readings), listed, wrong)
    assert numbers(matched) == [[0, 2, 4], [1, 3, 5]]
    assert matched.is_fitted


def test_scans_without_readings_or_without_one_at_a_nodule_have_none():
    listed = nodules((0, 0, 0, 4), (9, 9, 9, 1))
    for empty in (scan(), scan(reading(0, "a", (0, 0, 300)))):
        matched = match_scan(empty, listed)
        assert numbers(matched) == [[], []]
        assert not matched.is_fitted


def test_no_more_than_four_readers_are_counted():
    readings = tuple(reading(n, f"annotation {n}", (0, 0, 0)) for n in range(6))
    assert [count_readers(readings[:count]) for count in (0, 1, 3, 4, 5, 6)] == [0, 1, 3, 4, 4, 4]
