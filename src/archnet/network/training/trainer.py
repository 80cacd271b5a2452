"""A network in training: the step, with gradient accumulation over micro-batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.network.backend import backend_module, devices
from archnet.network.training.losses import penalized_weights
from archnet.network.training.objective import Objective, StepOutputs
from archnet.network.training.optimization.update import L2Penalty, WeightUpdate
from archnet.spec.experiment import Freeze, Training
from archnet.spec.view import InputLimits

Tensor = Any
Step = TypeVar("Step")
MicroBatchArrays = dict[str, NDArray[Any]]


class GradientAccumulator:
    """Accumulates the gradients of micro-batches, and then updates the weights once.

    Attributes:
        sums: Gradient sums of the weights that are not frozen, in their order.
    """

    def __init__(
        self, gradients: Callable[[dict[str, Tensor]], Any], update: WeightUpdate, state: Sequence[keras.Variable]
    ) -> None:
        self.gradients = gradients
        self.update = update
        self.sums = [keras.Variable(ops.zeros(weight.shape), trainable=False) for weight in update.active_weights]
        compile_graph = backend_module().compile_graph
        self.add = compile_graph(self._add, [*state, *self.sums])
        self.apply = compile_graph(self._apply, [*state, *self.sums])

    def _add(self, batch: dict[str, Tensor]) -> StepOutputs:
        outputs, gradients = self.gradients(batch)
        for total, gradient in zip(self.sums, gradients, strict=True):
            total.assign_add(gradient)
        return outputs

    def _apply(self) -> Tensor:
        penalty = self.update.apply([total.value for total in self.sums])
        for total in self.sums:
            total.assign(ops.zeros_like(total.value))
        return penalty


class Trainer:
    """Trains a twin of a network, step by step.

    Attributes:
        training: The options, with resolved `precision`.
        objective: The loss and its gradient.
        update: The change of the weights.
        state: All variables that change in a step, as stored in a checkpoint.
        num_devices: Devices among which the cases of a step are divided.
        frozen: The twin's layers that are currently frozen.
    """

    def __init__(self, network: keras.Model, limits: InputLimits, training: Training, steps_per_epoch: int) -> None:
        self.training = training
        self.objective = Objective(network, limits, training)
        penalized = penalized_weights(self.twin)
        penalty = L2Penalty(self.twin.trainable_variables, penalized, training.l2) if training.l2 else None
        self.update = WeightUpdate(self.twin, training, steps_per_epoch, penalty, self.objective.loss_scale)
        self.state = [*self.twin.weights, *self.update.variables]
        self.num_devices = len(devices())
        self.frozen = frozen_layers(self.twin, training.freeze)
        self._set_trainable(False)

    def begin_epoch(self, epoch: int) -> None:
        """Unfreeze the frozen layers if their epochs are over.

        Args:
            epoch: Index of the epoch, from 0.
        """
        freeze = self.training.freeze
        if self.frozen and freeze and freeze.epochs is not None and epoch >= freeze.epochs:
            self._set_trainable(True)
            self.frozen = []

    def _set_trainable(self, trainable: bool) -> None:
        """Freeze or unfreeze layers, and compile the step, which computes gradients of the other layers only."""
        for layer in self.frozen:
            layer.trainable = trainable
        constant = {id(weight) for layer in self.frozen for weight in layer.weights if not trainable}
        changing = [weight for weight in self.twin.non_trainable_variables if id(weight) not in constant]
        self._gradients = backend_module().replicate(self.objective.gradients, self.twin.weights, changing)
        self._compiled_train = backend_module().compile_graph(self._train, self.state)
        self._accumulator: GradientAccumulator | None = None

    @property
    def twin(self) -> keras.Model:
        """The network in training."""
        return self.objective.twin

    def train_step(self, micro_batches: Sequence[MicroBatchArrays]) -> list[StepOutputs]:
        """Update the weights with one batch.

        Args:
            micro_batches: The batch in one or more parts, each with `images` (raw values), `labels`, `keys`,
                `uniforms`, `weights` that are the shares of the cases in the loss of the batch, `soft` if the cases
                have soft labels, and with mixup the `partners` (raw values) and their `shares`. Gradients are
                accumulated over the parts before the update, so the step equals that of the whole batch.

        Returns:
            Outputs whose sums are the loss and the confusion counts of the batch.
        """
        micro_batches = [_pad(micro_batch, self.num_devices) for micro_batch in micro_batches]
        if len(micro_batches) == 1:
            return [self._compiled_train(micro_batches[0])]
        if self._accumulator is None:
            self._accumulator = GradientAccumulator(self._gradients, self.update, self.state)
        outputs = [self._accumulator.add(micro_batch) for micro_batch in micro_batches]
        num_classes = self.objective.num_classes
        return [*outputs, (self._accumulator.apply(), np.zeros((num_classes, num_classes), np.float32))]

    def _train(self, batch: dict[str, Tensor]) -> StepOutputs:
        (loss, counts), gradients = self._gradients(batch)
        return loss + self.update.apply(gradients), counts

    def current_weights(self) -> list[NDArray[Any]]:
        """The current weights, see `WeightUpdate.current_weights`."""
        return self.update.current_weights()

    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return float(ops.convert_to_numpy(self.update.optimizer.learning_rate))


def frozen_layers(network: keras.Model, freeze: Freeze | None) -> list[keras.layers.Layer]:
    """The Keras layers that are frozen in training.

    Args:
        network: Result of `build` or `build_training_twin`.
        freeze: The layers to freeze; None means none.
    """
    if freeze is None:
        return []
    names = network.layer_names
    frozen = {name for index in freeze.indices(len(names)) for name in names[index]}
    return [layer for layer in network.layers if layer.name in frozen]


def _pad(micro_batch: MicroBatchArrays, num_devices: int) -> MicroBatchArrays:
    """Repeat cases with weight 0 if there are fewer cases than devices."""
    count = len(micro_batch["labels"])
    if count >= num_devices:
        return micro_batch
    padded = {name: array[np.arange(num_devices) % count] for name, array in micro_batch.items()}
    padded["weights"][count:] = 0
    return padded


def read_outputs(outputs: Sequence[StepOutputs]) -> tuple[float, NDArray[np.float64]]:
    """Read the loss and the confusion counts of a batch from the device."""
    losses, counts = zip(*outputs, strict=True)
    return (
        float(sum(float(ops.convert_to_numpy(loss)) for loss in losses)),
        np.sum([ops.convert_to_numpy(count) for count in counts], axis=0, dtype=np.float64),
    )


def delay_reading(steps: Iterable[Step], is_due: Callable[[], bool] = lambda: False) -> Iterator[tuple[Step, bool]]:
    """Yield each step after the next one has started, so that an accelerator does not wait while outputs are read.

    Args:
        steps: The steps; requesting a step starts it.
        is_due: Called after each start; if true, the step is yielded immediately, before another one starts.

    Yields:
        The step, and whether it was due.
    """
    pending: list[Step] = []
    for step in steps:
        yield from ((earlier, False) for earlier in pending)
        pending = [step]
        if is_due():
            yield pending.pop(), True
    yield from ((earlier, False) for earlier in pending)
