"""Compare all finished runs in an experiment folder, with the FROC of pooled runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from archnet.errors import RunError
from archnet.evaluation.comparison.comparison import Comparison, compare
from archnet.evaluation.comparison.pools import Pool
from archnet.evaluation.froc.hits import Findings, Marks, ReferenceStandard, match_marks
from archnet.evaluation.froc.lists import read_findings, read_marks, read_series
from archnet.evaluation.froc.paired_froc import NetworkHits
from archnet.evaluation.run_folder import find_run_folders
from archnet.evaluation.strata.froc_strata import match_marks_by_diameter
from archnet.report.figures.svg import write_drawing
from archnet.report.html.comparison_page import write_comparison_page
from archnet.report.html.froc_section import RunFroc, froc_section
from archnet.runs.froc_folder import (
    FINDING_LISTS,
    SERIES,
    SUBMISSION,
    evaluate_submission,
    has_froc_lists,
    write_findings,
    write_froc_curve,
    write_series,
    write_submission,
)
from archnet.runs.gallery import share_heat_maps
from archnet.runs.log import log


def compare_finished_runs(folder: Path) -> Comparison | None:
    """Compare all finished runs in an experiment's folder, if there are at least two, and write the page.

    If architectures have different finished folds, a warning is logged instead of an error.

    Returns:
        The comparison; None if there is none.
    """
    runs = find_run_folders([folder])
    if len(runs) < 2:
        return None
    try:
        share_heat_maps(runs)
        comparison = compare(runs)
        write_comparison_page_with_froc(folder, comparison)
    except RunError as error:
        log.warning("no comparison: %s", error)
        return None
    return comparison


def write_comparison_with_froc(folder: Path, runs: Sequence[Path]) -> Path:
    """Write the comparison of runs, with the FROC of pooled runs.

    Args:
        folder: The experiment's folder.
        runs: Run folders.

    Returns:
        The page.

    Raises:
        RunError: The runs cannot be compared.
    """
    return write_comparison_page_with_froc(folder, compare(runs))


def write_comparison_page_with_froc(folder: Path, comparison: Comparison) -> Path:
    """Write the page of a comparison, with the FROC of pooled runs.

    Args:
        folder: The folder of the page.
        comparison: A comparison from `compare`.

    Returns:
        The page.
    """
    return write_comparison_page(folder, comparison, partial(pool_froc, folder), read_pool_hits)


def read_pool_hits(pool: Pool) -> NetworkHits | None:
    """The hits of each seed's network in the test scans of all folds; None if a run has no FROC.

    Raises:
        DataError: A list is damaged.
    """
    if not all(map(has_froc_lists, pool.folders)):
        return None
    inputs = [_read_marks_and_reference(folders) for folders in pool.folders_by_seed]
    strata = [match_marks_by_diameter(*pair) for pair in inputs]
    return NetworkHits(
        of_all=[match_marks(*pair) for pair in inputs],
        by_diameter={name: [hits[name] for hits in strata] for name in strata[0] if all(name in one for one in strata)},
    )


def _read_marks_and_reference(folders: Sequence[Path]) -> tuple[Marks, ReferenceStandard]:
    """The marks and the reference standard of all folds of one training."""
    nodules, excluded = (
        _join_findings([read_findings(folder / "froc" / name) for folder in folders]) for name in FINDING_LISTS
    )
    series = sorted({uid for folder in folders for uid in read_series(folder / SERIES)})
    reference = ReferenceStandard(series=series, nodules=nodules, excluded=excluded)
    return _join_marks([read_marks(folder / SUBMISSION) for folder in folders]), reference


def pool_froc(folder: Path, pool: Pool) -> list[RunFroc]:
    """The FROC of pooled runs for each seed, if each run evaluated all candidates of its test scans.

    The submissions and lists of the folds are merged into `FOLDER/together/NAME/froc`, in the format of `archnet froc`.

    Args:
        folder: The experiment's folder.
        pool: Runs of one architecture.
    """
    if not all(map(has_froc_lists, pool.folders)):
        return []
    names = [f"{pool.name}, seed {seed}" if len(pool.seeds) > 1 else pool.name for seed in pool.seeds]
    return [
        _join_folds(folder / "together" / name, folders, pool.bootstraps)
        for name, folders in zip(names, pool.folders_by_seed, strict=True)
    ]


def _join_folds(pool_folder: Path, folders: Sequence[Path], bootstraps: int) -> RunFroc:
    """Write the submissions and lists of a training's folds into one folder, and evaluate them."""
    write_submission(pool_folder, _join_marks([read_marks(folder / SUBMISSION) for folder in folders]))
    for name in FINDING_LISTS:
        findings = _join_findings([read_findings(folder / "froc" / name) for folder in folders])
        write_findings(pool_folder, name, findings)
    write_series(pool_folder, (uid for folder in folders for uid in read_series(folder / SERIES)))
    result = evaluate_submission(pool_folder, bootstraps)
    write_froc_curve(pool_folder, result)
    froc = RunFroc(name=pool_folder.name, folder=pool_folder, results=result.to_document())
    if section := froc_section([froc]):
        write_drawing(pool_folder / "figures/froc.svg", section["drawing"])
    return froc


def _join_marks(parts: Sequence[Marks]) -> Marks:
    points, scores = _concatenate_columns(parts, "points_mm", "scores")
    return Marks(series=_concatenate_series(parts), points_mm=points, scores=scores)


def _join_findings(parts: Sequence[Findings]) -> Findings:
    points, diameters = _concatenate_columns(parts, "points_mm", "diameters_mm")
    return Findings(series=_concatenate_series(parts), points_mm=points, diameters_mm=diameters)


def _concatenate_series(parts: Sequence[Marks] | Sequence[Findings]) -> list[str]:
    return [uid for part in parts for uid in part.series]


def _concatenate_columns(parts: Sequence[Marks] | Sequence[Findings], *names: str) -> list[Any]:
    return [np.concatenate([getattr(part, name) for part in parts]) for name in names]
