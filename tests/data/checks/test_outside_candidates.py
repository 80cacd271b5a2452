import itertools
import re

import numpy as np
import pytest

from archnet.data.checks.outside_candidates import PlacedPoints, find_outside
from archnet.imaging import Volume
from archnet.imaging.volume import placeholder_voxels

CAUSES = (
    "Usual causes: RAS coordinates instead of LPS, axes in a different order, voxel indices instead of millimetres, "
    "or the list of a different scan."
)
FIX = "Correct the list (positions in mm, LPS). If the check is allowed, candidates outside their scan are left out."


CORNER = np.array([-30.0, -150.0, -300.0])


def _frame():
    """A scan of 128 x 96 x 50 mm whose corner is far from 0, as a chest CT's is."""
    return Volume(
        hu=placeholder_voxels((20, 48, 64)),
        spacing_mm=(2.0, 2.0, 2.5),
        origin_mm=tuple(CORNER),
        direction=np.eye(3),
    )


def _inside(frame, number, seed=0):
    (slices, height, width), step = frame.hu.shape, frame.spacing_mm
    place = np.random.default_rng(seed).uniform(0, 1, (number, 3)) * [width - 1, height - 1, slices - 1]
    return np.array(frame.origin_mm) + place * step


def _points(points_mm, series=None, labels=None, frames=None):
    series = series or ["1.2"] * len(points_mm)
    frames = frames or {uid: _frame() for uid in series}
    return PlacedPoints(
        series=series,
        points_mm=np.asarray(points_mm, float),
        labels=np.zeros(len(points_mm), np.int64) if labels is None else np.asarray(labels),
        row_name=lambda row: f"line {row + 2}",
        frames=frames,
        names={uid: f"{uid}.mhd" for uid in series},
    )


def _find(points):
    return find_outside(points, points.is_outside(), "candidates.csv")


def test_a_candidate_lies_outside_from_half_a_voxel_beyond_the_last_centre_on():
    corner, last = (-30.0, -150.0, -300.0), (96.0, -56.0, -252.5)
    places = [corner, (-30.99, -150, -300), (-31.01, -150, -300), last, (96, -55.01, -252.5), (96, -56, -251.24)]
    assert _points(places).is_outside().tolist() == [False, False, True, False, False, True]


def test_candidates_inside_and_those_of_scans_without_a_header_are_not_reported():
    assert _find(_points(_inside(_frame(), 50))) == ()
    unread = _points([(9e9, 0, 0)], frames={"9.9": _frame()})
    assert unread.is_outside().tolist() == [False]
    assert _find(unread) == ()


def test_a_few_of_many_are_a_warning_that_counts_and_names_them():
    places = _inside(_frame(), 400)
    places[7] = (12.1234, -80.4, -999.0)
    (finding,) = _find(_points(places))
    assert (finding.check, finding.severity) == ("outside_candidates", "warning")
    assert finding.text == (
        "1 of the 400 candidates in candidates.csv lies outside its scan: line 9, (12.123, -80.4, -999.0) mm in 1.2.mhd. "
        "They are left out; --strict makes them an error."
    )
    assert finding.cases == ("line 9",)


@pytest.mark.parametrize(("number", "severity"), [(4, "warning"), (5, "error")])
def test_more_than_one_percent_of_all_are_an_error(number, severity):
    places = _inside(_frame(), 400)
    places[:number, 2] = 0
    (finding,) = _find(_points(places))
    assert finding.severity == severity
    more = f"; {number - 3} more, in 1 scan in total" if number > 3 else ""
    assert more in finding.message
    if severity == "error":
        assert f"That is 1.25% of all candidates. {CAUSES}" in finding.message
        assert finding.remedy == FIX


@pytest.mark.parametrize(("number", "severity"), [(1, "warning"), (2, "error")])
def test_half_of_one_scans_are_an_error(number, severity):
    frames = {"1.2": _frame(), "3.4": _frame()}
    places = _inside(_frame(), 904)
    places[900 : 900 + number, 2] = 0
    (finding,) = _find(_points(places, ["1.2"] * 900 + ["3.4"] * 4, frames=frames))
    assert finding.severity == severity
    assert ("It is 50% of the candidates in 3.4.mhd. " in finding.message) == (severity == "error")


def test_one_nodule_is_an_error():
    places = _inside(_frame(), 400)
    places[3, 2] = 0
    labels = np.zeros(400, np.int64)
    labels[[3, 9]] = 1
    (finding,) = _find(_points(places, labels=labels))
    assert finding.severity == "error"
    assert finding.message.endswith(f" Among them is 1 nodule. {CAUSES}")


