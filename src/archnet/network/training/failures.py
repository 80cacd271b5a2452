"""Translate known training failures into errors with advice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from typing import Final

from archnet.errors import RunError
from archnet.spec.memory import HEADROOM, MemoryEstimate, gigabytes_text

MAX_NAMED_CASES: Final = 8
"""Maximum number of cases in a message."""

_OUT_OF_MEMORY: Final = {"MemoryError", "ResourceExhaustedError"}
_NO_KERNEL: Final = re.compile(r"No OpKernel was registered to support Op '(\w+)'.*\bT=(DT_HALF|DT_BFLOAT16)")
_PRECISIONS: Final = {"DT_HALF": "float16", "DT_BFLOAT16": "bfloat16"}
_NODE: Final = re.compile(r"\{\{node ([^}]+)\}\}")


@contextmanager
def translate_errors(num_cases: int, batch_size: int, memory: MemoryEstimate | None) -> Iterator[None]:
    """Translate known errors of a backend in a training step into errors with advice.

    Args:
        num_cases: Number of cases per micro-batch.
        batch_size: Number of cases per step.
        memory: Predicted memory of the training, if known.

    Raises:
        RunError: Memory has run out, or an operation has no deterministic kernel or no kernel in the precision.
    """
    try:
        yield
    except Exception as error:
        advice = _advice(error, num_cases, batch_size, memory)
        if advice is None:
            raise
        raise RunError(advice) from error


def _advice(error: Exception, num_cases: int, batch_size: int, memory: MemoryEstimate | None) -> str | None:
    names, text = {kind.__name__ for kind in type(error).__mro__}, str(error)
    if names & _OUT_OF_MEMORY or "RESOURCE_EXHAUSTED" in text:
        return _out_of_memory_message(num_cases, batch_size, memory)
    if ("UnimplementedError" in names or "UNIMPLEMENTED" in text) and "determinis" in text.lower():
        return _nondeterminism_message(text)
    if missing := _NO_KERNEL.search(text):
        return (
            f'training.precision "{_PRECISIONS[missing[2]]}": this device has no {missing[1]} kernel for it. Use a '
            'different precision, such as "float32", or a different --device.'
        )
    return None


def _out_of_memory_message(num_cases: int, batch_size: int, memory: MemoryEstimate | None) -> str:
    start = f"out of memory with a micro-batch of {num_cases} (batch size {batch_size}). "
    if num_cases == 1:
        return start + (
            "Make the crop smaller (data.crop_size), or give the network's first layers fewer num_output or a stride."
        )
    fewer = ceil(num_cases / 2)
    option = "--memory"
    if memory:
        budget = memory.peak_bytes(batch_size, fewer) / (1 - HEADROOM)
        option = f"--memory {gigabytes_text(budget).replace(' ', '')}"
    return start + (
        f"Restart in a different folder with {option}, which limits micro-batches to {fewer} cases without changing "
        "the step, lower training.batch_size, or use a smaller network."
    )


def _nondeterminism_message(text: str) -> str:
    node = _NODE.search(text)
    which = f"the operation {node[1]}" if node else "an operation"
    sentence = next(line for line in text.splitlines() if "determinis" in line.lower()).strip()
    return (
        f'--deterministic: {which} has no deterministic kernel on this device: "{sentence}" Omit '
        "--deterministic, train with --device cpu, or remove the layer or augmentation that needs it."
    )


def divergence_error(symptom: str, names: Sequence[str] = ()) -> RunError:
    """Create the error for a training that has diverged.

    Args:
        symptom: The symptom and its epoch.
        names: Names of the cases of the step, if the symptom occurred in a step.
    """
    more = f" and {len(names) - MAX_NAMED_CASES} more" if len(names) > MAX_NAMED_CASES else ""
    cases = f" The step's cases: {', '.join(names[:MAX_NAMED_CASES])}{more}." if names else ""
    return RunError(
        f"{symptom}: training has diverged.{cases} Lower training.learning_rate, or set training.clip_norm to 1."
    )
