"""Differences of two networks' CPM and sensitivities."""

import numpy as np
import pytest
from scipy import stats

from archnet.evaluation.froc.curve import RATES, froc_curve
from archnet.evaluation.froc.hits import Hits
from archnet.evaluation.froc.paired_froc import (
    cpm_differences_by_stratum,
    froc_differences,
    mean_cpm_interval,
    sample_froc,
)
from archnet.evaluation.uncertainty.holm import holm

NUM_SCANS = 12
NUM_NODULES = np.array([2, 0, 1, 3, 1, 0, 2, 1, 1, 0, 4, 1])


def hits_of(scans, scores, is_nodule, num_nodules):
    return Hits(
        scans=np.asarray(scans, np.int64), scores=np.asarray(scores, float), is_nodule=np.asarray(is_nodule, bool),
        num_nodules=np.asarray(num_nodules), num_marks=len(scans), num_unlisted=0, num_ignored=0, num_double=0,
    )  # fmt: skip


def network(skill, seed):
    """A network that finds four nodules of five, with eight false positives in each scan."""
    rng = np.random.default_rng(seed)
    scans, is_nodule = [], []
    for scan, number in enumerate(NUM_NODULES):
        found = int(np.sum(rng.random(number) < 0.8))
        scans += [scan] * (found + 8)
        is_nodule += [True] * found + [False] * 8
    scores = np.round(rng.normal(size=len(scans)) + skill * np.array(is_nodule), 1)
    return hits_of(scans, scores, is_nodule, NUM_NODULES)


def slow_sensitivities(hits, drawn):
    """Of scans drawn with replacement, each copy a scan of its own: the seven sensitivities and their mean."""
    rows = [np.flatnonzero(hits.scans == scan) for scan in drawn]
    copies = hits_of(
        np.repeat(np.arange(len(drawn)), list(map(len, rows))),
        np.concatenate([hits.scores[one] for one in rows]),
        np.concatenate([hits.is_nodule[one] for one in rows]),
        hits.num_nodules[list(drawn)],
    )
    seven = froc_curve(copies).sensitivity_at(np.array(RATES))
    return np.append(seven, seven.mean())


def slow_entry(reference, other, bootstraps, seed):
    """Value, standard error and degrees of freedom of the eight differences, from repeated scans."""
    everything = range(NUM_SCANS)
    difference = slow_sensitivities(other, everything) - slow_sensitivities(reference, everything)
    draws = np.random.default_rng(seed).integers(NUM_SCANS, size=(bootstraps, NUM_SCANS))
    samples = [slow_sensitivities(other, one) - slow_sensitivities(reference, one) for one in draws]
    num_scans = np.count_nonzero(NUM_NODULES)
    return difference, np.std(samples, axis=0, ddof=1) * np.sqrt(num_scans / (num_scans - 1)), num_scans - 1


def test_differences_are_those_of_a_slow_bootstrap_that_repeats_scans_for_both_networks():
    networks = {"flat": network(1.0, 1), "deep": network(2.0, 2)}
    samples = {name: sample_froc([hits], bootstraps=60, seed=4) for name, hits in networks.items()}
    found = froc_differences("flat", samples)
    assert (set(found), found["deep"]["reference"]) == ({"deep"}, "flat")
    difference, errors, degrees = slow_entry(*networks.values(), 60, 4)
    for k, entry in enumerate([*found["deep"]["sensitivities"], found["deep"]["cpm"]]):
        assert entry["difference"] == pytest.approx(difference[k], abs=1e-12)
        assert entry["interval"] == pytest.approx(stats.t.interval(0.95, degrees, difference[k], errors[k]), abs=1e-9)
        assert entry["p"] == pytest.approx(2 * stats.t.sf(abs(difference[k]) / errors[k], degrees), rel=1e-9)


