"""The figures of one run, for its page and its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from archnet.evaluation.kept_epoch import training_ends
from archnet.report.curves import run_curves
from archnet.report.figures.calibration import reliability_drawing
from archnet.report.figures.confusion_matrix import confusion_matrix_drawing
from archnet.report.figures.montage import NUM_PICTURES, gallery_pictures, montage_drawing, shown_channel
from archnet.report.figures.ranking import curve_drawing
from archnet.report.figures.svg import Drawing, write_drawing
from archnet.report.figures.training_curves import training_curves_drawing
from archnet.report.run_files import RunFiles
from archnet.report.wording import SET_NAMES, UNCALIBRATED, calibration_error, reported_set, temperature_text


def run_drawings(run: RunFiles) -> dict[str, Drawing]:
    """The figures for which the run has data, by file name."""
    return {
        **_confusion_matrices(run),
        **_training_curves(run),
        **{
            plot.name: curve_drawing(plot, curves, f"{plot.title}, {run.name}")
            for plot, curves in run_curves(run).items()
        },
        **_calibration(run),
        **_montages(run),
    }


def write_figures(folder: Path, drawings: Mapping[str, Drawing]) -> list[Path]:
    """Write figures to a run's `figures` folder, and remove PNG and PDF files of the same name.

    Returns:
        The files written.
    """
    paths = [write_drawing(folder / "figures" / f"{name}.svg", drawing) for name, drawing in drawings.items()]
    for path in paths:
        path.with_suffix(".png").unlink(missing_ok=True)
        path.with_suffix(".pdf").unlink(missing_ok=True)
    return paths


def _confusion_matrices(run: RunFiles) -> dict[str, Drawing]:
    return {
        f"confusion_matrix_{name}": confusion_matrix_drawing(
            run.metrics[name]["confusion_matrix"], run.classes, f"{run.name}, {SET_NAMES[name]} set"
        )
        for name in run.sets
    }


def _training_curves(run: RunFiles) -> dict[str, Drawing]:
    kept_epochs = [end.kept_epoch for end in training_ends(run.history, run.experiment)]
    return {"training_curves": training_curves_drawing(run.history, kept_epochs)} if kept_epochs else {}


def _calibration(run: RunFiles) -> dict[str, Drawing]:
    """The reliability diagram of the reported set, before and after temperature scaling."""
    name = reported_set(run.sets)
    entry = run.metrics[name].get("calibration")
    if entry is None:
        return {}
    curves = {UNCALIBRATED: entry["bins"]}
    if "scaled" in entry:
        curves[temperature_text(entry["scaled"]["temperature"])] = entry["scaled"]["bins"]
    alt = f"Reliability diagram, expected calibration error {calibration_error(entry)}."
    outcome = "mean soft label" if entry.get("labels") == "soft" else "observed frequency"
    return {"calibration": reliability_drawing(curves, f"Calibration, {SET_NAMES[name]} set", alt, name, outcome)}


def _montages(run: RunFiles) -> dict[str, Drawing]:
    kinds = {"samples": ("sample", "Training cases"), "wrong_cases": ("wrong", "Most confidently wrong")}
    pictures = {name: gallery_pictures(run, kind)[:NUM_PICTURES] for name, (kind, _) in kinds.items()}
    channel = f", {shown}" if (shown := shown_channel(run.experiment)) else ""
    return {name: montage_drawing(cases, kinds[name][1] + channel) for name, cases in pictures.items() if cases}
