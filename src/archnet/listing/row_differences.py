"""The settings that differ among the runs of an experiment, compared with the first run of the architecture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archnet.evaluation.comparison.document_differences import Difference
from archnet.listing.run_row import RunRow
from archnet.runs.folders.run_differences import architecture_differences


def add_differences(rows: Sequence[RunRow]) -> list[RunRow]:
    """The rows with the settings in which they differ from an earlier run.

    A run is compared with the first one of its architecture in the same experiment; the first one of an architecture
    with the first run of the experiment, apart from their architectures. Seed and fold are in the names of the runs,
    and are not compared.

    Args:
        rows: In the order of their starts.
    """
    return [_compare(row, _find_reference(row, rows[:place])) for place, row in enumerate(rows)]


def _find_reference(row: RunRow, earlier: Sequence[RunRow]) -> RunRow | None:
    if row.kind != "network":
        return None
    candidates = [one for one in earlier if one.kind == "network" and one.experiment == row.experiment]
    return next((one for one in candidates if one.arch == row.arch), candidates[0] if candidates else None)


def _compare(row: RunRow, reference: RunRow | None) -> RunRow:
    if reference is None:
        return row
    return replace(row, reference=reference.name, differences=tuple(_differences(reference, row)))


def _differences(reference: RunRow, row: RunRow) -> list[Difference]:
    differences = architecture_differences(reference.document, row.document)
    if reference.arch == row.arch:
        return differences
    return [one for one in differences if not one["place"].startswith("arch.")]
