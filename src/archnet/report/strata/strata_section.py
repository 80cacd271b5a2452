"""The section of strata on the pages of runs and comparisons, and the file strata.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from archnet.files.atomic import write_text
from archnet.files.attribute_values import GEOMETRY_COLUMNS
from archnet.files.strict_json import slugify
from archnet.report.comparison_wording import p_value_text
from archnet.report.figures.svg import Drawing
from archnet.report.strata.strata_drawing import strata_drawing
from archnet.report.strata.strata_rows import StrataRow, strata_csv, strata_rows
from archnet.report.strata.strata_wording import (
    column_label,
    measure_label,
    size_text,
    strata_note,
    strata_sentence,
    stratum_label,
)

STRATA_FILE: Final = "strata.csv"


def strata_section(strata: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any] | None:
    """The values of the template; None without strata.

    Args:
        strata: The entry of metrics.json or comparison.json; may be empty.
        names: Names of the networks.
    """
    columns = strata.get("columns", ())
    if not columns:
        return None
    parts = [_column_values(column, names, strata["measure"], strata.get("set", "test")) for column in columns]
    return {
        "measure": measure_label(strata["measure"]),
        "has_area": strata["measure"] == "recall",
        "is_comparison": len(names) > 1,
        "columns": [part for part in parts if not part["is_geometry"]],
        "geometry": [part for part in parts if part["is_geometry"]],
        "note": strata_note(strata, columns),
    }


def strata_drawings(section: Mapping[str, Any] | None) -> dict[str, Drawing]:
    """The figures of a section, by file name."""
    columns = [*section["columns"], *section["geometry"]] if section else []
    drawings: dict[str, Drawing] = {}
    for column in columns:
        name = f"strata_{slugify(column['name'])}"
        drawings[name if name not in drawings else f"{name}_{len(drawings)}"] = column["drawing"]
    return drawings


def write_strata_csv(folder: Path, strata: Mapping[str, Any], names: Sequence[str]) -> None:
    """Write strata.csv; without strata, remove that of an earlier report."""
    if strata:
        write_text(folder / STRATA_FILE, strata_csv(strata, names))
    else:
        (folder / STRATA_FILE).unlink(missing_ok=True)


def _column_values(column: Mapping[str, Any], names: Sequence[str], measure: str, hue: str) -> dict[str, Any]:
    return {
        "name": column["name"],
        "label": column_label(column["name"]),
        "is_geometry": column["name"] in GEOMETRY_COLUMNS,
        "sentence": strata_sentence(column),
        "drawing": strata_drawing(column, names, measure, hue),
        "rows": [_row_values(column["name"], row, measure) for row in strata_rows(column, names)],
    }


def _row_values(column: str, row: StrataRow, measure: str) -> dict[str, Any]:
    return {
        "stratum": stratum_label(column, row.stratum["name"]) if row.place == 0 else "",
        "size": size_text(row.stratum, measure),
        "network": row.network,
        "results": [_cell(row, name) for name in (measure, "auc") if name in row.results],
    }


def _cell(row: StrataRow, name: str) -> dict[str, Any]:
    entry = row.differences.get(name, {})
    return {
        "value": row.results[name],
        "interval": row.results["intervals"][name],
        "difference": entry.get("difference"),
        "difference_interval": entry.get("interval"),
        "p": p_value_text(entry.get("p_holm")),
    }
