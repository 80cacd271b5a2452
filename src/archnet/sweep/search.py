"""Which values a trial tries: a pure function of the sweep, the trial's number and what earlier trials told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any, Final

import numpy as np

from archnet.errors import RunError
from archnet.spec.sweeps.search_space import Axis, Choice, values_in_order
from archnet.spec.sweeps.sweep import Sweep

STARTUP_TRIALS: Final = 10
"""Of a TPE search: the first ones, which are drawn at random."""

MOST_DRAWS: Final = 100
"""Of values for one trial, until they are none that were tried before; TPE, which clings, makes half of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of a trial.

    Attributes:
        values: By axis.
        value: The metric's; null where there is none (refused, failed).
    """

    values: Mapping[str, Any]
    value: float | None


def proposed(
    sweep: Sweep, number: int, told: Sequence[Told], known: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The values of a trial, by axis.

    Args:
        sweep: Its space, search and seed.
        number: Of the trial, from 0.
        told: Of the trials that it is drawn from, if it is.
        known: Values of earlier trials, which are not drawn again as long as others are found.
    """
    if sweep.search == "grid":
        return _of_grid(sweep.space, number)
    draws = (_draw(sweep, number, attempt, told) for attempt in range(MOST_DRAWS))
    first = next(draws)
    return first if first not in known else next((values for values in draws if values not in known), first)


def _draw(sweep: Sweep, number: int, attempt: int, told: Sequence[Told]) -> dict[str, Any]:
    seeds = [sweep.seed, number, attempt]
    if is_drawn_from_others(sweep, number) and attempt < MOST_DRAWS / 2:
        return _of_tpe(sweep, seeds, told)
    generator = np.random.default_rng(seeds)
    return {key: _drawn(axis, generator.random()) for key, axis in sweep.space.items()}


def is_drawn_from_others(sweep: Sweep, number: int) -> bool:
    """Whether what earlier trials told decides what a trial tries."""
    return sweep.search == "tpe" and number >= STARTUP_TRIALS


def _of_grid(space: Mapping[str, Axis], number: int) -> dict[str, Any]:
    """As `itertools.product` would give it, the last axis fastest; the grid is never listed, as it may be huge."""
    chosen: dict[str, Any] = {}
    for key in reversed(list(space)):
        values = values_in_order(space[key]) or ()
        number, place = divmod(number, len(values))
        chosen[key] = values[place]
    return {key: chosen[key] for key in space}


def _drawn(axis: Axis, share: float) -> Any:
    """The value of an axis that lies a share (0 to 1) of the way along it."""
    values = values_in_order(axis)
    if values is not None:
        return values[int(share * len(values))]
    if isinstance(axis, Choice):
        raise TypeError("unreachable")
    low, high = axis.low, axis.high
    if axis.type == "log_uniform":
        return min(max(exp(log(low) + share * (log(high) - log(low))), low), high)
    return low + share * (high - low)


def _of_tpe(sweep: Sweep, seeds: Sequence[int], told: Sequence[Told]) -> dict[str, Any]:
    """A draw of Optuna's tree-structured Parzen estimator (Bergstra et al. 2011).

    The study is built anew each time, in the trials' order, so that nothing but `told` and the seed counts. A trial
    without a value counts as the worst that has one, so that the search turns away from what cannot be built.
    """
    optuna, is_loss = _optuna(), sweep.metric == "loss"
    spaces = {key: _distribution(optuna, axis) for key, axis in sweep.space.items()}
    seed = int(np.random.SeedSequence(seeds).generate_state(1)[0])
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=0)
    study = optuna.create_study(direction="minimize" if is_loss else "maximize", sampler=sampler)
    worst = (max if is_loss else min)((trial.value for trial in told if trial.value is not None), default=0.0)
    for trial in told:
        params = {key: _as_param(axis, trial.values[key]) for key, axis in sweep.space.items()}
        value = worst if trial.value is None else trial.value
        study.add_trial(optuna.trial.create_trial(params=params, distributions=spaces, value=value))
    params = study.ask(spaces).params
    return {key: _from_param(axis, params[key]) for key, axis in sweep.space.items()}


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise RunError('search "tpe" needs Optuna. Install it with: pip install "archnet[sweep]"') from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _distribution(optuna: Any, axis: Axis) -> Any:
    """The axis as Optuna knows it; a choice by its places, since values may be arrays."""
    kinds = optuna.distributions
    if isinstance(axis, Choice):
        return kinds.CategoricalDistribution(tuple(range(len(axis.values))))
    if axis.type == "integer":
        values = range(int(axis.low), int(axis.high) + 1, axis.step)
        return kinds.IntDistribution(values[0], values[-1], step=axis.step)
    return kinds.FloatDistribution(axis.low, axis.high, log=axis.type == "log_uniform")


def _as_param(axis: Axis, value: Any) -> Any:
    return axis.values.index(value) if isinstance(axis, Choice) else value


def _from_param(axis: Axis, param: Any) -> Any:
    return axis.values[param] if isinstance(axis, Choice) else param
