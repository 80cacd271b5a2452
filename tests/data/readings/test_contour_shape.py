"""Centres and sizes of contours: polygons whose areas and centres are known."""

import re

import numpy as np
import pytest

from archnet.data.readings.contour_shape import Contour, area_and_centre, measure_contours


def square(column, row, half):
    return np.array([(column + x * half, row + y * half) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))], float)


def test_a_closed_and_an_open_polygon_in_both_directions_have_the_same_area_and_centre():
    triangle = np.array([[100.0, 200.0], [106.0, 200.0], [100.0, 203.0]])
    for points in (triangle, triangle[::-1], np.vstack([triangle, triangle[:1]])):
        area, centre = area_and_centre(points)
        assert area == pytest.approx(9.0)
        np.testing.assert_allclose(centre, [102, 201])


@pytest.mark.parametrize("points", [[[7, 9]], [[7, 9], [7, 9]], [[5, 9], [9, 9], [5, 9], [9, 9]]])
def test_a_point_and_a_line_have_half_a_pixel_around_the_mean_of_their_vertices(points):
    area, centre = area_and_centre(np.array(points, float))
    assert area == 0.5
    np.testing.assert_array_equal(centre, [7, 9])


def test_the_centre_of_a_trapezoid_is_that_of_its_triangle_and_its_rectangle():
    area, centre = area_and_centre(np.array([[0.0, 0.0], [6.0, 0.0], [6.0, 3.0], [3.0, 3.0]]))
    assert area == 4.5 + 9
    np.testing.assert_allclose(centre, (4.5 * np.array([2, 1]) + 9 * np.array([4.5, 1.5])) / 13.5)


def test_the_smallest_area_has_a_centre_of_mass():
    area, centre = area_and_centre(np.array([[3.0, 5.0], [4.0, 5.0], [3.0, 6.0], [3.0, 5.0]]))
    assert area == 0.5
    np.testing.assert_allclose(centre, [3 + 1 / 3, 5 + 1 / 3])


def test_the_centre_of_several_slices_is_weighted_by_area_and_the_radius_is_that_of_the_largest():
    contours = [
        Contour(points=square(10, 20, 1), z_mm=-5.0),
        Contour(points=square(16, 26, 2), z_mm=-2.5),
        Contour(points=square(99, 99, 9), z_mm=40.0, is_inside=False),
    ]
    shape = measure_contours(contours)
    assert (shape.column, shape.row, shape.z_mm) == pytest.approx((14.8, 24.8, -3.0))
    assert shape.radius_pixels == pytest.approx((16 / np.pi) ** 0.5)


def test_holes_alone_are_not_a_nodule():
    with pytest.raises(ValueError, match=re.escape("has no contour")):
        measure_contours([Contour(points=square(1, 1, 1), z_mm=0.0, is_inside=False)])
