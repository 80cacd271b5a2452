"""The rows of a versus's tables: costs, quality and thresholds of each variant, for the page and the terminal."""

from __future__ import annotations

from dataclasses import dataclass

from archnet.evaluation.run_costs import COMPARED_COSTS
from archnet.report.wording import bounds, cost_text, decimals, percent, threshold
from archnet.versus.plan.form_names import Match
from archnet.versus.plan.variants import Variant
from archnet.versus.results.threshold_stability import Spread
from archnet.versus.results.versus_result import VariantResult, VersusResult


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRow:
    """The text of one variant.

    Attributes:
        number: Its number in the figure of the Pareto front.
        name: Name of the architecture.
        form: Its form.
        place: Index of its form.
        short_match: What it shares with the original.
        factor: Scale factor of its widths.
        auc: Its AUC.
        auc_interval: 95% interval.
        costs: The texts of `COMPARED_COSTS`.
        is_on_frontier: Whether no other is better at the same or a lower cost.
        threshold: Mean, range and standard deviation of the chosen threshold over seeds; dashes where none is chosen.
        rate: The same for the false-positive rate at the threshold.
    """

    number: int
    name: str
    form: str
    place: int
    short_match: str
    factor: str
    auc: str
    auc_interval: str
    costs: tuple[str, ...]
    is_on_frontier: bool
    threshold: tuple[str, str, str]
    rate: tuple[str, str, str]


COST_LABELS = tuple(cost.abbreviation or cost.label for cost in COMPARED_COSTS)
"""The labels of `VariantRow.costs`."""

_UNKNOWN = ("–", "–", "–")


def variant_rows(result: VersusResult) -> list[VariantRow]:
    """A row for each variant with comparable runs, in the order of the plan."""
    return [_row(number, one, result) for number, one in enumerate(result.variants, start=1)]


def _row(number: int, one: VariantResult, result: VersusResult) -> VariantRow:
    stability = one.threshold
    return VariantRow(
        number=number,
        name=one.variant.name,
        form=one.variant.form_text,
        place=result.place(one.variant),
        short_match=short_match_text(one.variant),
        factor=f"{one.variant.factor:.3g}",
        auc=decimals(one.auc),
        auc_interval=bounds(one.auc_interval),
        costs=tuple(cost_text(cost, one.row.costs[cost.name]) for cost in COMPARED_COSTS),
        is_on_frontier=one.is_on_frontier,
        threshold=_UNKNOWN if stability is None else _threshold_texts(stability.thresholds),
        rate=_UNKNOWN if stability is None else _rate_texts(stability.false_positive_rates),
    )


_MATCH_WORDS: dict[Match, str] = {"none": "widths", "macs": "cost", "parameters": "weights"}


def short_match_text(variant: Variant) -> str:
    """The text of the column "same": the costs that a variant shares with the original."""
    return "original" if variant.is_original else ", ".join(_MATCH_WORDS[match] for match in variant.matches)


def _threshold_texts(spread: Spread) -> tuple[str, str, str]:
    deviation = "–" if spread.deviation is None else decimals(spread.deviation)
    return threshold(spread.mean), f"{threshold(spread.low)} to {threshold(spread.high)}", deviation


def _rate_texts(spread: Spread) -> tuple[str, str, str]:
    deviation = "–" if spread.deviation is None else percent(spread.deviation)
    return percent(spread.mean), f"{percent(spread.low)} to {percent(spread.high)}", deviation
