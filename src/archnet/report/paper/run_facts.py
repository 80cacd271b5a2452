"""Facts about a run for several texts: its options, and the sizes of its sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from archnet.errors import pluralize
from archnet.report.run_files import RunFiles
from archnet.report.wording import SET_NAMES, count, word_list
from archnet.spec.datasets import DATASETS, CaseKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSize:
    """The size of one set.

    Attributes:
        name: "train", "validation" or "test".
        cases: Number of cases.
        groups: Number of patients, or of scans where the patient is unknown.
        scans: Number of scans; None if unknown.
        class_counts: Cases of each class.
    """

    name: str
    cases: int
    groups: int
    scans: int | None
    class_counts: tuple[int, ...]

    @property
    def num_unlabelled(self) -> int:
        """Training cases that have only a soft label, and count for no class."""
        return self.cases - sum(self.class_counts)

    def text(self, classes: Sequence[str]) -> str:
        """The size in words, such as "training, 700 cases (550 “non-nodule”, 150 “nodule”) of 25 groups, 25 scans"."""
        counts = ", ".join(f"{count(n)} “{name}”" for n, name in zip(self.class_counts, classes, strict=True))
        counts += f", {count(self.num_unlabelled)} with a soft label only" if self.num_unlabelled else ""
        scans = "" if self.scans is None else f", {pluralize(self.scans, 'scan')}"
        groups = pluralize(self.groups, "group")
        return f"{SET_NAMES[self.name]}, {pluralize(self.cases, 'case')} ({counts}) of {groups}{scans}"


def set_sizes(run: RunFiles) -> list[SetSize]:
    """The sizes of the sets that have results, training first."""
    return [_set_size(run, name) for name in run.sets]


def _set_size(run: RunFiles, name: str) -> SetSize:
    part = run.predictions.select(name)
    return SetSize(
        name=name,
        cases=len(part.cases),
        groups=len(set(part.groups.tolist())),
        scans=((run.data or {}).get("num_scans") or {}).get(name),
        class_counts=tuple(np.bincount(part.y_true[part.has_label], minlength=len(run.classes)).tolist()),
    )


def options(run: RunFiles, section: str) -> dict[str, Any]:
    """A section of experiment.json, such as "training"; empty if the run has none."""
    value = (run.experiment or {}).get(section)
    return dict(value) if isinstance(value, dict) else {}


def data_name(run: RunFiles) -> str:
    """The name of the data set; empty if unknown."""
    return str(options(run, "data").get("name") or "")


def case_kind(run: RunFiles) -> CaseKind | None:
    """The type of the cases; None if unknown."""
    name = data_name(run)
    return DATASETS[name].cases if name in DATASETS else None


def is_malignancy(run: RunFiles) -> bool:
    """Whether the run classifies nodules by the LIDC-IDRI readings."""
    return options(run, "data").get("task") == "malignancy"


def point_noun(run: RunFiles) -> str:
    """The noun for a crop's centre: "nodule" or "candidate"."""
    return "nodule" if is_malignancy(run) else "candidate"


def lost_text(run: RunFiles) -> str:
    """The excluded unreadable scans with their reasons; empty if the run does not record them."""
    if "lost" not in (run.data or {}):
        return ""
    lost = (run.data or {})["lost"]
    if not lost and case_kind(run) == "arrays":
        return "No case was excluded."
    if not lost:
        return "No scan was excluded as unreadable."
    num_cases = sum(scan["num_cases"] for scan in lost)
    reasons = list(dict.fromkeys(scan["reason"].rstrip(".") for scan in lost))
    shown = "; ".join(reasons[:3]) + (
        f"; and {pluralize(len(reasons) - 3, 'other reason')}" if len(reasons) > 3 else ""
    )
    return (
        f"{pluralize(len(lost), 'scan')} with {pluralize(num_cases, 'case')} {'was' if len(lost) == 1 else 'were'} "
        f"excluded because {'it' if len(lost) == 1 else 'they'} could not be read: {shown}."
    )


def sizes_text(run: RunFiles) -> str:
    """The sizes of all sets, as one sentence."""
    texts = [size.text(run.classes) for size in set_sizes(run)]
    return f"Sizes of the sets: {'; '.join(texts)}. A group is a patient, or a scan whose patient is unknown."


def listed(values: Sequence[float | int | str]) -> str:
    """Numbers or names as a list in a sentence, such as "64, 64 and 10"."""
    return word_list([f"{value:g}" if isinstance(value, float) else str(value) for value in values])
