"""The report of one run: everything a reader asks of it, on one self-contained page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from archnet.evaluation.comparison_rows import COSTS
from archnet.evaluation.confusion import class_report
from archnet.evaluation.metrics import METRICS
from archnet.report.calibration_figure import reliability_figure
from archnet.report.figures import roc_curves, roc_figure, training_curves_figure
from archnet.report.montage import Picture, central_slice, pictures, strip
from archnet.report.page import Embedded, embedded, image_uri, write_page
from archnet.report.run_files import RunFiles, read_run
from archnet.report.wording import SET_NAMES, cautions, headline, reported_set, short_case


def write_report(folder: Path) -> Path:
    """Write `report.html` of one run from its folder alone.

    Returns:
        The file written.

    Raises:
        RunError: The run isn't finished.
        DataError: A file of the run folder is damaged.
    """
    run = read_run(folder)
    return write_page(folder / "report.html", "run.html", _values(run))


def _values(run: RunFiles) -> dict[str, Any]:
    """What the template is filled with."""
    return {
        "title": run.name,
        "headline": headline(run),
        "cautions": cautions(run),
        "classes": run.classes,
        "positive": run.classes[run.positive],
        "sets": run.sets,
        "reported": reported_set(run.sets),
        "metrics": run.metrics,
        "costs": {name: run.metrics.get(name) for name in COSTS},
        "metric_rows": _metric_rows(run),
        "reports": {name: class_report(run.metrics[name]["confusion_matrix"], run.classes) for name in run.sets},
        "points": _points(run),
        "calibration": run.metrics[reported_set(run.sets)].get("calibration"),
        "reliability": _reliability(run),
        "roc": _roc(run),
        "curves": _curves(run),
        "samples": [_card(picture) for picture in pictures(run, "sample")],
        "wrong": [_card(picture) for picture in pictures(run, "wrong")],
        "network": run.network,
        "split_rows": _split_rows(run),
        "data": run.data or {},
        "options": run.experiment or {},
        "experiment": json.dumps(run.experiment, indent=2, ensure_ascii=False) if run.experiment else None,
        "environment": _flat(run.environment or {}),
    }


def _metric_rows(run: RunFiles) -> list[dict[str, Any]]:
    """One row a metric with its number and interval in each set: macro means, for more than two classes."""
    return [
        {"name": name, "cells": [_number_and_interval(run.metrics[entry], name) for entry in run.sets]}
        for name in METRICS
    ]


def _number_and_interval(metrics: Mapping[str, Any], name: str) -> dict[str, Any]:
    value, interval = metrics[name], metrics["intervals"][name]
    if isinstance(value, dict):
        value, interval = value["macro"], interval["macro"]
    return {"value": value, "interval": interval}


def _roc(run: RunFiles) -> Embedded | None:
    curves = roc_curves(run)
    if not curves:
        return None
    said = "; ".join(f"{curve.name}: area {curve.auc:.3f}" for curve in curves if curve.auc is not None)
    return embedded(partial(roc_figure, curves, "ROC"), f"ROC curves. {said}.")


def _points(run: RunFiles) -> list[dict[str, Any]]:
    """What the reported set says at each threshold: the run's own, and those that the validation set chose."""
    entry = run.metrics[reported_set(run.sets)]
    chosen = entry.get("operating_points", {})
    names = {"recall": "recall of at least {wanted:g} in validation", "mcc": "best MCC in validation"}
    points = [(names[key].format_map(point), point) for key, point in chosen.items()]
    return [{"why": why, **point} for why, point in [("as set", entry), *points]] if points else []


def _reliability(run: RunFiles) -> Embedded | None:
    """The reliability diagram of the reported set, before and after temperature scaling."""
    name = reported_set(run.sets)
    entry = run.metrics[name].get("calibration")
    if entry is None:
        return None
    curves = {"as it is": entry["bins"]}
    if "scaled" in entry:
        curves[f"temperature {entry['scaled']['temperature']:.2f}"] = entry["scaled"]["bins"]
    said = f"Reliability diagram, expected calibration error {entry['expected_calibration_error']:.3f}."
    return embedded(partial(reliability_figure, curves, f"Calibration, {SET_NAMES[name]} set"), said)


def _curves(run: RunFiles) -> Embedded | None:
    if not run.history.get("epoch"):
        return None
    epochs = len(run.history["epoch"])
    return embedded(partial(training_curves_figure, run.history), f"Training curves over {epochs} epochs.")


def _card(picture: Picture) -> dict[str, Any]:
    """A picture for the gallery: its central slice, and of a volume the strip of neighbours."""
    slices = strip(picture.image) if picture.is_volume else []
    return {
        "case": picture.case,
        "short_case": short_case(picture.case),
        "truth": picture.truth,
        "predicted": picture.predicted,
        "confidence": picture.confidence,
        "central": image_uri(central_slice(picture.image)),
        "strip": [{"index": index, "uri": image_uri(pixels)} for index, pixels in slices],
        "middle": picture.image.shape[2] // 2 if picture.is_volume else None,
        "depth": picture.image.shape[2] if picture.is_volume else None,
    }


def _split_rows(run: RunFiles) -> list[dict[str, Any]]:
    """Cases, groups and cases of each class in every set."""
    rows = []
    for name in run.sets:
        part = run.predictions.only(name)
        of_classes = np.bincount(part.y_true, minlength=len(run.classes)).tolist()
        rows.append({"set": name, "cases": len(part.cases), "groups": len(set(part.groups)), "of_classes": of_classes})
    return rows


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as dotted names and texts.

    >>> _flat({"seed": 0, "versions": {"keras": "3.8"}})
    [('seed', '0'), ('versions.keras', '3.8')]
    """
    rows: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    return rows
