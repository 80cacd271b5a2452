"""Items of reporting checklists, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Row = tuple[str, str, str, str]
"""Number, question of the item, topics that a run answers (separated by spaces), and the part left to the author."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem:
    """One item of a checklist.

    Attributes:
        number: As in the checklist, such as "12a".
        section: Section of the checklist.
        asks: The question of the item, paraphrased.
        topics: Names in `ANSWERS` that answer it from a run, in order; empty if none does.
        author: The part that only the author can state; empty if a run answers the item in full.
    """

    number: str
    section: str
    asks: str
    topics: tuple[str, ...] = ()
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """A reporting checklist.

    Attributes:
        name: Name on the command line.
        title: Name in texts.
        source: Citation without the DOI.
        doi: Digital object identifier of the publication.
        items: The items by section, in order.
    """

    name: str
    title: str
    source: str
    doi: str
    items: tuple[ChecklistItem, ...]


def parse_items(sections: Mapping[str, Sequence[Row]]) -> tuple[ChecklistItem, ...]:
    """The items of all sections, in their order."""
    return tuple(_items(sections))


def _items(sections: Mapping[str, Sequence[Row]]) -> Iterator[ChecklistItem]:
    for section, rows in sections.items():
        for number, asks, topics, author in rows:
            yield ChecklistItem(number=number, section=section, asks=asks, topics=tuple(topics.split()), author=author)
