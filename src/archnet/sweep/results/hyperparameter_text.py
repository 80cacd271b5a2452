"""Text of hyperparameters in tables and figures: short names and formatted values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def hyperparameter_text(value: Any) -> str:
    """The value of a hyperparameter as text.

    >>> hyperparameter_text("arch3dsm"), hyperparameter_text([3, 3]), hyperparameter_text(0.00012345678)
    ('arch3dsm', '[3, 3]', '0.0001235')
    """
    if isinstance(value, str):
        return value
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)


def hyperparameter_names(keys: Sequence[str]) -> list[str]:
    """Short names: the fewest last parts of each key that distinguish it from the other keys.

    >>> keys = ["arch", "arch.layers[0].num_output", "arch.layers[2].num_output", "training.learning_rate"]
    >>> hyperparameter_names(keys)
    ['arch', 'layers[0].num_output', 'layers[2].num_output', 'learning_rate']
    """
    all_parts = [key.split(".") for key in keys]
    return [_short_name(parts, all_parts) for parts in all_parts]


def _short_name(parts: Sequence[str], all_parts: Sequence[Sequence[str]]) -> str:
    for depth in range(1, len(parts)):
        if sum(other[-depth:] == parts[-depth:] for other in all_parts) == 1:
            return ".".join(parts[-depth:])
    return ".".join(parts)
