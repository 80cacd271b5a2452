"""Paired comparisons: each architecture against the first, case by case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from archnet.evaluation.comparison.comparison_rows import ComparisonRow
from archnet.evaluation.comparison.document_differences import Difference, document_differences
from archnet.evaluation.comparison.matched_recall import RECALL_AT_EQUAL_FALSE_POSITIVE_RATE
from archnet.evaluation.comparison.paired import paired_differences
from archnet.evaluation.comparison.pools import Pool, pool_trainings, pool_truth
from archnet.evaluation.comparison.trainings import SeedPredictions, Truth
from archnet.evaluation.comparison.validation_rate import (
    RECALL_AT_VALIDATION_FALSE_POSITIVE_RATE,
    SeedRuns,
    recall_at_validation_rate,
)
from archnet.evaluation.run_folder import is_baseline, is_stacked
from archnet.evaluation.uncertainty.holm import holm


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedComparison:
    """The paired comparison of an architecture with the reference.

    Attributes:
        reference: Name of the reference's row.
        other: Name of the other's row.
        differences: Result of `paired_differences`, preceded by that of `recall_at_validation_rate` if there is one;
            each with `p_holm`, its p value corrected for the number of networks.
        discordant: For each pair of seeds in their order, `reference_seed` and `other_seed`, the cases that only one of
            the two networks classifies correctly: `only_reference_right` and `only_other_right`.
        document: Differences of the experiments (architecture, training). Empty unless both are networks.
        noninferiority: Result of `noninferiority`; None without a margin.
    """

    reference: str
    other: str
    differences: dict[str, dict[str, Any]]
    discordant: tuple[dict[str, int], ...]
    document: tuple[Difference, ...]
    noninferiority: dict[str, Any] | None = None

    @property
    def headline(self) -> str:
        """Name of the headline difference: the first available one of `HEADLINES`."""
        return next(name for name in HEADLINES if name in self.differences)


HEADLINES = (RECALL_AT_VALIDATION_FALSE_POSITIVE_RATE, RECALL_AT_EQUAL_FALSE_POSITIVE_RATE, "recall")
"""Candidates for the headline difference in order of preference; with more than two classes, the macro recall."""


def paired_comparisons(
    pools: Sequence[Pool], rows: Sequence[ComparisonRow], positive: int, compared_set: str, margin: float | None
) -> tuple[PairedComparison, ...]:
    """Compare each architecture with the first one.

    Args:
        pools: The runs.
        rows: Their results.
        positive: Index of the positive class.
        compared_set: Name of the set; thresholds chosen on the validation set need a different one.
        margin: Margin of non-inferiority; None for no such test.
    """
    sides = [(pool, row.metrics["threshold"]) for pool, row in zip(pools, rows, strict=True)]
    truth = pool_truth(pools[0], positive)
    pairs = [
        _compare_pair(sides[0], sides[k], truth, has_validation=compared_set != "validation")
        for k in range(1, len(pools))
    ]
    return tuple(replace(pair, noninferiority=noninferiority(pair, margin)) for pair in _adjust_p_values(pairs))


def _compare_pair(
    reference: tuple[Pool, float | None], other: tuple[Pool, float | None], truth: Truth, *, has_validation: bool
) -> PairedComparison:
    pools = reference[0], other[0]
    sides = [pool_trainings(pool, truth, threshold) for pool, threshold in (reference, other)]
    at_validation_rate = _at_validation_rate(reference, other, truth) if has_validation else {}
    return PairedComparison(
        reference=pools[0].name,
        other=pools[1].name,
        differences=at_validation_rate | paired_differences(sides[0], sides[1], truth, bootstraps=pools[0].bootstraps),
        discordant=tuple(_discordant_counts(pools, (sides[0], sides[1]), truth)),
        document=_document_differences(pools),
    )


def _at_validation_rate(
    reference: tuple[Pool, float | None], other: tuple[Pool, float | None], truth: Truth
) -> dict[str, dict[str, Any]]:
    """The difference at equal validation false-positive rates by name; empty if unavailable."""
    (first, first_threshold), (second, second_threshold) = reference, other
    if first_threshold is None or second_threshold is None:
        return {}
    sides, thresholds = (_seed_runs(first, truth), _seed_runs(second, truth)), (first_threshold, second_threshold)
    entry = recall_at_validation_rate(sides, thresholds, truth)
    return {} if entry is None else {RECALL_AT_VALIDATION_FALSE_POSITIVE_RATE: entry}


def _seed_runs(pool: Pool, truth: Truth) -> list[SeedRuns]:
    parts = zip(pool.predictions_by_seed, pool.run_of_case_by_seed, pool.validation_by_seed, strict=True)
    return [
        SeedRuns(scores=cases.probabilities[:, truth.positive], run_of_case=run_of_case, validation=validation)
        for cases, run_of_case, validation in parts
    ]


def _discordant_counts(
    pools: tuple[Pool, Pool], sides: tuple[Sequence[SeedPredictions], Sequence[SeedPredictions]], truth: Truth
) -> Iterator[dict[str, int]]:
    """The counts for each pair of seeds, since they compare two networks, not two architectures."""
    seeds = zip(pools[0].seeds, pools[1].seeds, strict=False)
    for (reference_seed, other_seed), first, second in zip(seeds, *sides, strict=False):
        reference_right, other_right = first.y_pred == truth.y_true, second.y_pred == truth.y_true
        yield {
            "reference_seed": reference_seed,
            "other_seed": other_seed,
            "only_reference_right": int(np.sum(reference_right & ~other_right)),
            "only_other_right": int(np.sum(other_right & ~reference_right)),
        }


def _document_differences(pools: tuple[Pool, Pool]) -> tuple[Difference, ...]:
    reference, other = (_strip_description(pool.document) for pool in pools)
    if any(is_baseline(document) or is_stacked(document) for document in (reference, other)):
        return ()
    return tuple(document_differences(reference, other))


def _strip_description(document: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment without the descriptive keys of its architecture."""
    arch = {key: value for key, value in document.get("arch", {}).items() if key not in ("name", "description")}
    return {**document, "arch": arch}


def _adjust_p_values(pairs: Sequence[PairedComparison]) -> list[PairedComparison]:
    """Add `p_holm` to each difference: Holm's correction over the pairs."""
    differences: list[dict[str, dict[str, Any]]] = [{} for _ in pairs]
    for name in dict.fromkeys(name for pair in pairs for name in pair.differences):
        members = [k for k, pair in enumerate(pairs) if name in pair.differences]
        adjusted = holm([pairs[k].differences[name]["p"] for k in members])
        for k, p_holm in zip(members, adjusted, strict=True):
            differences[k][name] = {**pairs[k].differences[name], "p_holm": p_holm}
    return [replace(pair, differences=entries) for pair, entries in zip(pairs, differences, strict=True)]


def noninferiority(pair: PairedComparison, margin: float | None) -> dict[str, Any] | None:
    """Test whether the other architecture is non-inferior to the reference.

    The test is one-sided at 2.5%: the lower end of the headline difference's 95% interval must be above -margin
    (Piaggio et al. 2012, doi:10.1001/jama.2012.87802).

    Returns:
        `margin`; the name of the `difference`; `lower`, the lower end (0 for identical networks, None without an
        interval); and `is_noninferior` (None without an interval). None without a margin.
    """
    if margin is None:
        return None
    entry = pair.differences[pair.headline]
    lower = entry["interval"][0] if entry["interval"] else 0.0 if entry["identical"] else None
    return {
        "margin": margin,
        "difference": pair.headline,
        "lower": lower,
        "is_noninferior": None if lower is None else lower > -margin,
    }
