"""The numbers of a conclusion in words: counts of cases, or percentages if the numbers are means.

Counts are used only if each network is a single run with one threshold fixed on validation cases. "38 more" is never
followed by "of 42", which would read as a recall.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from archnet.errors import pluralize
from archnet.evaluation.comparison.verdict import Conclusion, Verdict, VerdictSide
from archnet.report.sentences.side_names import network_text
from archnet.report.wording import SET_NAMES, percent

MACRO_RECALL: Final = "recall"
"""The measure for more than two classes: the mean of their recalls."""

_NOUNS: Final = ("nodule",)
"""Names of classes that are nouns."""


def positive_cases(name: str, number: int | None = None) -> str:
    """The cases of the positive class.

    >>> positive_cases("nodule", 42), positive_cases("CT-23", 1042), positive_cases("nodule")
    ('42 nodules', '1,042 “CT-23” cases', 'nodules')
    >>> positive_cases("nodule", 1)
    '1 nodule'
    """
    singular = name if name in _NOUNS else f"“{name}” case"
    return f"{singular}s" if number is None else pluralize(number, singular)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Formats the numbers of one conclusion.

    Attributes:
        result: The verdict.
        conclusion: The conclusion.
        total: The number of cases that the shares refer to.
        is_count: Whether they are written as counts rather than percentages.
    """

    result: Verdict
    conclusion: Conclusion
    total: int
    is_count: bool

    def both_values(self) -> str:
        """The numbers of both networks, as the beginning of a sentence."""
        other, reference = (self.result.side(name) for name in (self.conclusion.other, self.conclusion.reference))
        if self.conclusion.measure == MACRO_RECALL:
            return self._both_macro_recalls(other, reference)
        return self._both_recalls(other, reference)

    def _both_macro_recalls(self, other: VerdictSide, reference: VerdictSide) -> str:
        result, subject = self.result, network_text(other)
        first, second = self._values()
        return (
            f"{subject[0].upper()}{subject[1:]} has a macro recall of {first} on {result.num_cases:,} "
            f"{SET_NAMES[result.set]} cases of {result.num_classes} classes, {network_text(reference)} "
            f"{second}{self._averaged()}"
        )

    def _both_recalls(self, other: VerdictSide, reference: VerdictSide) -> str:
        first, second = self._values()
        positives = positive_cases(self.result.positive, self.total)
        points = self.conclusion.operating_points
        if not points:
            return (
                f"{self._condition()}, {network_text(other)} finds {first} of the {positives}, "
                f"{network_text(reference)} {second}{self._averaged()}"
            )
        start = f"{self._condition()}, {network_text(other)} finds {first} of {positives}"
        return f"{start}, {network_text(reference)} {second}"

    def false_positives_text(self) -> str:
        """The false positives of both networks as a sentence; empty if they are not counted."""
        points = self.conclusion.operating_points
        if not points:
            return ""
        false_positives = pluralize(points["other"]["false_positives"], "false positive")
        others = pluralize(points["other"]["others"], "other case")
        return (
            f"Among {others}, {self.conclusion.other} has {false_positives}, "
            f"{self.conclusion.reference} {points['reference']['false_positives']:,}."
        )

    def quantity(self) -> str:
        """The label of the compared measure."""
        if self.conclusion.measure == MACRO_RECALL:
            return "macro recall"
        return f"{positive_cases(self.result.positive)} found" if self.is_count else "recall"

    def _values(self) -> tuple[str, str]:
        first, second = self.conclusion.other_value, self.conclusion.reference_value
        return self._value(first), self._value(second)

    def _value(self, share: float | None) -> str:
        if share is None or not self.is_count:
            return percent(share)
        return f"{round(share * self.total):,}"

    def _condition(self) -> str:
        rate = self.conclusion.false_positive_rate
        return "At equal false-positive rates" + ("" if rate is None else f" in validation ({percent(rate)})")

    def _averaged(self) -> str:
        """The text "averaged over ..." of a number; empty for a single run."""
        sides = [self.result.side(name) for name in (self.conclusion.other, self.conclusion.reference)]
        numbers = list(dict.fromkeys(side.num_seeds for side in sides))
        seeds = [] if numbers == [1] else [f"{' and '.join(map(str, numbers))} seeds"]
        points = self.conclusion.measure != MACRO_RECALL and self.conclusion.false_positive_rate is None
        over = [*(["both operating points"] if points else []), *seeds]
        return f", averaged over {' and '.join(over)}" if over else ""

    def signed_words(self, difference: float) -> str:
        """A difference with its direction in words.

        >>> signed_words = Amounts(result=None, conclusion=None, total=42, is_count=True).signed_words
        >>> signed_words(38 / 42), signed_words(-0.01), signed_words(0.0)
        ('38 more', '0.4 fewer', 'a difference of 0')
        """
        number = self._size(difference)
        if difference == 0:
            return "a difference of 0"
        unit = "" if self.is_count else " percentage points"
        return f"{number}{unit} {'more' if difference > 0 else 'fewer' if self.is_count else 'less'}"

    def interval_words(self, interval: list[float]) -> str:
        """The ends of an interval, with a direction in words unless both mean "more".

        >>> interval_words = Amounts(result=None, conclusion=None, total=42, is_count=True).interval_words
        >>> interval_words([0.83, 0.97]), interval_words([-0.3, -0.1]), interval_words([-0.1, 0.2])
        ('35 to 41', '4.2 to 13 fewer', '4.2 fewer to 8.4 more')
        """
        low, high = (max(-1.0, min(1.0, end)) for end in interval)
        less = "fewer" if self.is_count else "less"
        if low >= 0:
            return f"{self._size(low)} to {self._size(high)}"
        if high <= 0:
            return f"{self._size(high)} to {self._size(low)} {less}"
        return f"{self._size(low)} {less} to {self._size(high)} more"

    def missing_interval(self, conclusion: Conclusion) -> str:
        """The reason why a difference has no interval."""
        if conclusion.difference == 0 and self.result.num_groups > 1:
            return "No difference is shown: both networks have the same result in every group (scan or patient)."
        groups = pluralize(self.result.num_groups, "group")
        return f"The 95% CI cannot be estimated from {groups} (scans or patients)."

    def _size(self, share: float) -> str:
        """A share without its sign, also that of a negative zero."""
        return short_number(abs(share) * self.total) if self.is_count else f"{100 * abs(share):.1f}"


def conclusion_amounts(result: Verdict, conclusion: Conclusion) -> Amounts:
    """Choose the format of the numbers of a conclusion."""
    return Amounts(
        result=result,
        conclusion=conclusion,
        total=result.num_positives,
        is_count=conclusion.operating_points is not None,
    )


def short_number(number: float) -> str:
    """A number of cases, rounded to a useful precision; means and ends of intervals may not be integers.

    >>> short_number(11), short_number(2.34), short_number(19.2), short_number(0.04)
    ('11', '2.3', '19', '0.04')
    """
    if number >= 10 or abs(number - round(number)) < 1e-6:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 0.1 else f"{number:.1g}"
