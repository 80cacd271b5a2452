"""What Keras leaves to its backend, on JAX: graphs and gradients. Imported by `backend` alone."""

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

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # read when the first GPU is used

_OPTIONS: dict[str, Any] = {}
"""Of the compiler, for this process."""


def compile_graph(function: Callable[..., Tensor], variables: Sequence[Any]) -> Callable[..., Tensor]:
    """A function compiled for each size of batch; it sees and changes variables as if they were values.

    Args:
        function: Takes a dict of tensors whose first axis is the cases, or nothing.
        variables: Everything that the function reads and changes.
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
    """What a function gives beside its scalar, and the scalar's gradient with respect to weights.

    Args:
        function: Gives the scalar and anything else; it may read no variable but these.
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
    """The function itself: on JAX one device trains."""
    return function


def num_gpus() -> int:
    """GPUs of this machine."""
    try:
        return len(jax.devices("gpu"))
    except RuntimeError:  # JAX has no other way to say that there are none
        return 0


def use_gpus(gpus: Sequence[int] | None) -> None:
    """Lets the first of some GPUs train.

    Args:
        gpus: Numbers among all; none is the CPU; null is what JAX takes.
    """
    if gpus is None:
        return
    if not gpus:
        jax.config.update("jax_platforms", "cpu")  # other devices are not even woken
    jax.config.update("jax_default_device", jax.devices("gpu")[gpus[0]] if gpus else jax.devices("cpu")[0])


def enable_determinism() -> None:
    """From now on what is compiled gives the same bits every time, or is refused."""
    _OPTIONS["xla_gpu_deterministic_ops"] = True


def _device() -> Any:
    return jax.config.jax_default_device or jax.devices()[0]


def devices() -> list[str]:
    """The device that trains: a GPU with its name, or the CPU."""
    device = _device()
    return ["CPU"] if device.platform == "cpu" else [f"{device.platform.upper()}:{device.id} {device.device_kind}"]


def num_threads() -> int:
    """Threads that an operation on the CPU may take; 0 is one for each core."""
    return 0


def accelerator_has_bfloat16() -> bool | None:
    """Whether the accelerator computes in bfloat16 (GPUs of compute capability 8.0 on); None without one."""
    device = _device()
    if device.platform == "cpu":
        return None
    return float(getattr(device, "compute_capability", "8.0")) >= 8


def has_fast_groups() -> bool:
    """Whether Keras's grouped convolutions are fast: on accelerators, but not on a CPU."""
    return bool(_device().platform != "cpu")


def full_float32() -> AbstractContextManager[None]:
    """Lets accelerators multiply in float32 rather than in fewer bits, while the block runs."""
    precision: AbstractContextManager[None] = jax.default_matmul_precision("float32")
    return precision


def normalize(inputs: Tensor, scale: Tensor, offset: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs (..., channels) normalised over all axes but the last, with their means and variances (channels,).

    In float32, as Keras's layer does; XLA makes few passes of it.
    """
    numbers = ops.cast(inputs, "float32")
    mean, variance = ops.moments(numbers, axes=tuple(range(inputs.ndim - 1)))
    outputs = ops.batch_normalization(numbers, mean, variance, -1, offset, scale, epsilon)
    return ops.cast(outputs, inputs.dtype), mean, variance
