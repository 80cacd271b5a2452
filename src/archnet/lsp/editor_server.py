"""The state of a session with an editor: its documents, and the problems that it shows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, Final

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.uris import to_fs_path

from archnet.errors import DocumentError, pluralize
from archnet.lsp.editor_positions import apply_change
from archnet.lsp.editor_settings import read_settings
from archnet.lsp.open_documents import OpenDocuments, document_path_of
from archnet.lsp.problem_list import protocol_diagnostics
from archnet.lsp.twin_file import TwinFile, twin_file
from archnet.machine import package_version

SECTION: Final = "archnet"
"""The section of an editor's settings that belongs to the server."""

_DELAY_SECONDS: Final = 0.15
"""Pause in typing after which problems are reported."""

_logger = logging.getLogger(__name__)


class EditorProtocol(LanguageServerProtocol):
    """The protocol with the server's own text store, the line breaks of the protocol, and UTF-16 positions."""

    _server: EditorServer

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        """Offer UTF-16, which every editor supports, and read the settings."""
        if params.capabilities.general:
            params.capabilities.general.position_encodings = [types.PositionEncodingKind.Utf16]
        result = yield from super().lsp_initialize(params)
        self._server.begin(params)
        return result

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        """Store a text and report its problems at once."""
        document = params.text_document
        self._server.publish(self._server.documents.put(document.uri, document.text, document.version))

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Change a text and report its problems after a pause."""
        documents, uri = self._server.documents, params.text_document.uri
        text = documents.text(uri)
        if text is None:
            _logger.error("A document was changed that is not open: %s", uri)
            return
        for change in params.content_changes:
            changed = change.range if isinstance(change, types.TextDocumentContentChangePartial) else None
            text = apply_change(text, changed, change.text)
        self._server.publish_later(documents.put(uri, text, params.text_document.version))

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        """Forget a text and its problems."""
        self._server.close(params.text_document.uri)


class EditorServer(LanguageServer):
    """The state of one session with an editor."""

    def __init__(self) -> None:
        super().__init__("archnet", package_version("archnet") or "unknown", protocol_cls=EditorProtocol)
        self.documents = OpenDocuments()
        self._published: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._has_reported_bug = False

    def begin(self, params: types.InitializeParams) -> None:
        """Read the folder and the settings of the session."""
        folders = [folder.uri for folder in params.workspace_folders or []]
        root = next(iter(folders), params.root_uri)
        if root and (path := to_fs_path(root)):
            self.documents.folder = Path(path)
        self._use_settings(params.initialization_options)

    def change_settings(self, value: Any) -> None:
        """Apply new settings, and analyze all documents again."""
        self.publish_later(self._use_settings(value))
        if self.can("workspace.inlay_hint.refresh_support"):
            self.workspace_inlay_hint_refresh(None)
        if self.can("workspace.code_lens.refresh_support"):
            self.workspace_code_lens_refresh(None)

    def _use_settings(self, value: Any) -> list[str]:
        """Apply settings, report invalid ones, and return the documents to analyze again."""
        settings, problems = read_settings(value)
        for problem in problems:
            self.show(problem, types.MessageType.Warning)
        return self.documents.change_settings(settings)

    def show(self, text: str, kind: types.MessageType = types.MessageType.Info) -> None:
        """Show a message in the editor."""
        self.window_show_message(types.ShowMessageParams(type=kind, message=text))

    def publish_later(self, uris: Iterable[str]) -> None:
        """Report the problems of documents after a short pause without further changes."""
        for uri in uris:
            if timer := self._timers.pop(uri, None):
                timer.cancel()
            self._timers[uri] = asyncio.get_running_loop().call_later(_DELAY_SECONDS, self.publish, [uri])

    def publish(self, uris: Iterable[str]) -> None:
        """Report the problems of the current versions of documents."""
        for uri in uris:
            if timer := self._timers.pop(uri, None):
                timer.cancel()
            try:
                self._publish_document(uri)
            except Exception as error:
                _logger.exception("A bug in archnet: %s could not be analyzed", uri)
                self._report_bug(error)

    def _report_bug(self, error: Exception) -> None:
        """Show the first bug of a session only: it would recur at every keystroke."""
        if not self._has_reported_bug:
            text = f"A bug in archnet: {type(error).__name__}: {error}. The traceback is in the output of the server."
            self.show(text, types.MessageType.Error)
        self._has_reported_bug = True

    def _publish_document(self, uri: str) -> None:
        document = self.documents.analyzed(uri)
        if document is None and uri not in self._published:
            return
        diagnostics = protocol_diagnostics(document) if document else []
        version = document.version if document else None
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, diagnostics=diagnostics, version=version)
        )
        self._published.add(uri)

    def close(self, uri: str) -> None:
        """Forget a document and remove its problems from the editor."""
        users = self.documents.remove(uri)
        self.publish([uri])
        self._published.discard(uri)
        self.publish_later(users)

    async def pull_settings(self) -> None:
        """Ask the editor for its settings."""
        item = types.ConfigurationItem(section=SECTION)
        for settings in await self.workspace_configuration_async(types.ConfigurationParams(items=[item])) or ():
            if settings is not None:  # null if the editor has none: keep the initialization options
                self.change_settings(settings)

    async def create_twin(self, uri: str, rank: float) -> None:
        """Create the file of a twin next to an open document, and show it."""
        text = self.documents.text(uri)
        if text is None or not uri.startswith("file:"):
            self.show("Save the architecture first: its twin is created in the same folder.", types.MessageType.Warning)
            return
        path = document_path_of(uri, self.documents.folder)
        try:
            twin = twin_file(path, text, rank, self.documents.settings, self._is_taken)
        except DocumentError as error:
            first, *others = str(error).splitlines()
            more = f" And {pluralize(len(others), 'more problem')}." if others else ""
            self.show(f"The twin was not created: {first}{more}", types.MessageType.Error)
            return
        await self._create_file(twin)

    def _is_taken(self, path: Path) -> bool:
        return path.exists() or path.is_symlink() or self.documents.is_open(path)

    async def _create_file(self, twin: TwinFile) -> None:
        reason = await self._let_editor_create(twin) if self._editor_creates_files else twin.write()
        if reason is not None:
            self.show(f"{twin.path.name} was not created: {reason}", types.MessageType.Error)
            return
        if self.can("window.show_document.support"):
            await self.window_show_document_async(types.ShowDocumentParams(uri=twin.uri, take_focus=True))
        self.show(twin.message)

    async def _let_editor_create(self, twin: TwinFile) -> str | None:
        """Ask the editor to create a file, and return the reason if it did not."""
        params = types.ApplyWorkspaceEditParams(edit=twin.creation(), label=f"Create {twin.path.name}")
        answer = await self.workspace_apply_edit_async(params)
        return None if answer.applied else answer.failure_reason or "the editor rejected the change."

    @property
    def _editor_creates_files(self) -> bool:
        key = "workspace.workspace_edit.resource_operations"
        return types.ResourceOperationKind.Create in (get_capability(self.client_capabilities, key) or [])

    def can(self, capability: str) -> bool:
        """Whether the editor has a capability, such as "workspace.configuration"."""
        return bool(get_capability(self.client_capabilities, capability, False))
