"""Holm's correction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archnet.evaluation.uncertainty.holm import holm


def test_the_adjusted_p_values_are_those_of_an_example_computed_by_hand():
    # sorted 0.005, 0.011, 0.02, 0.04, 0.13 times 5, 4, 3, 2, 1
    assert holm([0.02, 0.04, 0.005, 0.13, 0.011]) == pytest.approx([0.06, 0.08, 0.025, 0.13, 0.044])


def test_a_smaller_p_never_has_a_larger_adjusted_one_and_none_exceeds_one():
    assert holm([0.02, 0.021, 0.9, 0.6]) == pytest.approx([0.08, 0.08, 1.0, 1.0])


def test_undefined_tests_do_not_count():
    assert holm([None, 0.02, None, 0.03]) == [None, 0.04, None, 0.04]
    assert holm([]) == []


def rejections(p_values, level):
    """Holm's procedure as its paper states it: step down until a p value is too large."""
    rejected, order = set(), sorted(range(len(p_values)), key=lambda k: p_values[k])
    for rank, k in enumerate(order):
        if p_values[k] > level / (len(p_values) - rank):
            break
        rejected.add(k)
    return rejected


@given(st.lists(st.floats(0.0001, 1), min_size=1, max_size=8), st.sampled_from([0.01, 0.05, 0.2]))
def test_an_adjusted_p_value_is_below_a_level_where_the_stepwise_procedure_rejects(p_values, level):
    adjusted = holm(p_values)
    if not any(abs(p - level) < 1e-9 for p in adjusted):
        assert {k for k, p in enumerate(adjusted) if p <= level} == rejections(p_values, level)
