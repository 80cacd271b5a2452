"""A check that a device computes each kind of layer in bfloat16 or float16 as it does in float32.

Some versions of cuDNN compute 3D convolutions in bfloat16 wrongly, and report nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.network.backend import backend_module
from archnet.network.training.twin import POLICIES, copy_layer
from archnet.spec.experiment import Precision

Tensor = Any

MAX_ERROR: Final = 0.03
"""Relative error that is allowed. That of a correct layer is 0.002 in bfloat16, a rounding of the result, and at most
0.005 in float16, where a CPU also rounds partial sums; a 7x7x7 convolution without one of its taps has 0.054."""

_NUM_CASES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelError:
    """How far a layer's values in a precision are from those in float32.

    Attributes:
        layer: Name, class and input shape of the layer.
        what: Which values, such as "outputs".
        error: Relative error, by the root of the sum of squares.
    """

    layer: str
    what: str
    error: float

    def text(self, precision: Precision) -> str:
        """What is wrong, for messages."""
        return (
            f"this device computes the {self.what} of {self.layer} incorrectly in {precision}: they differ from "
            f"float32 by {self.error:.2g} of their size, and rounding explains less than {MAX_ERROR}"
        )


def check_precision(network: keras.Model, precision: Precision) -> None:
    """Check the layers of a network that have kernels before it is trained in a precision.

    Raises:
        RunError: A layer gives other values than in float32.
    """
    if (found := find_disagreement(network, precision)) is not None:
        raise RunError(
            f"training.precision {precision}: {found.text(precision)}. Set training.precision=float32, or update the "
            "GPU's libraries."
        )


def find_disagreement(network: keras.Model, precision: Precision) -> KernelError | None:
    """The first layer with a kernel whose values in a precision are not those of float32; null if all agree.

    Each kind of layer is tried once for each input shape, on random numbers.

    Args:
        network: What `build` returns.
        precision: A key of `POLICIES`.
    """
    if precision == "float32":
        return None
    return next((entry for entry in kernel_errors(network, precision) if not entry.error <= MAX_ERROR), None)


def kernel_errors(network: keras.Model, precision: Precision) -> Iterator[KernelError]:
    """The errors of each kind of layer with a kernel, one at a time, however small."""
    for layer in _unique_layers(network):
        for what, error in layer_errors(layer, precision).items():
            yield KernelError(layer=_layer_text(layer), what=what, error=error)


def layer_errors(layer: keras.layers.Layer, precision: Precision) -> dict[str, float]:
    """The relative errors of a layer's outputs and gradients in a precision; NaN where it gives NaN.

    Args:
        layer: Any that has a kernel and is built; its weights do not count.
        precision: A key of `POLICIES`.
    """
    expected, given = (_outcome(layer, POLICIES[name], precision) for name in ("float32", precision))
    return {
        what: float(np.linalg.norm(array - expected[what]) / np.linalg.norm(expected[what]))
        for what, array in given.items()
    }


def _layer_text(layer: keras.layers.Layer) -> str:
    return f"{layer.name} ({type(layer).__name__} on {'x'.join(map(str, layer.input.shape[1:]))})"


def _unique_layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers with kernels, one of each configuration and input shape; the last layer always is in float32."""
    seen = set()
    for layer in network.layers[:-1]:
        if not hasattr(layer, "kernel"):
            continue
        config = {
            name: value for name, value in layer.get_config().items() if not name.endswith(("name", "initializer"))
        }
        key = (type(layer), tuple(layer.input.shape), json.dumps(config, sort_keys=True, default=str))
        if key not in seen:
            seen.add(key)
            yield layer


def _outcome(layer: keras.layers.Layer, policy: str, precision: Precision) -> dict[str, NDArray[np.float32]]:
    """Outputs and gradients of a layer on numbers that the precision holds exactly.

    The gradient for a bias is left out: it is a plain sum, whose terms cancel here.

    Args:
        layer: Its configuration and shapes count, not its weights.
        policy: Keras's name of what the layer computes in.
        precision: Of the numbers.
    """
    generator = np.random.default_rng(0)

    def draw(shape: Sequence[int], scale: float = 1.0) -> Tensor:
        numbers = ops.convert_to_tensor(generator.normal(0, scale, shape).astype(np.float32))
        return ops.cast(ops.cast(numbers, precision), "float32")

    copy = copy_layer(layer, policy)
    copy.build((None, *layer.input.shape[1:]))
    for weight in copy.weights:
        weight.assign(draw(weight.shape, scale=math.prod(weight.shape[:-1]) ** -0.5))
    inputs = keras.Variable(draw((_NUM_CASES, *layer.input.shape[1:])))
    factors = keras.Variable(draw((_NUM_CASES, *layer.output.shape[1:])))

    def step() -> Tensor:
        slopes = factors.value  # no constant, which a compiler would compute with

        def product() -> tuple[Tensor, Tensor]:
            outputs = ops.cast(copy(ops.cast(inputs.value, copy.compute_dtype)), "float32")
            return ops.sum(outputs * slopes), outputs

        return backend_module().value_and_gradients(product, [inputs, copy.kernel], [])

    outputs, gradients = backend_module().compile_graph(step, [inputs, factors, *copy.variables])()
    tensors = {"outputs": outputs, "input gradients": gradients[0], "kernel gradients": gradients[1]}
    return {what: np.asarray(ops.convert_to_numpy(tensor)) for what, tensor in tensors.items()}
