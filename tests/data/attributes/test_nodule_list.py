"""Diameters of the nodules that candidates hit: LUNA16's rule, against a loop over all pairs."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from archnet.data.attributes.nodule_list import hit_diameters, hit_nodules, read_nodule_list
from archnet.errors import DataError

HEADER = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"


def diameters_of(path, series, points, is_positive=None):
    is_positive = np.ones(len(series), bool) if is_positive is None else np.array(is_positive)
    nodules = read_nodule_list(path)
    return hit_diameters(nodules, hit_nodules(nodules, series, np.array(points, float), is_positive)).tolist()


def write_nodules(folder, *rows):
    path = folder / "annotations.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


def test_a_hit_is_strictly_inside_the_radius(tmp_path):
    path = write_nodules(tmp_path, "a,0,0,0,6", "b,0,0,0,8.25")
    points = [(2.999, 0, 0), (3, 0, 0), (0, 0, 4.12), (0, 0, 4.125), (0, 0, 0)]
    assert diameters_of(path, ["a", "a", "b", "b", "c"], points) == ["6.0", "", "8.25", "", ""]


def test_of_several_nodules_the_nearest_counts_not_the_largest(tmp_path):
    path = write_nodules(tmp_path, "a,0,0,0,30", "a,5,0,0,4", "a,9,0,0,4")
    assert diameters_of(path, ["a"] * 4, [(4, 0, 0), (2, 0, 0), (8, 0, 0), (12, 0, 0)]) == [
        "4.0",
        "30.0",
        "4.0",
        "30.0",
    ]


def test_negatives_and_unknown_diameters_are_empty(tmp_path):
    path = write_nodules(tmp_path, "a,0,0,0,6", "a,50,0,0,-1")
    points = [(0, 0, 0), (0, 0, 0), (54.9, 0, 0), (55, 0, 0)]
    assert diameters_of(path, ["a"] * 4, points, [True, False, True, True]) == ["6.0", "", "", ""]


def test_a_damaged_list_names_the_line(tmp_path):
    path = write_nodules(tmp_path, "a,0,0,0,6", "a,0,0,0,big")
    with pytest.raises(DataError) as caught:
        diameters_of(path, ["a"], [(0, 0, 0)])
    assert str(caught.value) == f'{path} line 3: diameter_mm must be a finite number, got "big".'


def nearest_hit(point, nodules):
    """The same by a loop: the diameter of the nearest nodule that a point lies in."""
    hits = []
    for x, y, z, diameter in nodules:
        distance = ((x - point[0]) ** 2 + (y - point[1]) ** 2 + (z - point[2]) ** 2) ** 0.5
        if distance < diameter / 2:
            hits.append((distance, repr(diameter)))
    return min(hits)[1] if hits else ""


@pytest.mark.slow
def test_the_diameters_of_points_around_the_real_nodules_are_those_of_a_loop():
    data = os.environ.get("ARCHNET_REAL_DATA")
    if not data:
        pytest.skip("ARCHNET_REAL_DATA is not set: no real CTs to test on")
    path = Path(data) / "luna16_lists/annotations.csv"
    with path.open() as lines:
        rows = [(uid, *map(float, numbers)) for uid, *numbers in list(csv.reader(lines))[1:]]
    generator = np.random.default_rng(0)
    series = [row[0] for row in rows]
    points = np.array([row[1:4] for row in rows]) + generator.normal(0, 3, (len(rows), 3))
    nodules = {uid: [row[1:] for row in rows if row[0] == uid] for uid in set(series)}
    expected = [nearest_hit(point, nodules[uid]) for uid, point in zip(series, points.tolist(), strict=True)]
    found = diameters_of(path, series, points)
    assert found == expected
    assert 300 < sum(map(bool, found)) < len(rows)
