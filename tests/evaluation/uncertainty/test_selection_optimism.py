import numpy as np
import pytest

from archnet.evaluation.uncertainty.selection_optimism import group_halves, selection_optimism


def test_halves_share_no_group_and_leave_one_of_an_odd_number_out():
    sides = group_halves(7, 50, seed=0)
    assert sides.shape == (50, 7)
    assert {tuple(np.bincount(row, minlength=3)) for row in sides} == {(3, 3, 1)}
    assert len(np.unique(sides, axis=0)) > 30
    assert np.array_equal(sides, group_halves(7, 50, seed=0))


@pytest.mark.parametrize("num_candidates", [2, 6, 30])
@pytest.mark.parametrize("spread", [0.0, 1.0, 4.0])
def test_the_optimism_is_what_the_best_of_noisy_values_has_on_average(num_candidates, spread):
    """Candidates whose true values are known; a mean over groups is their noisy value, as of a metric."""
    rng, actual, expected = np.random.default_rng(0), [], []
    for k in range(400):
        true_values = rng.normal(size=num_candidates) * spread
        noise = rng.normal(size=(40, num_candidates)) * 40**0.5 + rng.normal() * 3  # the last part is common to all
        values = true_values + noise.mean(axis=0)
        sides = group_halves(40, 60, seed=k)
        halves = [true_values + (sides == side) @ noise / 20 for side in (0, 1)]
        expected.append(selection_optimism(values, *halves))
        centred = values - noise.mean()
        actual.append(centred.max() - true_values[np.argmax(values)])
    slack = 3 * np.std(np.subtract(expected, actual)) / 20
    assert np.mean(actual) - slack < np.mean(expected) < 1.12 * np.mean(actual) + slack


def test_the_optimism_is_the_scaled_gain_of_the_candidates_that_perturbations_of_half_the_noise_choose():
    values, second = np.array([0.5, 0.5]), np.zeros((2, 2))
    first = np.array([[0.2, 0.0], [0.0, 0.4]])
    gains = [0.1, 0.2, 0.0, 0.0]  # of two halves in either order, half the difference each
    assert selection_optimism(values, first, second) == pytest.approx(np.mean(gains) * np.sqrt(1 + 0.5**2) / 0.5)
    assert selection_optimism(values, first[:1], second[:1]) is None


def test_a_candidate_far_ahead_has_no_optimism():
    noise = np.random.default_rng(0).normal(size=(500, 3)) * 0.01
    values = np.array([0.9, 0.5, 0.4])
    assert selection_optimism(values, values + noise, values - noise) == pytest.approx(0, abs=1e-12)


def test_one_candidate_or_halves_without_a_value_have_none():
    values = np.array([0.8, 0.7])
    undefined = np.full((5, 2), np.nan)
    assert selection_optimism(values, undefined, undefined) is None
    assert selection_optimism(values[:1], np.ones((5, 1)), np.ones((5, 1))) is None
