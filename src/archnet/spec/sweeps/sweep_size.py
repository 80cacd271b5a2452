"""Limits on a sweep: the numbers of listed values, of trials, and of values that are checked."""

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
"""Maximum number of layers that the check of a search space parses: those of the architectures times checked values."""


def size_problem(options: Mapping[str, Any]) -> Problem | None:
    """Report more values or layers than a sweep document can have."""
    choices = {key: value for key, value in options.get("space", {}).items() if isinstance(value, list)}
    inline = [entry for entry in choices.get(ARCH, []) if isinstance(entry, dict | list)]
    layers = [layer for entry in inline if is_arch(entry) for layer in _layers_of(entry)]
    if problem := written_layers_problem(layers, ("space", ARCH)):
        return problem
    num_values = sum(map(len, choices.values()))
    if num_values > MAX_CHOICES:
        message = f"the arrays hold {num_values:,} values; at most {MAX_CHOICES:,} are allowed. Use ranges of numbers."
        return Problem(("space",), message)
    return None


def _layers_of(arch: Any) -> list[Any]:
    layers = arch_object(arch)["layers"]
    return layers if isinstance(layers, list) else []


def arch_object(arch: Any) -> dict[str, Any]:
    """Convert an architecture, which may be a bare array of layers, to an object."""
    return {"layers": arch} if isinstance(arch, list) else dict(arch)


def trials_problems(sweep: Sweep) -> Iterator[Problem]:
    """Report a grid with more combinations than the maximum number of trials."""
    if sweep.num_trials > MAX_TRIALS:
        yield Problem(
            ("space",),
            f"the grid has {count_text(sweep.num_trials)} combinations, more than {MAX_TRIALS:,} trials. Vary fewer "
            'values, give "trials", or set search to "random" or "tpe".',
        )


def max_probes(sweep: Sweep) -> int:
    """Maximum number of values to check per hyperparameter; it depends on the network, which each check parses."""
    archs = [arch.value for arch in sweep.archs.values()] or [sweep.base.value[ARCH]]
    num_layers = sum(num_written_layers(arch_object(arch)["layers"]) for arch in archs)
    return max(MAX_CHECKED_LAYERS // (num_layers * len(sweep.space)), 1)
