"""The language server's answers to the requests of an editor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lsprotocol import types
from pygls.uris import to_fs_path

from archnet.lsp.editor_server import SECTION, EditorServer
from archnet.lsp.network_notes import CREATE_TWIN, code_lenses, inlay_hints
from archnet.lsp.problem_list import FIX_ALL, QUICK_FIX, code_actions, protocol_edits
from archnet.lsp.suggestion_items import completion_items, document_symbols, hover

_TRIGGERS: Final = ('"', ":", " ", ",", "[", "{")
"""Characters after which editors ask for completions."""


_SNIPPETS: Final = "text_document.completion.completion_item.snippet_support"
_VERSIONED_EDITS: Final = "workspace.workspace_edit.document_changes"
_PULLED_SETTINGS: Final = "workspace.configuration"
_REPORTED_FILES: Final = "workspace.did_change_watched_files.dynamic_registration"
_REPORTED_SETTINGS: Final = "workspace.did_change_configuration.dynamic_registration"


def new_server() -> EditorServer:
    """A language server for one session."""
    server = EditorServer()
    _add_suggestions(server)
    _add_notes(server)
    _add_edits(server)
    _add_workspace(server)
    return server


def _add_suggestions(server: EditorServer) -> None:
    options = types.CompletionOptions(trigger_characters=list(_TRIGGERS))

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, options)
    def complete(params: types.CompletionParams) -> types.CompletionList | None:
        document = server.documents.analyzed(params.text_document.uri)
        if document is None:
            return None
        items = completion_items(document, params.position, with_snippets=server.can(_SNIPPETS))
        return types.CompletionList(is_incomplete=False, items=items)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def explain(params: types.HoverParams) -> types.Hover | None:
        document = server.documents.analyzed(params.text_document.uri)
        return hover(document, params.position) if document else None


def _add_notes(server: EditorServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    def hint(params: types.InlayHintParams) -> list[types.InlayHint] | None:
        document = server.documents.analyzed(params.text_document.uri)
        return inlay_hints(document, params.range) if document else None

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    def list_lenses(params: types.CodeLensParams) -> list[types.CodeLens] | None:
        document = server.documents.analyzed(params.text_document.uri)
        return code_lenses(document) if document else None

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def outline(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
        document = server.documents.analyzed(params.text_document.uri)
        return document_symbols(document) if document else None


def _add_edits(server: EditorServer) -> None:
    options = types.CodeActionOptions(code_action_kinds=[QUICK_FIX, FIX_ALL])

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    def fix(params: types.CodeActionParams) -> list[types.CodeAction] | None:
        document = server.documents.analyzed(params.text_document.uri)
        if document is None:
            return None
        with_version = server.can(_VERSIONED_EDITS)
        return code_actions(document, params.range, params.context.only, with_version=with_version)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def format_document(params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
        document = server.documents.analyzed(params.text_document.uri)
        return protocol_edits(document, document.analysis.format()) if document else None

    @server.command(CREATE_TWIN)
    async def create_twin(uri: str, rank: float) -> None:
        await server.create_twin(uri, rank)


def _add_workspace(server: EditorServer) -> None:
    @server.feature(types.INITIALIZED)
    async def begin(params: types.InitializedParams) -> None:
        _register(server)
        if server.can(_PULLED_SETTINGS):
            await server.pull_settings()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def change_settings(params: types.DidChangeConfigurationParams) -> None:
        pushed = params.settings.get(SECTION) if isinstance(params.settings, Mapping) else None
        if pushed is not None:
            server.change_settings(pushed)
        elif server.can(_PULLED_SETTINGS):
            await server.pull_settings()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def update_files(params: types.DidChangeWatchedFilesParams) -> None:
        paths = [Path(path) for change in params.changes if (path := to_fs_path(change.uri))]
        server.publish_later(server.documents.invalidate_users(paths))


def _register(server: EditorServer) -> None:
    """Ask the editor to report changed settings, and JSON files that are changed by other programs."""
    registrations = []
    if server.can(_REPORTED_FILES):
        pattern = types.DidChangeWatchedFilesRegistrationOptions(
            watchers=[types.FileSystemWatcher(glob_pattern="**/*.json")]
        )
        registrations.append(_registration(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, pattern))
    if server.can(_REPORTED_SETTINGS):
        section = types.DidChangeConfigurationRegistrationOptions(section=SECTION)
        registrations.append(_registration(types.WORKSPACE_DID_CHANGE_CONFIGURATION, section))
    if registrations:
        server.client_register_capability(types.RegistrationParams(registrations=registrations))


def _registration(method: str, options: Any) -> types.Registration:
    return types.Registration(id=method, method=method, register_options=options)
