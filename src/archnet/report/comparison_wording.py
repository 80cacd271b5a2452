"""Format the numbers and labels of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archnet.errors import pluralize
from archnet.evaluation.comparison.comparison_rows import ComparisonRow
from archnet.evaluation.comparison.matched_recall import RECALL_AT_EQUAL_FALSE_POSITIVE_RATE, RECALL_AT_EQUAL_PRECISION
from archnet.evaluation.comparison.paired_comparison import PairedComparison
from archnet.evaluation.comparison.validation_rate import RECALL_AT_VALIDATION_FALSE_POSITIVE_RATE
from archnet.report.wording import bounds, decimals
from archnet.spec.metrics import metrics_shown_in

DIFFERENCE_NAMES = {
    RECALL_AT_VALIDATION_FALSE_POSITIVE_RATE: "recall at equal false-positive rate in validation",
    RECALL_AT_EQUAL_FALSE_POSITIVE_RATE: "recall at equal false-positive rate",
    RECALL_AT_EQUAL_PRECISION: "recall at equal precision",
    **{metric.name: metric.full_label for metric in reversed(metrics_shown_in("paired_differences"))},
}
"""The labels of the paired differences of two classes, in the order of the tables."""


def difference_names(num_classes: int) -> dict[str, str]:
    """The labels of the paired differences, in the order of the tables.

    >>> difference_names(2)["auc"], difference_names(3)["auc"], difference_names(3)["accuracy"]
    ('AUC (ROC)', 'macro AUC (ROC)', 'accuracy')
    """
    macro = {metric.name for metric in metrics_shown_in("paired_differences") if metric.is_per_class}
    return {
        name: f"macro {label}" if num_classes > 2 and name in macro else label
        for name, label in DIFFERENCE_NAMES.items()
    }


def ratio_text(ratio: float | None) -> str:
    """A ratio of costs.

    >>> ratio_text(8.27), ratio_text(26.4), ratio_text(0.31), ratio_text(1)
    ('8.3 times', '26 times', '0.31 times', 'the same')
    >>> ratio_text(1.03), ratio_text(0.95), ratio_text(1.05), ratio_text(9.4), ratio_text(10)
    ('about the same', 'about the same', '1.1 times', '9.4 times', '10 times')
    """
    if ratio is None:
        return ""
    if ratio == 1:
        return "the same"
    if 0.95 <= ratio < 1.05:
        return "about the same"
    return f"{ratio:.0f} times" if ratio >= 10 else f"{ratio:{'.1f' if ratio >= 1 else '.2g'}} times"


def cost_ratio(reference: ComparisonRow, other: ComparisonRow, name: str) -> float | None:
    """The ratio of the other's cost to the reference's; None if either is unknown."""
    first, second = reference.costs[name], other.costs[name]
    return second / first if first and second is not None else None


def p_value_text(p: float | None) -> str:
    """A p value.

    >>> p_value_text(0.0421), p_value_text(0.001), p_value_text(1e-9), p_value_text(None)
    ('0.042', '0.001', '<0.001', '')
    """
    if p is None:
        return ""
    return "<0.001" if p < 0.001 else decimals(p)


def p_value_texts(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The p value of a difference, and the corrected one if Holm's correction over the networks changes it.

    >>> p_value_texts({"p": 0.0421, "p_holm": 0.0842}), p_value_texts({"p": 0.5, "p_holm": 0.5})
    (('0.042', '0.084'), ('0.500', ''))
    """
    p, corrected = entry["p"], entry["p_holm"]
    return p_value_text(p), "" if p == corrected else p_value_text(corrected)


def errors_text(pair: PairedComparison) -> list[str]:
    """The discordant cases in words, one line for each pair of seeds."""
    return [_errors_line(pair, counts) for counts in pair.discordant]


def _errors_line(pair: PairedComparison, counts: Mapping[str, Any]) -> str:
    seeds = "" if len(pair.discordant) == 1 else f"seeds {counts['reference_seed']} and {counts['other_seed']}: "
    cases = pluralize(counts["only_other_right"], "case")
    verb = "is" if counts["only_other_right"] == 1 else "are"
    return (
        f"{seeds}{cases} {verb} classified correctly only by {pair.other}, "
        f"{counts['only_reference_right']:,} only by {pair.reference}"
    )


def runs_text(row: ComparisonRow) -> str:
    """The runs that a row summarizes."""
    folds = [f"{len(row.folds)} folds"] if row.folds else []
    seeds = [f"{len(row.seeds)} seeds (mean)"] if len(row.seeds) > 1 else []
    return " × ".join([*folds, *seeds]) or "1 run"


def uncertainty_text(row: ComparisonRow, name: str, class_name: str | None = None) -> str:
    """A metric's interval and its standard deviation over the seeds; empty if neither is defined."""
    deviation = row.deviation(name, class_name)
    spread = [] if deviation is None else [f"SD {decimals(deviation)}"]
    return ", ".join([text for text in [bounds(row.interval(name, class_name))] if text] + spread)
