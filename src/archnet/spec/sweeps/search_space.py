"""Axes: the keys that a sweep varies, and the values that each may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from archnet.files.strict_json import JsonPath, Problem

PROBE_FRACTION: Final = 0.381966
"""Of the way from low to high, where a whole number stands only by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of several values, of any kind."""

    values: tuple[Any, ...]

    def probe_values(self) -> tuple[Any, ...]:
        """The values that must fit, so that all do."""
        return self.values

    def probe_paths(self) -> list[JsonPath]:
        """Where each of `probe_values` stands in the axis."""
        return [(index,) for index in range(len(self.values))]

    def to_document(self) -> Any:
        """The axis as the document gives it."""
        return list(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Any number between two, both included.

    Attributes:
        type: How it is drawn.
        low: The lowest.
        high: The highest.
        step: Of whole numbers: between neighbours.
    """

    type: Literal["uniform", "log_uniform", "integer"]
    low: float
    high: float
    step: int = 1

    def probe_values(self) -> tuple[float, ...]:
        """The values that must fit, so that all do: the ends, and where numbers need not be whole, one that is not."""
        inner = self.low + (self.high - self.low) * PROBE_FRACTION
        return (self.low, self.high) if self.type == "integer" else (self.low, self.high, inner)

    def probe_paths(self) -> list[JsonPath]:
        """Where each of `probe_values` stands in the axis."""
        paths: list[JsonPath] = [("low",), ("high",)]
        return paths if self.type == "integer" else [*paths, ("type",)]

    def to_document(self) -> Any:
        """The axis as the document gives it."""
        step = {"step": self.step} if self.type == "integer" else {}
        return {"type": self.type, "low": self.low, "high": self.high, **step}


Hyperparameter = Choice | Range


def parse_hyperparameter(value: Any) -> Hyperparameter:
    """The axis that a valid part of a document means."""
    return Choice(values=tuple(value)) if isinstance(value, list) else Range(**value)


def grid_values(hyperparameter: Hyperparameter) -> Sequence[Any] | None:
    """All values of an axis; none can be listed of numbers that are not whole.

    >>> values_in_order(Range(type="integer", low=8, high=25, step=8))
    range(8, 26, 8)
    """
    if isinstance(hyperparameter, Choice):
        return hyperparameter.values
    return (
        range(int(hyperparameter.low), int(hyperparameter.high) + 1, hyperparameter.step)
        if hyperparameter.type == "integer"
        else None
    )


def range_problems(path: JsonPath, value: Mapping[str, Any], search: str) -> Iterator[Problem]:
    """What keeps the keys of a range, each valid by itself, from being meant together.

    Args:
        path: Of the range in its document.
        value: The range.
        search: The sweep's.
    """
    kind, low, high = value["type"], value["low"], value["high"]
    if low >= high:
        yield path, f"expected low below high, got {low} and {high}."
    if kind == "log_uniform" and low <= 0:
        yield (*path, "low"), f"expected above 0, because the logarithm is drawn evenly, got {low}."
    if kind == "integer":
        yield from (
            ((*path, key), f"expected a whole number, got {value[key]}.")
            for key in ("low", "high")
            if not isinstance(value[key], int)
        )
    if kind != "integer" and "step" in value:
        yield (*path, "step"), "only whole numbers have steps. Remove it, or take the type integer."
    if kind != "integer" and search == "grid":
        yield path, 'a grid needs values to go through. Give them in an array, or set search to "random" or "tpe".'
