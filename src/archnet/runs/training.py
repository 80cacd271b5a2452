"""Build and train the network of a run on prepared data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archnet.evaluation.run_folder import CHECKPOINT
from archnet.files.progress import stage_log
from archnet.runs.artifacts import write_environment
from archnet.runs.planning.micro_batch import choose_micro_batch, log_micro_batch, restore_micro_batch
from archnet.runs.planning.starting_weights import write_starting_weights
from archnet.runs.preparation import PreparedData
from archnet.spec.arch import PlannedLayer
from archnet.spec.experiment import SETS, Experiment
from archnet.spec.memory import MicroBatch, estimate_memory

if TYPE_CHECKING:
    import keras

    from archnet.network.examples import Examples
    from archnet.network.training.loop import Callback
    from archnet.network.training.setup import TrainingSetup


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedRun:
    """A run that is ready to start.

    Attributes:
        experiment: The experiment, with one architecture, one split or fold, and no "auto" values.
        plan: The plan of the network's layers for these data.
        prepared: The data.
        folder: The run folder, with the checkpoint of a run to resume.
    """

    experiment: Experiment
    plan: tuple[PlannedLayer, ...]
    prepared: PreparedData
    folder: Path


def plan_micro_batch(run: PlannedRun, record: Mapping[str, Any]) -> MicroBatch:
    """Choose the micro-batches, or restore them from a checkpoint's record, and log them."""
    from archnet.network.backend import devices, is_on_gpu

    num_devices = len(devices())
    micro = choose_micro_batch(run.experiment, run.plan, on_accelerator=is_on_gpu(), num_devices=num_devices)
    if record:
        micro = restore_micro_batch(micro, record["micro_batch"], run.experiment, run.plan, num_devices)
    is_default_budget = run.experiment.training.memory is None and not record
    log_micro_batch(micro, run.plan, is_default_budget=is_default_budget, num_devices=num_devices)
    return micro


def train_network(
    run: PlannedRun, micro: MicroBatch, record: Mapping[str, Any], callback: Callback
) -> tuple[keras.Model, list[dict[str, float]]]:
    """Build and train the network, after writing environment.json and init.json.

    Args:
        run: The run.
        micro: The micro-batches.
        record: Record of the checkpoint from which the training resumes; empty if there is none.
        callback: Called after every step and epoch.

    Returns:
        The trained network (images scaled to [0, 1] in, logits out), and the rows of history.csv.

    Raises:
        RunError: The training fails, or its checkpoint cannot be used.
    """
    from archnet.network.training.loop import train
    from archnet.network.training.setup import Execution, TrainingData, build_training

    experiment, cases, sets = run.experiment, run.prepared.cases, set_examples(run.prepared, run.experiment)
    data = TrainingData(
        limits=run.prepared.limits,
        examples=sets["train"],
        validation=sets.get("validation"),
        positive=cases.positive,
        classes=cases.classes,
    )
    execution = Execution(
        micro_batch=micro.size,
        precision=record["training"]["precision"] if record else None,
        is_resumed=bool(record),
        checkpoint=run.folder / CHECKPOINT,
        ids=cases.ids[run.prepared.sets == "train"],
        memory=estimate_memory(run.plan, experiment.training),
    )
    stage_log.info("%s: building the network and compiling its graph", run.folder.name)
    setup = build_training(experiment.arch, run.plan, len(cases.classes), data, experiment.training, execution)
    write_environment(run.folder, _execution_document(setup))
    if not record:
        write_starting_weights(run.folder, setup, experiment)
    return setup.network, train(setup, callback)


def _execution_document(setup: TrainingSetup) -> dict[str, Any]:
    """The settings that repeating a training needs besides its experiment: the backend, and resolved "auto" values."""
    from archnet.network.backend import execution_record

    return {
        **execution_record(),
        "precision": setup.training.precision,
        "micro_batch": setup.execution.micro_batch,
    }


def set_examples(prepared: PreparedData, experiment: Experiment) -> dict[str, Examples]:
    """The non-empty sets as network input."""
    from archnet.network.examples import UNLABELLED, Examples

    images, sets = prepared.network_input(experiment), prepared.sets
    parts = {name: np.flatnonzero(sets == name) for name in SETS if np.any(sets == name)}
    cases = {name: prepared.cases.select(members) for name, members in parts.items()}
    return {
        name: Examples(
            images=images,
            rows=prepared.rows[parts[name]],
            labels=np.where(part.has_label, part.labels, UNLABELLED),
            soft=part.soft,
            weights=part.weight,
        )
        for name, part in cases.items()
    }
