"""Stability of the threshold chosen on the validation set, over the training seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from archnet.evaluation.operating_points import OPERATING_POINTS, operating_point_text
from archnet.evaluation.run_folder import read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The spread of a number over seeds.

    Attributes:
        mean: Mean over the seeds.
        low: Lowest seed.
        high: Highest seed.
        deviation: Standard deviation over the seeds; None for a single one.
    """

    mean: float
    low: float
    high: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of some numbers."""
        deviation = stdev(values) if len(values) > 1 else None
        return cls(mean=mean(values), low=min(values), high=max(values), deviation=deviation)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdStability:
    """The thresholds of a variant's seeds, and their false-positive rates in the compared set.

    Attributes:
        rule: The criterion by which each threshold is chosen on the validation set.
        thresholds: The threshold of each seed (mean over folds).
        false_positive_rates: False-positive rate of each seed in the compared set (over the cases of all folds).
    """

    rule: str
    thresholds: Spread
    false_positive_rates: Spread

    def to_document(self) -> dict[str, Any]:
        """The stability as a JSON object."""
        return asdict(self)


def threshold_stability(folders: Sequence[Path], compared_set: str) -> ThresholdStability | None:
    """The stability of the threshold over a variant's runs; None if none is chosen, as for more than two classes.

    Args:
        folders: Finished runs of one or more seeds, with all folds.
        compared_set: The name of the set.

    Raises:
        DataError: A file is damaged.
    """
    runs_by_seed: dict[int, list[Mapping[str, Any]]] = {}
    for folder in folders:
        seed = (read_json(folder / "experiment.json").get("training") or {}).get("seed", 0)
        runs_by_seed.setdefault(seed, []).append(read_json(folder / "metrics.json"))
    entries = [metrics[compared_set].get("operating_points", {}) for runs in runs_by_seed.values() for metrics in runs]
    key = next((key for key in OPERATING_POINTS if entries and all(key in entry for entry in entries)), None)
    if key is None:
        return None
    rates = [_false_positive_rate(runs, compared_set, key) for runs in runs_by_seed.values()]
    known_rates = [rate for rate in rates if rate is not None]
    if len(known_rates) < len(rates):
        return None
    thresholds = [
        mean(metrics[compared_set]["operating_points"][key]["threshold"] for metrics in runs)
        for runs in runs_by_seed.values()
    ]
    return ThresholdStability(
        rule=operating_point_text(key, entries[0][key]),
        thresholds=Spread.of(thresholds),
        false_positive_rates=Spread.of(known_rates),
    )


def _false_positive_rate(runs: Sequence[Mapping[str, Any]], compared_set: str, key: str) -> float | None:
    """The false-positive rate of one seed over all folds; None without negative cases."""
    false_positives = others = 0
    for metrics in runs:
        matrix = metrics[compared_set]["operating_points"][key]["confusion_matrix"]
        negative = 1 - metrics["classes"].index(metrics["positive"])
        false_positives += matrix[negative][1 - negative]
        others += sum(matrix[negative])
    return false_positives / others if others else None
