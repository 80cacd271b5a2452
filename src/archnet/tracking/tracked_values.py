"""The parameters and metrics of a finished run for tracking stores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import Any

from archnet.evaluation.run_costs import RUN_COSTS
from archnet.evaluation.run_folder import read_history
from archnet.files.strict_json import flat_texts
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import AUTO, Data, Evaluation, Split, Training
from archnet.spec.metrics import EVALUATED_METRICS

Point = tuple[str, float, int, int]
"""A metric's name and value, the time in milliseconds, and the epoch (0 if it belongs to none)."""


def set_parameters(document: Mapping[str, Any]) -> dict[str, str]:
    """Parameters that distinguish runs: names of architecture and data, seed, fold, and non-default options.

    Automatically chosen options and the layers are omitted; `experiment.json` holds both.

    Args:
        document: The content of a run's experiment.json.

    Returns:
        Values by their path, such as "training.epochs".
    """
    data = document["data"]
    defaults = flat_texts(
        {
            "data": asdict(Data()) | dict(DATASETS[data["name"]].defaults),
            "split": asdict(Split()),
            "training": asdict(Training()) | dict.fromkeys(AUTO, "auto"),
            "evaluation": asdict(Evaluation()),
        }
    )
    chosen = tuple(document.get("picked", {}))
    values = flat_texts({section: document[section] for section in ("data", "split", "training", "evaluation")})
    changed = {
        key: value
        for key, value in values.items()
        if defaults.get(key) != value and not any(f"{key}.".startswith(f"{one}.") for one in chosen)
    }
    names = {"arch": str(document["arch"]["name"]), "data.name": str(data["name"])}
    return {**names, "training.seed": values["training.seed"], **changed}


def epoch_points(folder: Path, start: int) -> Iterator[Point]:
    """The points of history.csv, with a prefix for each member of an ensemble; empty for a baseline without epochs."""
    history = read_history(folder / "history.csv")
    times = [start + int(1000 * seconds) for seconds in accumulate(history.get("seconds", []))]
    prefixes = [f"member{int(number)}." for number in history.get("member", [])] or [""] * len(times)
    for name, values in history.items():
        for prefix, epoch, time, value in zip(prefixes, history["epoch"], times, values, strict=True):
            if name not in ("epoch", "member") and math.isfinite(value):
                yield f"{prefix}{name}", value, time, int(epoch)


def final_points(metrics: Mapping[str, Any], time: int) -> Iterator[Point]:
    """The metrics of the test set (without one, of the validation set), and the costs."""
    evaluated_set = "test" if "test" in metrics else "validation"
    for name in EVALUATED_METRICS if evaluated_set in metrics else ():
        entry, ends = metrics[evaluated_set][name], metrics[evaluated_set]["intervals"][name]
        for label, value, interval in _numbers(f"{evaluated_set}.{name}", entry, ends):
            low, high = interval or (None, None)
            numbers = {label: value, f"{label}.low": low, f"{label}.high": high}
            yield from ((key, number, time, 0) for key, number in numbers.items() if number is not None)
    yield from ((name, metrics[name], time, 0) for name in RUN_COSTS if metrics.get(name) is not None)


def _numbers(label: str, entry: Any, ends: Any) -> Iterator[tuple[str, float | None, list[float] | None]]:
    """A metric's value and interval, or those of each class and their mean."""
    if not isinstance(entry, dict):
        yield label, entry, ends
        return
    yield f"{label}.macro", entry["macro"], ends["macro"]
    for name, value in entry["per_class"].items():
        yield f"{label}.{name}", value, ends["per_class"][name]
