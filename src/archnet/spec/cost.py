"""The costs of a network: parameters, multiply-adds, memory."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from archnet.files.strict_json import path_text
from archnet.spec.arch import PlannedLayer
from archnet.spec.layers import Layer, Shape
from archnet.spec.layers.feature_map import FeatureMap
from archnet.spec.layers.planned_layer import count_macs, count_parameters, plan_input_shape
from archnet.spec.memory import FLOAT_BYTES, MemoryEstimate, MicroBatch, estimate_memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Totals of a planned network.

    Attributes:
        num_parameters: Number of weights of all networks, trainable or not.
        num_macs: Multiply-adds of the forward pass of all networks per case.
        activation_bytes: Memory of the input and of every output tensor of an operation per case, in float32.
        memory: Memory of training in float32 with AdamW.
    """

    num_parameters: int
    num_macs: int
    activation_bytes: int
    memory: MemoryEstimate


def network_cost(plan: tuple[PlannedLayer, ...], num_members: int = 1) -> Cost:
    """Compute the totals of a plan.

    Args:
        plan: Result of `Arch.plan`.
        num_members: Number of networks of an ensemble, which are trained one after the other.
    """
    return Cost(
        num_parameters=num_members * count_parameters(plan),
        num_macs=num_members * count_macs(plan),
        activation_bytes=FLOAT_BYTES * (prod(plan_input_shape(plan)) + sum(row.num_activations for row in plan)),
        memory=estimate_memory(plan),
    )


def receptive_field(feature_map: FeatureMap | None) -> dict[str, Any]:
    """Describe the receptive field of the last feature map with JSON-ready keys; empty without such a map.

    Args:
        feature_map: Result of `Arch.feature_map`.
    """
    if feature_map is None:
        return {}
    return {
        "receptive_field": list(feature_map.receptive_field),
        "features_depend_on_whole_input": feature_map.sees_whole_input,
    }


def network_summary(plan: tuple[PlannedLayer, ...], micro_batch: MicroBatch, num_members: int = 1) -> dict[str, Any]:
    """Summarize a plan and its totals as a JSON-ready object, as printed by `archnet show --json`.

    Args:
        plan: Result of `Arch.plan`.
        micro_batch: The split of a batch into micro-batches.
        num_members: Number of networks of an ensemble, all with this plan; the totals are those of one.
    """
    cost = network_cost(plan)
    return {
        "input_shape": list(plan_input_shape(plan)),
        "parameters": cost.num_parameters,
        "macs": cost.num_macs,
        "activation_bytes": cost.activation_bytes,
        **micro_batch.to_document(),
        **({"members": num_members} if num_members > 1 else {}),
        "layers": [_layer_row(layer) for layer in plan],
    }


def _layer_row(planned: PlannedLayer) -> dict[str, Any]:
    repeat = "".join(f" #{time + 1}" for time in planned.repeat)
    return {
        "place": path_text(planned.path) + repeat,
        "type": planned.type,
        "summary": planned.summary,
        "output_shape": list(planned.output_shape),
        "parameters": planned.num_parameters,
        "macs": planned.num_macs,
        "activation_bytes": FLOAT_BYTES * planned.num_activations,
        **_inner_structure(planned.layer, planned.input_shape),
    }


def _inner_structure(layer: Layer, shape: Shape) -> dict[str, Any]:
    """Describe the inner structure of a layer for drawings; empty for a layer without inner layers."""
    skip = layer.skip_text(shape)
    lanes = [path_text(path).removeprefix("$.") for path, layers in layer.inner_layers() if layers or not skip]
    times = sum(sequence.repetition is not None for sequence in layer.inner_sequences(shape))
    counts = {"times": times, "planes": len(layer.volume_planes(shape))}
    known = {"lanes": lanes, "skip": skip} | counts
    return {key: value for key, value in known.items() if value}
