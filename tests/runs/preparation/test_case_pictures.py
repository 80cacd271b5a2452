"""Pictures of a data check: samples in turn of each class, and the cases that findings name."""

import numpy as np

from archnet.data.checks.findings import Finding
from archnet.data.dataset import Cases
from archnet.runs.preparation.case_pictures import draw_cases
from archnet.runs.preparation.prepared_data import PreparedData
from archnet.spec.view import InputLimits


def finding(*cases):
    return Finding(check="near_duplicates", severity="error", message="Copies.", cases=cases)


def prepared(labels):
    """Cases whose voxels all have the number of the case; the values lie in the reverse order."""
    count = len(labels)
    names = np.array([f"c{number}" for number in range(count)])
    cases = Cases(ids=names, groups=names, labels=np.array(labels), classes=("no", "yes"))
    return PreparedData(
        cases=cases,
        sets=np.array(["train", "test"] * count)[:count],
        values=np.arange(count)[::-1, np.newaxis, np.newaxis] * np.ones((1, 2, 2)),
        rows=np.arange(count)[::-1].copy(),
        limits=InputLimits.of(0, 255),
    )


def test_without_crops_there_are_no_pictures_but_a_place_for_each_finding():
    assert draw_cases(None, [finding("c0"), finding()]) == ([], [[], []])


def test_samples_alternate_between_the_classes_and_end_after_twelve():
    samples, of_findings = draw_cases(prepared([0] * 10 + [1] * 3 + [0] * 10), [])
    assert [one.case for one in samples] == ["c0", "c10", "c1", "c11", "c2", "c12", "c3", "c4", "c5", "c6", "c7", "c8"]
    assert [one.truth for one in samples][:3] == ["no", "yes", "no"]
    assert [int(one.image.max()) for one in samples][:3] == [0, 10, 1]
    assert of_findings == []
    assert [one.case for one in draw_cases(prepared([1, 0, 1]), [])[0]] == ["c1", "c0", "c2"]


def test_of_each_finding_four_cases_are_shown_by_name_or_by_name_and_set():
    findings = [
        finding("c5 (test)", "c0", "missing.mhd"),
        finding(*(f"c{number}" for number in range(6))),
        finding("x"),
    ]
    _, shown = draw_cases(prepared([0] * 6), findings)
    assert [[one.case for one in part] for part in shown] == [["c5", "c0"], ["c0", "c1", "c2", "c3"], []]
