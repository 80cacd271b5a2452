"""Summarize a data set: cases, classes, groups, scans, the sets of its split, and its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from archnet.data.dataset import Cases, Dataset
from archnet.data.split import resolve_split
from archnet.files.attribute_values import parse_numbers
from archnet.runs.preparation.case_split import CaseSplit
from archnet.runs.preparation.prepared_data import PreparedData, label_summaries
from archnet.runs.preparation.small_sets import expect_recall
from archnet.runs.preparation.value_statistics import measure_values
from archnet.spec.experiment import SETS, Experiment
from archnet.spec.view import picture_text

_MAX_VALUES: Final = 12
"""Maximum number of values of a text attribute that are counted separately."""


def summarize_dataset(dataset: Dataset) -> dict[str, Any]:
    """Summarize all cases of a data set, JSON-ready."""
    return {
        **_summarize_cases(dataset.cases),
        **label_summaries(dataset.cases),
        "attributes": summarize_attributes(dataset.cases),
        "positive": dataset.cases.classes[dataset.cases.positive],
        "shape": list(dataset.shape),
        "limits": dataset.limits.to_document(),
        **({"pictures": shown} if (shown := picture_text(dataset.limits)) else {}),
    }


def summarize_split(dataset: Dataset, split: CaseSplit, experiment: Experiment) -> dict[str, Any]:
    """Summarize the cases in use and their sets, JSON-ready, with the expected precision of the recall."""
    cases, sets = dataset.cases.select(split.rows), split.sets[split.rows]
    expected = expect_recall(cases, sets)
    parts = {name: _summarize_cases(cases.select(np.flatnonzero(sets == name))) for name in SETS if name in sets}
    resolved, reason = resolve_split(dataset.cases, experiment.split)
    return {
        "split": _without_nulls(asdict(resolved)),
        "split_reason": reason or None,
        "in_use": len(split.rows),
        "sets": parts,
        "expected_recall": expected and {**expected.to_document(), "text": expected.text},
    }


def summarize_voxels(data: PreparedData) -> dict[str, Any]:
    """Summarize scans and values, JSON-ready."""
    return {
        "scans": data.scan_ranges and data.scan_ranges.to_document(),
        "values": measure_values(data).to_document() if len(data.rows) else None,
        "attributes": summarize_attributes(data.cases),
    }


def summarize_attributes(cases: Cases) -> list[dict[str, Any]]:
    """Summarize each attribute of the cases, JSON-ready: the number of known values, and its range or its values."""
    is_positive = cases.labels == cases.positive
    return [
        {
            "name": name,
            "known": int(np.count_nonzero(values != "")),
            "cases": len(values),
            "known_positives": int(np.count_nonzero(values[is_positive] != "")),
            "positives": int(is_positive.sum()),
            **_summarize_values(values.tolist()),
        }
        for name, values in cases.attributes.items()
    ]


def _summarize_values(values: list[str]) -> dict[str, Any]:
    numbers = parse_numbers(values)
    if numbers is not None:
        return {"range": [float(np.nanmin(numbers)), float(np.nanmax(numbers))]}
    counts = Counter(value for value in values if value).most_common()
    return {"values": dict(counts[:_MAX_VALUES]), "num_values": len(counts)}


def _summarize_cases(cases: Cases) -> dict[str, Any]:
    counts = cases.count_classes().tolist()
    return {
        "cases": len(cases.ids),
        "groups": len(np.unique(cases.groups)),
        "classes": dict(zip(cases.classes, counts, strict=True)),
    }


def _without_nulls(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}
