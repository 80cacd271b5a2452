"""Regenerate metrics and reports from saved predictions, from run folders alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from archnet.evaluation.metrics import recompute_metrics
from archnet.evaluation.run_folder import find_run_folders, read_json
from archnet.files.atomic import write_json
from archnet.files.locks import lock_folder
from archnet.report.html.run_page import write_report
from archnet.report.run_files import RunFiles, read_run
from archnet.runs.comparison import write_comparison_with_froc
from archnet.runs.froc import recompute_run_froc


def regenerate_reports(paths: Sequence[Path]) -> list[Path]:
    """Recompute `metrics.json` and draw the figures and `report.html` of run folders or whole experiments.

    Args:
        paths: Run folders; or experiment folders, whose comparison is written as well.

    Returns:
        The pages written, the comparisons' last.

    Raises:
        RunError: A run isn't finished, or another process is writing to its folder.
        DataError: A file of a run folder is damaged.
    """
    experiments = [path for path in dict.fromkeys(paths) if len(find_run_folders([path])) > 1]
    with ExitStack() as locks:
        for path in experiments:
            locks.enter_context(lock_folder(path))
        pages = [_regenerate_report(folder) for folder in find_run_folders(paths)]
        return pages + [write_comparison_with_froc(path, find_run_folders([path])) for path in experiments]


def _regenerate_report(folder: Path) -> Path:
    with lock_folder(folder):
        return _rewrite_report(folder)


def _rewrite_report(folder: Path) -> Path:
    run = read_run(folder)
    bootstraps = _num_bootstraps(run)
    metrics = recompute_metrics(run.predictions, run.metrics, bootstraps=bootstraps)
    froc = recompute_run_froc(folder, run.predictions, run.positive, bootstraps)
    write_json(folder / "metrics.json", metrics | froc)
    return write_report(replace(run, metrics=read_json(folder / "metrics.json")))


def _num_bootstraps(run: RunFiles) -> int:
    """The number of resamples that the experiment asks for."""
    options: dict[str, Any] = (run.experiment or {}).get("evaluation", {})
    return int(options.get("bootstraps", 1000))
