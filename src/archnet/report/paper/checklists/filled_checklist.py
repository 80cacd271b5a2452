"""Checklists for papers, filled from a run: a page and a csv file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from archnet.errors import RunError, did_you_mean
from archnet.files.atomic import write_text
from archnet.files.csv_rows import csv_text, read_table
from archnet.report.paper.answers import answer
from archnet.report.paper.checklists.checklist_items import Checklist, ChecklistItem
from archnet.report.paper.checklists.claim_items import CLAIM
from archnet.report.paper.checklists.stard_ai_items import STARD_AI
from archnet.report.paper.checklists.tripod_ai_items import TRIPOD_AI
from archnet.report.run_files import RunFiles

Source = Literal["run", "run and author", "author"]

CHECKLISTS: Final[Mapping[str, Checklist]] = {one.name: one for one in (CLAIM, TRIPOD_AI, STARD_AI)}

NOT_RECORDED: Final = "Not recorded by this run."

_HEADER: Final = ("item", "section", "asks", "filled from", "answer", "for the author")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledItem:
    """An item with its answer.

    Attributes:
        item: The item.
        answer: Answer of the run; may be empty.
        author: The part left to the author; may be empty.
    """

    item: ChecklistItem
    answer: str
    author: str

    @property
    def source(self) -> Source:
        """The source of the answer."""
        if not self.answer:
            return "author"
        return "run and author" if self.author else "run"


def find_checklist(name: str) -> Checklist:
    """Find a checklist by name.

    Raises:
        RunError: There is no such checklist.
    """
    if name not in CHECKLISTS:
        raise RunError(f'--checklist "{name}": expected {_names()}.{did_you_mean(name, CHECKLISTS)}')
    return CHECKLISTS[name]


def _names() -> str:
    *names, last = CHECKLISTS
    return f"{', '.join(names)} or {last}"


def fill_checklist(run: RunFiles, checklist: Checklist) -> list[FilledItem]:
    """Answer every item from the files of a run.

    Raises:
        DataError: cases.csv is damaged.
    """
    topics = dict.fromkeys(topic for item in checklist.items for topic in item.topics)
    answers = {topic: answer(run, topic) for topic in topics}
    return [_fill(item, answers) for item in checklist.items]


def _fill(item: ChecklistItem, answers: Mapping[str, str]) -> FilledItem:
    text = " ".join(answers[topic] for topic in item.topics if answers[topic])
    return FilledItem(item=item, answer=text, author=item.author if text or item.author else NOT_RECORDED)


def write_checklist_csv(path: Path, filled: list[FilledItem]) -> Path:
    """Write a filled checklist as csv."""
    rows = [(one.item.number, one.item.section, one.item.asks, one.source, one.answer, one.author) for one in filled]
    return write_text(path, csv_text(_HEADER, rows))


def written_sentence(path: Path) -> str:
    """The number of items of a csv file that are filled from the run.

    Raises:
        DataError: The file is damaged.
    """
    table = read_table(path, "Write it again with `archnet report`.")
    column = table.header.index(_HEADER[3])
    name = path.stem.removeprefix("checklist_")
    return checklist_sentence(CHECKLISTS[name], [row[column] for row in table.rows])


def checklist_sentence(checklist: Checklist, sources: Sequence[str]) -> str:
    """The number of items filled from the run, and of those left to the author.

    Args:
        checklist: The checklist.
        sources: The source of each answer, as in `FilledItem.source`.
    """
    counts = Counter(sources)
    return (
        f"{checklist.title}: {counts['run']} of {len(sources)} items filled from the run, {counts['run and author']} "
        f"filled in part, {counts['author']} for the author."
    )