def test_p_values_are_corrected_over_the_networks():
    networks = {name: sample_froc([network(1 + k / 2, k)], bootstraps=60) for k, name in enumerate("abc")}
    found = froc_differences("a", networks)
    for entries in [[found[name]["cpm"] for name in "bc"]] + [
        [found[name]["sensitivities"][k] for name in "bc"] for k in range(len(RATES))
    ]:
        assert [entry["p_holm"] for entry in entries] == holm([entry["p"] for entry in entries])


def test_strata_have_the_differences_of_their_cpm_and_one_correction_for_all():
    strata = {
        stratum: {
            name: sample_froc([network(1 + k / 2, 10 * place + k)], bootstraps=60) for k, name in enumerate("abc")
        }
        for place, stratum in enumerate(("under 6", "over 15"))
    }
    found = cpm_differences_by_stratum("a", strata)
    assert {stratum: list(entries) for stratum, entries in found.items()} == {
        "under 6": ["b", "c"],
        "over 15": ["b", "c"],
    }
    entries = [found[stratum][name] for stratum in found for name in "bc"]
    assert [entry["p_holm"] for entry in entries] == holm([entry["p"] for entry in entries])
    for stratum, networks in strata.items():
        for name, entry in froc_differences("a", networks).items():
            assert found[stratum][name] | {"p_holm": 0} == entry["cpm"] | {"p_holm": 0}


def test_a_stratum_without_resamples_has_a_difference_without_interval_and_one_without_the_reference_none():
    networks = {name: sample_froc([network(1.0, k)], bootstraps=0) for k, name in enumerate("ab")}
    found = cpm_differences_by_stratum("a", {"under 6": networks, "over 15": {"b": networks["b"]}})
    entry = found.pop("under 6")["b"]
    assert found == {}
    assert entry["difference"] == pytest.approx(networks["b"].values[0, -1] - networks["a"].values[0, -1])
    assert (entry["interval"], entry["p"], entry["p_holm"]) == (None, None, None)


def test_of_several_seeds_the_means_are_compared_and_the_mean_cpm_has_an_interval():
    first, second = [network(1.0, seed) for seed in (1, 2, 3)], [network(2.0, seed) for seed in (4, 5)]
    samples = {"flat": sample_froc(first, bootstraps=60), "deep": sample_froc(second, bootstraps=60)}
    entry = froc_differences("flat", samples)["deep"]["cpm"]
    means = [np.mean([slow_sensitivities(one, range(NUM_SCANS))[-1] for one in side]) for side in (first, second)]
    assert [entry["reference"], entry["other"]] == pytest.approx(means)
    low, high = mean_cpm_interval(samples["flat"])
    assert (low + high) / 2 == pytest.approx(means[0])
    assert entry["interval"][0] < means[1] - means[0] < entry["interval"][1]


@pytest.mark.parametrize(("bootstraps", "has_interval"), [(1, False), (2, True)])
def test_an_interval_needs_two_resamples(bootstraps, has_interval):
    samples = sample_froc([network(1.0, 1)], bootstraps=bootstraps)
    assert samples.samples.shape == (bootstraps, 1, 8)
    assert (mean_cpm_interval(samples) is not None) is has_interval


def test_identical_networks_are_called_so():
    same = sample_froc([network(1.0, 1)], bootstraps=20)
    entry = froc_differences("a", {"a": same, "b": same})["b"]["cpm"]
    assert (entry["difference"], entry["interval"], entry["p"], entry["identical"]) == (0, None, None, True)


@pytest.mark.parametrize("bootstraps", [0, 20])
def test_without_nodules_or_resamples_there_are_no_intervals(bootstraps):
    nodules = NUM_NODULES * (bootstraps == 0)
    networks = {
        name: hits_of([0, 1], scores, [False, False], nodules) for name, scores in (("a", [1, 2]), ("b", [2, 1]))
    }
    samples = {name: sample_froc([hits], bootstraps=bootstraps) for name, hits in networks.items()}
    entry = froc_differences("a", samples)["b"]["cpm"]
    assert (entry["difference"], entry["interval"], entry["identical"]) == (None if bootstraps else 0, None, False)
