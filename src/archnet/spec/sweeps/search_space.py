"""Search space: the hyperparameters that a sweep varies, and the values that each may take."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from archnet.files.strict_json import JsonPath, Problem

PROBE_FRACTION: Final = 0.381966
"""A position between low and high (0 to 1) at which the value is hardly ever an integer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A hyperparameter that takes one of several values of any type."""

    values: tuple[Any, ...]

    def probe_values(self) -> tuple[Any, ...]:
        """The values to check, which stand for all values: each of them."""
        return self.values

    def probe_paths(self) -> list[JsonPath]:
        """The path of each of `probe_values` within the hyperparameter's document."""
        return [(index,) for index in range(len(self.values))]

    def to_document(self) -> Any:
        """The hyperparameter in the form of a sweep document."""
        return list(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A hyperparameter that takes any number of a range, both ends included.

    Attributes:
        type: The distribution that random search samples from.
        low: The lowest value.
        high: The highest value.
        step: The difference between neighbouring values of an integer range.
    """

    type: Literal["uniform", "log_uniform", "integer"]
    low: float
    high: float
    step: int = 1

    def probe_values(self) -> tuple[float, ...]:
        """The values to check, which stand for all values: both ends, and a value that is not an integer."""
        inner = self.low + (self.high - self.low) * PROBE_FRACTION
        return (self.low, self.high) if self.type == "integer" else (self.low, self.high, inner)

    def probe_paths(self) -> list[JsonPath]:
        """The path of each of `probe_values` within the hyperparameter's document."""
        paths: list[JsonPath] = [("low",), ("high",)]
        return paths if self.type == "integer" else [*paths, ("type",)]

    def to_document(self) -> Any:
        """The hyperparameter in the form of a sweep document."""
        step = {"step": self.step} if self.type == "integer" else {}
        return {"type": self.type, "low": self.low, "high": self.high, **step}


Hyperparameter = Choice | Range


def parse_hyperparameter(value: Any) -> Hyperparameter:
    """Parse a hyperparameter of a valid document."""
    return Choice(values=tuple(value)) if isinstance(value, list) else Range(**value)


def grid_values(hyperparameter: Hyperparameter) -> Sequence[Any] | None:
    """All values of a hyperparameter in ascending or given order; null for a continuous range.

    >>> grid_values(Range(type="integer", low=8, high=25, step=8))
    range(8, 26, 8)
    """
    if isinstance(hyperparameter, Choice):
        return hyperparameter.values
    if hyperparameter.type != "integer":
        return None
    return range(int(hyperparameter.low), int(hyperparameter.high) + 1, hyperparameter.step)


def is_value(hyperparameter: Hyperparameter, value: Any) -> bool:
    """Whether a value is one of `grid_values`, compared as JSON; true for any value of a continuous range.

    >>> is_value(Choice(values=(1, "a")), True), is_value(Range(type="integer", low=8, high=25, step=8), 24)
    (False, True)
    """
    values = grid_values(hyperparameter)
    if values is None:
        return True
    if isinstance(values, range):
        return type(value) is int and value in values
    return json.dumps(value) in map(json.dumps, values)


def range_problems(path: JsonPath, value: Mapping[str, Any], search: str) -> Iterator[Problem]:
    """Conflicts between the keys of a range, each of which is valid by itself.

    Args:
        path: The path of the range in its document.
        value: The range.
        search: The search of the sweep.
    """
    kind, low, high = value["type"], value["low"], value["high"]
    if low >= high:
        yield Problem(path, f"expected low below high, got {low} and {high}.")
    if kind == "log_uniform" and low <= 0:
        yield Problem(
            (*path, "low"), f"expected above 0, because values are uniform on a logarithmic scale, got {low}."
        )
    if kind == "integer":
        yield from (
            Problem((*path, key), f"expected a whole number, got {value[key]}.")
            for key in ("low", "high")
            if not isinstance(value[key], int)
        )
    if kind != "integer" and "step" in value:
        yield Problem((*path, "step"), "only whole numbers have steps. Remove it, or use the type integer.")
    if kind != "integer" and search == "grid":
        yield Problem(
            path, 'a grid needs a finite number of values. Give them in an array, or set search to "random" or "tpe".'
        )
