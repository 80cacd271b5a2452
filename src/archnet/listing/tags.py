"""Tags and notes that a user gives to runs: `tags.json` in the folder of a run, a sweep or a versus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from archnet.errors import RunError
from archnet.files.atomic import write_json
from archnet.files.documents.json_text import json_text
from archnet.files.locks import hold_lock
from archnet.files.terminal_text import escape_name
from archnet.spec.outputs.output_file import read_optional_output

TAGS_FILE: Final = "tags.json"

MAX_TAG: Final = 40
"""Maximum length of a tag, in characters."""

MAX_NOTE: Final = 2000
"""Maximum length of a note, in characters."""

_LOCK_FILE: Final = ".archnet-tags-lock"
_LOCK_SECONDS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """The tags and the note that a user gave a run.

    Attributes:
        tags: Tags, in the order in which they were given.
        note: A text; empty if there is none.
    """

    tags: tuple[str, ...] = ()
    note: str = ""

    def to_document(self) -> dict[str, Any]:
        """The content of tags.json."""
        return {"tags": list(self.tags), "note": self.note}


def read_tags(folder: Path) -> Tags:
    """The tags and the note of a run; empty where it has none.

    Raises:
        DataError: The file is damaged.
    """
    document = read_optional_output(folder / TAGS_FILE) or {}
    return Tags(tags=tuple(document.get("tags", ())), note=document.get("note", ""))


def change_tags(folder: Path, added: Sequence[str] = (), removed: Sequence[str] = (), note: str | None = None) -> Tags:
    """Change the tags and the note of a run, also while it is being trained.

    Args:
        folder: The folder of a run, a sweep or a versus.
        added: Tags to add.
        removed: Tags to remove.
        note: The new note; an empty one removes it, null keeps it.

    Raises:
        RunError: A tag or the note is unsuitable, or a tag to remove is not there.
    """
    for tag in added:
        _check_tag(tag)
    if note is not None and len(note) > MAX_NOTE:
        raise RunError(f"--note: has {len(note):,} characters; at most {MAX_NOTE:,} are allowed. Shorten it.")
    with hold_lock(folder / _LOCK_FILE, timeout_s=_LOCK_SECONDS):
        old = read_tags(folder)
        missing = next((tag for tag in removed if tag not in old.tags), None)
        if missing is not None:
            has = ", ".join(old.tags) or "none"
            raise RunError(f"{folder}: has no tag {json_text(missing)} to remove. Its tags: {has}.")
        kept = [tag for tag in dict.fromkeys([*old.tags, *added]) if tag not in removed]
        new = Tags(tags=tuple(kept), note=old.note if note is None else note.strip())
        write_json(folder / TAGS_FILE, new.to_document())
    return new


def _check_tag(tag: str) -> None:
    is_word = tag and not any(character.isspace() or character == "," for character in tag)
    if not is_word or len(tag) > MAX_TAG or escape_name(tag) != tag:
        raise RunError(
            f"{json_text(tag)}: is not a valid tag. A tag is one word of at most {MAX_TAG} characters without commas, "
            "such as promising. Longer texts go into --note."
        )
