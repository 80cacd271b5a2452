"""The training twin of a network: its layers and weights in the precision of the training, with dropout per case."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from math import prod
from typing import Any, Final

import keras

from archnet.network.backend import backend_module
from archnet.network.build.grouped_convolution import accelerate
from archnet.network.build.plain import CONVOLUTION, POOLING
from archnet.network.planewise_pooling import PlanewiseMaxPooling
from archnet.network.training.dropout import CaseDropout, CaseKeys
from archnet.network.training.fused import FusedBatchNorm, PooledConvolution

POLICIES: Final = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
"""Keras dtype policies by precision; in mixed precision, variables stay float32."""

Consumers = dict[int, list[keras.Operation]]
"""The operations that consume a tensor, by its id."""

_CONVOLUTIONS: Final = tuple(CONVOLUTION.values())
_MAX_POOLINGS: Final = tuple(layer for (kind, _), layer in POOLING.items() if kind == "max")


def build_training_twin(network: keras.Model, keys: CaseKeys, precision: str = "float32") -> keras.Model:
    """Copy a network with its weights; the dropout masks of the copy follow from the keys of the cases.

    The original contains only Keras layers, so a saved model depends neither on archnet's code nor on the precision of
    the training.

    Args:
        network: Result of `build`.
        keys: Source of the dropout layers' keys.
        precision: A key of `POLICIES`, for all layers except the last, whose logits stay float32.
    """
    numbers = count()
    consumers, num_planes = _consumers(network), planes_in_batch(network)
    fusions = {layer.name: followers for layer in network.layers if (followers := _fusable_layers(consumers, layer))}
    fused_names = {layer.name for followers in fusions.values() for layer in followers}

    def clone_layer(layer: keras.Operation) -> keras.Operation:
        if not isinstance(layer, keras.layers.Layer):  # an operation without weights, such as a transposition
            return layer.__class__.from_config(layer.get_config())
        policy = "float32" if layer is network.layers[-1] else POLICIES[precision]
        options = {"name": layer.name, "dtype": policy}
        if isinstance(layer, keras.layers.Dropout):
            options |= {"noise_shape": layer.noise_shape, "num_planes": num_planes[id(layer.input)]}
            return CaseDropout(layer.rate, next(numbers), keys, **options)
        if layer.name in fusions:
            *rectifiers, pooling = (copy_layer(part, policy) for part in fusions[layer.name])
            return PooledConvolution(copy_layer(layer, policy), pooling, bool(rectifiers), **options)
        if layer.name in fused_names:
            return keras.layers.Identity(**options)
        return copy_layer(layer, policy)

    twin = keras.models.clone_model(network, clone_function=clone_layer)
    twin.set_weights(network.get_weights())
    twin.penalized_names = network.penalized_names
    twin.layer_names = network.layer_names
    return twin


def copy_layer(layer: keras.layers.Layer, policy: str) -> keras.layers.Layer:
    """Copy a layer for training, with its own weights, in the precision of a Keras policy."""
    kind = layer.__class__
    if isinstance(layer, keras.layers.BatchNormalization):
        kind = FusedBatchNorm
    elif isinstance(layer, keras.layers.MaxPooling3D):
        dtype = keras.DTypePolicy(policy).compute_dtype
        kind = layer.__class__ if backend_module().pools_3d_correctly(dtype) else PlanewiseMaxPooling
    config: dict[str, Any] = layer.get_config()
    return accelerate(kind.from_config({**config, "dtype": policy}))


def _fusable_layers(consumers: Consumers, layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers after a convolution (ReLU, if any, and max pooling) that can be fused with it; else none."""
    if not isinstance(layer, _CONVOLUTIONS) or not layer.use_bias:
        return []
    followers = _sole_follower(consumers, layer)
    if (
        followers
        and isinstance(followers[0], keras.layers.Activation)
        and followers[0].activation is keras.activations.relu
    ):
        followers += _sole_follower(consumers, followers[0])
    return followers if followers and isinstance(followers[-1], _MAX_POOLINGS) else []


def planes_in_batch(network: keras.Model) -> dict[int, int]:
    """Rows per case of each tensor, by its id: more than one if planes are folded into the batch.

    Only a reshape moves values between the batch and the other axes, and it keeps their number.
    """
    num_planes: dict[int, int] = {}
    for operation in network.operations:
        sources, output = keras.tree.flatten(operation.input), operation.output
        num_planes[id(output)] = num_planes[id(sources[0])] if sources else 1
        if operation.__class__.__name__ == "Reshape":
            num_planes[id(output)] = num_planes[id(output)] * prod(sources[0].shape[1:]) // prod(output.shape[1:])
    return num_planes


def _consumers(network: keras.Model) -> Consumers:
    """The operations that consume each tensor of a network."""
    consumers: Consumers = defaultdict(list)
    for operation in network.operations:
        for node in operation._inbound_nodes:
            for tensor in node.input_tensors:
                consumers[id(tensor)].append(operation)
    return consumers


def _sole_follower(consumers: Consumers, layer: keras.layers.Layer) -> list[keras.Operation]:
    """The operation that consumes a layer's output, if it is the only one."""
    followers = consumers[id(layer.output)]
    return followers if len(followers) == 1 else []
