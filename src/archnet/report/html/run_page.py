"""The report of one run, as a self-contained page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from archnet.errors import pluralize
from archnet.evaluation.confusion import class_report
from archnet.evaluation.metric_entry import class_estimate, macro_estimate
from archnet.evaluation.metric_values import macro_report
from archnet.evaluation.operating_points import operating_point_text
from archnet.evaluation.run_costs import RUN_COSTS
from archnet.files.strict_json import flat_texts
from archnet.report.curves import MAX_CLASS_CURVES, PRECISION_RECALL, ROC, set_results
from archnet.report.data_findings import recorded_findings
from archnet.report.decision.decision_section import decision_section
from archnet.report.ensemble.members_table import members_table
from archnet.report.figures.montage import NUM_PICTURES, gallery_pictures, shown_channel
from archnet.report.figures.run_figures import run_drawings, write_figures
from archnet.report.figures.svg import Drawing
from archnet.report.html.cases.run_viewer import run_viewer
from archnet.report.html.froc_section import RunFroc, froc_by_diameter, froc_section, run_froc
from archnet.report.html.gallery import cards
from archnet.report.html.live import live_panel
from archnet.report.html.network_drawing import network_drawing
from archnet.report.html.page import write_page
from archnet.report.paper.paper_files import write_paper_files
from archnet.report.paper.paper_section import paper_section
from archnet.report.run_files import RunFiles, require_results
from archnet.report.sentences.document_difference import difference_texts
from archnet.report.strata.strata_section import strata_drawings, strata_section, write_strata_csv
from archnet.report.verdict.run_section import run_section
from archnet.report.wording import CONFIGURED_THRESHOLD, cost_text, reported_set, word_list
from archnet.spec.metrics import EVALUATED_METRICS, METRICS

_NUM_WRONG: Final = 8
"""Number of cases that a page shows without its script, in print and in old browsers."""


def write_report(run: RunFiles) -> Path:
    """Write `report.html` and the figure files of one run from the files in its folder.

    Returns:
        Path of the page.

    Raises:
        DataError: A file of the run is damaged, or the run of an older version lacks a result.
    """
    require_results(run)
    drawings, froc = run_drawings(run), froc_section(_test_froc(run))
    strata = strata_section(run.metrics.get("strata", {}), [run.name])
    write_strata_csv(run.folder, run.metrics.get("strata", {}), [run.name])
    decision = decision_section(run.metrics, reported_set(run.sets))
    paper = paper_section(run)
    write_paper_files(run)
    write_figures(
        run.folder,
        drawings
        | {"flow": paper["parts"][0]["flow"]}
        | ({"froc": froc["drawing"]} if froc else {})
        | ({"decision_curve": decision["drawing"]} if decision else {})
        | strata_drawings(strata),
    )
    values = _table_values(run) | _figure_values(run, drawings) | _reproducibility_values(run)
    sections = {
        "froc": froc,
        "decision": decision,
        "strata": strata,
        "paper": paper,
        "froc_by_diameter": froc_by_diameter(_test_froc(run)),
    }
    return write_page(run.folder / "report.html", "run.html", values | sections)


def _test_froc(run: RunFiles) -> list[RunFroc]:
    """The FROC of the test scans, in the colour of the test set."""
    return [replace(froc, hue="test") for froc in run_froc(run.name, run.folder, run.metrics)]


def _table_values(run: RunFiles) -> dict[str, Any]:
    """Sentences and tables."""
    return {
        "title": run.name,
        "verdict": run_section(run),
        "classes": run.classes,
        "positive": run.classes[run.positive],
        "sets": run.sets,
        "reported": reported_set(run.sets),
        "metrics": run.metrics,
        "cost_rows": [
            (cost.label, cost_text(cost, run.metrics.get(name), is_exact=True)) for name, cost in RUN_COSTS.items()
        ],
        "proportions": word_list([metric.label for metric in METRICS.values() if metric.proportion]),
        "metric_rows": _metric_rows(run),
        "class_rows": _class_rows(run),
        "max_class_curves": MAX_CLASS_CURVES,
        "reports": {name: class_report(run.metrics[name]["confusion_matrix"], run.classes) for name in run.sets},
        "macro": macro_report(run.metrics[reported_set(run.sets)]["confusion_matrix"]),
        "points": _operating_points(run),
        "calibration": run.metrics[reported_set(run.sets)].get("calibration"),
        "split_rows": _split_rows(run),
    }


def _figure_values(run: RunFiles, drawings: Mapping[str, Drawing]) -> dict[str, Any]:
    """Curves, figures and cases."""
    is_binary = len(run.classes) == 2
    wrong_cases, samples = gallery_pictures(run, "wrong")[:_NUM_WRONG], gallery_pictures(run, "sample")[:NUM_PICTURES]
    return {
        "live": live_panel(set_results(run)[::-1], run.positive, by_false_positives=False) if is_binary else None,
        "plots": [drawings[plot.name] for plot in (ROC, PRECISION_RECALL) if plot.name in drawings],
        "reliability": drawings.get("calibration"),
        "training_curves": drawings.get("training_curves"),
        "members": members_table(run),
        "samples": cards(samples, len(wrong_cases) + len(samples)),
        "wrong": cards(wrong_cases, len(wrong_cases) + len(samples)),
        "shown": shown_channel(run.experiment),
        "viewer": run_viewer(run),
    }


def _reproducibility_values(run: RunFiles) -> dict[str, Any]:
    """Provenance of the results."""
    return {
        "network": run.network,
        "init": run.init,
        "frozen": frozen_text(run.experiment or {}),
        "drawing": network_drawing(run.network) if run.network else None,
        "findings": recorded_findings(run.data) if run.data is not None else None,
        "options": run.experiment or {},
        "changes": run.changes,
        "changed_settings": [difference_texts(one) for one in (run.changes or {}).get("differences", [])],
        "auto_choices": (run.experiment or {}).get("picked", {}),
        "experiment": _document_json(run.experiment) if run.experiment else None,
        "environment": list(flat_texts(run.environment or {}).items()),
    }


def frozen_text(experiment: Mapping[str, Any]) -> str:
    """The frozen layers; empty if all layers are trained.

    >>> frozen_text({"training": {"freeze": {"layers": [0, 2], "epochs": 5}}})
    'Frozen in the first 5 epochs: layers 0 and 2.'
    >>> frozen_text({"training": {"freeze": {"layers": "all", "epochs": None}}})
    'Frozen: all layers but T.'

    Args:
        experiment: `experiment.json`.
    """
    freeze = experiment.get("training", {}).get("freeze")
    if not freeze:
        return ""
    layers, epochs = freeze["layers"], freeze["epochs"]
    period = f" in the first {pluralize(epochs, 'epoch')}" if epochs else ""
    if layers == "all":
        return f"Frozen{period}: all layers but T."
    return f"Frozen{period}: layer{'s' * (len(layers) > 1)} {word_list(list(map(str, layers)))}."


def _document_json(document: Mapping[str, Any]) -> str:
    """A document as JSON, lists of plain values on one line.

    >>> print(_document_json({"crop_size": [64, 64, 10]}))
    {
      "crop_size": [64, 64, 10]
    }
    """
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return re.sub(r"\[\n\s+([^][{}\"]+?)\n\s+]", lambda found: "[" + re.sub(r",\s+", ", ", found[1]) + "]", text)


def _metric_rows(run: RunFiles) -> list[dict[str, Any]]:
    """One row per metric with its value and interval in each set; macro means for more than two classes."""
    return [
        {
            "label": METRICS[name].summary_label(len(run.classes)),
            "cells": [macro_estimate(run.metrics[entry], name) for entry in run.sets],
        }
        for name in EVALUATED_METRICS
    ]


def _class_rows(run: RunFiles) -> list[dict[str, Any]]:
    """Recall and AUC of each of more than two classes on the reported set."""
    metrics = run.metrics[reported_set(run.sets)]
    return [
        {"label": name, "cells": [class_estimate(metrics, metric, name) for metric in ("recall", "auc")]}
        for name in (run.classes if len(run.classes) > 2 else ())
    ]


def _operating_points(run: RunFiles) -> list[dict[str, Any]]:
    """The reported set's metrics at the configured threshold and at those chosen on the validation set."""
    entry = run.metrics[reported_set(run.sets)]
    points_by_key = entry.get("operating_points", {})
    points = [(operating_point_text(key, point), point) for key, point in points_by_key.items()]
    return [{"why": why, **point} for why, point in [(CONFIGURED_THRESHOLD, entry), *points]] if points else []


def _split_rows(run: RunFiles) -> list[dict[str, Any]]:
    """Cases, groups and cases of each class in every set."""
    rows = []
    for name in run.sets:
        part = run.predictions.select(name)
        class_counts = np.bincount(part.y_true[part.has_label], minlength=len(run.classes)).tolist()
        rows.append(
            {"set": name, "cases": len(part.cases), "groups": len(set(part.groups)), "class_counts": class_counts}
        )
    return rows
