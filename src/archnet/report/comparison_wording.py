"""Comparison wording: the sentences that say what follows from a comparison, and what doesn't."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archnet.evaluation.comparison.comparison import Comparison, PairedComparison
from archnet.evaluation.comparison.comparison_rows import ComparisonRow
from archnet.evaluation.comparison.document_differences import Difference
from archnet.evaluation.comparison.paired import RECALL_AT_EQUAL_FALSE_POSITIVE_RATE, RECALL_AT_EQUAL_PRECISION
from archnet.evaluation.confusion import detection_counts
from archnet.report.integrity_wording import comparison_integrity_texts
from archnet.report.wording import (
    OPTIMISTIC_VALIDATION,
    SET_NAMES,
    allowed_errors_text,
    bounds,
    collapse_text,
    decimals,
    mean_count,
    percent,
)
from archnet.spec.metrics import metrics_shown_in
from archnet.spec.schema import json_text

DIFFERENCE_NAMES = {
    RECALL_AT_EQUAL_FALSE_POSITIVE_RATE: "recall at equal false-positive rate",
    RECALL_AT_EQUAL_PRECISION: "recall at equal precision",
    **{metric.name: metric.full_label for metric in reversed(metrics_shown_in("paired_differences"))},
}
"""The labels of the paired differences, in the order of the tables."""

_FEW_GROUPS = 20  # Cameron and Miller 2015, doi:10.3368/jhr.50.2.317, section VI


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON holds it: what follows in words, then the numbers."""
    words = {"sentence": comparison_sentence(comparison), "cautions": comparison_cautions(comparison)}
    return words | comparison.to_document()


def comparison_sentence(comparison: Comparison) -> str:
    """What follows from a comparison, how sure it is and at what cost, and what does not follow."""
    if not comparison.pairs:
        return _single_sentence(comparison.rows[0], comparison)
    verdicts = [_verdict(pair, comparison) for pair in comparison.pairs]
    if any(len(row.seeds) == 1 for row in comparison.rows):
        verdicts.append("The variation between training seeds is unknown.")
    return " ".join(verdicts)


def _single_sentence(row: ComparisonRow, comparison: Comparison) -> str:
    """The sentence of a single architecture with several runs."""
    counts = detection_counts(row.metrics["confusion_matrix"], comparison.classes.index(comparison.positive))
    folds = f", each case judged once in {len(row.folds)} folds" if row.folds else ""
    seeds = f" in the mean of {len(row.seeds)} seeds" if row.spread else ""
    deviation = f", standard deviation {percent(row.deviation('recall', comparison.positive))}" if row.spread else ""
    detected, false_positives = (mean_count(counts[key]) for key in ("true_positives", "false_positives"))
    return (
        f"{row.run} finds {detected} of {counts['positives']:,} “{comparison.positive}” cases in the "
        f"{SET_NAMES[comparison.set]} set{seeds}{folds}: recall {percent(row.value('recall', comparison.positive))}"
        f"{deviation}, with {false_positives} false positives among {counts['others']:,} other cases."
    )


def _verdict(pair: PairedComparison, comparison: Comparison) -> str:
    """What one architecture does better or worse than the reference, and whether that is sure."""
    reference, other = comparison.row(pair.reference), comparison.row(pair.other)
    name = (
        RECALL_AT_EQUAL_FALSE_POSITIVE_RATE if RECALL_AT_EQUAL_FALSE_POSITIVE_RATE in pair.differences else "accuracy"
    )
    entry, set_name = pair.differences[name], SET_NAMES[comparison.set]
    if entry["difference"] is None:
        return f"{other.run} and {reference.run} cannot be compared: the {set_name} set lacks a class."
    total = _num_cases(name, reference, comparison)
    difference_text = _difference_text(
        name, entry["difference"] * total, total, (reference, other), comparison.positive
    )
    cost = _cost_text(reference, other)
    if entry["interval"] is None:
        return f"{difference_text}, but there are too few groups to say how sure that is{cost}."
    low, high = (end * total for end in entry["interval"])
    if low <= 0 <= high:
        return (
            f"This {set_name} set cannot tell {other.run} from {reference.run}: {difference_text}, but the 95% "
            f"interval runs from {_signed(low)} to {_signed(high)}{cost}."
        )
    nearer, farther = sorted((abs(low), abs(high)))
    return f"{difference_text}; 95% interval {_short_number(nearer)} to {_short_number(farther)}{cost}."


def _num_cases(name: str, row: ComparisonRow, comparison: Comparison) -> int:
    """The cases that a difference is a share of: the positive ones of a recall, all of an accuracy."""
    if name == "accuracy":
        return int(row.metrics["n"])
    counts = detection_counts(row.metrics["confusion_matrix"], comparison.classes.index(comparison.positive))
    return int(counts["positives"])


def _difference_text(
    name: str, number: float, total: int, rows: tuple[ComparisonRow, ComparisonRow], positive: str
) -> str:
    """The difference in cases, without its interval."""
    reference, other = rows
    average = " on average" if max(len(row.seeds) for row in rows) > 1 else ""
    if name == "accuracy":
        return f"{other.run} correctly classifies{average} {_amount(number, total, 'cases')} {reference.run}"
    amount = _amount(number, total, f"“{positive}” cases")
    return f"{other.run} finds{average} {amount} {reference.run} at the same false-positive rate"


