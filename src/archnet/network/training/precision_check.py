"""Check that a device computes each type of layer in bfloat16 or float16 as in float32.

Some versions of cuDNN silently compute wrong 3D convolutions in bfloat16.
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
from archnet.network.training.training_twin import POLICIES, copy_layer
from archnet.spec.experiment import Precision

Tensor = Any

MAX_ERROR: Final = 0.03
"""Maximum relative error. A correct layer has 0.002 in bfloat16, from rounding the result. Where a CPU also rounds
partial sums, a small layer has at most 0.005 in float16 and 0.013 in bfloat16. A 7x7x7 convolution that misses one tap
has 0.054."""

_NUM_CASES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelError:
    """Error of a layer's values in a precision, compared with float32.

    Attributes:
        layer: Name, class and input shape of the layer.
        what: The values, such as "outputs".
        error: Relative error in the Euclidean norm.
    """

    layer: str
    what: str
    error: float

    def text(self, precision: Precision) -> str:
        """The error in words, for messages."""
        return (
            f"this device computes the {self.what} of {self.layer} incorrectly in {precision}: they differ from "
            f"float32 by a relative error of {self.error:.2g}; rounding explains at most {MAX_ERROR}"
        )


def check_precision(network: keras.Model, precision: Precision) -> None:
    """Check the layers with kernels before a network is trained in a precision.

    Raises:
        RunError: A layer disagrees with float32.
    """
    if (found := find_disagreement(network, precision)) is not None:
        raise RunError(
            f"training.precision {precision}: {found.text(precision)}. Set training.precision=float32, or update the "
            "GPU's libraries."
        )


def find_disagreement(network: keras.Model, precision: Precision) -> KernelError | None:
    """Find the first layer with a kernel that disagrees with float32; None if all agree.

    Each type of layer is tested once per input shape, on random numbers.

    Args:
        network: Result of `build`.
        precision: A key of `POLICIES`.
    """
    if precision == "float32":
        return None
    return next((entry for entry in kernel_errors(network, precision) if not entry.error <= MAX_ERROR), None)


def kernel_errors(network: keras.Model, precision: Precision) -> Iterator[KernelError]:
    """Yield the errors of each type of layer with a kernel."""
    for layer in _unique_layers(network):
        for what, error in layer_errors(layer, precision).items():
            yield KernelError(layer=_layer_text(layer), what=what, error=error)


def layer_errors(layer: keras.layers.Layer, precision: Precision) -> dict[str, float]:
    """The relative errors of a layer's outputs and gradients in a precision; NaN if it computes NaN.

    Args:
        layer: A built layer with a kernel; its weights are not used.
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
    """The layers with kernels, one per configuration and input shape, without the last layer, always in float32."""
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
    """Outputs and gradients of a layer on numbers that are exact in the precision.

    The gradient of a bias is omitted: it is a sum whose terms cancel here.

    Args:
        layer: The layer; only its configuration and shapes are used.
        policy: Name of the Keras dtype policy of the layer.
        precision: Precision of the numbers.
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
        slopes = factors.value  # not a constant, which the compiler would fold

        def product() -> tuple[Tensor, Tensor]:
            outputs = ops.cast(copy(ops.cast(inputs.value, copy.compute_dtype)), "float32")
            return ops.sum(outputs * slopes), outputs

        return backend_module().value_and_gradients(product, [inputs, copy.kernel], [])

    outputs, gradients = backend_module().compile_graph(step, [inputs, factors, *copy.variables])()
    tensors = {"outputs": outputs, "input gradients": gradients[0], "kernel gradients": gradients[1]}
    return {what: np.asarray(ops.convert_to_numpy(tensor)) for what, tensor in tensors.items()}
