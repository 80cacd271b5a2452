"""Regenerate metrics and reports from saved predictions, from run folders alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from archnet.errors import DataError, RunError
from archnet.evaluation.integrity.acceptance import accept_edits
from archnet.evaluation.integrity.manifest import PAGES, rewrite_files
from archnet.evaluation.members.member_results import members_entry
from archnet.evaluation.metrics import collapse_entry, recompute_metrics
from archnet.evaluation.run_folder import find_named_run, find_run_folders, read_json
from archnet.evaluation.strata.case_columns import read_case_columns
from archnet.evaluation.strata.run_strata import strata_entry
from archnet.files.archives.zip_archive import DamagedFileError
from archnet.files.atomic import write_json
from archnet.files.locks import lock_folder
from archnet.report.html.checklist_page import write_checklist
from archnet.report.html.run_page import write_report
from archnet.report.integrity_wording import run_integrity_texts
from archnet.report.paper.checklists.filled_checklist import find_checklist
from archnet.report.paper.pdf_figures import write_pdf_figures
from archnet.report.run_files import RunFiles, read_run, read_run_files
from archnet.runs.comparison import write_comparison_with_froc
from archnet.runs.froc import recompute_run_froc
from archnet.runs.froc_folder import evaluate_submission, has_froc_lists
from archnet.runs.gallery import share_heat_maps
from archnet.runs.log import log
from archnet.runs.preparation.training_scans import read_training_scans
from archnet.runs.repair import repair_run
from archnet.spec.outputs.output_file import RUN_REMEDY

REPORT_WRITES: Final = ("metrics.json", "froc/", *PAGES)
"""Files that a report writes to a run folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """Options for files that have changed since a run finished; by default, they are an error.

    Attributes:
        repair: Regenerate them from the other files, if this needs no training.
        accept_edits: Accept them; all later reports state this.
        today: Day of the acceptance, as YYYY-MM-DD.
        checklists: Names of the reporting checklists to fill.
        has_pdf: Write the figures as PDF as well.
    """

    repair: bool = False
    accept_edits: bool = False
    today: str = ""
    checklists: tuple[str, ...] = ()
    has_pdf: bool = False

    def __post_init__(self) -> None:
        """Reject both options together, and unknown checklists.

        Raises:
            RunError: Both are set, or there is no such checklist.
        """
        for name in self.checklists:
            find_checklist(name)
        if self.repair and self.accept_edits:
            raise RunError("--repair and --accept-edits: choose one. A repair discards edits.")


def regenerate_reports(paths: Sequence[Path], options: ReportOptions = ReportOptions()) -> list[Path]:
    """Recompute `metrics.json` and draw the figures and `report.html` of run folders or whole experiments.

    Args:
        paths: Run folders; or experiment folders, whose comparison is written as well.
        options: How to handle files that have changed.

    Returns:
        The pages and filled checklists written, the comparisons' pages last.

    Raises:
        RunError: A run isn't finished, or another process is writing to its folder.
        DataError: A file of a run folder is damaged or has changed since the run finished.
    """
    paths = [find_named_run(path) for path in paths]
    experiments = [path for path in dict.fromkeys(paths) if len(find_run_folders([path])) > 1]
    with ExitStack() as locks:
        for path in experiments:
            locks.enter_context(lock_folder(path))
        pages = [page for folder in find_run_folders(paths) for page in _regenerate_report(folder, options)]
        if options.repair:
            _complete_heat_maps(find_run_folders(paths))
        return pages + [write_comparison_with_froc(path, find_run_folders([path])) for path in experiments]


def _complete_heat_maps(folders: Sequence[Path]) -> None:
    """Add heat maps of the other runs' errors to repaired heat maps, as `archnet run` does."""
    by_experiment: dict[Path, list[Path]] = {}
    for folder in folders:
        by_experiment.setdefault(folder.resolve().parent, []).append(folder.resolve())
    for experiment, receivers in by_experiment.items():
        if not (experiment / "experiment.json").exists():
            continue
        try:
            share_heat_maps(find_run_folders([experiment]), receivers)
        except DataError as error:
            log.warning("%s: heat maps of the errors of the other runs are not added: %s", experiment, error)


def _regenerate_report(folder: Path, options: ReportOptions) -> list[Path]:
    with lock_folder(folder):
        if options.repair:
            repair_run(folder)
        if options.accept_edits:
            for name in accept_edits(folder, options.today, _check_files):
                log.warning("%s: change accepted.", folder / name)
        return _rewrite_report(folder, options)


def _check_files(folder: Path) -> None:
    """Check that all files of a run can be read, with and without a report.

    Raises:
        DataError: A file is damaged.
    """
    from archnet.network.model_file import check_model_file

    read_run_files(folder)
    read_training_scans(folder)
    read_case_columns(folder)
    if has_froc_lists(folder):
        evaluate_submission(folder, bootstraps=0)
    path = folder / "model.keras"
    if not path.exists():
        return
    try:
        check_model_file(path)
    except DamagedFileError as error:
        raise DataError(f"{path}: cannot be read as an archnet model: {error}. {RUN_REMEDY}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}. Check its permissions.") from error


def _rewrite_report(folder: Path, options: ReportOptions) -> list[Path]:
    run = read_run(folder, while_rewritten=True)
    for text in run_integrity_texts(run.manifest):
        log.warning("%s: %s", folder, text)
    bootstraps = _num_bootstraps(run)
    metrics = recompute_metrics(run.predictions, run.metrics, bootstraps=bootstraps)
    with rewrite_files(folder, REPORT_WRITES):
        froc = recompute_run_froc(folder, run.predictions, run.positive, bootstraps)
        collapse = collapse_entry(run.predictions, metrics, run.history)
        strata = strata_entry(folder, run.predictions, metrics)
        members = members_entry(folder, metrics, run.experiment or {})
        write_json(folder / "metrics.json", metrics | collapse | strata | froc | members)
        run = replace(run, metrics=read_json(folder / "metrics.json"))
        page = write_report(run)
        if options.has_pdf:
            write_pdf_figures(folder)
        return [
            page,
            *(
                path
                for name in dict.fromkeys(options.checklists)
                for path in write_checklist(run, find_checklist(name))
            ),
        ]


def _num_bootstraps(run: RunFiles) -> int:
    """The number of resamples that the experiment sets."""
    options: dict[str, Any] = (run.experiment or {}).get("evaluation", {})
    return int(options.get("bootstraps", 1000))
