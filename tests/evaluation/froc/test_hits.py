import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archnet.evaluation.froc.hits import Findings, Marks, ReferenceStandard, match_marks

ORIGIN, FAR = (0.0, 0.0, 0.0), (100.0, 0.0, 0.0)


def marks(*rows):
    """Marks given as (series, point, score)."""
    series, points, scores = zip(*rows, strict=True) if rows else ((), (), ())
    return Marks(series=series, points_mm=np.reshape(points, (-1, 3)).astype(float), scores=np.array(scores, float))


def findings(*rows):
    """Findings given as (series, point, diameter)."""
    series, points, diameters = zip(*rows, strict=True) if rows else ((), (), ())
    points = np.reshape(points, (-1, 3)).astype(float)
    return Findings(series=series, points_mm=points, diameters_mm=np.array(diameters, float))


def reference(nodules=(), excluded=(), series=("a",)):
    return ReferenceStandard(series=series, nodules=findings(*nodules), excluded=findings(*excluded))


def told(hits):
    """The entries as (scan, score, is nodule), best first, and the counts."""
    entries = sorted(zip(hits.scans, hits.scores, hits.is_nodule, strict=True), key=lambda entry: (-entry[1], entry[0]))
    counts = {
        "tp": hits.num_true_positives,
        "fp": hits.num_false_positives,
        "fn": hits.num_false_negatives,
        "ignored": hits.num_ignored,
        "double": hits.num_double,
    }
    return [tuple(entry) for entry in entries], {name: number for name, number in counts.items() if number}


def test_a_mark_inside_the_radius_hits_and_one_exactly_on_it_does_not():
    nodule = ("a", ORIGIN, 10)
    inside, on_it = ("a", (0, 3, 3.999), 0.9), ("a", (0, 3, 4), 0.8)
    assert told(match_marks(marks(inside, on_it), reference([nodule]))) == (
        [(0, 0.9, True), (0, 0.8, False)],
        {"tp": 1, "fp": 1},
    )
    assert told(match_marks(marks(on_it), reference([nodule]))) == ([(0, 0.8, False)], {"fp": 1, "fn": 1})


@pytest.mark.parametrize("diameter", [-1, -0.001])
def test_a_negative_diameter_counts_as_10_mm(diameter):
    just_inside, on_it = ("a", (4.999, 0, 0), 0.9), ("a", (5, 0, 0), 0.8)
    excluded = reference(excluded=[("a", ORIGIN, diameter)])
    assert told(match_marks(marks(just_inside, on_it), excluded)) == ([(0, 0.8, False)], {"fp": 1, "ignored": 1})


def test_a_diameter_of_zero_is_never_hit():
    assert told(match_marks(marks(("a", ORIGIN, 0.9)), reference([("a", ORIGIN, 0)])))[1] == {"fp": 1, "fn": 1}


def test_of_several_marks_on_a_nodule_the_best_counts_and_the_others_are_neither_hit_nor_false():
    three = marks(("a", ORIGIN, 0.2), ("a", (1, 0, 0), 0.7), ("a", (2, 0, 0), 0.5))
    assert told(match_marks(three, reference([("a", ORIGIN, 10)]))) == ([(0, 0.7, True)], {"tp": 1, "double": 2})


def test_a_mark_in_two_nodules_counts_for_each():
    two = reference([("a", ORIGIN, 10), ("a", (4, 0, 0), 10)])
    assert told(match_marks(marks(("a", (2, 0, 0), 0.6)), two)) == ([(0, 0.6, True), (0, 0.6, True)], {"tp": 2})


def test_a_mark_may_be_the_best_on_one_nodule_and_a_double_on_another():
    two = reference([("a", ORIGIN, 10), ("a", (4, 0, 0), 10)])
    both, left_only = ("a", (2, 0, 0), 0.6), ("a", (-3, 0, 0), 0.9)
    assert told(match_marks(marks(both, left_only), two)) == (
        [(0, 0.9, True), (0, 0.6, True)],
        {"tp": 2, "double": 1},
    )


def test_a_mark_on_nothing_but_excluded_findings_is_ignored_once():
    excluded = [("a", ORIGIN, -1), ("a", (1, 0, 0), 8)]
    assert told(match_marks(marks(("a", ORIGIN, 0.9)), reference(excluded=excluded))) == ([], {"ignored": 1})


def test_a_mark_in_a_nodule_and_in_an_excluded_finding_hits_the_nodule():
    both = reference([("a", ORIGIN, 10)], excluded=[("a", ORIGIN, 20)])
    hit, only_excluded = ("a", (1, 0, 0), 0.4), ("a", (8, 0, 0), 0.9)
    assert told(match_marks(marks(hit, only_excluded), both)) == ([(0, 0.4, True)], {"tp": 1, "ignored": 1})


