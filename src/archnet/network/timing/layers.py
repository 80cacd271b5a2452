"""The speed and the values of single layers, computed as a training computes them."""

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
from archnet.network.training.twin import build_training_twin
from archnet.spec.experiment import Precision
from archnet.spec.layers import Layer, Shape

Tensor = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTime:
    """How long layers take on one batch.

    Attributes:
        step_seconds: Forward and backward pass, gradients for input and weights.
        inference_seconds: Forward pass.
    """

    step_seconds: float
    inference_seconds: float


class TimedLayers:
    """Layers in training that can be timed.

    Attributes:
        twin: The layers as they are trained.
        images: The batch, a variable, so that a step computes its gradient as well.
    """

    def __init__(self, layers: Sequence[Layer], shape: Shape, num_cases: int, precision: Precision = "float32") -> None:
        """Build the layers.

        Args:
            layers: One after another.
            shape: Of a case, channels last.
            num_cases: Cases of the batch.
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
        """Measure one step and one forward pass."""
        return LayerTime(
            step_seconds=_measure_seconds(lambda: self._step()[1][-1]),
            inference_seconds=_measure_seconds(self._forward),
        )


def build_layers(layers: Sequence[Layer], shape: Shape) -> keras.Model:
    """A network of some layers alone, without classes, (N, *shape) -> what the last one gives."""
    builder = Builder(rules=RULES)
    inputs = keras.Input(shape)
    # The last layer of a network always is in float32.
    outputs = keras.layers.Activation("linear")(builder.chain(layers, inputs))
    network = keras.Model(inputs, outputs)
    network.penalized_names, network.layer_names = tuple(builder.penalized_names), ()
    return network


def largest_layer_error(layers: Sequence[Layer], shape: Shape, num_cases: int = 2) -> float:
    """The largest difference between a training's layers and Keras's, relative to the largest value.

    Outputs and the gradients for input and kernels are compared.

    Args:
        layers: One after another.
        shape: Of a case, channels last; a small one, as Keras computes some layers slowly.
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
    """How far outputs and gradients for input and kernels in a precision are from those in float32, at most.

    Args:
        layers: One after another.
        shape: Of a case, channels last.
        precision: The compute dtype.
        num_cases: Cases of the batch.

    Returns:
        The relative error of one tensor, by the root of the sum of squares.
    """
    network = build_layers(layers, shape)
    twins = [build_training_twin(network, CaseKeys(), name) for name in (precision, "float32")]
    pairs = zip(*(_values(twin, num_cases) for twin in twins), strict=True)
    return max(float(np.linalg.norm(array - other) / np.linalg.norm(other)) for array, other in pairs)


def _values(model: keras.Model, num_cases: int) -> list[NDArray[np.float32]]:
    """Outputs and gradients on random images, without the gradients of biases: plain sums, whose terms cancel here."""
    step = _compile_step(model, keras.Variable(_draw((num_cases, *model.input_shape[1:]), seed=0)))
    outputs, gradients = step()
    tensors = [outputs, *(gradient for gradient in gradients if len(gradient.shape) > 1)]
    return [np.asarray(ops.convert_to_numpy(tensor)) for tensor in tensors]


def _draw(shape: Shape, seed: int) -> NDArray[np.float32]:
    """Random numbers that bfloat16 holds exactly."""
    numbers = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return (numbers.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def _compile_step(model: keras.Model, images: keras.Variable) -> Callable[[], tuple[Tensor, list[Tensor]]]:
    """A function that gives outputs, and the gradients of a random weighted sum of them for images and weights."""
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
