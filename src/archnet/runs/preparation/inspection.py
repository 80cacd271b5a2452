"""`DataCheck`: a summary of a data set and the findings of the data checks, without training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from archnet.data import open_dataset
from archnet.data.checks.findings import SEVERITIES, Finding, Severity, sort_findings
from archnet.errors import pluralize
from archnet.files.path_argument import output_file
from archnet.files.progress import Progress, no_progress
from archnet.runs.preparation.case_crops import check_all_lists, cut_cases, join_findings
from archnet.runs.preparation.case_split import make_preview_splits
from archnet.runs.preparation.data_summary import summarize_dataset, summarize_split, summarize_voxels
from archnet.runs.preparation.prepared_data import PreparedData
from archnet.spec.datasets import command_arguments
from archnet.spec.experiment import Experiment


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DataCheck:
    """The summary of a data set and the findings of the data checks, as displayed in notebooks.

    Attributes:
        data: The name of the data set on the command line.
        summary: Summary of its contents, JSON-ready.
        findings: Findings of the checks, the most serious first.
        allowed: Names of the checks whose errors do not stop a run.
        problem: The reason why the cases cannot be split into sets; None if they can.
        is_quick: Whether the checks of voxels were skipped.
    """

    data: str
    summary: dict[str, Any]
    findings: tuple[Finding, ...]
    allowed: tuple[str, ...]
    problem: str | None
    is_quick: bool
    prepared: PreparedData | None = field(default=None)

    def __repr__(self) -> str:
        counts = ", ".join(pluralize(len(self.select(severity)), severity) for severity in SEVERITIES)
        return f"DataCheck({self.data}: {counts})"

    def select(self, severity: Severity) -> list[Finding]:
        """The findings of one severity: "error", "warning" or "note"."""
        return [finding for finding in self.findings if finding.severity == severity]

    @property
    def is_usable(self) -> bool:
        """Whether a run would start: the cases can be split, and every error is allowed."""
        return self.problem is None and all(error.check in self.allowed for error in self.select("error"))

    def to_document(self) -> dict[str, Any]:
        """The check, JSON-ready, as `archnet data check --json` prints it."""
        return {
            "data": self.data,
            "is_usable": self.is_usable,
            "problem": self.problem,
            "is_quick": self.is_quick,
            "summary": self.summary,
            "findings": [
                {**finding.to_document(), "is_allowed": finding.severity == "error" and finding.check in self.allowed}
                for finding in self.findings
            ],
        }

    def write_html(self, path: PathLike[str] | str) -> Path:
        """Write the check as one self-contained page, with histograms of the values and pictures of cases."""
        from archnet.report.html.data_check_page import write_data_check
        from archnet.runs.preparation.case_pictures import draw_cases

        samples, of_findings = draw_cases(self.prepared, self.findings)
        return write_data_check(output_file(path), self.to_document(), samples, of_findings)

    def _repr_html_(self) -> str:
        """The check, for notebooks."""
        from archnet.report.html.notebook_tables import data_check_html

        return data_check_html(self.to_document())


def inspect_data(
    experiments: Sequence[Experiment], progress: Progress = no_progress, *, is_quick: bool = False
) -> DataCheck:
    """Run all data checks on the data of experiments; errors do not stop it.

    Args:
        experiments: The experiments; they may differ only in architecture, split and training.
        progress: Wraps the items of a long loop.
        is_quick: Skip the checks of voxels and extract no crops.

    Raises:
        ArchnetError: The data are missing or damaged.
    """
    first = experiments[0]
    dataset = open_dataset(first.data, progress)
    splits, problem = make_preview_splits(dataset.cases, experiments)
    summary = {"name": first.data.name, **summarize_dataset(dataset)}
    if problem is None:
        summary |= summarize_split(dataset, splits[first.split], first)
    findings, prepared = check_all_lists(dataset, splits), None
    if not is_quick:
        parts = cut_cases(dataset, splits, progress, with_search=True)
        prepared = next(iter(parts.values()))
        findings = join_findings(data.findings for data in parts.values())
        summary |= summarize_voxels(prepared)
    return DataCheck(
        data=command_arguments(first.data.name, first.data.root),
        summary=summary,
        findings=tuple(sort_findings(findings)),
        allowed=first.data.allow,
        problem=problem,
        is_quick=is_quick,
        prepared=prepared,
    )
