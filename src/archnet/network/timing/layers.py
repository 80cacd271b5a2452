"""Speed and accuracy of single layers, computed as in training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.network.backend import backend_module
from archnet.network.build.builder import Builder
from archnet.network.build.network import RULES
from archnet.network.training.dropout import CaseKeys
from archnet.network.training.training_twin import build_training_twin
from archnet.spec.experiment import Precision
from archnet.spec.layers import Layer, Shape

Tensor = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTime:
    """Time of layers on one batch.

    Attributes:
        step_seconds: Time of the forward and backward pass, with gradients of input and weights.
        inference_seconds: Time of the forward pass.
    """

    step_seconds: float
    inference_seconds: float


class TimedLayers:
    """Layers whose training step can be timed.

    Attributes:
        twin: The training version of the layers.
        images: The batch, a variable so that a step also computes its gradient.
    """

    def __init__(self, layers: Sequence[Layer], shape: Shape, num_cases: int, precision: Precision = "float32") -> None:
        """Build the layers.

        Args:
            layers: A sequence of layers.
            shape: Shape of a case, channels last.
            num_cases: Batch size.
            precision: The compute dtype.
        """
        network = build_layers(layers, shape)
        self.twin = build_training_twin(network, CaseKeys(), precision)
        self.images = keras.Variable(_draw((num_cases, *shape), seed=0))
        self._step = _compile_step(self.twin, self.images)
        self._forward = backend_module().compile_graph(
            lambda: ops.sum(self.twin(self.images.value, training=False)), [self.images, *self.twin.variables]
        )

    def measure(self) -> LayerTime:
        """Measure a training step and a forward pass."""
        return LayerTime(
            step_seconds=_measure_seconds(lambda: self._step()[1][-1]),
            inference_seconds=_measure_seconds(self._forward),
        )


def build_layers(layers: Sequence[Layer], shape: Shape) -> keras.Model:
    """A network of these layers without an output layer: (N, *shape) -> output of the last layer."""
    builder = Builder(rules=RULES)
    inputs = keras.Input(shape)
    # The last layer of a network always computes in float32.
    outputs = keras.layers.Activation("linear")(builder.chain(layers, inputs))
    network = keras.Model(inputs, outputs)
    network.penalized_names, network.layer_names = tuple(builder.penalized_names), ()
    return network


def largest_layer_error(layers: Sequence[Layer], shape: Shape, num_cases: int = 2) -> float:
    """Largest difference between layers in training and Keras's layers, relative to the largest value.

    The comparison covers outputs and the gradients of input and kernels.

    Args:
        layers: A sequence of layers.
        shape: Shape of a case, channels last; small, because Keras computes some layers slowly.
        num_cases: Cases of the batch.
    """
    network = build_layers(layers, shape)
    reference = keras.models.clone_model(network)
    reference.set_weights(network.get_weights())
    pairs = zip(
        _values(build_training_twin(network, CaseKeys()), num_cases), _values(reference, num_cases), strict=True
    )
    return max(float(np.abs(array - other).max() / np.abs(other).max()) for array, other in pairs)


def precision_error(layers: Sequence[Layer], shape: Shape, precision: Precision, num_cases: int = 2) -> float:
    """Largest error of outputs and gradients of input and kernels in a precision, compared with float32.

    Args:
        layers: A sequence of layers.
        shape: Shape of a case, channels last.
        precision: The compute dtype.
        num_cases: Batch size.

    Returns:
        The largest relative error of a tensor in the Euclidean norm.
    """
    network = build_layers(layers, shape)
    twins = [build_training_twin(network, CaseKeys(), name) for name in (precision, "float32")]
    pairs = zip(*(_values(twin, num_cases) for twin in twins), strict=True)
    return max(float(np.linalg.norm(array - other) / np.linalg.norm(other)) for array, other in pairs)


def _values(model: keras.Model, num_cases: int) -> list[NDArray[np.float32]]:
    """Outputs and gradients on random images, except gradients of biases: sums whose terms cancel here."""
    step = _compile_step(model, keras.Variable(_draw((num_cases, *model.input_shape[1:]), seed=0)))
    outputs, gradients = step()
    tensors = [outputs, *(gradient for gradient in gradients if len(gradient.shape) > 1)]
    return [np.asarray(ops.convert_to_numpy(tensor)) for tensor in tensors]


def _draw(shape: Shape, seed: int) -> NDArray[np.float32]:
    """Draw random numbers that are exact in bfloat16."""
    numbers = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return (numbers.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def _compile_step(model: keras.Model, images: keras.Variable) -> Callable[[], tuple[Tensor, list[Tensor]]]:
    """Compile a step: outputs, and the gradients of their random weighted sum for images and weights."""
    factors = keras.Variable(_draw((images.shape[0], *model.output_shape[1:]), seed=1), trainable=False)

    def step() -> tuple[Tensor, list[Tensor]]:
        slopes = factors.value

        def product() -> tuple[Tensor, Tensor]:
            outputs = model(images.value, training=True)
            return ops.sum(outputs * slopes), outputs

        weights = [images, *model.trainable_variables]
        gradients: tuple[Tensor, list[Tensor]] = backend_module().value_and_gradients(
            product, weights, model.non_trainable_variables
        )
        return gradients

    compiled: Callable[[], tuple[Tensor, list[Tensor]]] = backend_module().compile_graph(
        step, [images, factors, *model.variables]
    )
    return compiled


def _measure_seconds(function: Callable[[], Tensor]) -> float:
    start = time.perf_counter()
    ops.convert_to_numpy(function())
    return time.perf_counter() - start
