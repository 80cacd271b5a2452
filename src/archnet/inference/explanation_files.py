"""Explain a scan file: check the run and the scan, and write the picture and the heat map."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from archnet.errors import RunError, did_you_mean
from archnet.files.atomic import atomic_write
from archnet.files.progress import Progress, no_progress
from archnet.imaging.scan_names import scan_name
from archnet.imaging.volume import Point
from archnet.inference.explain import (
    METHODS,
    Explanation,
    Method,
    draw_explanation,
    explain_scan,
    write_heat_map,
)
from archnet.inference.scan_paths import find_named_scans
from archnet.inference.trained_run import TrainedRun, check_case_kind, read_trained_runs


def explain_file(  # noqa: PLR0913 - the options of `archnet explain`, by name
    run: Path,
    scan: Path,
    *,
    at: Point | None = None,
    method: Method = "gradcam",
    class_name: str | None = None,
    series: str | None = None,
    progress: Progress = no_progress,
) -> Explanation:
    """Explain the prediction of a whole scan, or of the candidate at a point.

    Args:
        run: The run folder.
        scan: A file or DICOM folder.
        at: For a run on candidates: the position (x, y, z) in mm, LPS.
        method: Saliency method.
        class_name: The class to explain; by default the run's positive class.
        series: The CT series to read in a DICOM folder that contains several, by its uid, number or description.
        progress: Wraps the items of a long loop.

    Raises:
        ArchnetError: The run, the scan, the point and the class are incompatible, or the scan is rejected.
    """
    trained_run = _single_run(read_trained_runs([run]), run)
    check_case_kind(trained_run, {"--at": at}, "Name one by its position in mm with --at=X,Y,Z.")
    label = _class_index(trained_run, class_name)
    if method not in METHODS:
        hint = did_you_mean(method, METHODS)
        raise RunError(f'--method "{method}": unknown.{hint} Known: {", ".join(METHODS)}.')
    path = _single_scan(scan, series)
    from archnet.network.backend import start_quietly

    start_quietly()
    return explain_scan(trained_run, path, label, method, at, progress, series=series)


def write_explanation(explanation: Explanation, folder: Path) -> Explanation:
    """Write a picture of slices (.png) and the heat map (.nii.gz), named by run, scan, point, class and method.

    Returns:
        The explanation with its two files.
    """
    stem = folder / _file_stem(explanation)
    picture, volume = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.nii.gz")
    with atomic_write(picture) as draft:
        draft.write_bytes(draw_explanation(explanation))
    with atomic_write(volume) as draft:
        write_heat_map(draft, explanation.scan, explanation.scan_heat, explanation.series)
    return replace(explanation, files=(picture, volume))


def _file_stem(explanation: Explanation) -> str:
    """The stem that both file names share."""
    position = ["_".join(f"{value:.10g}" for value in explanation.point_mm)] if explanation.point_mm else []
    names = [explanation.run.resolve().name, scan_name(explanation.scan), *position]
    return re.sub(r"[^\w.+-]", "_", "-".join([*names, explanation.class_name, explanation.method]))


def _single_run(runs: list[TrainedRun], path: Path) -> TrainedRun:
    if len(runs) > 1:
        raise RunError(f"{path}: contains {len(runs)} runs. Choose one, such as {runs[0].folder}.")
    return runs[0]


def _single_scan(path: Path, series: str | None) -> Path:
    scans = find_named_scans([path], series).paths
    if path not in scans and len(scans) > 1:
        raise RunError(f"{path}: contains {len(scans)} scans. Choose one, such as {scans[0]}.")
    return path if path in scans else scans[0]


def _class_index(run: TrainedRun, name: str | None) -> int:
    if name is None:
        return run.positive
    if name not in run.classes:
        known = ", ".join(run.classes)
        raise RunError(f'--class: no class "{name}".{did_you_mean(name, run.classes)} The run has {known}.')
    return run.classes.index(name)
