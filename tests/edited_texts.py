"""Texts that are being edited: a cursor marked by |, and shipped documents with one key or layer deleted."""

from dataclasses import dataclass

from archnet.files.documents.json_parser import parse_tolerantly
from archnet.files.documents.shipped_documents import shipped_documents
from archnet.files.documents.text_edits import TextEdit, apply_edits
from archnet.spec.completion.complete import complete
from archnet.spec.completion.cursor_offers import CompletionContext

KINDS = {
    name: "arch" if path.parent.name != "experiments" else "sweep" if name.startswith("sweep_") else "experiment"
    for name, path in shipped_documents().items()
}


def shipped_text(name):
    return shipped_documents()[name].read_text("utf-8")


def completions_in(text, offset, kind="arch", *, source=None, rank=None, files=None):
    """The completions at an offset of a text."""
    context = CompletionContext(
        kind=kind,
        source=source or {"arch": "archs/net.json"}.get(kind, "experiments/mine.json"),
        value=parse_tolerantly(text)[0].value,
        rank=rank,
        read_text=lambda path: (files or {}).get(path.name),
    )
    return complete(text, offset, context)


def completions_at(marked, kind="arch", **options):
    """The completions at the mark | of a text, and the text without the mark."""
    before, after = marked.split("|")
    return completions_in(before + after, len(before), kind, **options), before + after


def completed(text, completion):
    """The text after a completion, with the default text of every tab stop."""
    return apply_edits(text, (*completion.other_edits, TextEdit(completion.edit.range, completion.plain_text)))


@dataclass(frozen=True, slots=True)
class Deletion:
    """A text without one key with its value, or without one entry of an array.

    Attributes:
        text: The text.
        offset: Where it was.
        path: Its path.
    """

    text: str
    offset: int
    path: tuple


def deletions(text):
    """Every text without one of its keys or objects, with the comma that belongs to it."""
    root, _ = parse_tolerantly(text)
    for path, node in root.walk():
        siblings = [child for _, child in root.find(path[:-1]).children()] if path else []
        if node in siblings and (node.key_start >= 0 or node.members is not None):
            number = siblings.index(node)
            if number + 1 < len(siblings):
                start, end = node.full_start, siblings[number + 1].full_start
            else:
                start, end = siblings[number - 1].end if number else node.full_start, node.end
            yield Deletion(f"{text[:start]} {text[end:]}", start + 1, path)
