"""The public names: what `import archnet` offers to scripts and notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archnet.errors import ArchnetError, RunError
from archnet.files.strict_json import Document, read_document
from archnet.runs.folder import run_name
from archnet.runs.result import Run
from archnet.runs.runner import run_all
from archnet.spec.arch import Arch, load_arch
from archnet.spec.experiment import Experiment
from archnet.spec.resolve import parse_experiments

__all__ = ["Arch", "ArchnetError", "Run", "load_arch", "load_experiments", "run", "run_all"]


def run(
    experiment: Experiment | Mapping[str, Any] | Path | str,
    *,
    out: Path | str | None = None,
    device: str | None = None,
    deterministic: bool = False,
) -> Run:
    """Trains and judges one architecture and leaves a run folder.

    Args:
        experiment: An experiment, its document, or the file that holds it.
        out: The experiment's folder; by default runs/<experiment>.
        device: See `run_all`.
        deterministic: See `run_all`.

    Raises:
        ArchnetError: The documents, the data, the folder or the device cannot be used.
    """
    experiments = (experiment,) if isinstance(experiment, Experiment) else load_experiments(experiment)
    if len(experiments) != 1:
        names = ", ".join(run_name(one) for one in experiments)
        raise RunError(f"run makes one run, but the experiment has {len(experiments)} ({names}). Use run_all.")
    return run_all(experiments, out=out, device=device, deterministic=deterministic)[0]


def load_experiments(source: Mapping[str, Any] | Path | str) -> tuple[Experiment, ...]:
    """The experiments in a file or a document, one for each architecture and fold.

    Raises:
        DocumentError: One line for every problem found.
    """
    if isinstance(source, Mapping):
        return parse_experiments(Document(value=dict(source), source="the experiment"))
    return parse_experiments(read_document(source))
