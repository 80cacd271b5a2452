"""FROC of a comparison: the results of each architecture, and the differences from the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import mean, stdev
from typing import Any, NamedTuple

import numpy as np

from archnet.evaluation.comparison.pools import Pool
from archnet.evaluation.froc.hits import Hits
from archnet.evaluation.froc.paired_froc import (
    NetworkHits,
    cpm_differences_by_stratum,
    froc_differences,
    mean_cpm_interval,
    sample_froc,
)
from archnet.evaluation.strata.froc_strata import has_few_nodules
from archnet.report.html.froc_section import RunFroc


class PairedFroc(NamedTuple):
    """Paired FROC results of several networks on the same scans.

    Attributes:
        intervals: The 95% interval of the mean CPM of each architecture with several seeds.
        differences: Result of `froc_differences`.
        by_diameter: Result of `cpm_differences_by_stratum` by the diameter of nodules; empty with one network.
        small_strata: Names of the strata with few nodules, whose differences have no intervals.
    """

    intervals: Mapping[str, list[float] | None]
    differences: Mapping[str, dict[str, Any]]
    by_diameter: Mapping[str, Mapping[str, Mapping[str, Any]]]
    small_strata: frozenset[str]


def paired_froc(pools: Sequence[Pool], pool_hits: Callable[[Pool], NetworkHits | None]) -> PairedFroc:
    """Compute the differences of all architectures with FROC from the first one.

    Args:
        pools: The runs, those of the reference first.
        pool_hits: Returns the hits of each seed's network in the test scans; None without FROC.
    """
    hits = {pool.name: found for pool in pools if (found := pool_hits(pool))}
    bootstraps, reference = {pool.name: pool.bootstraps for pool in pools}, pools[0].name
    networks = {name: sample_froc(one.of_all, bootstraps=bootstraps[name]) for name, one in hits.items()}
    comparable = [
        name for name in hits if reference in hits and _have_same_nodules(hits[reference].of_all, hits[name].of_all)
    ]
    strata = _same_strata(reference, {name: hits[name] for name in comparable}) if len(comparable) > 1 else {}
    small_strata = frozenset(name for name, one in strata.items() if has_few_nodules(one[reference][0]))
    samples = {
        stratum: {
            name: sample_froc(found, bootstraps=0 if stratum in small_strata else bootstraps[name])
            for name, found in found_by_network.items()
        }
        for stratum, found_by_network in strata.items()
    }
    return PairedFroc(
        intervals={name: mean_cpm_interval(one) for name, one in networks.items() if len(hits[name].of_all) > 1},
        differences=froc_differences(reference, {name: networks[name] for name in comparable}),
        by_diameter=cpm_differences_by_stratum(reference, samples),
        small_strata=small_strata,
    )


def _same_strata(reference: str, hits: Mapping[str, NetworkHits]) -> dict[str, dict[str, Sequence[Hits]]]:
    """The hits of all networks with the same nodules, for each stratum of the reference."""
    return {
        stratum: {
            name: one.by_diameter[stratum]
            for name, one in hits.items()
            if _have_same_nodules(own, one.by_diameter.get(stratum, ()))
        }
        for stratum, own in hits[reference].by_diameter.items()
    }


def _have_same_nodules(first: Sequence[Hits], second: Sequence[Hits]) -> bool:
    return bool(first) and bool(second) and np.array_equal(first[0].num_nodules, second[0].num_nodules)


def froc_document(frocs: Mapping[str, Sequence[RunFroc]], paired: PairedFroc) -> dict[str, Any]:
    """The part of comparison.json about FROC; empty without any.

    Args:
        frocs: For each architecture, the FROC results of its seeds.
        paired: Their differences.

    Returns:
        `froc`: for each architecture, the CPM (for several seeds, the mean with its `spread` (standard deviation) and
        `interval`), the results `of_seeds`, the `difference` from the reference, and `difference_by_diameter`: for each
        stratum, the `name`, `is_small`, and the difference in `cpm`.
    """
    results = {name: [froc.results for froc in pool_frocs] for name, pool_frocs in frocs.items() if pool_frocs}
    entries = {
        name: {
            **_summarize_cpm(pool_frocs),
            **({"interval": paired.intervals[name]} if name in paired.intervals else {}),
            **({"difference": paired.differences[name]} if name in paired.differences else {}),
            **_differences_by_diameter(name, paired),
        }
        for name, pool_frocs in results.items()
    }
    return {"froc": entries} if entries else {}


def _differences_by_diameter(name: str, paired: PairedFroc) -> dict[str, Any]:
    """The difference in CPM of an architecture in each stratum; empty if there is none."""
    entries = [
        {"name": stratum, "is_small": stratum in paired.small_strata, "cpm": differences[name]}
        for stratum, differences in paired.by_diameter.items()
        if name in differences
    ]
    return {"difference_by_diameter": entries} if entries else {}


def _summarize_cpm(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    cpms = [result["cpm"] for result in results if result["cpm"] is not None]
    return {
        "cpm": mean(cpms) if cpms else None,
        "spread": stdev(cpms) if len(cpms) > 1 else None,
        "of_seeds": [dict(result) for result in results],
    }
