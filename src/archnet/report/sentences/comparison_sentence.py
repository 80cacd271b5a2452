"""The sentences of a comparison: the conclusion, its uncertainty, and the cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archnet.evaluation.comparison.comparison import Comparison
from archnet.evaluation.comparison.comparison_rows import ComparisonRow
from archnet.evaluation.comparison.verdict import Conclusion, Verdict
from archnet.evaluation.comparison.verdict_kind import is_sure
from archnet.evaluation.confusion import detection_counts
from archnet.report.comparison_wording import p_value_text, ratio_text, runs_text
from archnet.report.sentences.amounts import Amounts, conclusion_amounts, positive_cases
from archnet.report.sentences.class_sentence import class_sentence
from archnet.report.sentences.side_names import label_text, network_text
from archnet.report.wording import SET_NAMES, decimals, mean_count, percent, pluralize_mean


def comparison_sentence(comparison: Comparison) -> str:
    """The conclusion for each architecture against the reference, and the cost."""
    if not comparison.pairs and len(comparison.classes) > 2:
        row = comparison.rows[0]
        return class_sentence(f"{row.run} ({runs_text(row)})", row.metrics, comparison.classes, comparison.set)
    if not comparison.pairs:
        return _single_sentence(comparison.rows[0], comparison)
    result = comparison.verdict
    return " ".join([main_sentence(result), *other_sentences(result), *cost_sentences(result)])


def _single_sentence(row: ComparisonRow, comparison: Comparison) -> str:
    """The sentence of a single architecture with several runs."""
    counts = detection_counts(row.metrics["confusion_matrix"], comparison.classes.index(comparison.positive))
    folds = f", each case predicted once in {len(row.folds)} folds" if row.folds else ""
    seeds = f" (mean of {len(row.seeds)} seeds)" if row.spread else ""
    deviation = f", standard deviation {percent(row.deviation('recall', comparison.positive))}" if row.spread else ""
    positives = positive_cases(comparison.positive, counts["positives"])
    return (
        f"{row.run} finds {mean_count(counts['true_positives'])} of {positives} in the "
        f"{SET_NAMES[comparison.set]} set{seeds}{folds}: recall {percent(row.value('recall', comparison.positive))}"
        f"{deviation}, with {pluralize_mean(counts['false_positives'], 'false positive')} among "
        f"{pluralize_mean(counts['others'], 'other case')}."
    )


def main_sentence(result: Verdict) -> str:
    """The sentence of the main conclusion; empty without one."""
    conclusion = result.main_conclusion
    if conclusion is None:
        return ""
    if conclusion.kind == "not_comparable":
        return (
            f"{conclusion.other} and {conclusion.reference} cannot be compared: the {SET_NAMES[result.set]} set lacks "
            "a class."
        )
    if conclusion.kind == "neither_better_than_chance":
        return _chance_sentence(result, conclusion)
    if conclusion.is_identical:
        return _identical_sentence(result, conclusion)
    amounts = conclusion_amounts(result, conclusion)
    sentences = [
        f"{amounts.both_values()}: {_difference_text(amounts, conclusion)}",
        amounts.false_positives_text(),
        _consequence_text(amounts, conclusion),
    ]
    return " ".join(filter(None, sentences))


def other_sentences(result: Verdict) -> list[str]:
    """A short sentence for each other architecture against the reference."""
    return [
        f"{label_text(result.side(conclusion.other))} against {label_text(result.side(conclusion.reference))}"
        f"{_short_conclusion(result, conclusion)}"
        for index, conclusion in enumerate(result.conclusions)
        if index != result.main
    ]


def cost_sentences(result: Verdict) -> list[str]:
    """The cost of the other network of the main conclusion; empty if unknown."""
    conclusion = result.main_conclusion
    if conclusion is None or conclusion.cost_ratio is None:
        return []
    ratio = ratio_text(conclusion.cost_ratio)
    if ratio.endswith("same"):
        return [f"Both take {ratio} multiply-adds."]
    other = network_text(result.side(conclusion.other))
    return [f"{other[0].upper()}{other[1:]} takes {ratio} the multiply-adds."]


def _short_conclusion(result: Verdict, conclusion: Conclusion) -> str:
    if conclusion.kind == "not_comparable":
        return f": not comparable, because the {SET_NAMES[result.set]} set lacks a class."
    if conclusion.kind == "neither_better_than_chance":
        return ": neither is shown to be better than chance."
    if conclusion.is_identical:
        return ": identical predictions."
    amounts = conclusion_amounts(result, conclusion)
    texts = [_difference_text(amounts, conclusion), _consequence_text(amounts, conclusion)]
    return f", {amounts.quantity()}: {' '.join(filter(None, texts))}"


def _chance_sentence(result: Verdict, conclusion: Conclusion) -> str:
    sides = [result.side(name) for name in (conclusion.other, conclusion.reference)]
    names = [network_text(side) for side in sides]
    areas = [f"{decimals(side.auc)}{ci_text(side.auc_interval)}" for side in sides]
    identical = " Both give identical predictions." if conclusion.is_identical else ""
    return (
        f"Neither {names[0]} nor {names[1]} is shown to be better than chance: AUC {areas[0]} and {areas[1]}; "
        f"guessing gives 0.5.{identical}"
    )


def _identical_sentence(result: Verdict, conclusion: Conclusion) -> str:
    other, reference = (network_text(result.side(name)) for name in (conclusion.other, conclusion.reference))
    return (
        f"{other[0].upper()}{other[1:]} and {reference} give identical predictions for all {result.num_cases:,} "
        f"{SET_NAMES[result.set]} cases. Check that they were trained separately."
    )


def _difference_text(amounts: Amounts, conclusion: Conclusion) -> str:
    """The difference with its interval, as the end of a sentence."""
    difference = amounts.signed_words(conclusion.difference or 0.0)
    if conclusion.interval is None:
        return f"{difference}."
    text = f"{difference} (95% CI {amounts.interval_words(conclusion.interval)})"
    if conclusion.kind in ("other_better", "reference_better"):
        return f"{text}."
    if conclusion.at_equal_rates is not None:
        false_positives = (
            "fewer" if conclusion.interval[1] < 0 else "more"
        )  # fewer: the reference has the better estimate
        return f"{text}, but with {false_positives} false positives."
    if conclusion.kind == "not_worse" and conclusion.margin is not None:
        return f"{text}, not worse by more than the margin of {100 * conclusion.margin:g} percentage points."
    if conclusion.interval[0] <= 0 <= conclusion.interval[1]:
        return f"{text}."
    return f"{text}, but p is {p_value_text(conclusion.p_holm)} after Holm's correction."


def _consequence_text(amounts: Amounts, conclusion: Conclusion) -> str:
    """Sentences stating that no difference is shown, and why; empty if one is shown."""
    if conclusion.interval is None:
        return amounts.missing_interval(conclusion)
    if conclusion.kind in ("other_better", "reference_better"):
        return ""
    if conclusion.at_equal_rates is not None:
        return _equal_rates_text(amounts, conclusion.at_equal_rates)
    is_not_worse = conclusion.kind == "not_worse" and conclusion.margin is not None
    return "" if is_not_worse else "No difference is shown."


def _equal_rates_text(amounts: Amounts, entry: Mapping[str, Any]) -> str:
    """The difference at equal rates in the compared set."""
    percentages = replace(amounts, is_count=False)
    difference, interval = entry["difference"], entry["interval"]
    words = "undefined" if difference is None else percentages.signed_words(difference)
    if interval is not None:
        words += f" (95% CI {percentages.interval_words(interval)})"
        if not interval[0] <= 0 <= interval[1] and not is_sure(entry):
            words += f", but p is {p_value_text(entry['p_holm'])} after Holm's correction"
    set_name = SET_NAMES[amounts.result.set]
    return f"At equal false-positive rates in the {set_name} set: {words}. No difference is shown."


def ci_text(interval: list[float] | None) -> str:
    """An interval in parentheses; empty if there is none.

    >>> ci_text([0.812, 0.9305])
    ' (95% CI 0.812 to 0.930)'
    """
    return "" if interval is None else f" (95% CI {decimals(interval[0])} to {decimals(interval[1])})"
