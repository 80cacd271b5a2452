"""What Keras leaves to its backend, on TensorFlow: graphs and gradients. Imported by `backend` alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Tensor = Any

# Each network has graphs of its own, which TensorFlow takes for one that is traced again and again.
tf.get_logger().setLevel("ERROR")


def compiled(function: Callable[..., Tensor], variables: Sequence[Any]) -> Callable[..., Tensor]:
    """A function as a graph that takes any number of cases.

    XLA stays off: it makes 3D convolutions on a CPU many times slower.

    Args:
        function: Takes a dict of tensors whose first axis is the cases, or nothing.
        variables: What the function reads and changes; TensorFlow finds them itself.
    """
    graphs: list[Callable[..., Tensor]] = []

    def call(*batches: dict[str, Any]) -> Tensor:
        tensors = [{name: tf.convert_to_tensor(array) for name, array in batch.items()} for batch in batches]
        if not graphs:
            signature = [{name: _any_number(tensor) for name, tensor in batch.items()} for batch in tensors]
            graphs.append(tf.function(function, input_signature=signature, jit_compile=False, autograph=False))
        return graphs[0](*tensors)

    return call


def _any_number(tensor: Tensor) -> tf.TensorSpec:
    return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype)


def value_and_gradients(
    function: Callable[[], tuple[Tensor, Tensor]], weights: Sequence[Any], others: Sequence[Any]
) -> tuple[Tensor, list[Tensor]]:
    """What a function gives beside its scalar, and the scalar's gradient with respect to weights.

    Args:
        function: Gives the scalar and anything else; it may read no variable but these.
        weights: Trainable variables.
        others: Variables that the function changes.
    """
    with tf.GradientTape() as tape:
        scalar, told = function()
    return told, tape.gradient(scalar, [weight.value for weight in weights])


def accelerator_has_bfloat16() -> bool | None:
    """Whether the first GPU computes in bfloat16 (compute capability 8.0 and later); None without a GPU."""
    devices = tf.config.list_physical_devices("GPU")
    if not devices:
        return None
    capability = tf.config.experimental.get_device_details(devices[0]).get("compute_capability", (0, 0))
    return bool(capability >= (8, 0))
