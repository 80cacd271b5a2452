"""Sections shared by the model cards of runs and exported models.

After Mitchell et al. 2019, doi:10.1145/3287560.3287596.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from archnet.errors import pluralize
from archnet.evaluation.metric_entry import macro_estimate
from archnet.evaluation.predictions import DEFAULT_THRESHOLD
from archnet.report.data_findings import recorded_findings
from archnet.report.paper.data_answers import data_licence
from archnet.report.paper.run_facts import options
from archnet.report.run_files import RunFiles
from archnet.report.wording import SET_NAMES, bounds, count, decimals, reported_set
from archnet.spec.metrics import EVALUATED_METRICS, METRICS

NOT_CLINICAL: Final = (
    "**Not for clinical use.** This is a research model. It is not a medical device, has not been assessed as one, and "
    "must not be used to make decisions about patients."
)

_TRAINING: Final = (
    "optimizer", "learning_rate", "schedule", "batch_size", "epochs", "l2", "loss", "balance", "augmentation",
    "ema", "batch_norm_momentum", "precision", "best_metric", "early_stopping", "members", "seed",
)  # fmt: skip


def intended_use(run: RunFiles) -> str:
    """The intended use of the model."""
    return (
        f"Research on chest CT: to reproduce and compare the results of this run on similar data "
        f"({options(run, 'data').get('name', 'unknown')}), with every result reviewed by a person."
    )


def output_text(run: RunFiles) -> str:
    """The output of the model."""
    places = ", ".join(f"{k}: “{name}”" for k, name in enumerate(run.classes))
    threshold = options(run, "evaluation").get("threshold", DEFAULT_THRESHOLD)
    if len(run.classes) == 2:
        rule = f"“{run.classes[run.positive]}” from a probability of {threshold:g} on"
    else:
        rule = "as the most probable class"
    return (
        f"It returns the probabilities of {len(run.classes)} classes (cases, {len(run.classes)}), in this order: "
        f"{places}. The run calls a case {rule}.{_views_text(run)}"
    )


def _views_text(run: RunFiles) -> str:
    """The test-time augmentation of the run's results, which the model file does not apply."""
    views = run.metrics.get("views")
    if views is None:
        return ""
    return (
        f" Results and threshold are for means over {views} views of a case, flipped and rotated as in training "
        "(test-time augmentation); the model file returns the probabilities of one view, `archnet predict` the means."
    )


def data_text(run: RunFiles) -> str:
    """The data set, its licence, its sets, and the findings of the data checks."""
    split, data = options(run, "split"), options(run, "data")
    folds = f", fold {split['fold']} of {split['folds']}" if split.get("folds") else ""
    rows = [(SET_NAMES[name], *_counts(run, name)) for name in run.sets]
    division = f"Split by {split.get('by', 'unknown')}, seed {split.get('seed', 'unknown')}{folds}"
    licence = data_licence(run) or "Licence of the data: to be stated by the author."
    return (
        f"Data set: {data.get('name', 'unknown')}. {division}. {licence}\n\n"
        + markdown_table(("set", "cases", "groups (scans or patients)", *run.classes), rows)
        + _findings(run)
    )


def _findings(run: RunFiles) -> str:
    """The allowed errors and the warnings of the data checks."""
    serious = [finding for finding in recorded_findings(run.data) if finding.severity != "note"]
    if not serious:
        return ""
    lines = (f"**{finding.label}** ({finding.check}): {finding.message}" for finding in serious)
    return f"\n\nThe data checks found:\n\n{bullets(*lines)}"


def _counts(run: RunFiles, name: str) -> list[str]:
    cases = run.predictions.select(name)
    labels = np.bincount(cases.y_true, minlength=len(run.classes))
    return [count(number) for number in (len(cases.cases), len(set(cases.groups.tolist())), *labels.tolist())]


def results_text(run: RunFiles) -> str:
    """The measures of the reported set with their intervals, and its confusion matrix."""
    set_name = reported_set(run.sets)
    entry = run.metrics[set_name]
    kind = f"of “{run.classes[run.positive]}”" if len(run.classes) == 2 else "macro means over the classes"
    rows = [(METRICS[name].full_label, *_number(entry, name)) for name in EVALUATED_METRICS]
    matrix = [(f"**{k}**", *map(count, row)) for k, row in zip(run.classes, entry["confusion_matrix"], strict=True)]
    return (
        f"On the {SET_NAMES[set_name]} set, {kind}, with 95% intervals:\n\n"
        f"{markdown_table(('metric', 'value', '95%'), rows)}\n\n"
        "Confusion matrix (rows: true class, columns: predicted class):\n\n"
        f"{markdown_table(('', *run.classes), matrix)}"
    )


def _number(entry: Mapping[str, Any], name: str) -> tuple[str, str]:
    value, interval = macro_estimate(entry, name)
    return decimals(value), bounds(interval)


def network_text(run: RunFiles) -> str:
    """The layers of the network."""
    layers = (run.network or {}).get("layers", [])
    rows = [
        (layer["type"], layer["summary"], " × ".join(map(str, layer["output_shape"])), count(layer["parameters"]))
        for layer in layers
    ]
    arch = options(run, "arch")
    description = f"{arch['description']}\n\n" if arch.get("description") else ""
    members = (run.network or {}).get("members")
    networks = (
        f"{members} networks of these layers, whose probabilities are averaged: " if members and members > 1 else ""
    )
    costs = (
        f"{count(run.metrics.get('parameters'))} parameters, {count(run.metrics.get('macs'))} multiply-adds per case."
    )
    return f"{description}{markdown_table(('layer', 'what', 'output', 'parameters'), rows)}\n\n{networks}{costs}"


def training_text(run: RunFiles) -> str:
    """The options of the training."""
    values = options(run, "training")
    rows = [(key, f"`{json.dumps(values[key])}`") for key in _TRAINING if values.get(key) not in (None, [])]
    return markdown_table(("option", "value"), rows)


def limits_text(run: RunFiles) -> str:
    """The limitations of the results."""
    name = reported_set(run.sets)
    groups = len(set(run.predictions.select(name).groups.tolist()))
    return bullets(
        "It knows cases like those it was trained on: other scanners, doses, slice thicknesses, populations and "
        "findings were not tried unless they are in the data above.",
        f"The results are one training's on {pluralize(groups, 'group')} of the {SET_NAMES[name]} set; a different "
        "seed or split gives different numbers.",
        "Where positive cases are rarer than in the data above, its precision is lower than reported.",
        "Its probabilities rank cases; they are calibrated at best on data like those above.",
    )


def origin_text(run: RunFiles) -> str:
    """The command and the versions."""
    environment = run.environment or {}
    versions = ", ".join(f"{name} {version}" for name, version in environment.get("packages", {}).items())
    return f"Trained with `{environment.get('command', 'unknown')}`.\n\nVersions: {versions or 'unknown'}."


def bullets(*items: str) -> str:
    """A Markdown list."""
    return "\n".join(f"- {item}" for item in items)


def markdown_table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    names = list(header)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines)