def test_a_series_without_marks_keeps_its_nodules_and_one_without_anything_is_a_scan():
    hits = match_marks(marks(("b", FAR, 0.5)), reference([("a", ORIGIN, 10)], series=("a", "b", "c")))
    assert told(hits) == ([(1, 0.5, False)], {"fp": 1, "fn": 1})
    assert hits.num_nodules.tolist() == [1, 0, 0]


def test_a_mark_hits_only_findings_of_its_own_series():
    two = reference([("a", ORIGIN, 10)], excluded=[("a", FAR, 10)], series=("a", "b"))
    assert told(match_marks(marks(("b", ORIGIN, 0.5), ("b", FAR, 0.4)), two))[1] == {"fp": 2, "fn": 1}


def test_marks_and_findings_of_series_that_are_not_listed_are_left_out():
    listed = reference([("z", ORIGIN, 10), ("a", ORIGIN, 10)], excluded=[("z", FAR, 10)], series=("a", "b"))
    hits = match_marks(marks(("z", ORIGIN, 0.9), ("a", ORIGIN, 0.8), ("z", FAR, 0.7)), listed)
    assert told(hits) == ([(0, 0.8, True)], {"tp": 1})
    assert (hits.num_unlisted, hits.num_marks) == (2, 1)


def test_no_marks_at_all_miss_every_nodule():
    assert told(match_marks(marks(), reference([("a", ORIGIN, 10)]))) == ([], {"fn": 1})


@pytest.mark.parametrize(
    ("max_marks", "kept"),
    [(1, [0.9]), (2, [0.9]), (3, [0.9, 0.5, 0.5]), (4, [0.9, 0.5, 0.5, 0.1]), (9, [0.9, 0.5, 0.5, 0.1])],
)
def test_max_marks_keeps_the_best_of_each_scan_and_none_that_ties_with_one_left_out(max_marks, kept):
    four = [("a", FAR, score) for score in (0.5, 0.9, 0.1, 0.5)]
    hits = match_marks(marks(*four, ("b", FAR, 0.01)), reference(series=("a", "b")), max_marks)
    assert [score for scan, score, _ in told(hits)[0] if scan == 0] == kept
    assert [score for scan, score, _ in told(hits)[0] if scan == 1] == [0.01]
    assert hits.num_marks == len(kept) + 1


ROWS = st.lists(
    st.tuples(st.sampled_from("abz"), st.tuples(*[st.integers(-3, 3)] * 3), st.integers(-1, 8)), min_size=1, max_size=9
)


@pytest.mark.slow
@given(ROWS, ROWS, ROWS)
def test_hits_are_those_of_plain_loops(mark_rows, nodule_rows, excluded_rows):
    hits = match_marks(marks(*mark_rows), reference(nodule_rows, excluded_rows, series=("a", "b", "c")))

    def is_in(mark, finding):
        radius = (finding[2] if finding[2] >= 0 else 10) / 2
        return mark[0] == finding[0] and np.linalg.norm(np.subtract(mark[1], finding[1])) < radius - 1e-9

    listed = [row for row in mark_rows if row[0] != "z"]
    on_nodules = [[mark[2] for mark in listed if is_in(mark, nodule)] for nodule in nodule_rows if nodule[0] != "z"]
    others = [mark for mark in listed if not any(is_in(mark, nodule) for nodule in nodule_rows)]
    false = [mark[2] for mark in others if not any(is_in(mark, finding) for finding in excluded_rows)]
    assert sorted(hits.scores[hits.is_nodule]) == sorted(max(scores) for scores in on_nodules if scores)
    assert sorted(hits.scores[~hits.is_nodule]) == sorted(false)
    assert hits.num_false_negatives == on_nodules.count([])
    assert hits.num_ignored == len(others) - len(false)
    assert hits.num_double == sum(len(scores) - 1 for scores in on_nodules if scores)


@pytest.mark.parametrize("series", [(), ("a", "a")])
def test_a_list_of_series_without_a_scan_or_with_one_twice_is_refused(series):
    message = "the list of series must have at least one uid, and each only once"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        reference(series=series)


def test_columns_of_different_lengths_are_refused():
    message = "2 series do not fit points of shape (2, 3) and values of (1,)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Marks(series=["a", "b"], points_mm=np.zeros((2, 3)), scores=np.zeros(1))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Findings(series=["a", "b"], points_mm=np.zeros((2, 3)), diameters_mm=np.zeros(1))
