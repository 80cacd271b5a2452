"""The size of a sweep: how many values it may list, how many trials it may have, and how many values are checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from archnet.files.strict_json import Problem
from archnet.spec.layers.layer_count import count_text, num_written_layers, written_layers_problem
from archnet.spec.resolve import is_arch
from archnet.spec.sweeps.sweep import ARCH, Sweep

MAX_CHOICES: Final = 300
"""Maximum number of values in all arrays of a search space; each is checked with the base experiment."""

MAX_TRIALS: Final = 100_000
"""As in the schema of `trials`."""

MAX_CHECKED_LAYERS: Final = 2_000
"""Layers that the check of a search space reads: those of the architectures, once for each value that is checked."""


def size_problem(options: Mapping[str, Any]) -> Problem | None:
    """More values or layers than a sweep document can hold."""
    choices = {key: value for key, value in options.get("space", {}).items() if isinstance(value, list)}
    inline = [entry for entry in choices.get(ARCH, []) if isinstance(entry, dict | list)]
    layers = [layer for entry in inline if is_arch(entry) for layer in _layers_of(entry)]
    if problem := written_layers_problem(layers, ("space", ARCH)):
        return problem
    num_values = sum(map(len, choices.values()))
    if num_values > MAX_CHOICES:
        message = f"the arrays hold {num_values:,} values; at most {MAX_CHOICES:,} are allowed. Use ranges of numbers."
        return ("space",), message
    return None


def _layers_of(arch: Any) -> list[Any]:
    layers = arch_object(arch)["layers"]
    return layers if isinstance(layers, list) else []


def arch_object(arch: Any) -> dict[str, Any]:
    """An architecture as an object, which a document may write as a bare array of layers."""
    return {"layers": arch} if isinstance(arch, list) else dict(arch)


def trials_problems(sweep: Sweep) -> Iterator[Problem]:
    """A grid of more combinations than a sweep has trials."""
    if sweep.num_trials > MAX_TRIALS:
        yield (
            ("space",),
            f"the grid has {count_text(sweep.num_trials)} combinations, more than {MAX_TRIALS:,} trials. Vary fewer "
            'values, give "trials", or set search to "random" or "tpe".',
        )


def max_probes(sweep: Sweep) -> int:
    """How many values of a hyperparameter are checked; fewer of large networks, since each check reads the network."""
    archs = [arch.value for arch in sweep.archs.values()] or [sweep.base.value[ARCH]]
    num_layers = sum(num_written_layers(arch_object(arch)["layers"]) for arch in archs)
    return max(MAX_CHECKED_LAYERS // (num_layers * len(sweep.space)), 1)
