"""Start Keras and its backend, describe the devices, and give access to backend-specific functions."""

from __future__ import annotations

import gc
import logging
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from threading import RLock
from types import ModuleType
from typing import Any, Final

from archnet.errors import RunError
from archnet.files.progress import stage_log

_log = logging.getLogger("archnet")

_ONEDNN: Final = "TF_ENABLE_ONEDNN_OPTS"
_DEVICE: Final = re.compile(r"cpu|gpu(?::(\d+))?")
_VARIABLES: Final = (
    "KERAS_BACKEND",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "ONEDNN_MAX_CPU_ISA",
    _ONEDNN,
    "TF_NUM_INTRAOP_THREADS",
    "TF_CUDNN_USE_AUTOTUNE",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
    "JAX_DEFAULT_MATMUL_PRECISION",
)
"""Environment variables that affect the computations of a backend."""


@dataclass(slots=True)
class _Process:
    """Settings of this process.

    Attributes:
        has_devices: Whether devices have been chosen.
        is_deterministic: Whether operations are deterministic.
    """

    has_devices: bool = False
    is_deterministic: bool = False


_process = _Process()
_descriptor_lock = RLock()


def backend_module() -> ModuleType:
    """The module of `backends` for the current Keras backend.

    Raises:
        RunError: archnet does not support the backend.
    """
    import keras

    name = keras.backend.backend()
    if name not in ("tensorflow", "jax"):
        raise RunError(f'archnet supports tensorflow and jax, but KERAS_BACKEND is "{name}". Set it to one of them.')
    return import_module(f"archnet.network.backends.{name}")


def start_quietly(device: str | None = None, *, is_deterministic: bool = False) -> str:
    """Import Keras and initialize its devices without the backend's startup messages, unless the start fails.

    TensorFlow writes these from C++ before its own log level applies, so the file descriptor itself is redirected.

    Args:
        device: "cpu", "gpu" (all GPUs) or "gpu:1", for the whole process; None is the previous choice, or
            else the first GPU, if there is one.
        is_deterministic: Enables deterministic operations; operations without a deterministic kernel fail.

    Returns:
        Versions and devices, such as "Keras 3.8.0 on tensorflow, CPU".

    Raises:
        RunError: The device does not exist, or it is too late to choose one.
    """
    if device is not None and not _DEVICE.fullmatch(str(device)):
        raise RunError(f'--device "{device}": expected cpu, gpu or a GPU by its number, such as gpu:1.')
    _enable_onednn()
    if "keras" not in sys.modules:
        stage_log.info("Importing Keras and its backend, %s", os.environ.get("KERAS_BACKEND", "tensorflow"))
    with _hold_back_stderr(), _suspend_garbage_collection():
        import keras

        backend, is_first_start = backend_module(), not _process.has_devices
        if device is not None or is_first_start:
            _choose_devices(device, backend)
        if is_deterministic:
            backend.enable_determinism()
            _process.is_deterministic = True
        keras.ops.convert_to_numpy(keras.ops.zeros(1))
        description = f"Keras {keras.__version__} on {keras.backend.backend()}, {_describe_devices()}"
    if is_first_start and _ONEDNN not in os.environ and backend.lacks_onednn():
        _log.warning(
            "TensorFlow was imported before archnet started it, and does not use oneDNN on this processor: 3D networks "
            "train several times slower. Set the environment variable %s=1 before TensorFlow is imported.",
            _ONEDNN,
        )
    return description


def _enable_onednn() -> None:
    """Let TensorFlow compute with oneDNN on every x86 processor, unless the user has chosen.

    TensorFlow does so by itself only on processors with instructions for neural networks (AVX512-VNNI). Without
    oneDNN, 3D networks train several times slower.
    """
    is_read = "tensorflow" in sys.modules  # TensorFlow reads the variable when it is imported
    if not is_read and platform.machine().lower() in ("x86_64", "amd64"):
        os.environ.setdefault(_ONEDNN, "1")


def _choose_devices(device: str | None, backend: ModuleType) -> None:
    gpus = None if device is None else _gpu_numbers(device, backend)
    try:
        backend.use_gpus(gpus)
    except RuntimeError:
        if device is not None:
            raise RunError(
                f"--device {device}: Keras is already initialized in this process, so its devices can no longer be "
                "changed. Choose the device first, or use a new process."
            ) from None
    _process.has_devices = True


def _gpu_numbers(device: str, backend: ModuleType) -> list[int]:
    """Parse the numbers of the requested GPUs."""
    if device == "cpu":
        return []
    count, number = backend.num_gpus(), device.partition(":")[2]
    wanted = [int(number)] if number else list(range(count))
    if wanted and wanted[-1] < count:
        return wanted
    present = {0: "there is no GPU", 1: "there is one GPU, gpu:0"}.get(count, f"there are gpu:0 to gpu:{count - 1}")
    raise RunError(
        f"--device {device}: {present}, says {backend.__name__.rpartition('.')[2]}. Choose another, such as cpu. "
        f"If a GPU is installed but not detected, install its driver and {backend.GPU_PACKAGES}."
    )


def devices() -> list[str]:
    """Names of the devices among which a batch is divided, such as "CPU" or "GPU:0 NVIDIA A100"."""
    names: list[str] = backend_module().devices()
    return names


def is_on_gpu() -> bool:
    """Whether training uses GPUs."""
    return devices()[0].startswith("GPU")


def _describe_devices() -> str:
    names = devices()
    present = backend_module().num_gpus() if is_on_gpu() else 0
    unused = f" (one of {present}: {backend_module().MULTI_GPU_HINT})" if len(names) == 1 < present else ""
    return ", ".join(names) + unused


def execution_record() -> dict[str, Any]:
    """Settings that determine the computations of this process, JSON-ready."""
    import keras

    return {
        "backend": keras.backend.backend(),
        "devices": devices(),
        "deterministic": _process.is_deterministic,
        "threads": backend_module().num_threads(),
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }


@contextmanager
def _suspend_garbage_collection() -> Iterator[None]:
    """Do not search for unreachable objects during the block: an import leaves few, and searches take a fifth of it."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()


@contextmanager
def _hold_back_stderr() -> Iterator[None]:
    """Buffer file descriptor 2 during the block; write the buffer only after an unexpected exception.

    The lock is needed because a second thread would restore the buffer of the first as descriptor 2.
    """
    sys.stderr.flush()
    with _descriptor_lock, tempfile.TemporaryFile() as buffer:
        visible = os.dup(2)
        os.dup2(buffer.fileno(), 2)
        try:
            yield
        except RunError:
            raise
        except Exception:
            buffer.seek(0)
            os.write(visible, buffer.read())
            raise
        finally:
            os.dup2(visible, 2)
            os.close(visible)
