"""The shipped architectures, experiments and sweeps as tables for the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich import box

from archnet.report.tables import FittingTable
from archnet.report.units import count_text

_DOI: Final = re.compile(r",? doi:\S+?(?=[.;]?(?: |$))")


def shipped_tables(entries: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[FittingTable]:
    """One table of each kind of document.

    Args:
        entries: What `spec.shipped.shipped_list.shipped_list` returns.
    """
    archs = _table("architecture", "form", "input", "parameters", "description")
    archs.columns[3].justify = "right"
    for entry in entries["architectures"]:
        description = _DOI.sub("", entry["description"])
        archs.add_row(entry["name"], entry["form"], _sizes(entry), count_text(entry["parameters"]), description)
    experiments = _table("experiment", "architectures", "description")
    for entry in entries["experiments"]:
        experiments.add_row(entry["name"], ", ".join(entry["architectures"]), entry["description"])
    sweeps = _table("sweep", "hyperparameters", "description")
    for entry in entries["sweeps"]:
        sweeps.add_row(entry["name"], str(len(entry["hyperparameters"])), entry["description"])
    yield from (archs, experiments, sweeps)


def _table(*titles: str) -> FittingTable:
    """A table whose last column wraps, also inside long words."""
    table = FittingTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, no_wrap=title != titles[-1], overflow="fold")
    return table


def _sizes(entry: Mapping[str, Any]) -> str:
    """The spatial input, and the number of channels unless it is 1."""
    channels = [entry["channels"]] if entry["channels"] > 1 else []
    return "x".join(map(str, [*(entry["input_shape"] or ["any"]), *channels]))
