"""Sweep: many trials of one experiment; which keys vary, how values are chosen, and what a trial may take."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import prod
from typing import Any, Final, Literal

from archnet.files.strict_json import Document, JsonPath
from archnet.spec.experiment import Experiment
from archnet.spec.overrides import parse_key
from archnet.spec.resolve import parse_experiments
from archnet.spec.sweeps.search_space import Hyperparameter, grid_values

ARCH: Final = "arch"
"""The axis whose values are whole architectures."""


PLAIN_KEYS: Final = ("search", "trials", "seed", "metric", "at_once", "folds", "seeds")
"""Keys of the document that are the same in `Sweep`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """Ends trials early that are among the worst.

    Attributes:
        type: Asynchronous successive halving (Li et al. 2020, arXiv:1810.05934).
        grace_epochs: Epochs that every trial gets.
        reduction: Of so many trials the best one goes on.
    """

    type: Literal["asha"] = "asha"
    grace_epochs: int = 1
    reduction: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What each run takes.

    Attributes:
        cpus: Cores, and threads of the network.
        gpus: A share of one, or several, among which each batch is divided.
    """

    cpus: float = 1
    gpus: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Beyond which a trial is refused; null is no limit.

    Attributes:
        max_parameters: Weights of the network.
        max_macs: Multiply-adds of one case.
        memory: Predicted peak resident memory of training.
    """

    max_parameters: int | None = None
    max_macs: int | None = None
    memory: str | int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What to try, and how.

    Attributes:
        name: Of the sweep's folder.
        base: The experiment that every trial starts from, architecture and all.
        space: What varies: an axis for each dotted key; values of "arch" are architectures' names.
        archs: The architectures that "arch" chooses from, by name.
        search: How trials are chosen.
        trials: How many; null is the whole grid.
        seed: Of what is drawn.
        metric: Of the validation set, by which trials are compared.
        scheduler: Ends trials early; null ends none.
        resources: What each run takes.
        at_once: Most runs at the same time; null is as many as the resources hold.
        limits: Beyond which a trial is refused.
        folds: Parts of a cross-validation; null is one split.
        seeds: Runs of each trial that differ in their seed; null is one.
    """

    name: str
    base: Document
    space: Mapping[str, Hyperparameter]
    archs: Mapping[str, Document]
    search: Literal["grid", "random", "tpe"] = "grid"
    trials: int | None = None
    seed: int = 0
    metric: str = "loss"
    scheduler: Scheduler | None = None
    resources: Resources = Resources()
    at_once: int | None = None
    limits: Limits = Limits()
    folds: int | None = None
    seeds: int | None = None

    @property
    def num_trials(self) -> int:
        """How many trials there are."""
        if self.search != "grid":
            return self.trials or 0
        size = prod(len(grid_values(hyperparameter) or ()) for hyperparameter in self.space.values())
        return size if self.trials is None else min(self.trials, size)

    @property
    def has_search_space(self) -> bool:
        """Whether trials differ, so that the best one is chosen."""
        return bool(self.space)

    def experiments(self, values: Mapping[str, Any]) -> list[Experiment]:
        """A trial's runs: one, or one for each fold and seed.

        Args:
            values: One of each axis.

        Raises:
            DocumentError: The values do not go together.
        """
        document = replace_arch(self.base, self.archs[values[ARCH]]) if ARCH in values else self.base
        overrides = [(parse_key(key), value) for key, value in values.items() if key != ARCH]
        return [
            experiment
            for seed in range(self.seeds or 1)
            for experiment in parse_experiments(document, [*overrides, *self._run_overrides(seed)])
        ]

    def _run_overrides(self, seed: int) -> list[tuple[JsonPath, Any]]:
        """What makes the runs of a trial out of the base."""
        folds = [(("split", "folds"), self.folds), (("split", "test"), None)] if self.folds else []
        return [*folds, *([(("training", "seed"), seed)] if self.seeds else [])]

    def to_document(self) -> dict[str, Any]:
        """The sweep as a JSON object that depends on no other file; `parse_sweep` reads it back."""
        space = {key: hyperparameter.to_document() for key, hyperparameter in self.space.items()}
        if ARCH in space:
            space[ARCH] = [self.archs[name].value for name in space[ARCH]]
        plain_values = {key: getattr(self, key) for key in PLAIN_KEYS}
        return copy.deepcopy(
            {
                "name": self.name,
                "base": self.base.value,
                "space": space,
                **plain_values,
                "scheduler": self.scheduler and asdict(self.scheduler),
                "resources": asdict(self.resources),
                "limits": asdict(self.limits),
            }
        )


def is_sweep(value: Any) -> bool:
    """Whether a JSON value is meant as a sweep."""
    return isinstance(value, dict) and "base" in value


def replace_arch(base: Document, arch: Document) -> Document:
    """An experiment's document with another architecture."""
    other_keys = {key: value for key, value in base.value.items() if key not in ("arch", "archs")}
    return replace(base, value={**other_keys, "arch": arch.value})
