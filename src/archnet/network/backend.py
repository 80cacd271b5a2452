"""Starts Keras and its backend, tells on what, and reaches what Keras leaves to each backend."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from archnet.errors import RunError


def beneath_keras() -> ModuleType:
    """`compiled` and `value_and_gradients` of the backend that Keras runs on.

    Raises:
        RunError: It is not one that archnet trains on.
    """
    import keras

    name = keras.backend.backend()
    if name not in ("tensorflow", "jax"):
        raise RunError(f'archnet trains on tensorflow and jax, but KERAS_BACKEND is "{name}". Set it to one of them.')
    return import_module(f"archnet.network.on_{name}")


def start_quietly() -> str:
    """Imports Keras and wakes its devices without the backend's start-up notes; shows them if the start fails.

    TensorFlow writes its notes from C++ before its own log level counts, so the descriptor itself is turned away.

    Returns:
        What runs, such as "Keras 3.8.0 on tensorflow, CPU".
    """
    with _stderr_held_back():
        import keras

        keras.ops.convert_to_numpy(keras.ops.zeros(1))
        devices = _devices()
    return f"Keras {keras.__version__} on {keras.backend.backend()}, {devices}"


def num_accelerators() -> int:
    """GPUs that Keras's backend sees."""
    import keras

    return len(keras.distribution.list_devices("gpu"))


def _devices() -> str:
    count = num_accelerators()
    return f"{count} GPU" + "s" * (count > 1) if count else "CPU"


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Keeps what is written to descriptor 2 meanwhile; writes it out only if the block raises."""
    sys.stderr.flush()
    visible = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(visible, held.read())
            raise
        finally:
            os.dup2(visible, 2)
            os.close(visible)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of any backend says that memory has run out."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"MemoryError", "ResourceExhaustedError"}) or "RESOURCE_EXHAUSTED" in str(error)
