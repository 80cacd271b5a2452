"""Proposals: grids in order, and draws that depend on the seed and what was told alone."""

import itertools
import re
import sys
from math import log10

import numpy as np
import pytest

from archnet.errors import RunError
from archnet.sweep import search
from archnet.sweep.search import MAX_SAMPLES, STARTUP_TRIALS, Observation, propose_values
from small_sweeps import WIDTH, small_sweep

RATE = "training.learning_rate"
RANGES = {
    RATE: {"type": "log_uniform", "low": 1e-5, "high": 1e-1},
    WIDTH: {"type": "integer", "low": 4, "high": 30, "step": 4},
    "training.l2": {"type": "uniform", "low": 0.1, "high": 0.3},
    "training.optimizer": ["adam", "sgd"],
}


def searched(sweep, number, loss):
    """What a search proposes one at a time, and the losses."""
    told = []
    for trial in range(number):
        values = propose_values(sweep, trial, told)
        told.append(Observation(values=values, value=loss(values)))
    return told


def far_from_best(values):
    return abs(log10(values[RATE]) + 2) + (values["training.optimizer"] == "adam")


def test_a_grid_goes_through_the_product_of_its_axes_in_order(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4], "training.epochs": [1, 2, 3]})
    found = [tuple(propose_values(sweep, number, []).values()) for number in range(sweep.num_trials)]
    assert found == list(itertools.product([2, 4], [1, 2, 3]))


def test_a_huge_grid_is_not_listed(tmp_path):
    axes = {"training.seed": {"type": "integer", "low": 0, "high": 10**9}, "training.epochs": [1, 2]}
    values = propose_values(small_sweep(tmp_path, space=axes, trials=5), 10**9 + 1, [])
    assert values == {"training.seed": 5 * 10**8, "training.epochs": 2}


def test_random_draws_are_spread_as_the_ranges_say(tmp_path):
    sweep = small_sweep(tmp_path, space=RANGES, search="random", trials=400)
    drawn = [propose_values(sweep, number, []) for number in range(400)]
    exponents = np.log10([values[RATE] for values in drawn])
    assert np.histogram(exponents, 4, (-5, -1))[0].min() > 70
    assert {values[WIDTH] for values in drawn} == {4, 8, 12, 16, 20, 24, 28}
    assert np.histogram([values["training.l2"] for values in drawn], 4, (0.1, 0.3))[0].sum() == 400
    assert {values["training.optimizer"] for values in drawn} == {"adam", "sgd"}


@pytest.mark.parametrize("search", ["random", "tpe"])
def test_the_same_seed_proposes_the_same_trials_and_another_one_others(search, tmp_path):
    first, again, other = (
        searched(
            small_sweep(tmp_path, space=RANGES, search=search, trials=16, seed=seed, metric="loss"), 16, far_from_best
        )
        for seed in (3, 3, 4)
    )
    assert first == again
    assert all(one.values != another.values for one, another in zip(first, other, strict=True))


@pytest.mark.slow
def test_tpe_comes_nearer_to_the_best_than_chance(tmp_path):
    def found(search, seed):
        sweep = small_sweep(tmp_path, space=RANGES, search=search, trials=40, seed=seed, metric="loss")
        return np.mean([trial.value for trial in searched(sweep, 40, far_from_best)[STARTUP_TRIALS:]])

    for seed in range(3):
        assert found("tpe", seed) < 0.6 * found("random", seed)


def test_tpe_turns_away_from_what_is_refused(tmp_path):
    space = {"training.optimizer": ["adam", "sgd", "rmsprop", "adamw"], RATE: RANGES[RATE]}
    sweep = small_sweep(tmp_path, space=space, search="tpe", trials=50, metric="loss")

    def refuses_two(values):
        return None if values["training.optimizer"] in ("sgd", "rmsprop") else abs(log10(values[RATE]) + 2)

    late = searched(sweep, 50, refuses_two)[20:]
    assert sum(trial.value is None for trial in late) < 0.4 * len(late)


