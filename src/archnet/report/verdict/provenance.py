"""Provenance: the subject of a page and the software and data behind it, from the folders of its runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from archnet.evaluation.run_folder import read_optional_json
from archnet.report.wording import word_list

_SHORT: Final = 10  # number of digits of a commit or a digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The subject and provenance of a page.

    Attributes:
        title: Name of the experiment, else of the folder.
        description: Description of the experiment; empty if it has none.
        texts: Date, version of archnet, git commit and data digest, as far as the runs record them.
    """

    title: str
    description: str
    texts: tuple[str, ...]


def provenance(folder: Path, run_folders: Sequence[Path]) -> Provenance:
    """Determine the subject and provenance of a page from its folder.

    Args:
        folder: The folder of the page, whose name may be that of the experiment.
        run_folders: The runs on the page.

    Raises:
        DataError: A file is damaged.
    """
    experiments = [read_optional_json(path / "experiment.json") or {} for path in (folder, *run_folders)]
    environments = [read_optional_json(path / "environment.json") or {} for path in run_folders]
    data = [read_optional_json(path / "data.json") or {} for path in run_folders]
    return Provenance(
        title=_shared(experiments[1:], "name") or experiments[0].get("name") or folder.resolve().name,
        description=_shared(experiments[1:], "description") or experiments[0].get("description") or "",
        texts=(
            *_date_texts([one["started"] for one in environments if "started" in one]),
            *_version_texts([one.get("packages") or {} for one in environments]),
            *_commit_texts([one["git"] for one in environments if one.get("git")]),
            *_values_text("data digest", [one["digest"][:_SHORT] for one in data if "digest" in one]),
        ),
    )


def _shared(documents: Sequence[Mapping[str, Any]], key: str) -> str:
    """A text that all documents share; empty if they differ."""
    values = {str(document.get(key, "")) for document in documents}
    return values.pop() if len(values) == 1 else ""


def _date_texts(started: Sequence[str]) -> list[str]:
    """The day of the runs, or the first and last days."""
    days = sorted({text[:10] for text in started})
    ends = dict.fromkeys(map(day_text, [*days[:1], *days[-1:]]))
    return [" to ".join(ends)] if days else []


def day_text(day: str) -> str:
    """A date in words.

    >>> day_text("2026-11-06"), day_text("soon")
    ('6 November 2026', 'soon')
    """
    try:
        parsed = date.fromisoformat(day)
    except ValueError:
        return day
    return f"{parsed.day} {_MONTHS[parsed.month - 1]} {parsed.year}"


_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
"""Names of the months in the language of the page, independent of the locale."""


def _version_texts(packages: Iterable[Mapping[str, str]]) -> list[str]:
    return _values_text("archnet", [versions["archnet"] for versions in packages if "archnet" in versions])


def _commit_texts(states: Sequence[Mapping[str, Any]]) -> list[str]:
    return _values_text("commit", map(_commit_text, states))


def _commit_text(state: Mapping[str, Any]) -> str:
    suffix = " with uncommitted changes" if state["has_uncommitted_changes"] else ""
    return str(state["commit"])[:_SHORT] + suffix


def _values_text(name: str, values: Iterable[str]) -> list[str]:
    different = list(dict.fromkeys(values))
    return [f"{name} {word_list(different)}"] if different else []
