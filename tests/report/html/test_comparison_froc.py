"""FROC of a comparison: the differences of the CPM by the diameter of nodules."""

from types import SimpleNamespace

import numpy as np
import pytest

from archnet.evaluation.froc.hits import Findings, Marks, ReferenceStandard, match_marks
from archnet.evaluation.froc.paired_froc import NetworkHits, froc_differences, sample_froc
from archnet.evaluation.strata.froc_strata import match_marks_by_diameter
from archnet.report.html.comparison_froc import froc_document, paired_froc
from archnet.report.html.froc_section import _stratum_differences

POOLS = [SimpleNamespace(name=name, bootstraps=80) for name in ("flat", "deep")]


def reference_of(diameters, num_scans=16):
    """Three nodules in each scan, of the diameters in turn."""
    series = [f"s{k}" for k in range(num_scans)]
    places = [(uid, 100.0 * k) for uid in series for k in range(3)]
    nodules = Findings(
        series=[uid for uid, _ in places],
        points_mm=np.array([(x, 0, 0) for _, x in places]),
        diameters_mm=np.resize(np.array(diameters, float), len(places)),
    )
    nothing = Findings(series=[], points_mm=np.empty((0, 3)), diameters_mm=np.empty(0))
    return ReferenceStandard(series=series, nodules=nodules, excluded=nothing)


def marks_on(reference, skill, seed):
    rng = np.random.default_rng(seed)
    nodules = reference.nodules
    false_positives = [(uid, 5000.0 + 50 * k) for uid in reference.series for k in range(10)]
    return Marks(
        series=[*nodules.series, *(uid for uid, _ in false_positives)],
        points_mm=np.concatenate([nodules.points_mm, [(x, 0, 0) for _, x in false_positives]]),
        scores=np.concatenate([rng.normal(skill, 1, len(nodules.series)), rng.normal(0, 1, len(false_positives))]),
    )


def found_by(reference, **skills):
    marks = {name: marks_on(reference, skill, seed) for seed, (name, skill) in enumerate(skills.items())}
    return {
        name: NetworkHits(
            of_all=[match_marks(one, reference)],
            by_diameter={stratum: [hits] for stratum, hits in match_marks_by_diameter(one, reference).items()},
        )
        for name, one in marks.items()
    }


def test_each_stratum_has_the_difference_of_its_cpm_by_the_bootstrap_of_all_scans():
    hits = found_by(reference_of([4, 7]), flat=0.5, deep=2.0)
    paired = paired_froc(POOLS, lambda pool: hits[pool.name])
    assert (list(paired.by_diameter), paired.small_strata) == (["under 6", "6 to 8"], frozenset())
    for stratum, entries in paired.by_diameter.items():
        samples = {name: sample_froc(one.by_diameter[stratum], bootstraps=80) for name, one in hits.items()}
        expected = froc_differences("flat", samples)["deep"]["cpm"]
        assert entries["deep"] | {"p_holm": 0} == expected | {"p_holm": 0}
        low, high = entries["deep"]["interval"]
        assert low < entries["deep"]["difference"] < high
    document = froc_document({name: [SimpleNamespace(results={"cpm": 0.5})] for name in hits}, paired)["froc"]
    assert document["deep"]["difference_by_diameter"] == [
        {"name": stratum, "is_small": False, "cpm": entries["deep"]} for stratum, entries in paired.by_diameter.items()
    ]
    assert "difference_by_diameter" not in document["flat"]


def test_a_stratum_of_few_nodules_has_a_difference_without_interval():
    hits = found_by(reference_of([4] * 40 + [7] * 8), flat=0.5, deep=2.0)
    paired = paired_froc(POOLS, lambda pool: hits[pool.name])
    assert paired.small_strata == {"6 to 8"}
    assert paired.by_diameter["6 to 8"]["deep"]["interval"] is None
    assert paired.by_diameter["6 to 8"]["deep"]["difference"] is not None
    assert paired.by_diameter["under 6"]["deep"]["interval"] is not None


@pytest.mark.parametrize("other", [None, "more"])
def test_without_a_second_network_on_the_same_nodules_there_are_no_differences(other):
    hits = found_by(reference_of([4, 7]), flat=0.5)
    hits["deep"] = None if other is None else found_by(reference_of([4, 7], num_scans=20), flat=0.5)["flat"]
    paired = paired_froc(POOLS, lambda pool: hits[pool.name])
    assert (paired.differences, paired.by_diameter) == ({}, {})


def test_a_network_that_lacks_a_stratum_has_a_blank_cell():
    entry = {"difference": 0.1, "interval": [0.0, 0.2], "p_holm": 0.04}
    table = _stratum_differences({"under 6": {"b": entry}, "over 15": {"c": entry}}, "flat")
    blank = {"difference": None, "interval": None, "p_text": ""}
    assert table == {
        "reference": "flat",
        "names": ["b", "c"],
        "rows": [
            {"label": "under 6 mm", "cells": [entry | {"p_text": "0.040"}, blank]},
            {"label": "over 15 mm", "cells": [blank, entry | {"p_text": "0.040"}]},
        ],
    }
