"""Read metrics.json, and check that its entries match its classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from archnet.errors import DataError
from archnet.spec.experiment import SETS
from archnet.spec.metrics import EVALUATED_METRICS, METRICS
from archnet.spec.outputs.output_file import RUN_REMEDY, read_output
from archnet.spec.schema import json_text


def read_metrics(path: Path) -> dict[str, Any]:
    """Read a run's metrics.json.

    Raises:
        RunError: The file is missing.
        DataError: The file is damaged, has no classes, or has results for other classes.
    """
    metrics = read_output(path)
    problem = next(_class_problems(metrics), None)
    if problem is not None:
        raise DataError(f"{path}: {problem}. {RUN_REMEDY}")
    return metrics


def read_all_results(folder: Path) -> dict[str, Any]:
    """Read the metrics.json of a run folder, which must contain every result that this version writes.

    Raises:
        RunError: The file is missing.
        DataError: The file is damaged, or lacks a result.
    """
    metrics = read_metrics(folder / "metrics.json")
    missing = missing_result(metrics)
    if missing is not None:
        raise missing_result_error(folder, missing)
    return metrics


def missing_result_error(folder: Path, missing: str) -> DataError:
    """Create the error for a result that `missing_result` found."""
    return DataError(f"{folder / 'metrics.json'}: {missing}. Recompute it with `archnet report {folder}`.")


def missing_result(metrics: Mapping[str, Any]) -> str | None:
    """Find the first result of this version that is missing in a metrics.json, such as "test has no "auc""."""
    sets = [name for name in SETS if name in metrics]
    if not sets:
        return "has no results"
    for name in sets:
        for key in (*EVALUATED_METRICS, "intervals"):
            if key not in metrics[name]:
                return f'{name} has no "{key}"'
    return None


def _class_problems(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Yield the contradictions in a document that matches its schema."""
    for key in ("classes", "positive"):
        if key not in metrics:
            yield f'has no "{key}"'
            return
    classes, positive = metrics["classes"], metrics["positive"]
    if len(set(classes)) < len(classes):
        yield f"classes {json_text(classes)} contain a duplicate"
    if positive not in classes:
        yield f"positive is {json_text(positive)}, not one of the classes {json_text(classes)}"
    for name in (name for name in SETS if name in metrics):
        yield from _set_problems(name, metrics[name], classes)


def _set_problems(name: str, results: Mapping[str, Any], classes: list[str]) -> Iterator[str]:
    points = results.get("operating_points", {})
    parts = {name: results, **{f"{name}.operating_points.{key}": point for key, point in points.items()}}
    for place, part in parts.items():
        matrix = part.get("confusion_matrix")
        if matrix is not None and [len(row) for row in matrix] != [len(classes)] * len(classes):
            yield f"{place}.confusion_matrix does not have a row and a column for each of {len(classes)} classes"
        for key in EVALUATED_METRICS:
            yield from _entry_problems(f"{place}.{key}", part.get(key), classes, METRICS[key].is_per_class)
            interval = part.get("intervals", {}).get(key)
            yield from _entry_problems(f"{place}.intervals.{key}", interval, classes, METRICS[key].is_per_class)
    if results["threshold"] is None and len(classes) == 2:
        yield f"{name}.threshold is null, but there are two classes"


def _entry_problems(place: str, entry: Any, classes: list[str], is_per_class: bool) -> Iterator[str]:
    has_classes = isinstance(entry, Mapping)
    if has_classes and (len(classes) == 2 or not is_per_class):
        yield f"{place} has a value for each class, expected one value"
    elif has_classes and set(entry["per_class"]) != set(classes):
        yield f"{place}.per_class has classes other than {json_text(classes)}"
    elif entry is not None and not has_classes and len(classes) > 2 and is_per_class:
        yield f"{place} has one value, expected one for each class"
