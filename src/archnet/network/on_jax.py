"""What Keras leaves to its backend, on JAX: graphs and gradients. Imported by `backend` alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from keras import StatelessScope

Tensor = Any


def compiled(function: Callable[..., Tensor], variables: Sequence[Any]) -> Callable[..., Tensor]:
    """A function compiled for each size of batch; it sees and changes variables as if they were values.

    Args:
        function: Takes a dict of tensors whose first axis is the cases, or nothing.
        variables: Everything that the function reads and changes.
    """

    def pure(values: list[Tensor], batches: tuple[dict[str, Tensor], ...]) -> tuple[Tensor, list[Tensor]]:
        with StatelessScope(state_mapping=list(zip(variables, values, strict=True))) as scope:
            told = function(*batches)
        return told, _values(scope, variables)

    graph = jax.jit(pure)

    def call(*batches: dict[str, Any]) -> Tensor:
        told, values = graph([variable.value for variable in variables], batches)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return told

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
            scalar, told = function()
        return scalar, (told, _values(scope, others))

    (_, (told, values)), gradients = jax.value_and_grad(pure, has_aux=True)([weight.value for weight in weights])
    for other, value in zip(others, values, strict=True):
        other.assign(value)
    return told, gradients


def _values(scope: StatelessScope, variables: Sequence[Any]) -> list[Tensor]:
    return [scope.get_current_value(variable) for variable in variables]


def accelerator_has_bfloat16() -> bool | None:
    """Whether the first accelerator computes in bfloat16 (GPUs of compute capability 8.0 on); None without one."""
    device = jax.devices()[0]
    if device.platform == "cpu":
        return None
    return float(getattr(device, "compute_capability", "8.0")) >= 8
