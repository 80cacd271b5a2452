"""Estimate the duration of a versus on this machine from a few training steps of each variant."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from archnet.files.progress import Progress, no_progress
from archnet.machine import usable_cores
from archnet.spec.sweeps.sweep import Resources
from archnet.sweep.task_process import process_environment, run_task
from archnet.sweep.trial_process import timing_task
from archnet.sweep.tune import COMMAND
from archnet.versus.plan.variants import Variant
from archnet.versus.plan.versus_plan import VersusPlan

NUM_STEPS: Final = 4
"""Number of measured training steps, after a first one that builds the graph."""

END_SHARE: Final = 1
"""Duration of the end of a run (metrics, saliency maps, page) relative to its start (imports, compilation)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """The estimated time of one run of a variant.

    Attributes:
        name: The name of the variant.
        epochs: Number of epochs of all networks of a run, without early stopping.
        steps_per_epoch: Number of training steps in an epoch.
        step_seconds: Measured time of a step.
        start_seconds: Measured time until the first step: start of the process, data, graph.
        seconds: Estimated time of the run.
    """

    name: str
    epochs: int
    steps_per_epoch: int
    step_seconds: float
    start_seconds: float
    seconds: float

    def to_document(self) -> dict[str, Any]:
        """The estimate as a JSON object."""
        return asdict(self)


def measure_durations(
    plan: VersusPlan, command: Sequence[str] = COMMAND, progress: Progress = no_progress
) -> tuple[Duration, ...]:
    """Measure each variant in a process with the resources of a run.

    Args:
        plan: The plan.
        command: The command of the process; see `trial_process`.
        progress: Wraps the variants.

    Raises:
        RunError: A variant cannot be trained here.
    """
    variants = progress(plan.variants, "variants measured", len(plan.variants))
    return tuple(_measure(plan, variant, command) for variant in variants)


def _measure(plan: VersusPlan, variant: Variant, command: Sequence[str]) -> Duration:
    resources, begin = plan.options.resources, time.perf_counter()
    result = run_task(
        timing_task(plan.experiment_of(variant).to_document(), NUM_STEPS),
        command,
        f"{variant.name} cannot be trained here; leave its form out of --forms, or its rule out of --match",
        process_environment(resources.cpus, resources.gpus, {}),
    )
    start_seconds = max(time.perf_counter() - begin - NUM_STEPS * result["step_seconds"], 0.0)
    return Duration(
        name=variant.name,
        epochs=result["epochs"],
        steps_per_epoch=result["steps_per_epoch"],
        step_seconds=result["step_seconds"],
        start_seconds=start_seconds,
        seconds=result["seconds"] + (1 + END_SHARE) * start_seconds,
    )


def runs_at_once(resources: Resources) -> int:
    """Number of concurrent runs on this machine, assuming one GPU if runs use GPUs."""
    by_cpus = int(usable_cores() / resources.cpus)
    by_gpus = int(1 / resources.gpus) if resources.gpus else by_cpus
    return max(min(by_cpus, by_gpus), 1)


def total_seconds(plan: VersusPlan, durations: Sequence[Duration], num_finished: int = 0) -> float:
    """The estimated time of the remaining runs on this machine.

    Args:
        plan: The plan.
        durations: One for each variant.
        num_finished: Number of finished runs; each counts with the mean time.
    """
    work = plan.runs_per_variant * sum(duration.seconds for duration in durations)
    left = work * (1 - num_finished / plan.num_runs)
    longest = max(duration.seconds for duration in durations) if num_finished < plan.num_runs else 0.0
    return max(left / runs_at_once(plan.options.resources), longest)
