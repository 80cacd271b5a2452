"""The cases of a run's page."""

from __future__ import annotations

from typing import Any

from archnet.report.figures.montage import shown_channel
from archnet.report.html.cases.viewer_data import ViewedCases, ViewedNetwork, viewer_panel
from archnet.report.run_files import RunFiles
from archnet.report.wording import SET_NAMES, reported_set


def run_viewer(run: RunFiles) -> dict[str, Any] | None:
    """The viewer of one run; None if it stores no cases."""
    if run.gallery is None:
        return None
    reported = reported_set(run.sets)
    network = ViewedNetwork(
        name=run.name,
        probabilities=run.predictions.probabilities,
        threshold=run.metrics[reported].get("threshold"),
        galleries=[run.gallery],
        heat_maps=[] if run.heat_maps is None else [run.heat_maps],
    )
    cases = ViewedCases(
        predictions=run.predictions,
        positive=run.positive,
        networks=[network],
        reported=reported,
        columns={SET_NAMES[name]: (0, name) for name in run.sets},
        presets=_presets(run, SET_NAMES[reported]),
        experiment=run.experiment or {},
        shown=shown_channel(run.experiment),
    )
    return viewer_panel(cases)


def _presets(run: RunFiles, column: str) -> list[tuple[str, dict[str, Any]]]:
    """Selections of the reported set."""
    errors = ("errors", {"column": column, "correct": False})
    others = [("correct", {"column": column, "correct": True}), ("all cases", {})]
    if len(run.classes) > 2:
        return [errors, *others]
    positive, negative = run.positive, 1 - run.positive
    return [
        errors,
        ("false positives", {"column": column, "truth": negative, "predicted": positive}),
        ("false negatives", {"column": column, "truth": positive, "predicted": negative}),
        *others,
    ]
