"""A data check as rich renderables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from archnet.report.data_check_wording import check_findings, check_sentence, set_rows, summary_rows
from archnet.report.data_findings import FindingText
from archnet.report.tables import titled_table

_STYLES: Final = {"error": "bold red", "warning": "yellow", "note": "dim"}
_INDENT: Final = 2


def data_check_table(check: Mapping[str, Any]) -> RenderableType:
    """The contents of a data set, the sets of its split, the findings, and the conclusion.

    Args:
        check: The document of a `DataCheck`.
    """
    findings = check_findings(check)
    sets: list[RenderableType] = [_set_table(check), ""] if set_rows(check) else []
    style = "bold" if check["is_usable"] else "bold red"
    return Group(_summary_table(check), "", *sets, *_finding_parts(findings), Text(check_sentence(check), style=style))


def _summary_table(check: Mapping[str, Any]) -> Table:
    table = titled_table(check["data"], show_header=False)
    table.box = None
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in summary_rows(check):
        table.add_row(label, Text(text))
    return table


def _set_table(check: Mapping[str, Any]) -> Table:
    table = titled_table("Sets")
    table.add_column("set")
    for label in ("cases", "groups", *check["summary"]["classes"]):
        table.add_column(Text(label), justify="right")
    for name, cases, groups, counts in set_rows(check):
        table.add_row(Text(name, style="bold"), cases, groups, *counts)
    return table


def _finding_parts(findings: Sequence[FindingText]) -> Iterator[RenderableType]:
    for finding in findings:
        yield Text.assemble((finding.label, _STYLES[finding.severity]), "  ", (finding.check, "dim"))
        yield Padding.indent(Text(finding.message), _INDENT)
        if finding.cases:
            yield Padding.indent(Text(f"Affected: {finding.cases}", style="dim"), _INDENT)
        if finding.remedy:
            yield Padding.indent(Text(finding.remedy, style="italic"), _INDENT)
        yield ""
