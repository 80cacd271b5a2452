"""Check whether a trial can run before it starts: plan its network, estimate its memory, prepare its data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from archnet.data import open_dataset
from archnet.data.dataset import Dataset
from archnet.errors import ArchnetError, DataError, RunError
from archnet.files.progress import Progress, no_progress
from archnet.runs.folders.experiment_folder import run_name
from archnet.runs.log import log_findings
from archnet.runs.planning.network_plan import check_feasible, plan_network
from archnet.runs.preparation import (
    check_selection_metrics,
    join_findings,
    make_splits,
    prepare,
    resolve_auto_from_data,
    resolve_measured_values,
    selection_metrics,
)
from archnet.spec.arch import PlannedLayer
from archnet.spec.cost import Cost, network_cost
from archnet.spec.experiment import Experiment
from archnet.spec.memory import estimate_memory, gigabytes_text, parse_bytes, plan_micro_batches
from archnet.spec.sweeps.sweep import Limits, Sweep
from archnet.sweep.results.trials import Trial, TrialRun


@dataclass(slots=True, kw_only=True)
class TrialPlanner:
    """Plans trials. Opens each data set once and stores the crops of each split once.

    Attributes:
        sweep: The sweep.
        progress: Wraps long iterations.
        datasets: The open data sets, by their options.
        stored_splits: The splits whose crops are stored.
    """

    sweep: Sweep
    progress: Progress = no_progress
    datasets: dict[str, Dataset] = field(default_factory=dict)
    stored_splits: set[str] = field(default_factory=set)

    def plan_trial(self, number: int, values: Mapping[str, Any]) -> Trial:
        """Plan a trial; refuse it with a reason if it cannot run or exceeds a limit."""
        trial = Trial(number=number, values=dict(values))
        try:
            experiments = self.sweep.experiments(values)
            trial.arch = experiments[0].arch.name
            dataset = self._open_dataset(experiments[0])
            plan = plan_network(experiments[0], dataset)
            cost = network_cost(plan, experiments[0].training.members)
            trial.parameters, trial.macs = cost.num_parameters, cost.num_macs
            experiment = resolve_auto_from_data(experiments[0], dataset)
            check_feasible(experiment, plan, dataset)
            _check_limits(experiment, plan, self.sweep.limits)
            self._store_crops(experiments, dataset)
        except ArchnetError as error:
            if isinstance(error, DataError) and not self._varies_data():
                raise
            trial.reason = str(error)
            return trial
        trial.runs = {run_name(experiment): TrialRun() for experiment in experiments}
        return trial

    def prepare_data(self) -> None:
        """Open the data and extract the crops before any trial starts, unless the sweep varies the data.

        Raises:
            DataError: The data cannot be used. This ends the whole sweep.
        """
        if not self._varies_data():
            experiments = self.sweep.experiments({})
            self._store_crops(experiments, self._open_dataset(experiments[0]))

    def measure(self, experiment: Experiment) -> Experiment:
        """Choose the options that depend on the voxels once, so that the run processes do not measure them again."""
        return (
            resolve_measured_values(experiment, self._open_dataset(experiment))
            if experiment.training.auto
            else experiment
        )

    def _varies_data(self) -> bool:
        return any(key.split(".")[0] == "data" for key in self.sweep.space)

    def _open_dataset(self, experiment: Experiment) -> Dataset:
        key = json.dumps({**asdict(experiment.data), "view": None})
        if key not in self.datasets:
            self.datasets[key] = open_dataset(experiment.data, self.progress)
        return self.datasets[key]

    def _store_crops(self, experiments: Sequence[Experiment], dataset: Dataset) -> None:
        """Check the validation sets of a trial's runs and extract their crops, unless an earlier trial has the same."""
        first = experiments[0]
        metrics = {"metric": self.sweep.metric, **selection_metrics(first.training)}
        parts = [{**asdict(first.data), "view": None}, [asdict(experiment.split) for experiment in experiments]]
        key = json.dumps([*parts, metrics, first.evaluation.keep_all_candidates])
        if key not in self.stored_splits:
            splits = make_splits(dataset.cases, experiments)
            for split in splits.values():
                check_selection_metrics(metrics, dataset.cases.select(split.rows), split.sets[split.rows])
            prepared = prepare(dataset, experiments, self.progress, splits=splits)
            log_findings(join_findings(data.findings for data in prepared), first.data)
            self.stored_splits.add(key)


def _check_limits(experiment: Experiment, plan: tuple[PlannedLayer, ...], limits: Limits) -> None:
    """Check that a network does not exceed the sweep's limits.

    Raises:
        RunError: It exceeds one.
    """
    cost = network_cost(plan, experiment.training.members)
    problems = [*_cost_problems(cost, limits), *_memory_problems(experiment, plan, limits)]
    if problems:
        raise RunError("; ".join(problems))


def _cost_problems(cost: Cost, limits: Limits) -> list[str]:
    pairs = {
        "parameters": (cost.num_parameters, limits.max_parameters, "max_parameters"),
        "multiply-adds": (cost.num_macs, limits.max_macs, "max_macs"),
    }
    return [
        f"{number:,} {what}, but limits.{key} is {most:,}"
        for what, (number, most, key) in pairs.items()
        if most is not None and number > most
    ]


def _memory_problems(experiment: Experiment, plan: tuple[PlannedLayer, ...], limits: Limits) -> list[str]:
    if limits.memory is None:
        return []
    training = experiment.training
    budget = None if training.memory is None else parse_bytes(training.memory)
    peak = plan_micro_batches(estimate_memory(plan, training), training.batch_size, budget).peak_bytes
    if peak <= parse_bytes(limits.memory):
        return []
    return [f"training is predicted to take {gigabytes_text(peak)}, but limits.memory is {limits.memory}"]
