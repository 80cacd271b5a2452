"""The costs of a run in `metrics.json`, with their names and units for tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCost:
    """One cost.

    Attributes:
        name: Key in metrics.json and comparison.json.
        label: Label in the report's tables.
        short_label: Label in the terminal table of a few runs; empty for `label`.
        abbreviation: Label in the terminal table of many runs; empty to omit the cost there.
        unit: Unit of the number.
        is_compared: Whether tables of several runs show it.
    """

    name: str
    label: str
    short_label: str = ""
    abbreviation: str = ""
    unit: Literal["weights", "operations", "bytes", "seconds", "cases per second"]
    is_compared: bool = True

    @property
    def terminal_label(self) -> str:
        """The short label, if there is one."""
        return self.short_label or self.label


RUN_COSTS: Final = {
    cost.name: cost
    for cost in (
        RunCost(name="parameters", label="parameters", abbreviation="param.", unit="weights"),
        RunCost(
            name="macs",
            label="multiply-adds per case",
            short_label="multiply-adds",
            abbreviation="mult-adds",
            unit="operations",
        ),
        RunCost(name="peak_memory_bytes", label="peak memory", unit="bytes"),
        RunCost(name="train_seconds", label="training time", abbreviation="time", unit="seconds"),
        RunCost(
            name="samples_per_second", label="training samples per second", unit="cases per second", is_compared=False
        ),
    )
}
"""All costs, in the order of comparison.json."""

COMPARED_COSTS: Final = tuple(cost for cost in RUN_COSTS.values() if cost.is_compared)
"""The costs that tables of several runs show."""
