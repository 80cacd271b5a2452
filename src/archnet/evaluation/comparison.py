"""Comparison: several runs side by side, read from their folders alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from archnet.errors import DataError, RunError
from archnet.evaluation.metrics import METRICS
from archnet.evaluation.predictions import Predictions, read_predictions
from archnet.evaluation.run_folder import read_json, run_folders

COSTS = ("parameters", "macs", "peak_memory_bytes", "train_seconds", "samples_per_second")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run of a comparison.

    Attributes:
        run: The run folder's name.
        folder: The run folder, as it was given.
        metrics: What `metrics.json` says about the compared set.
        train_accuracy: On the training cases; None where the run has no training set.
        costs: The values of `COSTS`, None where the run doesn't know one.
    """

    run: str
    folder: str
    metrics: dict[str, Any]
    train_accuracy: float | None
    costs: dict[str, float | None]

    def value(self, name: str, positive: str) -> float | None:
        """A metric's number: of the positive class where every class has one."""
        number: float | None = of_class(self.metrics.get(name), positive)
        return number

    def interval(self, name: str, positive: str) -> list[float] | None:
        """The 95% interval of `value`."""
        ends: list[float] | None = of_class(self.metrics.get("intervals", {}).get(name), positive)
        return ends


def of_class(entry: Any, positive: str) -> Any:
    """An entry of `metrics.json`; of the positive class where every class has one."""
    return entry["per_class"].get(positive) if isinstance(entry, dict) else entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Runs side by side on one set.

    Attributes:
        classes: Class names, the same for all runs.
        positive: The class whose recall counts, the same for all runs.
        set: "test", or "validation" where not every run has a test set.
        rows: One for each run, in the order given.
        warnings: Sentences that say why the numbers may not be comparable; empty when they are.
    """

    classes: tuple[str, ...]
    positive: str
    set: str
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The comparison as `comparison.json` holds it."""
        return {
            "classes": list(self.classes),
            "positive": self.positive,
            "set": self.set,
            "warnings": list(self.warnings),
            "runs": [asdict(row) for row in self.rows],
        }


def compare(runs: Sequence[Path]) -> Comparison:
    """Runs side by side: those of run folders, or of all finished runs inside an experiment's folder.

    Raises:
        RunError: There are fewer than two runs, one isn't finished, or they have no classes, positive class or set in
            common.
        DataError: A run's files are damaged.
    """
    folders = run_folders(runs)
    if len(folders) < 2:
        raise RunError(f"{folders[0] if folders else 'no run'}: a comparison needs two runs or more. Name another one.")
    metrics = [_checked_metrics(folder) for folder in folders]
    for key in ("classes", "positive"):
        _check_shared(key, folders, metrics)
    compared_set = _compared_set(folders, metrics)
    names = _names(folders)
    return Comparison(
        classes=tuple(metrics[0]["classes"]),
        positive=metrics[0]["positive"],
        set=compared_set,
        rows=tuple(_row(*parts, compared_set) for parts in zip(names, folders, metrics, strict=True)),
        warnings=_case_warnings(folders, names, compared_set),
    )


def _checked_metrics(folder: Path) -> dict[str, Any]:
    """A run's `metrics.json`, with the keys that a comparison needs."""
    path = folder / "metrics.json"
    metrics = read_json(path)
    for key in ("classes", "positive"):
        if key not in metrics:
            raise DataError(f'{path}: has no "{key}". Recompute it with `archnet report {folder}`.')
    for name in ("validation", "test"):
        missing = [key for key in ("n", "confusion_matrix", *METRICS) if key not in metrics.get(name, {key: None})]
        if missing:
            raise DataError(f'{path}: {name} has no "{missing[0]}". Recompute it with `archnet report {folder}`.')
    return metrics


def _check_shared(key: str, folders: list[Path], metrics: list[dict[str, Any]]) -> None:
    """Refuse runs whose metrics are about different classes."""
    for folder, entry in zip(folders, metrics, strict=True):
        if entry[key] != metrics[0][key]:
            raise RunError(
                f"{folder}: {key} {_said(entry[key])}, but {key} {_said(metrics[0][key])} in {folders[0]}. "
                "Compare runs of the same classes and the same positive class."
            )


def _said(value: str | list[str]) -> str:
    return f'is "{value}"' if isinstance(value, str) else "are " + ", ".join(f'"{name}"' for name in value)


def _compared_set(folders: list[Path], metrics: list[dict[str, Any]]) -> str:
    for name in ("test", "validation"):
        if all(name in entry for entry in metrics):
            return name
    lacking = next(folder for folder, entry in zip(folders, metrics, strict=True) if "test" not in entry)
    raise RunError(
        f"{lacking}: has no test cases, and not every run has validation cases, so that there is no set to compare on. "
        "Run it again with split.test above 0."
    )


def _names(folders: list[Path]) -> list[str]:
    """The folders' names, with as many parents as tell them apart."""
    for depth in range(1, max(len(folder.resolve().parts) for folder in folders) + 1):
        names = ["/".join(folder.resolve().parts[-depth:]) for folder in folders]
        if len(set(names)) == len(names):
            break
    return names


def _row(name: str, folder: Path, metrics: dict[str, Any], compared_set: str) -> Row:
    return Row(
        run=name,
        folder=str(folder),
        metrics=metrics[compared_set],
        train_accuracy=metrics.get("train", {}).get("accuracy"),
        costs={cost: metrics.get(cost) for cost in COSTS},
    )


def _case_warnings(folders: list[Path], names: list[str], compared_set: str) -> tuple[str, ...]:
    """One sentence for each run that was judged on other cases than the first."""
    cases = [_truth(read_predictions(folder / "predictions.csv").only(compared_set)) for folder in folders]
    differing = zip(names[1:], cases[1:], strict=True)
    return tuple(
        _difference(names[0], cases[0], name, other, compared_set) for name, other in differing if other != cases[0]
    )


def _truth(predictions: Predictions) -> dict[str, str]:
    """The true class of each case."""
    return dict(zip(predictions.cases.tolist(), (predictions.classes[k] for k in predictions.y_true), strict=True))


def _difference(first: str, cases: dict[str, str], name: str, other: dict[str, str], compared_set: str) -> str:
    shared = cases.keys() & other.keys()
    relabelled = sum(cases[case] != other[case] for case in shared)
    labels = f", {relabelled:,} of them with another true class" if relabelled else ""
    return (
        f"The {compared_set} cases differ: {name} has {len(other):,}, {first} has {len(cases):,}, "
        f"and they share {len(shared):,}{labels}. Their numbers cannot be compared; run both on the same split."
    )
