"""JAX functions that Keras does not provide: graphs, gradients and devices. Only `backend` imports it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import jax
from keras import StatelessScope, ops

Tensor = Any

GPU_PACKAGES: Final = 'pip install "jax[cuda13]"'
MULTI_GPU_HINT: Final = "on JAX archnet trains on one"

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # JAX reads this when the first GPU is used

_OPTIONS: dict[str, Any] = {}
"""Compiler options of this process."""


def compile_graph(function: Callable[..., Tensor], variables: Sequence[Any]) -> Callable[..., Tensor]:
    """Compile a function for each batch size; variables are passed in and out as values.

    Args:
        function: Takes a dict of tensors with cases along the first axis, or nothing.
        variables: All variables that the function reads and changes.
    """

    def pure(values: list[Tensor], batches: tuple[dict[str, Tensor], ...]) -> tuple[Tensor, list[Tensor]]:
        with StatelessScope(state_mapping=list(zip(variables, values, strict=True))) as scope:
            outputs = function(*batches)
        return outputs, _current_values(scope, variables)

    graph = jax.jit(pure, compiler_options=_OPTIONS or None)

    def call(*batches: dict[str, Any]) -> Tensor:
        outputs, values = graph([variable.value for variable in variables], batches)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return outputs

    return call


def value_and_gradients(
    function: Callable[[], tuple[Tensor, Tensor]], weights: Sequence[Any], others: Sequence[Any]
) -> tuple[Tensor, list[Tensor]]:
    """Return the auxiliary outputs of a function, and the gradient of its scalar with respect to weights.

    Args:
        function: Returns the scalar and auxiliary outputs; it may only read these variables.
        weights: Trainable variables.
        others: Variables that the function changes.
    """

    def pure(values: list[Tensor]) -> tuple[Tensor, tuple[Tensor, list[Tensor]]]:
        mapping = [*zip(weights, values, strict=True), *((other, other.value) for other in others)]
        with StatelessScope(state_mapping=mapping) as scope:
            scalar, outputs = function()
        return scalar, (outputs, _current_values(scope, others))

    (_, (outputs, values)), gradients = jax.value_and_grad(pure, has_aux=True)([weight.value for weight in weights])
    for other, value in zip(others, values, strict=True):
        other.assign(value)
    return outputs, gradients


def _current_values(scope: StatelessScope, variables: Sequence[Any]) -> list[Tensor]:
    return [scope.get_current_value(variable) for variable in variables]


def replicate(
    function: Callable[[dict[str, Tensor]], Tensor], variables: Sequence[Any], changing: Sequence[Any]
) -> Callable[[dict[str, Tensor]], Tensor]:
    """Return the function itself: on JAX, training uses one device."""
    return function


def num_gpus() -> int:
    """Number of GPUs of this machine."""
    try:
        return len(jax.devices("gpu"))
    except RuntimeError:  # this is how JAX reports that there are none
        return 0


def use_gpus(gpus: Sequence[int] | None) -> None:
    """Select the first of the given GPUs for training.

    Args:
        gpus: Numbers of GPUs; an empty list selects the CPU; None is JAX's default.
    """
    if gpus is None:
        return
    if not gpus:
        jax.config.update("jax_platforms", "cpu")  # other devices are not initialized
    jax.config.update("jax_default_device", jax.devices("gpu")[gpus[0]] if gpus else jax.devices("cpu")[0])


def lacks_onednn() -> bool:
    """Whether the backend could use oneDNN but has started without it: JAX never uses it."""
    return False


def pools_3d_correctly(dtype: str) -> bool:
    """Whether the gradient of a 3D max pooling in a graph goes to one of several equal maxima: in every dtype."""
    return True


def enable_determinism() -> None:
    """Compile deterministic code from now on; operations without a deterministic kernel fail."""
    _OPTIONS["xla_gpu_deterministic_ops"] = True


def _device() -> Any:
    return jax.config.jax_default_device or jax.devices()[0]


def devices() -> list[str]:
    """Name of the device used for training: a GPU with its model, or the CPU."""
    device = _device()
    return ["CPU"] if device.platform == "cpu" else [f"{device.platform.upper()}:{device.id} {device.device_kind}"]


def num_threads() -> int:
    """Number of threads per CPU operation; 0 means one per core."""
    return 0


def accelerator_has_bfloat16() -> bool | None:
    """Whether the accelerator supports bfloat16 (GPUs from compute capability 8.0); None without an accelerator."""
    device = _device()
    if device.platform == "cpu":
        return None
    return float(getattr(device, "compute_capability", "8.0")) >= 8


def has_fast_groups() -> bool:
    """Whether Keras's grouped convolutions are fast: on accelerators, but not on a CPU."""
    return bool(_device().platform != "cpu")


def full_float32() -> AbstractContextManager[None]:
    """Use full float32 precision in matrix products on accelerators while the block runs."""
    precision: AbstractContextManager[None] = jax.default_matmul_precision("float32")
    return precision


def normalize(inputs: Tensor, scale: Tensor, offset: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """Normalize inputs (..., channels) over all axes except the last; also return means and variances (channels,).

    Computes in float32 like Keras's layer; XLA fuses it into few passes over memory.
    """
    numbers = ops.cast(inputs, "float32")
    mean, variance = ops.moments(numbers, axes=tuple(range(inputs.ndim - 1)))
    outputs = ops.batch_normalization(numbers, mean, variance, -1, offset, scale, epsilon)
    return ops.cast(outputs, inputs.dtype), mean, variance
