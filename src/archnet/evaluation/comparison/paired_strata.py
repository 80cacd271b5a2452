"""Strata of a comparison: results of every network in every stratum, and the differences from the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from archnet.evaluation.comparison.pools import Pool
from archnet.evaluation.strata.case_columns import read_case_columns
from archnet.evaluation.strata.run_strata import stratifications
from archnet.evaluation.strata.stratification import Stratification, Stratum
from archnet.evaluation.strata.stratum_results import (
    JudgedCases,
    estimate_area,
    estimate_share,
    judge_cases,
    stratum_results,
    stratum_size,
)
from archnet.evaluation.uncertainty.holm import holm
from archnet.evaluation.uncertainty.seed_variance import difference_entry


def paired_strata(pools: Sequence[Pool], thresholds: Sequence[float | None], positive: int) -> dict[str, Any]:
    """The results of all networks in each stratum of every attribute in their cases.csv, JSON-ready.

    Attributes of all runs are used; if several runs have the same attribute, the first one counts.

    Args:
        pools: The runs of each network, on the same cases; the first is the reference.
        thresholds: Threshold of each network.
        positive: Index of the positive class.

    Returns:
        `measure` ("recall", or with more than two classes "macro_recall"), and `columns`. Each stratum has `networks`,
        in the order of the pools, and `paired`: for each other network the `differences` from the reference, with
        `p_holm` corrected over the networks and strata of the attribute. Empty if no attribute has two strata.

    Raises:
        DataError: A cases.csv is damaged.
    """
    first = pools[0].predictions_by_seed[0]
    sides = [
        judge_cases(pool.predictions_by_seed, positive=positive, thresholds=[threshold] * len(pool.seeds))
        for pool, threshold in zip(pools, thresholds, strict=True)
    ]
    parts = list(stratifications(_join_columns(pools), first, sides[0]))
    names = [pool.name for pool in pools]
    entries = [_column_entry(one, sides, names) for one in parts]
    return {"measure": sides[0].measure, "columns": entries} if entries else {}


def _join_columns(pools: Sequence[Pool]) -> dict[str, dict[str, str]]:
    """The attributes of all runs; folds have different cases."""
    columns: dict[str, dict[str, str]] = {}
    for pool in pools:
        for folder in pool.folders:
            for name, values in read_case_columns(folder).items():
                columns[name] = {**values, **columns.get(name, {})}
    return columns


def _column_entry(stratification: Stratification, sides: Sequence[JudgedCases], names: Sequence[str]) -> dict[str, Any]:
    strata = [
        {
            **stratum_size(sides[0], stratum),
            "networks": [
                {"run": name, **stratum_results(side, stratification, stratum)}
                for name, side in zip(names, sides, strict=True)
            ],
            "paired": [
                {
                    "reference": names[0],
                    "other": name,
                    "differences": _differences(stratification, stratum, sides[0], side),
                }
                for name, side in zip(names[1:], sides[1:], strict=True)
            ],
        }
        for stratum in stratification.strata
    ]
    _adjust_p_values(strata)
    return {"name": stratification.name, "is_of_positives": stratification.is_of_positives, "strata": strata}


def _differences(
    stratification: Stratification, stratum: Stratum, reference: JudgedCases, other: JudgedCases
) -> dict[str, dict[str, Any]]:
    both, num_reference = _join_trainings(reference, other), reference.is_right.shape[1]
    estimates = {both.measure: estimate_share(both, stratum)}
    if both.scores is not None:
        estimates["auc"] = estimate_area(both, stratification, stratum)
    return {name: difference_entry(one, num_reference) for name, one in estimates.items()}


def _join_trainings(reference: JudgedCases, other: JudgedCases) -> JudgedCases:
    scores = None
    if reference.scores is not None and other.scores is not None:
        scores = np.concatenate([reference.scores, other.scores], axis=1)
    return JudgedCases(
        is_right=np.concatenate([reference.is_right, other.is_right], axis=1),
        scores=scores,
        is_positive=reference.is_positive,
        members=reference.members,
        groups=reference.groups,
    )


def _adjust_p_values(strata: Sequence[Mapping[str, Any]]) -> None:
    """Add `p_holm` to each difference: Holm's correction over the networks and strata of one attribute."""
    entries = [pair["differences"] for stratum in strata for pair in stratum["paired"]]
    for name in entries[0] if entries else ():
        adjusted = holm([differences[name]["p"] for differences in entries])
        for differences, p_holm in zip(entries, adjusted, strict=True):
            differences[name]["p_holm"] = p_holm
