import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from archnet.data.candidates import read_candidates
from archnet.evaluation.froc import curve as curve_module
from archnet.evaluation.froc.curve import BAND_RATES, RATES, bootstrap_sensitivities, compute_froc, froc_curve
from archnet.evaluation.froc.hits import Findings, Hits, Marks, ReferenceStandard, match_marks
from archnet.evaluation.froc.lists import read_findings, read_series


def hits(entries, num_nodules):
    """Hits given as (scan, score, is nodule)."""
    scans, scores, is_nodule = zip(*entries, strict=True) if entries else ((), (), ())
    return Hits(
        scans=np.array(scans, np.int64),
        scores=np.array(scores, float),
        is_nodule=np.array(is_nodule, bool),
        num_nodules=np.array(num_nodules),
        num_marks=len(entries),
        num_unlisted=0,
        num_ignored=0,
        num_double=0,
    )


def points(curve):
    return list(zip(curve.false_positives_per_scan.tolist(), curve.sensitivity.tolist(), strict=True))


def small_froc(marks, nodules, series, **options):
    """The analysis of marks (series, x, score) and nodules (series, x) of 2 mm on one line."""
    names, x, scores = zip(*marks, strict=True) if marks else ((), (), ())
    homes, centres = zip(*nodules, strict=True) if nodules else ((), ())
    judged = ReferenceStandard(
        series=series,
        nodules=Findings(series=homes, points_mm=on_a_line(centres), diameters_mm=np.full(len(homes), 2.0)),
        excluded=Findings(series=(), points_mm=np.zeros((0, 3)), diameters_mm=np.zeros(0)),
    )
    return compute_froc(Marks(series=names, points_mm=on_a_line(x), scores=np.array(scores, float)), judged, **options)


def on_a_line(x):
    return np.array([(value, 0, 0) for value in x], float).reshape(-1, 3)


def test_a_curve_by_hand():
    # Two scans, four nodules, one of them missed. Going down: hit, false, two hits and a false one together, false.
    found = hits(
        [(0, 0.9, True), (0, 0.8, False), (0, 0.5, True), (1, 0.5, True), (1, 0.5, False), (1, 0.1, False)], [3, 1]
    )
    curve = froc_curve(found)
    assert points(curve) == [(0, 0), (0, 0.25), (0.5, 0.25), (1, 0.75), (1.5, 0.75)]
    assert curve.thresholds.tolist() == [math.inf, 0.9, 0.8, 0.5, 0.1]
    assert curve.sensitivity_at(np.array([0.125, 0.5, 0.75, 1, 8])).tolist() == [0.25, 0.25, 0.5, 0.75, 0.75]


def test_a_rate_on_a_step_has_the_sensitivity_of_its_top():
    curve = froc_curve(hits([(0, 0.9, False), (0, 0.8, True), (0, 0.7, False)], [2]))
    assert curve.sensitivity_at(np.array([0.5, 1.0])).tolist() == [0, 0.5]


def test_a_rate_on_a_step_is_rounded_as_in_the_official_evaluation():
    # 7 of 25 false positives in 7 scans: 7 / 25 * 25 / 7 is a little more than 1, so the step is to the right of 1.
    entries = [(0, 0.9 if number < 7 else 0.1, False) for number in range(25)] + [(0, 0.5, True)]
    found = hits(entries, [1, 0, 0, 0, 0, 0, 0])
    false_positive_rate, recall, _ = roc_curve(found.is_nodule, found.scores)
    assert np.interp(1.0, false_positive_rate * 25 / 7, recall) == 0
    assert froc_curve(found).sensitivity_at(np.array([1.0])) == 0


def test_equal_scores_are_one_threshold():
    assert points(froc_curve(hits([(0, 0.5, True), (0, 0.5, False)] * 4, [8]))) == [(0, 0), (4, 0.5)]


def test_points_between_their_neighbours_on_a_line_are_dropped():
    entries = [(0, 0.9, True), (0, 0.8, True), (0, 0.7, True), (0, 0.6, False), (0, 0.5, False), (0, 0.4, False)]
    assert points(froc_curve(hits(entries, [3]))) == [(0, 0), (0, 1 / 3), (0, 1), (3, 1)]


