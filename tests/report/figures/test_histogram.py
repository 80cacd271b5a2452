"""The histogram of voxel values."""

import re

import pytest

from archnet.report.figures.histogram import histogram_drawing

VALUES = {
    "edges": [0, 10, 20],
    "classes": [
        {"class_name": "other", "histogram": [0.25, 0.75]},
        {"class_name": "nodule", "histogram": [1.0, 0.0]},
    ],
}


def test_each_class_is_a_line_of_steps_over_its_bins():
    drawing = histogram_drawing(VALUES, (0, 20))
    first, second = (
        [tuple(map(float, point.split())) for point in re.split("[ML]", path)[1:]]
        for path in re.findall(r'<path d="(M[^"]+)" stroke="var\(--s', drawing.elements)[:2]
    )
    bottom, top = first[0][1], second[1][1]
    heights = [(bottom - y) / (bottom - top) for _, y in first]
    assert [round(height, 2) for height in heights] == [0, 0.25, 0.25, 0.75, 0.75, 0]
    left, middle, right = first[0][0], first[2][0], first[-1][0]
    assert middle - left == pytest.approx(right - middle)


def test_the_range_that_is_scaled_to_0_to_1_is_shaded():
    drawing = histogram_drawing(VALUES, (5, 15))
    (shade,) = re.findall(r'<rect x="([\d.]+)"[^>]* width="([\d.]+)"[^>]*fill="var\(--panel\)"', drawing.elements)
    (whole,) = re.findall(r'<rect x="([\d.]+)"[^>]* width="([\d.]+)"', histogram_drawing(VALUES, (0, 20)).elements)
    assert round(float(shade[1]) / float(whole[1]), 2) == 0.5
    assert drawing.alt == "Histograms of the voxel values of other, nodule. 5 to 15 are scaled to 0 to 1."
