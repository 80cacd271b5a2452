"""The sentence of a comparison: what follows from it, how sure it is and at what cost."""

from __future__ import annotations

from archnet.evaluation.comparison.comparison import Comparison
from archnet.evaluation.comparison.comparison_rows import ComparisonRow
from archnet.evaluation.comparison.matched_recall import RECALL_AT_EQUAL_FALSE_POSITIVE_RATE
from archnet.evaluation.comparison.paired_comparison import PairedComparison
from archnet.evaluation.confusion import detection_counts
from archnet.report.comparison_wording import cost_ratio, ratio_text
from archnet.report.wording import SET_NAMES, mean_count, percent


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
