"""A network is trained on prepared data, and what the experiment left open is written down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archnet.files.atomic import write_json
from archnet.machine import environment
from archnet.runs.folder import CHECKPOINT
from archnet.runs.preparation import PreparedData
from archnet.spec.arch import PlannedLayer
from archnet.spec.experiment import SETS, Experiment
from archnet.spec.memory import MicroBatch, estimate_memory

if TYPE_CHECKING:
    import keras

    from archnet.network.training.loop import Callback, Execution


def train_model(
    experiment: Experiment,
    plan: tuple[PlannedLayer, ...],
    prepared: PreparedData,
    micro: MicroBatch,
    folder: Path,
    callback: Callback,
) -> tuple[keras.Model, list[dict[str, float]]]:
    """The trained model (raw values in, probabilities out), and the rows of history.csv.

    Args:
        experiment: With one architecture and one split or fold.
        plan: The network's layers.
        prepared: The data.
        micro: How a batch goes through the network, unless the training goes on from a checkpoint.
        folder: The run's, with its checkpoint; its environment.json tells how the training is carried out.
        callback: Is told of every step and epoch.

    Raises:
        RunError: The training fails, or its checkpoint cannot be used.
    """
    from archnet.network.build import build, build_inference_model
    from archnet.network.training.loop import Execution, resolve_execution, train

    images, cases = prepared.network_input(experiment), prepared.cases
    network = build(
        experiment.arch,
        images.shape[1:],
        len(cases.classes),
        seed=experiment.training.seed,
        batch_norm_momentum=experiment.training.batch_norm_momentum,
    )
    execution = Execution(
        micro_batch=micro.size,
        checkpoint=folder / CHECKPOINT,
        ids=cases.ids[prepared.sets == "train"],
        memory=estimate_memory(plan, experiment.training),
    )
    training, execution = resolve_execution(network, prepared.limits, experiment.training, execution)
    write_json(
        folder / "environment.json", {**environment(), "execution": _describe_execution(execution, training.precision)}
    )
    sets = _examples(images, prepared)
    history = train(
        network,
        prepared.limits,
        sets["train"],
        sets.get("validation"),
        training,
        positive=cases.positive,
        callback=callback,
        execution=execution,
    )
    return build_inference_model(network, prepared.limits), history


def _describe_execution(execution: Execution, precision: str) -> dict[str, Any]:
    """What is needed to repeat a training beside its experiment: the machine's part in it, and "auto" decided."""
    from archnet.network.backend import execution_record

    return {**execution_record(), "precision": precision, "micro_batch": execution.micro_batch}


def _examples(images: NDArray[Any], prepared: PreparedData) -> dict[str, Any]:
    """The sets that are not empty, as the network takes them."""
    from archnet.network.training.batches import Examples

    rows = {name: np.flatnonzero(prepared.sets == name) for name in SETS}
    return {
        name: Examples(images=images, rows=prepared.rows[members], labels=prepared.cases.labels[members])
        for name, members in rows.items()
        if members.size
    }