def test_the_published_curve_and_its_cpm(real_data):
    vectors = np.loadtxt(real_data / "froc_vectors/gt_prob_vectors.csv", delimiter=",")
    published = np.loadtxt(real_data / "froc_vectors/froc.txt", delimiter=",")
    is_nodule, scores = vectors[:, 0] == 1, vectors[:, 1]
    counted = scores > -1e9
    num_nodules = np.zeros(888, np.int64)
    num_nodules[0] = is_nodule.sum()
    entries = list(zip(np.zeros(counted.sum(), int), scores[counted], is_nodule[counted], strict=True))
    curve = froc_curve(hits(entries, num_nodules))
    found = np.stack([curve.false_positives_per_scan, curve.sensitivity], axis=1)
    assert found.shape == (950, 2)
    np.testing.assert_allclose(found, published[:, :2], rtol=0, atol=1e-9)
    np.testing.assert_allclose(curve.thresholds[1:], published[1:, 2], rtol=0, atol=1e-9)
    assert round(curve.sensitivity_at(np.array(RATES)).mean(), 5) == 0.83414


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6), st.booleans()), min_size=2, max_size=40))
def test_the_curve_is_scikit_learns_roc_curve_in_other_units(entries):
    found = hits(entries, [50, 0, 0])
    if 0 < found.num_true_positives < len(entries):
        curve = froc_curve(found)
        false_positive_rate, recall, thresholds = roc_curve(found.is_nodule, found.scores)
        np.testing.assert_allclose(
            curve.false_positives_per_scan, false_positive_rate * found.num_false_positives / 3, atol=1e-12
        )
        np.testing.assert_allclose(curve.sensitivity, recall * found.num_true_positives / 50, atol=1e-12)
        np.testing.assert_array_equal(curve.thresholds, thresholds)


@pytest.fixture(scope="module")
def phantom(luna16_phantom):
    """Marks on all candidates of a phantom with random scores, many of them equal, and what they are judged by."""
    folder = luna16_phantom
    candidates = read_candidates(folder / "candidates.csv")
    rng = np.random.default_rng(3)
    scores = np.round(rng.normal(candidates.labels, 1.2), 1)
    marked = rng.random(len(scores)) < 0.8
    marks = Marks(
        series=[uid for uid, is_marked in zip(candidates.series, marked, strict=True) if is_marked],
        points_mm=candidates.points_mm[marked],
        scores=scores[marked],
    )
    reference = ReferenceStandard(
        series=[*read_series(folder / "seriesuids.csv"), "a scan with nothing in it"],
        nodules=read_findings(folder / "annotations.csv"),
        excluded=read_findings(folder / "annotations_excluded.csv"),
    )
    return marks, reference


def entries_of_scan(marks, reference, uid):
    """(is nodule, score) of each nodule and false positive of a scan, by plain loops; a missed nodule scores None."""

    def inside(findings):
        rows = [row for row, name in enumerate(findings.series) if name == uid]
        radii = [5.0 if findings.diameters_mm[row] < 0 else findings.diameters_mm[row] / 2 for row in rows]
        return [
            {m for m in mine if math.dist(marks.points_mm[m], findings.points_mm[row]) < radius}
            for row, radius in zip(rows, radii, strict=True)
        ]

    mine = [m for m, name in enumerate(marks.series) if name == uid]
    hit = inside(reference.nodules)
    false = set(mine).difference(*hit, *inside(reference.excluded))
    nodules = [(True, max((marks.scores[m] for m in matches), default=None)) for matches in hit]
    return nodules + [(False, marks.scores[m]) for m in false]


def slow_sensitivities(entries, rates):
    """Sensitivity at rates in one resample, as the official evaluation computes it; `entries` has a list for each scan."""
    rows = [row for scan in entries for row in scan]
    truth, scores = zip(*[row for row in rows if row[1] is not None], strict=True)
    false_positive_rate, recall, _ = roc_curve(truth, scores)
    rate = false_positive_rate * (len(truth) - sum(truth)) / len(entries)
    return np.interp(rates, rate, recall * sum(truth) / sum(is_nodule for is_nodule, _ in rows))


@pytest.mark.slow
def test_the_scan_bootstrap_agrees_with_a_slow_reference_on_the_phantom(phantom):
    marks, reference = phantom
    froc = compute_froc(marks, reference, bootstraps=200, seed=5)
    scans = [entries_of_scan(marks, reference, uid) for uid in reference.series]
    np.testing.assert_allclose(froc.sensitivities, slow_sensitivities(scans, RATES), rtol=0, atol=1e-12)
    draws = np.random.default_rng(5).integers(len(scans), size=(200, len(scans)))
    samples = np.array([slow_sensitivities([scans[scan] for scan in draw], BAND_RATES) for draw in draws])
    low, high = np.sort(samples, axis=0)[[5, 195]]
    np.testing.assert_allclose(froc.band, np.stack([low, high], axis=1), rtol=0, atol=1e-12)
    cpm = np.sort([np.interp(RATES, BAND_RATES, sample).mean() for sample in samples])
    np.testing.assert_allclose(froc.cpm_interval, cpm[[5, 195]], rtol=0, atol=1e-12)
    assert froc.intervals[3] == froc.band[BAND_RATES == 1.0][0].tolist()


