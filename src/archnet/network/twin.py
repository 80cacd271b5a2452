"""The network as it is trained: the same layers and weights in the precision of the training, dropout by case."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

import keras

from archnet.network.dropout import CaseDropout, CaseKeys

POLICIES: Final = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
"""Keras's names; in the mixed ones variables stay float32."""


def training_twin(network: keras.Model, keys: CaseKeys, precision: str = "float32") -> keras.Model:
    """A network with weights of its own, equal to another's, whose dropout takes its masks from the cases' keys.

    The network itself stays as Keras knows it, so that what is saved needs neither code of archnet's nor the
    precision of the training.

    Args:
        network: Of `build`.
        keys: Where the dropout layers find their keys.
        precision: A key of `POLICIES`, for all layers but the last, whose logits stay float32.
    """
    numbers = count()

    def cloned(layer: keras.layers.Layer) -> keras.layers.Layer:
        policy = "float32" if layer is network.layers[-1] else POLICIES[precision]
        if isinstance(layer, keras.layers.Dropout):
            return CaseDropout(layer.rate, next(numbers), keys, name=layer.name, dtype=policy)
        config: dict[str, Any] = layer.get_config()
        return layer.__class__.from_config({**config, "dtype": policy})

    twin = keras.models.clone_model(network, clone_function=cloned)
    twin.set_weights(network.get_weights())
    return twin
