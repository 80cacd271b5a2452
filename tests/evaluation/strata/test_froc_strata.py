"""FROC by diameter, against a count by hand and the analysis of all nodules."""

import numpy as np
import pytest

from archnet.evaluation.froc.curve import RATES, compute_froc
from archnet.evaluation.froc.hits import Findings, Marks, ReferenceStandard, match_marks
from archnet.evaluation.strata.froc_strata import compute_froc_by_diameter, froc_strata_document, has_few_nodules


def findings_of(rows):
    return Findings(
        series=[row[0] for row in rows],
        points_mm=np.array([(row[1], 0, 0) for row in rows], float).reshape(-1, 3),
        diameters_mm=np.array([row[2] for row in rows], float),
    )


def marks_of(rows):
    return Marks(
        series=[row[0] for row in rows],
        points_mm=np.array([(row[1], 0, 0) for row in rows], float).reshape(-1, 3),
        scores=np.array([row[2] for row in rows], float),
    )


REFERENCE = ReferenceStandard(
    series=["a", "b", "c", "d"],
    nodules=findings_of([("a", 0, 5), ("a", 100, 7), ("b", 0, 5), ("c", 0, 20), ("c", 200, -1), ("x", 0, 9)]),
    excluded=findings_of([("d", 0, 10)]),
)
MARKS = marks_of([("a", 0, 0.9), ("a", 50, 0.8), ("a", 100, 0.7), ("c", 0, 0.6), ("b", 60, 0.5), ("d", 0, 0.4)])


def test_each_stratum_has_its_nodules_and_the_false_positives_of_all_scans():
    strata = compute_froc_by_diameter(MARKS, REFERENCE, bootstraps=0)
    counts = {
        name: (int(one.hits.num_nodules.sum()), one.hits.num_true_positives, one.hits.num_false_positives)
        for name, one in strata.items()
    }
    assert counts == {"under 6": (2, 1, 2), "6 to 8": (1, 1, 2), "over 15": (1, 1, 2), "unknown": (1, 0, 2)}
    # false positives at 0.8 and 0.5 are 1/4 and 2/4 a scan; the small nodule at 0.9 is before both
    assert strata["under 6"].sensitivities.tolist() == [0.5] * 7
    assert strata["6 to 8"].sensitivities.tolist() == pytest.approx([0, 1, 1, 1, 1, 1, 1])
    assert strata["unknown"].cpm == 0


def drawn(num_scans=30, seed=0):
    rng = np.random.default_rng(seed)
    series = [f"s{k}" for k in range(num_scans)]
    nodules = [(uid, 100.0 * k, float(rng.choice([4, 7, 10, 20]))) for uid in series for k in range(rng.integers(1, 5))]
    marks = [(uid, x + rng.normal(0, 1), float(rng.normal() + 1)) for uid, x, _ in nodules if rng.random() < 0.8]
    marks += [(uid, 5000 + 50 * k, float(rng.normal())) for uid in series for k in range(12)]
    reference = ReferenceStandard(series=series, nodules=findings_of(nodules), excluded=findings_of([]))
    return marks_of(marks), reference


def test_the_sensitivity_of_all_nodules_is_the_mean_of_the_strata_by_their_nodules():
    marks, reference = drawn()
    strata = compute_froc_by_diameter(marks, reference, bootstraps=0)
    weights = [one.hits.num_nodules.sum() for one in strata.values()]
    assert list(strata) == ["under 6", "6 to 8", "8 to 15", "over 15"]
    assert sum(weights) == len(reference.nodules.series)
    mean = np.average([one.sensitivities for one in strata.values()], axis=0, weights=weights)
    whole = compute_froc(marks, reference, bootstraps=0)
    assert mean == pytest.approx(whole.sensitivities)
    assert len(mean) == len(RATES)


def test_a_stratum_has_a_band_and_an_interval_of_its_cpm():
    marks, reference = drawn()
    for one in compute_froc_by_diameter(marks, reference, bootstraps=200).values():
        low, high = one.cpm_interval
        assert low < one.cpm < high
        assert one.band is not None


def test_a_stratum_with_few_nodules_has_no_interval():
    marks, reference = drawn(num_scans=4)
    strata = compute_froc_by_diameter(marks, reference, bootstraps=200)
    assert all(one.band is None and one.cpm_interval is None for one in strata.values())
    assert {one["is_small"] for one in froc_strata_document(strata)} == {True}


@pytest.mark.parametrize(("num_nodules", "num_scans", "are_few"), [(10, 5, False), (9, 5, True), (10, 4, True)])
def test_ten_nodules_in_five_scans_suffice(num_nodules, num_scans, are_few):
    series = [f"s{k % num_scans}" for k in range(num_nodules)]
    nodules = findings_of([(uid, 100 * k, 5) for k, uid in enumerate(series)])
    reference = ReferenceStandard(series=[*dict.fromkeys(series), "empty"], nodules=nodules, excluded=findings_of([]))
    assert has_few_nodules(match_marks(MARKS, reference)) is are_few


def test_nodules_of_one_diameter_have_no_strata():
    reference = ReferenceStandard(series=["a"], nodules=findings_of([("a", 0, 7)]), excluded=findings_of([]))
    assert compute_froc_by_diameter(marks_of([("a", 0, 1)]), reference, bootstraps=0) == {}
