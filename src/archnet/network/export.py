"""Export saved models to other formats, and read the exports back for verification."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from archnet.errors import RunError, did_you_mean
from archnet.network.backend import backend_module
from archnet.network.trained_model import load_model

PredictFunction = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(N, *input_shape) raw values -> (N, classes) probabilities, for any N."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """An export format.

    Attributes:
        name: Name of the file or folder.
        packages: Required modules that archnet does not install by default.
        write: Function that writes a model to a path.
        read: Function that reads it back, without Keras if there is a different reader.
    """

    name: str
    packages: tuple[str, ...]
    write: Callable[[keras.Model, Path], None]
    read: Callable[[Path], PredictFunction]


def _write_keras(model: keras.Model, path: Path) -> None:
    model.save(path)


def _read_keras(path: Path) -> PredictFunction:
    return predict_function(load_model(path))


def predict_function(model: keras.Model) -> PredictFunction:
    """Wrap a Keras model as a function of arrays."""
    return lambda images: np.asarray(keras.ops.convert_to_numpy(model(images, training=False)))


def _write_saved_model(model: keras.Model, path: Path) -> None:
    model.export(path, format="tf_saved_model", verbose=False)


def _read_saved_model(path: Path) -> PredictFunction:
    serve = backend_module().load_saved_model(path)
    return lambda images: np.asarray(serve(images))


def largest_difference(model: keras.Model, other: PredictFunction, images: NDArray[np.float32]) -> float:
    """Largest absolute difference between the probabilities of a Keras model and of its export.

    Both process the cases in batches of four, plus a smaller last batch.

    Args:
        model: The model, from raw values to probabilities.
        other: Its export, read back.
        images: (N, *input_shape) raw values.
    """
    own = predict_function(model)
    batches = [images[start : start + 4] for start in range(0, len(images), 4)]
    with backend_module().full_float32():
        return max(float(np.abs(own(batch) - other(batch)).max()) for batch in batches)


def _write_onnx(model: keras.Model, path: Path) -> None:
    """Write an ONNX file with names for tensors and the batch axis, and with metadata about the values."""
    import onnx

    _teach_erfc()
    model(keras.ops.zeros((1, *model.input_shape[1:])))  # Keras exports only models that have been called
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras uses np.object of NumPy 1
        model.export(path, format="onnx", verbose=False)
    document = onnx.load(path)
    _rename_output(document.graph, "probabilities")
    for value in (*document.graph.input, *document.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "cases"
    onnx.checker.check_model(document)
    onnx.save(document, path)


def _teach_erfc() -> None:
    """Register a tf2onnx conversion of Erfc, which TensorFlow uses for gelu: erfc(x) = 1 - erf(x) in ONNX."""
    import tf2onnx.handler

    def convert(graph: Any, node: Any, **_options: Any) -> None:
        one = graph.make_const(f"{node.name}_one", np.ones((), np.float32)).output[0]
        erf = graph.make_node("Erf", [node.input[0]]).output[0]
        shapes, dtypes = node.output_shapes, node.output_dtypes
        graph.remove_node(node.name)
        graph.make_node("Sub", [one, erf], outputs=node.output, name=node.name, shapes=shapes, dtypes=dtypes)

    tf2onnx.handler.tf_op("Erfc").register_compat_handler(convert, 9)


def _rename_output(graph: Any, name: str) -> None:
    (output,) = graph.output
    for node in graph.node:
        node.output[:] = [name if output_name == output.name else output_name for output_name in node.output]
    output.name = name


def _read_onnx(path: Path) -> PredictFunction:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: np.asarray(session.run(None, {name: images})[0])


EXPORT_FORMATS: Final = {
    "keras": ExportFormat(name="model.keras", packages=(), write=_write_keras, read=_read_keras),
    "saved_model": ExportFormat(
        name="saved_model", packages=("tensorflow",), write=_write_saved_model, read=_read_saved_model
    ),
    "onnx": ExportFormat(
        name="model.onnx",
        packages=("tensorflow", "tf2onnx", "onnx", "onnxruntime"),
        write=_write_onnx,
        read=_read_onnx,
    ),
}


def check_format(name: str) -> None:
    """Check that a format can be written here.

    Raises:
        RunError: The format is unknown, a package is missing, or Keras's backend does not support it.
    """
    if name not in EXPORT_FORMATS:
        hint = did_you_mean(name, EXPORT_FORMATS)
        raise RunError(f"--format {name}: unknown.{hint} Known: {', '.join(EXPORT_FORMATS)}.")
    missing = [package for package in EXPORT_FORMATS[name].packages if find_spec(package) is None]
    if missing:
        raise RunError(
            f"--format {name}: needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. "
            'Install what is missing: pip install "archnet[export]"'
        )
    if EXPORT_FORMATS[name].packages and keras.backend.backend() != "tensorflow":
        raise RunError(
            f'--format {name}: is written by TensorFlow, but KERAS_BACKEND is "{keras.backend.backend()}". Set '
            "KERAS_BACKEND=tensorflow for this command: a run's model.keras is the same on either."
        )
