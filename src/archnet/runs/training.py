"""Build and train the networks of a run on prepared data, one after the other."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archnet.evaluation.run_folder import CHECKPOINT
from archnet.files.progress import stage_log
from archnet.runs.artifacts import write_environment
from archnet.runs.log import MemberCallback, announce_member
from archnet.runs.planning.micro_batch import choose_micro_batch, log_micro_batch, restore_micro_batch
from archnet.runs.planning.starting_weights import write_starting_weights
from archnet.runs.preparation import PreparedData
from archnet.spec.arch import PlannedLayer
from archnet.spec.experiment import SETS, Experiment, Precision, Training
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """One network of a run, with the part of its training that a checkpoint holds.

    Attributes:
        number: Its number, from 1.
        training: The options of its training, with its seed.
        checkpoint: The folder of its checkpoint.
        record: Record of the checkpoint; empty if there is none.
        history: The epochs in the checkpoint, as rows of the run's history.csv.
    """

    number: int
    training: Training
    checkpoint: Path
    record: Mapping[str, Any]
    history: list[dict[str, float]]


def read_members(run: PlannedRun) -> list[Member]:
    """Read the checkpoints of all members; a run with a single network has its checkpoint directly in the folder.

    Raises:
        RunError: A checkpoint is damaged.
    """
    from archnet.network.training.checkpoint import read_saved_training

    trainings, folder = run.experiment.training.member_trainings(), run.folder / CHECKPOINT
    members: list[Member] = []
    for number, training in enumerate(trainings, start=1):
        checkpoint = folder if len(trainings) == 1 else folder / f"member{number}"
        saved = read_saved_training(checkpoint)
        history = [_member_row(number, len(trainings), row) for row in saved.history]
        members.append(
            Member(number=number, training=training, checkpoint=checkpoint, record=saved.record, history=history)
        )
    return members


def _member_row(number: int, num_members: int, row: Mapping[str, float]) -> dict[str, float]:
    """A row of history.csv, which names the member if there are several."""
    return {"member": number, **row} if num_members > 1 else dict(row)


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


def train_networks(
    run: PlannedRun, micro: MicroBatch, members: Sequence[Member], callback: Callback
) -> tuple[list[keras.Model], list[dict[str, float]]]:
    """Build and train the networks one after the other, after writing environment.json and init.json.

    Members whose checkpoint is finished are not trained again.

    Args:
        run: The run.
        micro: The micro-batches.
        members: Result of `read_members`.
        callback: Called after every step and epoch.

    Returns:
        The trained networks (images scaled to [0, 1] in, logits out), and the rows of history.csv.

    Raises:
        RunError: A training fails, or its checkpoint cannot be used.
    """
    networks: list[keras.Model] = []
    history: list[dict[str, float]] = []
    precision: Precision | None = None
    for member in members:
        network, rows, precision = _train_member(run, micro, member, len(members), precision, callback)
        networks.append(network)
        history += (_member_row(member.number, len(members), row) for row in rows)
        gc.collect()  # frees the twin and the optimizer of the member, which refer to each other
    return networks, history


def _train_member(
    run: PlannedRun,
    micro: MicroBatch,
    member: Member,
    num_members: int,
    precision: Precision | None,
    callback: Callback,
) -> tuple[keras.Model, list[dict[str, float]], Precision]:
    """Train one network, in the given precision if there is one; return it, its history and its precision."""
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
        precision=member.record["training"]["precision"] if member.record else precision,
        is_resumed=bool(member.record),
        checkpoint=member.checkpoint,
        keeps_weights_only=num_members > 1,
        ids=cases.ids[run.prepared.sets == "train"],
        memory=estimate_memory(run.plan, experiment.training),
    )
    name = run.folder.name
    if num_members > 1:
        callback = MemberCallback(callback, member.number)
        name += f", member {member.number} of {num_members} (seed {member.training.seed})"
    stage_log.info("%s: building the network and compiling its graph", name)
    setup = build_training(experiment.arch, run.plan, len(cases.classes), data, member.training, execution)
    if member.number == 1:
        write_environment(run.folder, _execution_document(setup))
    if not member.record:
        write_starting_weights(run.folder, setup, experiment, is_first=member.number == 1)
    announce_member(callback, member.number)
    return setup.network, train(setup, callback), setup.training.precision


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
