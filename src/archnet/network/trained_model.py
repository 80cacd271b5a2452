"""Load trained models from model.keras, and check them against the documents of their run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from archnet.errors import RunError
from archnet.evaluation.run_folder import read_json, read_optional_json
from archnet.files.archives.zip_archive import DamagedFileError
from archnet.network.build.grouped_convolution import accelerate
from archnet.network.model_file import check_model_file
from archnet.network.scaling import input_limits, member_networks

_RESTORE = "Restore the file, or run the experiment again."


def load_run_model(folder: Path) -> keras.Model:
    """Load the trained model of a run, which maps raw values to probabilities.

    Raises:
        RunError: The model is missing or damaged, or its input or its classes differ from this run's.
    """
    path = folder / "model.keras"
    model = load_model(path)
    *sizes, num_channels = model.input_shape[1:]
    input_shape = [*sizes, num_channels * input_limits(model).num_windows]
    expected_shape = (read_optional_json(folder / "network.json") or {}).get("input_shape", input_shape)
    classes = read_json(folder / "metrics.json").get("classes")
    given = _shape_text(input_shape, model.output_shape[-1])
    expected = _shape_text(expected_shape, len(classes) if isinstance(classes, list) else 0)
    if given != expected:
        raise RunError(f"{path}: belongs to a different run: it {given}, but this run's network {expected}. {_RESTORE}")
    return model


def _shape_text(input_shape: Any, num_classes: int) -> str:
    shape = " x ".join(map(str, input_shape)) if isinstance(input_shape, list) else input_shape
    return f"takes an input of {shape} and predicts {num_classes} classes"


def load_model(path: Path) -> keras.Model:
    """Load the model in a `model.keras` file, after checking it, in Keras's safe mode.

    Raises:
        RunError: The file is missing, damaged, was not written by archnet, or its training has diverged.
    """
    try:
        check_model_file(path)
        model = _open_in_keras(path)
    except FileNotFoundError as error:
        raise RunError(f"{path}: no such file. Has the run finished?") from error
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}. Check its permissions.") from error
    except DamagedFileError as error:
        raise RunError(f"{path}: cannot be read as an archnet model: {error}. {_RESTORE}") from error
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise nan_error(path, "contains NaN or infinite weights")
    return model


def nan_error(path: Path, symptom: str) -> RunError:
    """Create the error for a model that cannot compute probabilities.

    Args:
        path: The file of the model, or of the scan.
        symptom: The problem, as a predicate.
    """
    return RunError(
        f"{path}: {symptom}. Its training has diverged: run the experiment again with a lower training.learning_rate, "
        "or with training.clip_norm=1."
    )


def _open_in_keras(path: Path) -> keras.Model:
    """Load the model in a file.

    Raises:
        DamagedFileError: Keras cannot build the model, for any reason, or it does not take raw values.
    """
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
        input_limits(model)
        for network in member_networks(model):
            for layer in network.layers:
                accelerate(layer)
    except Exception as error:
        raise DamagedFileError("its layers and weights do not match") from error
    return model
