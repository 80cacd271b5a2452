"""Sweep: many trials of one experiment, with a search space, a search, resources and limits."""

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
"""The hyperparameter whose values are architectures."""

PLAIN_KEYS: Final = ("search", "trials", "seed", "metric", "at_once", "folds", "seeds")
"""Keys of the document whose values `Sweep` uses unchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """Stops weak trials early.

    Attributes:
        type: Asynchronous successive halving (Li et al. 2020, arXiv:1810.05934).
        grace_epochs: Number of epochs that every trial gets.
        reduction: The reduction factor: the inverse of the share of trials that continue at each rung.
    """

    type: Literal["asha"] = "asha"
    grace_epochs: int = 1
    reduction: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The resources of each run.

    Attributes:
        cpus: Number of cores, and of threads of the network.
        gpus: A fraction of a GPU, or a number of GPUs, among which each batch is divided.
    """

    cpus: float = 1
    gpus: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits beyond which a trial is rejected; null is no limit.

    Attributes:
        max_parameters: Largest number of weights of the network.
        max_macs: Largest number of multiply-adds of one case.
        memory: Largest predicted peak resident memory of training.
    """

    max_parameters: int | None = None
    max_macs: int | None = None
    memory: str | int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A sweep over a search space.

    Attributes:
        name: The name of the sweep's folder.
        base: The experiment that every trial starts from, including its architecture.
        space: The search space: a hyperparameter for each dotted key. Values of "arch" are names of architectures.
        archs: The architectures that "arch" chooses from, by name.
        search: The search algorithm that proposes values.
        trials: Number of trials; null is the whole grid.
        seed: Seed of the search.
        metric: The validation metric that ranks the trials.
        scheduler: Stops weak trials early; null stops none.
        resources: The resources of each run.
        at_once: Largest number of concurrent runs; null is as many as the resources allow.
        limits: The limits beyond which a trial is rejected.
        folds: Number of folds of a cross-validation; null is a single split.
        seeds: Number of runs of each trial with different seeds; null is one.
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
        """Number of trials."""
        if self.search != "grid":
            return self.trials or 0
        size = prod(len(grid_values(hyperparameter) or ()) for hyperparameter in self.space.values())
        return size if self.trials is None else min(self.trials, size)

    @property
    def has_search_space(self) -> bool:
        """Whether the trials differ, so that the best one is chosen."""
        return bool(self.space)

    def experiments(self, values: Mapping[str, Any]) -> list[Experiment]:
        """The experiments of a trial: one, or one for each fold and seed.

        Args:
            values: A value of each hyperparameter.

        Raises:
            DocumentError: The values do not fit together.
        """
        document = replace_arch(self.base, self.archs[values[ARCH]]) if ARCH in values else self.base
        overrides = [(parse_key(key), value) for key, value in values.items() if key != ARCH]
        return [
            experiment
            for seed in range(self.seeds or 1)
            for experiment in parse_experiments(document, [*overrides, *self._run_overrides(seed)])
        ]

    def _run_overrides(self, seed: int) -> list[tuple[JsonPath, Any]]:
        """The overrides that make the runs of a trial from the base experiment."""
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
    """Whether a JSON value is a sweep document."""
    return isinstance(value, dict) and "base" in value


def replace_arch(base: Document, arch: Document) -> Document:
    """The document of an experiment with a different architecture."""
    other_keys = {key: value for key, value in base.value.items() if key not in ("arch", "archs")}
    return replace(base, value={**other_keys, "arch": arch.value})
