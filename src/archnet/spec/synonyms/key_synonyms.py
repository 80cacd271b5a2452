"""Keys of layers by the names that Keras and PyTorch give them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

_SYNONYMS: Final = {
    "num_output": "filters units out_channels out_features channels_out num_filters n_filters width",
    "kernel_size": "kernel pool_size window_size ksize size",
    "stride": "strides subsampling",
    "activation": "act nonlinearity",
    "drop_out": "dropout rate p dropout_rate",
    "padding": "pad border_mode",
    "dilation": "dilation_rate",
    "norm": "normalization batchnorm",
    "bias": "use_bias",
    "heads": "num_heads nhead",
    "times": "repeat repeats",
    "layers": "network model modules",
    "learning_rate": "lr",
    "batch_size": "batchsize",
    "epochs": "num_epochs max_epochs",
    "archs": "architectures models",
}

_KEYS: Final = {name: key for key, names in _SYNONYMS.items() for name in names.split()}


def key_synonym(name: str, known: Collection[str]) -> str | None:
    """The key for its name in another framework; null if that is unknown, or not among the known keys.

    >>> key_synonym("filters", ["num_output", "stride"]), key_synonym("filters", ["stride"])
    ('num_output', None)
    """
    key = _KEYS.get(name.lower())
    return key if key in known else None
