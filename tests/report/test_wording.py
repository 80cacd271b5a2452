from types import SimpleNamespace

import pytest

from archnet.evaluation.run_costs import RUN_COSTS
from archnet.report.comparison_wording import cost_ratio
from archnet.report.wording import cost_text, count, duration, memory, short_count


@pytest.mark.parametrize("say", [count, short_count, memory, duration])
def test_a_dash_stands_for_an_unknown_cost(say):
    assert say(None) == "–"


@pytest.mark.parametrize("cost", RUN_COSTS.values(), ids=lambda cost: cost.name)
def test_every_cost_of_a_run_has_a_text_and_may_be_unknown(cost):
    assert cost_text(cost, None) == cost_text(cost, None, is_exact=True) == "–"
    assert cost_text(cost, 1_234_567.0) not in ("", "1234567.0")


@pytest.mark.parametrize(("first", "second", "ratio"), [
    (10, 25, 2.5), (10, 0, 0), (0, 25, None), (None, 25, None), (10, None, None),
])  # fmt: skip
def test_a_ratio_of_costs_needs_both_costs(first, second, ratio):
    reference, other = (SimpleNamespace(costs={"macs": cost}) for cost in (first, second))
    assert cost_ratio(reference, other, "macs") == ratio


def test_multiply_adds_are_short_in_comparisons_and_exact_in_a_runs_own_report():
    assert cost_text(RUN_COSTS["macs"], 41_200_000) == "41.2 M"
    assert cost_text(RUN_COSTS["macs"], 41_200_000, is_exact=True) == "41,200,000"
