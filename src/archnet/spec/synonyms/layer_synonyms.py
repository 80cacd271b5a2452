"""Layer types by the names that Keras and PyTorch give them, for messages."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

_ADVICE: Final = {
    "C": 'Use "C" for a convolution.',
    "P": 'Use "P" for pooling, with "pool": "max" or "avg".',
    "FC": 'Use "FC" for a fully connected layer.',
    "FLAT": 'Remove it: "FC" and "T" flatten their input.',
    "T": 'Use "T", the last layer: it outputs a value for each class, to which softmax is applied.',
    "DO": 'Use "DO" for dropout, or "drop_out" of the layer before it.',
    "BN": 'Use "BN" for batch normalization, or "norm" of a "C" layer.',
    "NORM": 'Use "NORM" for normalization.',
    "ACT": 'Use "ACT" with "activation", or "activation" of the layer before it.',
    "GAP": 'Use "GAP" for global average pooling.',
    "GMP": 'Use "GMP" for global max pooling.',
    "SE": 'Use "SE" for squeeze-and-excitation.',
    "CAT": 'Use "CAT" to concatenate branches.',
    "ADD": 'Use "ADD" to add branches.',
    "RES": 'Use "RES" for a residual block.',
    "DENSE_BLOCK": 'Use "DENSE" for a dense block, "FC" for a fully connected layer.',
    "REP": 'Use "REP" to repeat layers.',
    "CROP": 'Use "CROP" to crop the feature map.',
    "ATT": 'Use "ATT" for a transformer block with self-attention.',
    "POS": 'Use "POS" for positional embeddings.',
    "INPUT": 'Remove it: the data or "input_shape" decide the input.',
}

_SYNONYMS: Final = {
    "C": "conv convolution separableconv depthwiseconv",
    "P": "maxpool maxpooling avgpool averagepool averagepooling avgpooling pool pooling",
    "FC": "linear fullyconnected denselayer dense mlp",
    "FLAT": "flatten flat",
    "T": "softmax output logits classifier logsoftmax",
    "DO": "dropout spatialdropout alphadropout",
    "BN": "batchnorm batchnormalization syncbatchnorm",
    "NORM": "layernorm layernormalization groupnorm groupnormalization instancenorm normalization",
    "ACT": "activation relu leakyrelu elu selu gelu silu swish sigmoid tanh prelu softplus",
    "GAP": "globalaveragepooling globalavgpool globalaveragepool adaptiveavgpool adaptiveaveragepool",
    "GMP": "globalmaxpooling globalmaxpool adaptivemaxpool",
    "SE": "squeezeexcitation squeezeandexcitation seblock squeezeexcite",
    "CAT": "concatenate concat",
    "ADD": "sum",
    "RES": "residual resblock residualblock basicblock bottleneck",
    "DENSE_BLOCK": "denseblock",
    "REP": "repeat sequential",
    "CROP": "cropping centercrop",
    "ATT": "attention multiheadattention transformer transformerencoderlayer transformerblock selfattention",
    "POS": "embedding positionembedding positionalembedding positionalencoding",
    "INPUT": "input inputlayer",
}

_IMPLIED: Final = {
    ("pool", "max"): "maxpool maxpooling pool pooling",
    ("pool", "avg"): "avgpool averagepool averagepooling avgpooling",
    ("norm", "layer"): "layernorm layernormalization",
    ("norm", "group"): "groupnorm groupnormalization",
    ("norm", "instance"): "instancenorm",
    ("activation", "leaky_relu"): "leakyrelu",
    ("activation", "silu"): "silu swish",
    **{("activation", name): name for name in ("relu", "elu", "selu", "gelu", "sigmoid", "tanh", "softplus")},
}
"""Keys that the name of a layer in another framework implies, and their values."""

_IMPLIED_KEYS: Final = {name: entry for entry, names in _IMPLIED.items() for name in names.split()}

_TYPES: Final = {name: kind for kind, names in _SYNONYMS.items() for name in names.split()}


def layer_type_hint(name: str, known: Collection[str]) -> str:
    """Suggest the layer for the name in another framework, to append to a message.

    Args:
        name: The name.
        known: The words that are valid in its place.

    Returns:
        Empty if the name is unknown, or if no layer type is valid in its place.

    >>> layer_type_hint("Conv2D", ["C", "P"]), layer_type_hint("nn.BatchNorm3d", ["C", "P"])
    (' Use "C" for a convolution.', ' Use "BN" for batch normalization, or "norm" of a "C" layer.')
    >>> layer_type_hint("Lambda", ["C", "P"]), layer_type_hint("ReLU", ["relu", "elu"])
    ('', '')
    """
    kind = layer_type_of(name)
    return "" if kind is None or _ADVICE.keys().isdisjoint(known) else f" {_ADVICE[kind]}"


def layer_type_of(name: str) -> str | None:
    """The layer type for the name in another framework, or an entry of the advice that is not a type; null if unknown.

    >>> layer_type_of("MaxPooling3D"), layer_type_of("Lambda")
    ('P', None)
    """
    return _TYPES.get(_word(name))


def implied_keys(name: str) -> dict[str, str]:
    """The keys that a layer must have to be the one that has a name in another framework.

    >>> implied_keys("AvgPool3d"), implied_keys("nn.LeakyReLU"), implied_keys("Conv2D")
    ({'pool': 'avg'}, {'activation': 'leaky_relu'}, {})
    """
    return dict([_IMPLIED_KEYS[word]]) if (word := _word(name)) in _IMPLIED_KEYS else {}


def _word(name: str) -> str:
    """The word of a name: without its module, its number of axes, and anything but letters."""
    return re.sub(r"[^a-z]", "", re.sub(r"[123]d$", "", name.lower().rpartition(".")[2]))
