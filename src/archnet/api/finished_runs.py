"""Compare, report and export finished runs: `compare`, `write_report` and `export_model`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from archnet.api.paths import Paths, as_paths
from archnet.errors import RunError
from archnet.files.locks import break_foreign_locks
from archnet.files.path_argument import output_folder, path_argument

if TYPE_CHECKING:
    from archnet.evaluation.comparison.comparison import Comparison
    from archnet.export.exported_model import ExportedModel


def compare(runs: Paths, *, noninferior: float | None = None, stack: bool = False) -> Comparison:
    """Compare architectures on the same test cases: paired differences with intervals and p values, metrics, costs.

    Runs of one architecture that differ only in fold or seed are pooled, regardless of their folders. 2D networks come
    before 3D networks, baselines last; the first network is the reference for the others. Notebooks display the
    tables; `print` writes the conclusion in words.

    >>> print(archnet.compare("runs/phantom"))  # doctest: +SKIP
    >>> archnet.compare([flat, deep]).row("arch3dsm").value("recall")  # doctest: +SKIP

    Args:
        runs: Runs or run folders, or an experiment folder.
        noninferior: Margin of non-inferiority, such as 0.02: test whether each architecture is worse than the reference
            by less than this in the first difference of its table (one-sided at 2.5%); see `pairs[...].noninferiority`.
        stack: Add a row for each network combined with each baseline, by a logistic regression on the logits of both
            probabilities, fitted on validation cases or on the test cases of other folds. Each combination gets a run
            folder, in the folder `stacked` next to the runs of the network.

    Returns:
        The comparison: `rows`, one for each architecture, and `pairs`, each architecture against the reference.

    Raises:
        ArchnetError: There are fewer than two finished runs, their classes or cases differ, the margin is not a number
            between 0 and 1, or the runs cannot be combined.
    """
    if stack:
        from archnet.runs.stacking import compare_with_stacks

        return compare_with_stacks(as_paths(runs, "runs"), noninferior)
    from archnet.evaluation.comparison import comparison

    return comparison.compare(as_paths(runs, "runs"), noninferior)


def write_report(
    runs: Paths,
    *,
    repair: bool = False,
    accept_edits: bool = False,
    break_lock: bool = False,
    checklists: Sequence[str] = (),
    figures: Sequence[str] = ("svg",),
) -> list[Path]:
    """Recompute metrics.json from predictions.csv, and draw the figures and report.html again.

    >>> archnet.write_report("runs/phantom")  # doctest: +SKIP
    >>> archnet.write_report("runs/phantom/archsm", checklists=["claim"])  # doctest: +SKIP

    Args:
        runs: Runs or run folders; or the folder of an experiment or a versus, whose comparison is also rewritten.
        repair: Regenerate missing and changed files from the other files, where this needs no training. Regenerated
            files are logged.
        accept_edits: Accept files that you changed; later reports and comparisons state this. A run without a manifest
            gets one.
        break_lock: Break the locks of processes on other machines that ended without releasing them.
        checklists: Reporting checklists to fill for each run, as a page and a csv file: "claim", "tripod-ai" or
            "stard-ai".
        figures: Figure formats of each run: "svg", or "svg" and "pdf".

    Returns:
        Paths of the HTML reports and the checklists; those of comparisons come last.

    Raises:
        ArchnetError: A run is not finished, its files are damaged or changed, or a checklist is unknown.
    """
    from archnet.runs.rereport import ReportOptions, regenerate_reports

    options = ReportOptions(
        repair=repair,
        accept_edits=accept_edits,
        today=date.today().isoformat(),
        has_pdf="pdf" in _figure_formats(figures),
        checklists=(checklists,) if isinstance(checklists, str) else tuple(checklists),
    )
    from archnet.versus.plan.plan_reader import is_versus_folder
    from archnet.versus.run_versus import rewrite_result, versus_runs

    paths = as_paths(runs, "runs")
    folders = [path for path in paths if is_versus_folder(path)]
    run_paths = [run for path in paths for run in (versus_runs(path) if path in folders else [path])]
    with break_foreign_locks(is_wanted=break_lock):
        pages = regenerate_reports(run_paths, options)
        return pages + [page for folder in folders for page in rewrite_result(folder)]


def _figure_formats(figures: Sequence[str]) -> tuple[str, ...]:
    """The formats of figures.

    Raises:
        RunError: One is unknown.
    """
    formats = (figures,) if isinstance(figures, str) else tuple(figures)
    for name in formats:
        if name not in ("svg", "pdf"):
            raise RunError(f'--figures: unknown figure format "{name}". Use svg or svg,pdf.')
    return formats


def export_model(
    run: PathLike[str] | str,
    format: Literal["keras", "saved_model", "onnx"],  # named like `--format`
    *,
    out: PathLike[str] | str | None = None,
    break_lock: bool = False,
) -> ExportedModel:
    """Export a run's model with a model card: (N, *input_shape) raw values (HU) in, (N, K) probabilities out.

    The exported model is read back and checked against Keras; a model whose probabilities differ by more than 1e-5 is
    not kept.

    >>> archnet.export_model("runs/phantom/arch3dsm", "onnx").model  # doctest: +SKIP

    Args:
        run: A run or run folder.
        format: "keras" (a Keras file), "saved_model" (a TensorFlow folder) or "onnx" (requires the extra: export).
        out: New folder. Defaults to export-<format> in the run folder.
        break_lock: Break the lock of a process on another machine that ended without releasing it.

    Returns:
        The paths of the exported `model` and its `card`, and its largest `difference` from Keras.

    Raises:
        ArchnetError: The run has no model, the folder exists, a package is missing, or the probabilities differ.
    """
    from archnet.evaluation.run_folder import find_named_run
    from archnet.export.exported_model import export_run

    folder = None if out is None else output_folder(out)
    with break_foreign_locks(is_wanted=break_lock):
        return export_run(find_named_run(path_argument(run, "run")), format, folder)
