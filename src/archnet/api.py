"""The public names: what `import archnet` offers to scripts and notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archnet.errors import ArchnetError, RunError
from archnet.files.progress import Progress, no_progress
from archnet.files.strict_json import Document, read_document
from archnet.runs.folder import run_name
from archnet.runs.result import Run
from archnet.runs.runner import RunOptions, run_experiments
from archnet.spec.arch import Arch, load_arch
from archnet.spec.experiment import Experiment
from archnet.spec.resolve import parse_experiments

if TYPE_CHECKING:
    from archnet.network.training.loop import Callback

__all__ = ["Arch", "ArchnetError", "Run", "load_arch", "load_experiments", "run", "run_all"]


def run(
    experiment: Experiment | Mapping[str, Any] | Path | str,
    *,
    out: Path | str | None = None,
    device: str | None = None,
    deterministic: bool = False,
) -> Run:
    """Train and evaluate one architecture, and write its run folder.

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


def run_all(  # noqa: PLR0913 - the options of a run, by name
    experiments: Sequence[Experiment],
    *,
    out: Path | str | None = None,
    progress: Progress = no_progress,
    callback: Callback | None = None,
    strict: bool = False,
    resume: bool = False,
    device: str | None = None,
    deterministic: bool = False,
) -> list[Run]:
    """Train and evaluate architectures on the same splits, one after another, and compare all runs of the folder.

    Args:
        experiments: Result of `load_experiments`: the same data, one architecture and one split or fold each.
        out: The experiment's folder; by default runs/<experiment>.
        progress: Wraps what takes long while the data are prepared.
        callback: Called after every training step and epoch.
        strict: Fail if a scan cannot be read; otherwise its cases are left out, with a warning.
        resume: Skip finished runs and resume interrupted ones.
        device: Where this process trains: "cpu", "gpu" (all of them) or "gpu:1"; null is a GPU if there is one.
        deterministic: Use deterministic (slower) GPU kernels.

    Raises:
        ArchnetError: The documents, the data, the folder or the device cannot be used.
    """
    options = RunOptions(
        progress=progress,
        callback=callback,
        strict=strict,
        resume=resume,
        device=device,
        deterministic=deterministic,
    )
    return run_experiments(experiments, out=out, options=options)


def load_experiments(source: Mapping[str, Any] | Path | str) -> tuple[Experiment, ...]:
    """Load the experiments of a file or a document, one for each architecture and fold.

    Raises:
        DocumentError: The document has problems; the message has a line for each.
    """
    if isinstance(source, Mapping):
        return parse_experiments(Document(value=dict(source), source="the experiment"))
    return parse_experiments(read_document(source))
