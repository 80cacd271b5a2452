"""Names of cases, groups and classes that a spreadsheet program or a terminal could interpret as commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from archnet.data.checks.case_table import CaseTable
from archnet.data.checks.findings import Finding, first_names
from archnet.errors import pluralize
from archnet.files.terminal_text import escape_name, has_unsafe_characters, shorten

FORMULA_STARTS: Final = ("=", "+", "-", "@")
"""First characters of formulas in spreadsheet programs."""


def check_names(table: CaseTable) -> Iterator[Finding]:
    """Findings about the names of cases, groups and classes."""
    formulas = [name for name in _names_that_start(table, FORMULA_STARTS) if not _is_number(name)]
    if formulas:
        verb = "begins" if len(formulas) == 1 else "begin"
        yield _finding(
            formulas,
            f"{verb} with =, +, - or @ ({_shown(formulas)}). The csv files of runs contain names verbatim, and a "
            "spreadsheet program would read these as formulas.",
            "Import the csv files as text, or rename the cases.",
        )
    unsafe = [name for name in _all_names(table) if has_unsafe_characters(name)]
    if unsafe:
        verb = "contains" if len(unsafe) == 1 else "contain"
        yield _finding(
            unsafe,
            f"{verb} unprintable characters ({_shown(unsafe)}). They are printed as escapes, and written into files "
            "verbatim.",
            "Rename the cases.",
        )


def _finding(names: Sequence[str], predicate: str, remedy: str) -> Finding:
    return Finding(
        check="unusual_names",
        severity="warning",
        message=f"{pluralize(len(names), 'name')} {predicate}",
        cases=tuple(names),
        remedy=remedy,
    )


def _names_that_start(table: CaseTable, starts: Sequence[str]) -> list[str]:
    columns = (table.ids, table.groups, np.array(table.classes, np.str_))
    found = (column[np.isin(column.astype("U1"), starts)].tolist() for column in columns if column.size)
    return sorted({name for names in found for name in names})


def _all_names(table: CaseTable) -> list[str]:
    """The names of a table; empty if a single search through all of them finds no unsafe character."""
    columns = (table.ids.tolist(), table.groups.tolist(), table.classes)
    if not any(has_unsafe_characters("".join(column)) for column in columns):
        return []
    return sorted({name for column in columns for name in column})


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _shown(names: Sequence[str]) -> str:
    return first_names([f'"{shorten(escape_name(name))}"' for name in names])
