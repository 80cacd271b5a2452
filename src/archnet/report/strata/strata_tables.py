"""Tables of strata for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archnet.errors import pluralize
from archnet.report.comparison_wording import p_value_text
from archnet.report.strata.strata_rows import StrataRow, strata_rows
from archnet.report.strata.strata_wording import (
    choose_columns,
    column_label,
    counted_cases,
    measure_label,
    strata_note,
    strata_sentence,
    stratum_label,
)
from archnet.report.tables import name_lines, titled_table
from archnet.report.wording import bounds, decimals, signed, signed_bounds

MAX_ROWS: Final = 12
"""Maximum number of rows of all tables that a command prints unless requested."""


def strata_tables(strata: Mapping[str, Any], names: Sequence[str], by: Sequence[str] = ()) -> RenderableType | None:
    """A table for each attribute, with its conclusion; None if there is none.

    Args:
        strata: The entry of metrics.json or comparison.json; may be empty.
        names: Names of the networks.
        by: Names of attributes; see `choose_columns`.

    Raises:
        RunError: The runs have no such attribute.
    """
    columns = choose_columns(strata, by)
    if not columns:
        return None
    parts = [part for column in columns for part in _column_parts(column, names, strata["measure"])]
    return Group(*parts, Text(strata_note(strata, columns, names_area=len(names) > 1), style="dim"))


def short_strata_tables(strata: Mapping[str, Any], names: Sequence[str]) -> RenderableType | None:
    """The tables at the end of a command, if they have few rows; otherwise None."""
    columns = choose_columns(strata)
    num_rows = sum(len(column["strata"]) * len(names) for column in columns)
    return strata_tables(strata, names) if num_rows <= MAX_ROWS else None


def _column_parts(column: Mapping[str, Any], names: Sequence[str], measure: str) -> Iterator[RenderableType]:
    yield _column_table(column, names, measure)
    sentence = strata_sentence(column)
    if sentence:
        yield Text(sentence)
    yield ""


def _column_table(column: Mapping[str, Any], names: Sequence[str], measure: str) -> Table:
    table = titled_table(f"By {column_label(column['name'])}, 95% intervals below")
    table.add_column(f"{column_label(column['name'])}\n{counted_cases(measure)}s", overflow="fold")
    is_comparison = len(names) > 1
    if is_comparison:
        table.add_column("", overflow="fold")
    table.add_column(measure_label(measure), justify="right")
    if is_comparison:
        table.add_column("difference", justify="right")
        table.add_column("p (Holm)", justify="right")
    for row in strata_rows(column, names):
        table.add_row(*_cells(column, row, measure, is_comparison=is_comparison))
    return table


def _cells(column: Mapping[str, Any], row: StrataRow, measure: str, *, is_comparison: bool) -> Iterator[Text | str]:
    yield _stratum_cell(column["name"], row.stratum, measure) if row.place == 0 else ""
    if is_comparison:
        yield name_lines(row.network)
    yield _two_lines(decimals(row.results[measure]), bounds(row.results["intervals"][measure]))
    if is_comparison and row.differences:
        entry = row.differences[measure]
        yield _two_lines(signed(entry["difference"]), signed_bounds(entry["interval"]))
        yield p_value_text(entry["p_holm"])


def _stratum_cell(column: str, stratum: Mapping[str, Any], measure: str) -> Text:
    name = stratum_label(column, stratum["name"]) + (", few" if stratum["is_small"] else "")
    number = stratum["positives"] if measure == "recall" else stratum["n"]
    return _two_lines(name, f"{number:,} in {pluralize(stratum['groups'], 'group')}")


def _two_lines(first: str, second: str) -> Text:
    text = Text(first, style="bold")
    return text.append(f"\n{second}", style="not bold dim") if second else text