@pytest.mark.parametrize(
    ("convert", "guess"),
    [
        (lambda p: p * [-1, -1, 1], "With x and y negated (RAS instead of LPS), all would be inside."),
        (lambda p: p[:, ::-1], "With the axes in the order z, y, x, all would be inside."),
        (lambda p: p[:, [2, 0, 1]], "With the axes in the order z, x, y, all would be inside."),
        (lambda p: p * [1, 1, -1], "With z negated, all would be inside."),
        (lambda p: p * [-1, -1, -1], "With x, y and z negated, all would be inside."),
        (lambda p: p[:, ::-1] * [-1, 1, 1], "With the axes in the order z, y, x and z negated, all would be inside."),
        (lambda p: (p - CORNER) / [2, 2, 2.5], "Interpreted as voxel indices (x, y, z), all would be inside."),
        (
            lambda p: ((p - CORNER) / [2, 2, 2.5])[:, ::-1],
            "Interpreted as voxel indices (z, y, x), all would be inside.",
        ),
        (lambda p: p - CORNER, "Interpreted as millimetres from the first voxel, all would be inside."),
    ],
)
def test_the_cause_is_guessed_where_it_brings_the_candidates_inside(convert, guess):
    frames = {"1.2": _frame(), "3.4": _frame()}
    places = np.concatenate([_inside(_frame(), 40), _inside(_frame(), 40, seed=1)])
    (finding,) = _find(_points(convert(places), ["1.2"] * 40 + ["3.4"] * 40, frames=frames))
    assert finding.message.endswith(f"{CAUSES} {guess}")


def described(axes, signs):
    """The sentence for points whose column axes[i] holds signs[i] times the coordinate i."""
    *others, last = [name for name, sign in zip("xyz", signs, strict=True) if sign < 0] or [""]
    negated = f"{', '.join(others)} and {last} negated" if others else f"{last} negated" if last else ""
    order = f"the axes in the order {', '.join('xyz'[axes.index(column)] for column in range(3))}"
    parts = [order] * (axes != (0, 1, 2)) + [negated] * bool(negated)
    return f"With {' and '.join(parts)}"


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=3)))
def test_every_order_and_sign_of_the_axes_is_recognized(axes, signs):
    places = _inside(_frame(), 40)
    moved = np.empty_like(places)
    for axis in range(3):
        moved[:, axes[axis]] = places[:, axis] * signs[axis]
    found = _find(_points(moved))
    if (axes, signs) == ((0, 1, 2), (1, 1, 1)):
        assert found == ()
        return
    guess = described(axes, signs)
    if (axes, signs) == ((0, 1, 2), (-1, -1, 1)):
        guess = "With x and y negated (RAS instead of LPS)"
    assert found[0].message.endswith(f"{CAUSES} {guess}, all would be inside.")


@pytest.mark.parametrize(
    ("is_prediction", "remedy"), [(False, FIX), (True, "Correct the list (positions in mm, LPS).")]
)
def test_the_remedy_is_that_of_a_data_set_or_of_a_prediction(is_prediction, remedy):
    places = _inside(_frame(), 400)
    places[:9, 2] = 0
    points = _points(places, labels=[1] * 2 + [0] * 398)
    (finding,) = find_outside(points, points.is_outside(), "list.csv", is_prediction=is_prediction)
    assert finding.remedy == remedy
    assert "Among them are 2 nodules." in finding.message
    assert finding.message.startswith("9 of the 400 candidates in list.csv lie outside their scans: line 2, (")
    assert "line 4, (" in finding.message
    assert "; 6 more, in 1 scan in total." in finding.message
    points = _points(places, labels=[0] * 400)
    is_outside = np.zeros(400, np.bool_)
    is_outside[:3] = True
    (finding,) = find_outside(points, is_outside, "list.csv", is_prediction=is_prediction)
    assert finding.severity == "warning"
    assert finding.remedy == (
        "Their probabilities are empty; --strict makes them an error."
        if is_prediction
        else "They are left out; --strict makes them an error."
    )
    assert " more, in " not in finding.message


def test_where_all_candidates_are_outside_none_can_be_left_out():
    (finding,) = _find(_points(_inside(_frame(), 4) * 50))
    assert finding.remedy == "Correct the list (positions in mm, LPS)."
    assert "That is 100% of all candidates. It is 100% of the candidates in 1.2.mhd." in finding.message


def test_candidates_of_scans_without_a_header_are_not_counted():
    places = np.concatenate([_inside(_frame(), 100), _inside(_frame(), 300)])
    places[0, 2] = 0
    (finding,) = _find(_points(places, ["1.2"] * 100 + ["3.4"] * 300, frames={"1.2": _frame()}))
    assert finding.message.startswith("1 of the 100 candidates in candidates.csv lies outside its scan: line 2, (")
    assert finding.severity == "warning"


def test_a_guess_may_leave_one_percent_outside_and_says_so():
    places = _inside(_frame(), 200) * [-1, -1, 1]
    places[4] = (0, 0, 4000)
    (finding,) = _find(_points(places))
    assert finding.message.endswith("With x and y negated (RAS instead of LPS), 199 of 200 would be inside.")


def test_there_is_no_guess_where_nothing_helps():
    (finding,) = _find(_points(_inside(_frame(), 40) * 50))
    assert finding.message.endswith(CAUSES)
    assert re.search("line 4, .*; 37 more, in 1 scan in total", finding.message)
