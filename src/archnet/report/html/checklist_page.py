"""The page of a reporting checklist, filled from a run."""

from __future__ import annotations

from pathlib import Path

from archnet.report.html.page import write_page
from archnet.report.paper.checklists.checklist_items import Checklist
from archnet.report.paper.checklists.filled_checklist import (
    FilledItem,
    checklist_sentence,
    fill_checklist,
    write_checklist_csv,
)
from archnet.report.run_files import RunFiles, require_results


def write_checklist(run: RunFiles, checklist: Checklist) -> list[Path]:
    """Fill a checklist from a run, and write its page and its csv file into the run folder.

    Returns:
        The paths of both.

    Raises:
        DataError: A file of the run is damaged, or a result is missing from the run of an older version.
    """
    require_results(run)
    filled, stem = fill_checklist(run, checklist), f"checklist_{checklist.name}"
    values = {
        "title": f"{checklist.title}, {run.name}",
        "headline": checklist_sentence(checklist, [one.source for one in filled]),
        "cautions": [],
        "checklist": checklist,
        "sections": _sections(filled),
    }
    csv_path = write_checklist_csv(run.folder / f"{stem}.csv", filled)
    return [write_page(run.folder / f"{stem}.html", "checklist.html", values), csv_path]


def _sections(filled: list[FilledItem]) -> list[tuple[str, list[FilledItem]]]:
    """The items of each section of the checklist."""
    names = dict.fromkeys(one.item.section for one in filled)
    return [(name, [one for one in filled if one.item.section == name]) for name in names]
