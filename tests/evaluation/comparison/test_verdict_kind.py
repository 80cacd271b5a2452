"""The kind of conclusion from a difference, at its limits."""

import pytest

from archnet.evaluation.comparison.paired_comparison import PairedComparison
from archnet.evaluation.comparison.verdict_kind import conclusion_kind, contradicting_recall

HEADLINE, EQUAL_RATES = "recall_at_validation_false_positive_rate", "recall_at_equal_false_positive_rate"


def entry_of(interval, *, p_holm=None):
    difference = None if interval is None else sum(interval) / 2
    return {"difference": difference, "interval": interval, "p_holm": p_holm}


@pytest.mark.parametrize(("interval", "p_holm", "kind"), [
    (None, None, "not_comparable"),
    ([0.001, 0.2], None, "other_better"),
    ([0.0, 0.2], None, "no_difference_shown"),
    ([-0.2, -0.001], None, "reference_better"),
    ([-0.2, 0.0], None, "no_difference_shown"),
    ([0.001, 0.2], 0.05, "other_better"),
    ([0.001, 0.2], 0.051, "no_difference_shown"),
])  # fmt: skip
def test_a_network_is_better_if_the_interval_excludes_0_and_the_corrected_p_value_is_at_most_5_percent(
    interval, p_holm, kind
):
    entry = entry_of(interval, p_holm=p_holm)
    assert conclusion_kind(entry, (True, None), is_noninferior=False) == kind
    is_shown = kind != "no_difference_shown"
    assert conclusion_kind(entry, (None, False), is_noninferior=True) == (kind if is_shown else "not_worse")


@pytest.mark.parametrize(("are_better", "kind"), [
    ((False, False), "neither_better_than_chance"), ((False, None), "other_better"), ((True, False), "other_better"),
])  # fmt: skip
def test_two_networks_that_are_not_better_than_chance_are_not_compared(are_better, kind):
    assert conclusion_kind(entry_of([0.1, 0.2]), are_better, is_noninferior=True) == kind


@pytest.mark.parametrize(("kind", "false_positives", "at_equal_rates", "contradicts"), [
    ("other_better", (5, 5), [-0.1, 0.2], False),
    ("other_better", (5, 6), [-0.1, 0.2], True),
    ("other_better", (5, 6), [0.1, 0.2], False),
    ("other_better", (5, 6), [-0.2, -0.1], True),
    ("reference_better", (6, 6), [-0.1, 0.2], False),
    ("reference_better", (6, 5), [-0.1, 0.2], True),
    ("reference_better", (6, 5), [-0.2, -0.1], False),
    ("not_worse", (5, 6), [-0.019, 0.1], False),
    ("not_worse", (5, 6), [-0.02, 0.1], True),
    ("not_worse", (5, 6), None, True),
    ("no_difference_shown", (5, 6), [-0.1, 0.2], False),
])  # fmt: skip
def test_a_better_recall_with_more_false_positives_must_be_better_at_equal_rates(
    kind, false_positives, at_equal_rates, contradicts
):
    points = {
        name: {"false_positives": number} for name, number in zip(("reference", "other"), false_positives, strict=True)
    }
    entry = entry_of(at_equal_rates)
    differences = {HEADLINE: {"operating_points": points}, EQUAL_RATES: entry}
    pair = PairedComparison(reference="a", other="b", differences=differences, discordant=(), document=())
    assert contradicting_recall(kind, pair, 0.02) == (entry if contradicts else None)
    without = PairedComparison(reference="a", other="b", differences={EQUAL_RATES: entry}, discordant=(), document=())
    assert contradicting_recall(kind, without, 0.02) is None
