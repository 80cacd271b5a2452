"""FROC of a comparison: each architecture's, and the differences to the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import mean, stdev
from typing import Any, NamedTuple

import numpy as np

from archnet.evaluation.comparison.pools import Pool
from archnet.evaluation.froc.hits import Hits
from archnet.evaluation.froc.paired_froc import froc_differences, mean_cpm_interval, sample_froc
from archnet.report.html.froc_section import RunFroc


class PairedFroc(NamedTuple):
    """What several networks find in the same scans.

    Attributes:
        intervals: The 95% interval of the mean CPM of each architecture with several seeds.
        differences: Result of `froc_differences`.
    """

    intervals: Mapping[str, list[float] | None]
    differences: Mapping[str, dict[str, Any]]


def paired_froc(pools: Sequence[Pool], pool_hits: Callable[[Pool], Sequence[Hits]]) -> PairedFroc:
    """The differences of all architectures with FROC to the first one.

    Args:
        pools: The runs, those of the reference first.
        pool_hits: Gives what the network of each seed finds in the test scans; empty without FROC.
    """
    hits = {pool.name: list(pool_hits(pool)) for pool in pools}
    networks = {
        pool.name: sample_froc(hits[pool.name], bootstraps=pool.bootstraps) for pool in pools if hits[pool.name]
    }
    reference = pools[0].name
    comparable = {name: one for name, one in networks.items() if _is_on_same_nodules(hits[reference], hits[name])}
    return PairedFroc(
        intervals={name: mean_cpm_interval(one) for name, one in networks.items() if len(hits[name]) > 1},
        differences=froc_differences(reference, comparable),
    )


def _is_on_same_nodules(reference: Sequence[Hits], other: Sequence[Hits]) -> bool:
    return bool(reference) and np.array_equal(reference[0].num_nodules, other[0].num_nodules)


def froc_document(frocs: Mapping[str, Sequence[RunFroc]], paired: PairedFroc) -> dict[str, Any]:
    """The part of comparison.json about FROC; empty without any.

    Args:
        frocs: For each architecture, the FROC results of its seeds.
        paired: Their differences.

    Returns:
        `froc`: for each architecture the CPM, of several seeds the mean with its `spread` (standard deviation) and
        `interval`, the results `of_seeds`, and the `difference` to the reference.
    """
    results = {name: [froc.results for froc in pool_frocs] for name, pool_frocs in frocs.items() if pool_frocs}
    entries = {
        name: {
            **_summarize_cpm(pool_frocs),
            **({"interval": paired.intervals[name]} if name in paired.intervals else {}),
            **({"difference": paired.differences[name]} if name in paired.differences else {}),
        }
        for name, pool_frocs in results.items()
    }
    return {"froc": entries} if entries else {}


def _summarize_cpm(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    cpms = [result["cpm"] for result in results if result["cpm"] is not None]
    return {
        "cpm": mean(cpms) if cpms else None,
        "spread": stdev(cpms) if len(cpms) > 1 else None,
        "of_seeds": [dict(result) for result in results],
    }