@pytest.mark.parametrize("search", ["random", "tpe"])
def test_nothing_is_tried_twice_while_there_is_something_else(tmp_path, search):
    space = {WIDTH: [2, 4, 8, 16], "training.optimizer": ["adam", "sgd", "rmsprop"]}
    sweep = small_sweep(tmp_path, space=space, search=search, trials=13)
    told, known = [], []
    for number in range(13):
        known.append(propose_values(sweep, number, told, known))
        told.append(Observation(values=known[-1], value=0.5))
    assert len({tuple(values.values()) for values in known[:12]}) == 12
    assert known[12] in known[:12]


def test_tpe_learns_from_fewer_observations_than_there_were_trials(tmp_path):
    sweep = small_sweep(tmp_path, space={RATE: RANGES[RATE]}, search="tpe", trials=40, metric="loss")
    drawn = [propose_values(sweep, number, []) for number in range(4)]
    proposed = [
        propose_values(sweep, 20, [Observation(values=one, value=sign * one[RATE]) for one in drawn])
        for sign in (1, -1)
    ]
    assert proposed[0] != proposed[1]


def test_tpe_draws_a_logarithmic_range_by_its_exponents_while_no_trial_has_a_value(tmp_path):
    sweep = small_sweep(tmp_path, space={RATE: RANGES[RATE]}, search="tpe", trials=40)
    refused = [Observation(values={RATE: 1e-3}, value=None)]
    rates = [propose_values(sweep, number, refused)[RATE] for number in range(STARTUP_TRIALS, 40)]
    assert sum(rate < 1e-3 for rate in rates) > 5  # of a linear range, 1% would be below


def test_half_of_the_attempts_to_find_new_values_are_drawn_by_tpe_and_half_at_random(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(search, "_sample_tpe", lambda sweep, seeds, told: drawn.append(seeds) or {WIDTH: 2})
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4]}, search="tpe", trials=20)
    assert propose_values(sweep, STARTUP_TRIALS, [], [{WIDTH: 2}]) == {WIDTH: 4}
    assert len(drawn) == MAX_SAMPLES // 2


@pytest.mark.parametrize(
    ("high", "metric", "sign", "best"), [(28, "loss", 1, 4), (27, "loss", -1, 24), (28, "auc", 1, 28)]
)
def test_tpe_reaches_either_end_of_an_integer_range_and_not_beyond(tmp_path, high, metric, sign, best):
    space = {WIDTH: {"type": "integer", "low": 4, "high": high, "step": 4}}
    sweep = small_sweep(tmp_path, space=space, search="tpe", trials=40, metric=metric)
    tried = [trial.values[WIDTH] for trial in searched(sweep, 40, lambda values: sign * values[WIDTH])]
    assert set(tried) <= set(range(4, high + 1, 4))
    assert tried[STARTUP_TRIALS:].count(best) > 10


def test_tpe_without_optuna_names_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    sweep = small_sweep(tmp_path, space=RANGES, search="tpe", trials=12)
    told = [Observation(values=propose_values(sweep, number, []), value=0.5) for number in range(STARTUP_TRIALS)]
    text = 'search "tpe" needs Optuna. Install it with: pip install "archnet[sweep]"'
    with pytest.raises(RunError, match=f"^{re.escape(text)}$"):
        propose_values(sweep, STARTUP_TRIALS, told)


def test_tpe_learns_from_a_trial_once_the_first_ten_are_drawn(tmp_path):
    sweep = small_sweep(tmp_path, space=RANGES, search="tpe", trials=12, metric="loss")
    chance = small_sweep(tmp_path, space=RANGES, search="random", trials=12, metric="loss")
    told = searched(sweep, 12, far_from_best)
    drawn = [propose_values(chance, number, []) for number in range(12)]
    assert [trial.values == values for trial, values in zip(told, drawn, strict=True)] == [True] * 10 + [False] * 2
