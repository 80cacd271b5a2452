"""Completions, hover texts and the outline of a document, in the terms of the protocol."""

from __future__ import annotations

from typing import Final

from lsprotocol import types

from archnet.lsp.open_documents import AnalyzedDocument
from archnet.lsp.problem_list import protocol_edits
from archnet.spec.analysis.suggestions import Completion, Symbol

_KINDS: Final = {
    "key": types.CompletionItemKind.Property,
    "value": types.CompletionItemKind.Value,
    "layer": types.CompletionItemKind.Class,
}


def completion_items(
    document: AnalyzedDocument, position: types.Position, *, with_snippets: bool
) -> list[types.CompletionItem]:
    """Completions at a position, in their order.

    Args:
        document: The document.
        position: The cursor.
        with_snippets: Whether the editor understands tab stops; otherwise their defaults are inserted.
    """
    offers = document.analysis.complete(document.positions.offset(position))
    return [_completion_item(document, offer, index, with_snippets=with_snippets) for index, offer in enumerate(offers)]


def _completion_item(
    document: AnalyzedDocument, offer: Completion, index: int, *, with_snippets: bool
) -> types.CompletionItem:
    is_snippet = offer.is_snippet and with_snippets
    new_text = offer.edit.new_text if is_snippet else offer.plain_text
    replaced = document.text[offer.edit.range.start : offer.edit.range.end]
    return types.CompletionItem(
        label=offer.label,
        kind=_KINDS[offer.kind],
        detail=offer.detail or None,
        documentation=offer.documentation or None,
        text_edit=types.TextEdit(range=document.positions.range(offer.edit.range), new_text=new_text),
        insert_text_format=types.InsertTextFormat.Snippet if is_snippet else types.InsertTextFormat.PlainText,
        additional_text_edits=protocol_edits(document, offer.other_edits) or None,
        filter_text=f'"{offer.label}"' if replaced.startswith('"') and not offer.label.startswith('"') else offer.label,
        sort_text=f"{index:04}",
    )


def hover(document: AnalyzedDocument, position: types.Position) -> types.Hover | None:
    """The explanation of the key or value at a position."""
    found = document.analysis.hover(document.positions.offset(position))
    if found is None:
        return None
    content = types.MarkupContent(kind=types.MarkupKind.Markdown, value=found.markdown)
    return types.Hover(contents=content, range=document.positions.range(found.range))


def document_symbols(document: AnalyzedDocument) -> list[types.DocumentSymbol]:
    """The outline of a document."""
    return [_document_symbol(document, symbol) for symbol in document.analysis.symbols()]


def _document_symbol(document: AnalyzedDocument, symbol: Symbol) -> types.DocumentSymbol:
    return types.DocumentSymbol(
        name=symbol.name or "(unnamed)",  # editors reject an empty one
        detail=symbol.detail or None,
        kind=types.SymbolKind.Module if symbol.children else types.SymbolKind.Field,
        range=document.positions.range(symbol.range),
        selection_range=document.positions.range(symbol.selection_range),
        children=[_document_symbol(document, child) for child in symbol.children],
    )
