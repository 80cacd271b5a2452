"""Run one task of `trial_process` in a process of its own, outside Ray, and wait for its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from tempfile import TemporaryFile
from typing import IO, Any, Final

from archnet.errors import RunError

SHARING_VARIABLES: Final = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
"""Runs that share a GPU take its memory as needed. By default TensorFlow takes all of it, and JAX three quarters."""


def process_environment(cpus: float, gpus: float, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of a run: as many threads as cores, and only the GPUs that are assigned to it.

    Args:
        cpus: Number of cores of the run.
        gpus: Number of GPUs of the run; CUDA_VISIBLE_DEVICES is set to them already.
        variables: Variables to forward from the process of the sweep.
    """
    threads = str(max(int(cpus), 1))
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    gpu_variables = {} if gpus else {"CUDA_VISIBLE_DEVICES": "-1"}
    sharing_variables = SHARING_VARIABLES if 0 < gpus < 1 else {}
    return {**os.environ, **variables, **dict.fromkeys(names, threads), **gpu_variables, **sharing_variables}


def run_task(
    task: Mapping[str, Any], command: Sequence[str], failure: str, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run a task, and return its results as one object.

    Args:
        task: A task of `trial_process`.
        command: The command of the process.
        failure: Start of the message if the task fails.
        environment: Environment variables; None means those of this process.

    Raises:
        RunError: The task failed.
    """
    pipe = subprocess.PIPE
    with (
        TemporaryFile() as errors,
        subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=errors, text=True, start_new_session=True, env=environment
        ) as process,
    ):
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("unreachable")
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
        result = _read_results(process.stdout)
        if result.get("ended") != "finished":
            raise RunError(f"{failure}: {result.get('reason') or exit_reason(process.wait(), _read_errors(errors))}")
    return result


def exit_reason(code: int, errors: str) -> str:
    """The reason why a process ended without a result.

    Args:
        code: Its exit code; negative for the signal that killed it.
        errors: What it printed on stderr.
    """
    if code >= 0:
        lines = errors.splitlines() or ["it printed nothing"]
        return f"its process ended with code {code}: {lines[-1]}"
    name = signal.Signals(-code).name
    hint = ", for example because the system ran out of memory" if name == "SIGKILL" else ""
    return f"its process was killed by {name}{hint}"


def _read_errors(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode("utf-8", "replace")


def _read_results(lines: Any) -> dict[str, Any]:
    """The results up to the one that reports the end of the task."""
    results: dict[str, Any] = {}
    for line in lines:
        results |= json.loads(line)
        if "ended" in results:
            break
    return results