def _amount(number: float, total: int, noun: str) -> str:
    """How many cases more or fewer, with what they are compared to.

    >>> _amount(11, 281, "cases"), _amount(-0.5, 281, "cases"), _amount(0, 281, "cases")
    ('11 of 281 cases more than', '0.5 of 281 cases fewer than', 'as many of 281 cases as')
    """
    if number == 0:
        return f"as many of {total:,} {noun} as"
    return f"{_short_number(abs(number))} of {total:,} {noun} {'more' if number > 0 else 'fewer'} than"


def _signed(number: float) -> str:
    """A number of cases with its direction in words.

    >>> _signed(-6.2), _signed(12), _signed(0)
    ('6.2 fewer', '12 more', '0')
    """
    return "0" if number == 0 else f"{_short_number(abs(number))} {'more' if number > 0 else 'fewer'}"


def _short_number(number: float) -> str:
    """A number of cases, not more exact than it can be: a mean or an interval's end need not be whole.

    >>> _short_number(11), _short_number(2.34), _short_number(19.2), _short_number(0.04)
    ('11', '2.3', '19', '0.04')
    """
    if number >= 10 or abs(number - round(number)) < 1e-6:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 0.1 else f"{number:.1g}"


def _cost_text(reference: ComparisonRow, other: ComparisonRow) -> str:
    """What the other architecture costs, after a semicolon."""
    ratio = cost_ratio(reference, other, "macs")
    if ratio is None:
        return ""
    return "; both cost the same multiply-adds" if ratio == 1 else f"; it costs {ratio_text(ratio)} the multiply-adds"


def ratio_text(ratio: float | None) -> str:
    """A ratio of costs.

    >>> ratio_text(8.27), ratio_text(26.4), ratio_text(0.31), ratio_text(1)
    ('8.3 times', '26 times', '0.31 times', 'the same')
    """
    if ratio is None:
        return ""
    if ratio == 1:
        return "the same"
    return f"{ratio:.0f} times" if ratio >= 10 else f"{ratio:{'.1f' if ratio >= 1 else '.2g'}} times"


def cost_ratio(reference: ComparisonRow, other: ComparisonRow, name: str) -> float | None:
    """How many times the reference's cost the other's is; None where either is unknown."""
    first, second = reference.costs[name], other.costs[name]
    return second / first if first and second is not None else None


def comparison_cautions(comparison: Comparison) -> list[str]:
    """What a reader must know before trusting the sentence; empty when nothing speaks against it."""
    texts = [f"{name}: {collapse_text(entry)}" for name, entry in comparison.collapsed.items()]
    if comparison.set == "validation":
        texts.append(f"There is no common test set. {OPTIMISTIC_VALIDATION}")
    if comparison.allowed_errors:
        texts.append(allowed_errors_text(comparison.allowed_errors))
    texts += comparison_integrity_texts(comparison.manifests)
    num_groups = len(set(comparison.pools[0].predictions_by_seed[0].groups.tolist()))
    if num_groups < _FEW_GROUPS:
        texts.append(
            f"The cases come from only {num_groups} groups (scans or patients). Intervals from so few are too narrow."
        )
    if len(comparison.pairs) > 1:
        texts.append(
            f"{len(comparison.pairs)} differences are tested without correction for multiple comparisons: about one in "
            "twenty 95% intervals excludes zero by chance."
        )
    return texts


def p_value_text(p: float | None) -> str:
    """A p value.

    >>> p_value_text(0.0421), p_value_text(1e-9), p_value_text(None)
    ('0.042', '<0.001', '')
    """
    if p is None:
        return ""
    return "<0.001" if p < 0.001 else decimals(p)


def p_value(pair: PairedComparison, name: str) -> float | None:
    """The paired test's p that belongs to a difference: DeLong's to the AUC, McNemar's to single seeds' accuracy."""
    if name == "auc":
        return pair.delong["p"] if pair.delong else None
    return pair.mcnemar[0]["p"] if name == "accuracy" and len(pair.mcnemar) == 1 else None


def errors_text(pair: PairedComparison) -> list[str]:
    """McNemar's test in words, one line for each pair of seeds."""
    return [_errors_line(pair, test) for test in pair.mcnemar]


def _errors_line(pair: PairedComparison, test: Mapping[str, Any]) -> str:
    seeds = "" if len(pair.mcnemar) == 1 else f"seeds {test['reference_seed']} and {test['other_seed']}: "
    return (
        f"{seeds}{test['only_other_right']:,} cases are classified correctly only by {pair.other}, "
        f"{test['only_reference_right']:,} only by {pair.reference}; McNemar's exact p {p_value_text(test['p'])}"
    )


def runs_text(row: ComparisonRow) -> str:
    """Which runs a row stands for."""
    folds = [f"{len(row.folds)} folds"] if row.folds else []
    seeds = [f"{len(row.seeds)} seeds (mean)"] if len(row.seeds) > 1 else []
    return " × ".join([*folds, *seeds]) or "1 run"


def uncertainty_text(row: ComparisonRow, name: str, positive: str) -> str:
    """A metric's interval, or its standard deviation over the seeds; nothing where neither is defined."""
    deviation = row.deviation(name, positive)
    return bounds(row.interval(name, positive)) if deviation is None else f"SD {decimals(deviation)}"


def difference_texts(difference: Difference) -> tuple[str, str, str]:
    """A difference of two documents as place, the reference's value and the other's; a dash where there is none."""
    first, second = (json_text(difference[key]) if key in difference else "–" for key in ("reference", "other"))
    return difference["place"], first, second
