"""Prediction: probabilities for cases, dropout off, and the saved model read back safely."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from archnet.errors import RunError

PREDICT_BATCH = 64
"""Cases a prediction step; small enough for whole scans."""


def probabilities(model: keras.Model, images: NDArray[Any]) -> NDArray[np.float64]:
    """Class probabilities of images.

    Args:
        model: Of `with_probabilities`.
        images: (N, height, width[, depth], channels) raw values; may be memory-mapped.

    Returns:
        (N, classes), float64.
    """
    batches = [
        model.predict_on_batch(np.asarray(images[start : start + PREDICT_BATCH], np.float32))
        for start in range(0, len(images), PREDICT_BATCH)
    ]
    return np.concatenate(batches).astype(np.float64)


def load_model(path: Path) -> keras.Model:
    """The model in a `model.keras` file, read in Keras's safe mode.

    Raises:
        RunError: The file is missing or no Keras model.
    """
    if not path.is_file():
        raise RunError(f"{path}: no such file. Has the run finished?")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise RunError(f"{path}: cannot be read as a Keras model: {str(error).splitlines()[0]}") from error
