"""Completions at a position of a text that may be incomplete."""

from __future__ import annotations

from archnet.files.documents.text_edits import TextEdit, TextRange
from archnet.spec.completion.cursor import Cursor, find_cursor
from archnet.spec.completion.cursor_offers import CompletionContext, Offer, key_offers, value_offers
from archnet.spec.completion.offers import Completion


def complete(text: str, offset: int, context: CompletionContext) -> tuple[Completion, ...]:
    """Completions at a position, the most likely first.

    Args:
        text: Any text.
        offset: Offset of the position.
        context: What else is known of the document.
    """
    cursor = find_cursor(text, max(0, min(offset, len(text))))
    if cursor is None:
        return ()
    column = cursor.range.start - (text.rfind("\n", 0, cursor.range.start) + 1)
    offers = key_offers(cursor, context) if cursor.expects == "key" else value_offers(cursor, context, column)
    unique: dict[str, Offer] = {}
    for offer in offers:
        unique.setdefault(offer.new_text, offer)
    return tuple(_placed(offer, cursor) for offer in unique.values())


def _placed(offer: Offer, cursor: Cursor) -> Completion:
    """A completion with the commas that its place needs."""
    comma, is_adjacent = cursor.comma_position, cursor.comma_position == cursor.range.start
    before = ", " if is_adjacent else ""
    return Completion(
        label=offer.label,
        kind=offer.kind,
        detail=offer.detail,
        documentation=offer.documentation,
        edit=TextEdit(cursor.range, f"{before}{offer.new_text}{',' * cursor.is_followed}"),
        other_edits=() if comma < 0 or is_adjacent else (TextEdit(TextRange(comma, comma), ","),),
        is_snippet=offer.is_snippet,
    )
