"""The questions of a versus: the effect of depth at equal widths, equal cost or an equal number of weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archnet.evaluation.comparison.comparison import Comparison, compare
from archnet.evaluation.comparison.comparison_rows import ComparisonRow
from archnet.evaluation.comparison.paired_comparison import PairedComparison, noninferiority
from archnet.evaluation.comparison.verdict import Verdict
from archnet.evaluation.comparison.verdict_kind import contradicting_recall
from archnet.versus.plan.form_names import Match
from archnet.versus.plan.variants import Variant
from archnet.versus.results.finished_variants import FinishedVariant

_SIDES = {"reference": "other", "other": "reference"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question and its answer.

    Attributes:
        match: The rule by which the twins are scaled.
        comparison: All variants of the question with comparable runs; None if there are fewer than two.
        result: Its verdict, whose main conclusion is about the form with the most depth; None without a comparison.
        variants: The variants, in the order of the comparison's rows.
        noninferiorities: With a margin, one result per pair: whether the cheaper form, the reference, is non-inferior
            to the other.
    """

    match: Match
    comparison: Comparison | None
    result: Verdict | None
    variants: tuple[Variant, ...]
    noninferiorities: tuple[dict[str, Any], ...] = ()

    def row(self, variant: Variant) -> ComparisonRow | None:
        """The row of a variant in the comparison; None if it is not part of it."""
        if self.comparison is None or variant not in self.variants:
            return None
        return self.comparison.rows[self.variants.index(variant)]


def answer_questions(
    finished: Sequence[FinishedVariant],
    matches: Sequence[Match],
    margin: float | None,
    compare_runs: Callable[[Sequence[Path]], Comparison] = compare,
) -> tuple[Question, ...]:
    """Answer each question from the runs that have finished.

    Args:
        finished: The variants with their runs.
        matches: The questions.
        margin: Margin of non-inferiority; None for no test of it.
        compare_runs: Compares run folders.

    Raises:
        RunError: The runs cannot be compared.
        DataError: A run's files are damaged, or have changed since it finished.
    """
    return tuple(_answer(finished, match, margin, compare_runs) for match in matches)


def _answer(
    finished: Sequence[FinishedVariant],
    match: Match,
    margin: float | None,
    compare_runs: Callable[[Sequence[Path]], Comparison],
) -> Question:
    members = [one for one in finished if match in one.variant.matches and one.folders]
    if len(members) < 2:
        return Question(match=match, comparison=None, result=None, variants=())
    comparison = compare_runs([folder for member in members for folder in member.folders])
    variants_by_folder = {str(folder): member.variant for member in members for folder in member.folders}
    result = comparison.verdict
    return Question(
        match=match,
        comparison=comparison,
        result=replace(result, main=len(result.conclusions) - 1),  # rows are in the order of the forms
        variants=tuple(variants_by_folder[row.folders[0]] for row in comparison.rows),
        noninferiorities=tuple(cheaper_noninferiority(pair, margin) for pair in comparison.pairs)
        if margin is not None
        else (),
    )


def cheaper_noninferiority(pair: PairedComparison, margin: float) -> dict[str, Any]:
    """Test whether the reference of a pair, the cheaper form, is non-inferior to the other.

    Returns:
        The result of `noninferiority` for the pair with its sides exchanged, and the names `tested` and `against`.
        If the reference has more false positives in the compared set, non-inferiority is shown only if the recall at
        equal rates in that set shows it as well.
    """
    exchanged = exchange_sides(pair)
    entry = noninferiority(exchanged, margin) or {}
    if entry["is_noninferior"] and contradicting_recall("not_worse", exchanged, margin) is not None:
        entry["is_noninferior"] = False
    return {"tested": exchanged.other, "against": exchanged.reference, **entry}


def exchange_sides(pair: PairedComparison) -> PairedComparison:
    """The same pair with the other architecture as the reference."""
    differences = {name: _exchange(entry) for name, entry in pair.differences.items()}
    return replace(pair, reference=pair.other, other=pair.reference, differences=differences)


def _exchange(entry: dict[str, Any]) -> dict[str, Any]:
    """The difference with the opposite sign."""
    exchanged = dict(entry)
    for first, second in _SIDES.items():
        exchanged[first] = entry[second]
        exchanged[f"{first}_interval"] = entry.get(f"{second}_interval")
    if entry["difference"] is not None:
        exchanged["difference"] = -entry["difference"]
    if entry["interval"] is not None:
        low, high = entry["interval"]
        exchanged["interval"] = [-high, -low]
    if "operating_points" in entry:
        exchanged["operating_points"] = {first: entry["operating_points"][second] for first, second in _SIDES.items()}
    return exchanged
