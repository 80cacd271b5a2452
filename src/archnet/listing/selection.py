"""Selection: which rows of the table are shown, in which order, and with the results of which set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from archnet.errors import RunError, did_you_mean
from archnet.files.documents.json_text import json_text
from archnet.listing.folder_rows import Listing
from archnet.listing.run_row import RunRow
from archnet.spec.metrics import EVALUATED_METRICS, METRICS, Metric, is_lower_better, metrics_shown_in

ROW_KEYS: Final = ("name", "date", "state")
"""Keys that sort rows beside metrics and settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The rows that are shown.

    Attributes:
        listing: The listing, with these rows alone.
        set_name: The set whose results are shown, "validation" or "test".
        metrics: The metrics that are shown.
    """

    listing: Listing
    set_name: str
    metrics: tuple[Metric, ...]


def select_rows(
    listing: Listing,
    *,
    tags: Sequence[str] = (),
    sort: str = "name",
    reverse: bool = False,
    set_name: str | None = None,
) -> Selection:
    """Filter and sort the rows of a listing.

    Args:
        listing: All rows.
        tags: Tags that a row must all have.
        sort: "name", "date" (the latest first), "state", a metric (the best first) or the path of a setting such as
            training.epochs.
        reverse: Whether the order is reversed; rows without a value stay last.
        set_name: "validation" or "test"; null takes the validation set if any row has its results.

    Raises:
        RunError: There is no such key, or no run has such a tag.
    """
    _check_tags(listing.rows, tags)
    rows = [row for row in listing.rows if set(tags) <= set(row.tags.tags)]
    set_name = set_name or _default_set(rows)
    metrics = metrics_shown_in("runs_table")
    if sort in EVALUATED_METRICS and METRICS[sort] not in metrics:
        metrics.append(METRICS[sort])
    ordered = _sort(rows, sort, set_name, is_reversed=reverse)
    return Selection(listing=replace(listing, rows=tuple(ordered)), set_name=set_name, metrics=tuple(metrics))


def _check_tags(rows: Sequence[RunRow], tags: Sequence[str]) -> None:
    known = sorted({tag for row in rows for tag in row.tags.tags})
    for tag in tags:
        if tag not in known:
            raise RunError(
                f"--tag {tag}: no run has this tag.{did_you_mean(tag, known)} Tags: {', '.join(known) or 'none'}."
            )


def _default_set(rows: Sequence[RunRow]) -> str:
    has_validation = any(row.results.get("validation") for row in rows)
    return "validation" if has_validation or not any(row.results for row in rows) else "test"


def _sort(rows: Sequence[RunRow], sort: str, set_name: str, *, is_reversed: bool) -> list[RunRow]:
    named = sorted(rows, key=lambda row: natural_key(row.name))
    values = [_sort_value(row, sort, set_name) for row in named]
    if sort not in (*ROW_KEYS, *EVALUATED_METRICS) and all(value is None for value in values):
        raise RunError(
            f"--sort {sort}: no run has this key.{did_you_mean(sort, [*ROW_KEYS, *EVALUATED_METRICS])} Use name, date, "
            f"state, a metric ({', '.join(EVALUATED_METRICS)}) or a setting such as training.epochs."
        )
    pairs = list(zip(values, named, strict=True))
    known = sorted((pair for pair in pairs if pair[0] is not None), key=lambda pair: pair[0], reverse=is_reversed)
    return [row for _, row in known] + [row for value, row in pairs if value is None]


def _sort_value(row: RunRow, sort: str, set_name: str) -> Any:
    """A value whose order is that of the rows; null where a row has none."""
    if sort == "name":
        return natural_key(row.name)
    if sort == "date":
        return -row.started.timestamp()
    if sort == "state":
        return row.state
    if sort in EVALUATED_METRICS:
        value = row.value(sort, set_name)
        return None if value is None else value if is_lower_better(sort) else -value
    value = _setting(row, sort)
    is_text = not isinstance(value, int | float)
    return None if value is None else (is_text, json_text(value) if is_text else value)


def _setting(row: RunRow, path: str) -> Any:
    """A setting by its path, such as arch.layers[0].num_output; null where a run has none."""
    value: Any = row.document
    for step in re.findall(r"[^.\[\]]+", path):
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def natural_key(name: str) -> list[list[tuple[bool, int | str]]]:
    """A key that sorts the names of folders, with the numbers in them by value.

    >>> sorted(["edit-10/net", "edit-2/net", "edit/net"], key=natural_key)
    ['edit/net', 'edit-2/net', 'edit-10/net']
    """
    return [
        [(part.isdecimal(), int(part) if part.isdecimal() else part) for part in re.split(r"([0-9]+)", step) if part]
        for step in name.split("/")
    ]
