"""Search: the values of a trial, a pure function of the sweep, the trial's number and earlier observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any, Final

import numpy as np

from archnet.errors import RunError
from archnet.spec.metrics import is_lower_better
from archnet.spec.sweeps.search_space import Choice, Hyperparameter, grid_values
from archnet.spec.sweeps.sweep import Sweep

STARTUP_TRIALS: Final = 10
"""Number of trials at the start of a TPE search that are drawn at random."""

MAX_SAMPLES: Final = 100
"""Samples drawn for one trial until one is new. TPE, which tends to repeat itself, draws the first half of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The values of a trial and the metric that it reached.

    Attributes:
        values: The value of each hyperparameter.
        value: The metric; None if the trial has none, because it was refused or failed.
    """

    values: Mapping[str, Any]
    value: float | None


def propose_values(
    sweep: Sweep, number: int, observations: Sequence[Observation], earlier_values: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Propose a value of each hyperparameter for a trial.

    Args:
        sweep: Its space, search and seed decide.
        number: The number of the trial, counted from 0.
        observations: The trials that TPE learns from; see `uses_observations`.
        earlier_values: The values of earlier trials, which are not proposed again as long as others are found.
    """
    if sweep.search == "grid":
        return _grid_point(sweep.space, number)
    samples = (_sample_values(sweep, number, attempt, observations) for attempt in range(MAX_SAMPLES))
    first = next(samples)
    if first not in earlier_values:
        return first
    return next((values for values in samples if values not in earlier_values), first)


def _sample_values(sweep: Sweep, number: int, attempt: int, observations: Sequence[Observation]) -> dict[str, Any]:
    seeds = [sweep.seed, number, attempt]
    if uses_observations(sweep, number) and attempt < MAX_SAMPLES / 2:
        return _sample_tpe(sweep, seeds, observations)
    generator = np.random.default_rng(seeds)
    return {key: _value_at(hyperparameter, generator.random()) for key, hyperparameter in sweep.space.items()}


def uses_observations(sweep: Sweep, number: int) -> bool:
    """Whether the values of a trial depend on the observations of earlier trials."""
    return sweep.search == "tpe" and number >= STARTUP_TRIALS


def _grid_point(space: Mapping[str, Hyperparameter], number: int) -> dict[str, Any]:
    """A point of the grid, in the order of `itertools.product`; the grid is never listed, because it may be huge."""
    point: dict[str, Any] = {}
    for key in reversed(list(space)):
        values = grid_values(space[key]) or ()
        number, index = divmod(number, len(values))
        point[key] = values[index]
    return {key: point[key] for key in space}


def _value_at(hyperparameter: Hyperparameter, fraction: float) -> Any:
    """The value of a hyperparameter at a fraction (0 to 1) of its range."""
    values = grid_values(hyperparameter)
    if values is not None:
        return values[int(fraction * len(values))]
    if isinstance(hyperparameter, Choice):
        raise TypeError("unreachable")
    low, high = hyperparameter.low, hyperparameter.high
    if hyperparameter.type == "log_uniform":
        return min(max(exp(log(low) + fraction * (log(high) - log(low))), low), high)
    return low + fraction * (high - low)


def _sample_tpe(sweep: Sweep, seeds: Sequence[int], observations: Sequence[Observation]) -> dict[str, Any]:
    """Sample values with Optuna's tree-structured Parzen estimator (Bergstra et al. 2011).

    Builds the study anew each time, in the order of the trials, so that the result depends on `observations` and the
    seed alone. A trial without a value counts as the worst one that has a value, so that the search avoids
    architectures that cannot be built.
    """
    optuna, is_lower = _import_optuna(), is_lower_better(sweep.metric)
    spaces = {key: _distribution(optuna, hyperparameter) for key, hyperparameter in sweep.space.items()}
    seed = int(np.random.SeedSequence(seeds).generate_state(1)[0])
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=0)
    study = optuna.create_study(direction="minimize" if is_lower else "maximize", sampler=sampler)
    worst = (max if is_lower else min)((trial.value for trial in observations if trial.value is not None), default=0.0)
    for trial in observations:
        params = {key: _encode_param(hyperparameter, trial.values[key]) for key, hyperparameter in sweep.space.items()}
        value = worst if trial.value is None else trial.value
        study.add_trial(optuna.trial.create_trial(params=params, distributions=spaces, value=value))
    params = study.ask(spaces).params
    return {key: _decode_param(hyperparameter, params[key]) for key, hyperparameter in sweep.space.items()}


def _import_optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise RunError('search "tpe" needs Optuna. Install it with: pip install "archnet[sweep]"') from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _distribution(optuna: Any, hyperparameter: Hyperparameter) -> Any:
    """The distribution of a hyperparameter for Optuna; a choice by its indices, because its values may be arrays."""
    kinds = optuna.distributions
    if isinstance(hyperparameter, Choice):
        return kinds.CategoricalDistribution(tuple(range(len(hyperparameter.values))))
    if hyperparameter.type == "integer":
        values = range(int(hyperparameter.low), int(hyperparameter.high) + 1, hyperparameter.step)
        return kinds.IntDistribution(values[0], values[-1], step=hyperparameter.step)
    return kinds.FloatDistribution(hyperparameter.low, hyperparameter.high, log=hyperparameter.type == "log_uniform")


def _encode_param(hyperparameter: Hyperparameter, value: Any) -> Any:
    return hyperparameter.values.index(value) if isinstance(hyperparameter, Choice) else value


def _decode_param(hyperparameter: Hyperparameter, param: Any) -> Any:
    return hyperparameter.values[param] if isinstance(hyperparameter, Choice) else param