def test_the_phantoms_marks_meet_every_rule(phantom):
    found = match_marks(*phantom)
    assert found.num_true_positives > 10
    assert found.num_false_negatives > 0
    assert found.num_ignored > 0
    assert len(np.unique(found.scores)) < len(found.scores)


def test_equal_seeds_give_equal_intervals(phantom):
    first, again, other = (compute_froc(*phantom, bootstraps=50, seed=seed).band for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_results_are_ready_for_json():
    marks = [("a", 0, 0.9), ("a", 50, 0.8), ("b", 0.5, 0.7), ("b", 0.6, 0.6)]
    froc = small_froc(marks, [("a", 0), ("b", 0), ("b", 90)], ["a", "b", "c", "d"], bootstraps=0)
    assert froc.to_document() == {
        "cpm": pytest.approx((1 / 3 + 6 * 2 / 3) / 7),
        "false_positives_per_scan": [0.125, 0.25, 0.5, 1, 2, 4, 8],
        "sensitivities": pytest.approx([1 / 3] + [2 / 3] * 6),
        "intervals": {"cpm": None, "sensitivities": [None] * 7},
        "num_scans": 4,
        "num_nodules": 3,
        "num_marks": 4,
        "num_true_positives": 2,
        "num_false_positives": 1,
        "num_false_negatives": 1,
        "num_ignored": 0,
        "num_double": 1,
        "num_unlisted": 0,
    }


def test_without_false_positives_every_rate_has_the_last_sensitivity():
    froc = small_froc([("a", 0, 0.9)], [("a", 0), ("b", 0)], ["a", "b"], bootstraps=0)
    assert froc.sensitivities.tolist() == [0.5] * 7


@pytest.mark.parametrize("marks", [[], [("a", 50, 0.9)]])
def test_where_no_nodule_is_found_the_sensitivity_is_0(marks):
    froc = small_froc(marks, [("a", 0), ("b", 0)], ["a", "b"], bootstraps=20)
    assert froc.cpm == 0
    assert froc.cpm_interval == [0, 0]


def test_without_nodules_the_sensitivity_is_undefined():
    results = small_froc([("a", 50, 0.9)], [], ["a", "b"]).to_document()
    assert (results["cpm"], results["sensitivities"]) == (None, [None] * 7)
    assert results["intervals"] == {"cpm": None, "sensitivities": [None] * 7}


def test_resamples_without_a_nodule_are_left_out():
    froc = small_froc([("a", 0, 0.9)], [("a", 0)], ["a", "b"], bootstraps=100)
    assert froc.cpm_interval == [1, 1]


def test_one_scan_alone_has_no_interval():
    assert small_froc([("a", 0, 0.9)], [("a", 0)], ["a"]).cpm_interval is None


@pytest.mark.parametrize("digits", [0, 1, 3])
@pytest.mark.parametrize("spare", [0.3, 1.0, 1.5])
def test_the_best_marks_alone_give_sensitivities_bit_identical_to_those_of_all_marks(monkeypatch, digits, spare):
    rng = np.random.default_rng(digits)
    num_nodules = rng.poisson(1.3, 30)
    scans = np.concatenate([np.repeat(np.arange(30), num_nodules), np.repeat(np.arange(30), rng.poisson(40, 30))])
    is_nodule = np.arange(len(scans)) < num_nodules.sum()
    found = hits(
        [*zip(scans, np.round(rng.normal(size=len(scans)) + 1.5 * is_nodule, digits), is_nodule, strict=True)],
        num_nodules,
    )
    with monkeypatch.context() as patch:
        patch.setattr(curve_module, "_best_marks", lambda hits, rate: np.ones(len(hits.scores), bool))
        expected = bootstrap_sensitivities(found, BAND_RATES, 60, 3)
    monkeypatch.setattr(curve_module, "_SPARE", spare)
    assert not curve_module._best_marks(found, 8.0).all()
    assert np.array_equal(bootstrap_sensitivities(found, BAND_RATES, 60, 3), expected)
