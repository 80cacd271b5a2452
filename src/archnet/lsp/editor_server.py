"""The state of a session with an editor: its documents, and the problems that it shows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, Final

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.uris import to_fs_path

from archnet.errors import DocumentError
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
    """The protocol with texts of the server's own, whose lines end where those of editors do, and UTF-16 positions."""

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

    def begin(self, params: types.InitializeParams) -> None:
        """Read the folder and the settings of the session."""
        folders = [folder.uri for folder in params.workspace_folders or []]
        root = next(iter(folders), params.root_uri)
        if root and (path := to_fs_path(root)):
            self.documents.folder = Path(path)
        self.change_settings(params.initialization_options)

    def change_settings(self, value: Any) -> None:
        """Use other settings, and report each that is invalid."""
        settings, problems = read_settings(value)
        for problem in problems:
            self.show(problem, types.MessageType.Warning)
        self.publish_later(self.documents.change_settings(settings))
        self.refresh_notes()

    def show(self, text: str, kind: types.MessageType = types.MessageType.Info) -> None:
        """Show a message in the editor."""
        self.window_show_message(types.ShowMessageParams(type=kind, message=text))

    def publish_later(self, uris: Iterable[str]) -> None:
        """Report the problems of documents unless they change again within a moment."""
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
                self.show(f"A bug in archnet: {error}. The output of the server has the traceback.")

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

    def refresh_notes(self) -> None:
        """Ask the editor to request inlay hints and code lenses again."""
        workspace = self.client_capabilities.workspace
        if workspace and workspace.inlay_hint and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)
        if workspace and workspace.code_lens and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)

    async def pull_settings(self) -> None:
        """Ask the editor for its settings."""
        item = types.ConfigurationItem(section=SECTION)
        answer = await self.workspace_configuration_async(types.ConfigurationParams(items=[item]))
        if answer and answer[0] is not None:  # null where the editor has none: those of the initialization stay
            self.change_settings(answer[0])

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
            self.show(f"No twin created: {error}", types.MessageType.Error)
            return
        await self._create_file(twin, path, rank)

    def _is_taken(self, path: Path) -> bool:
        return path.exists() or path.is_symlink() or self.documents.is_open(path)

    async def _create_file(self, twin: TwinFile, original: Path, rank: float) -> None:
        if not self._can_create_files():
            command = f"archnet twin {original.name} --rank {rank:g} --out {twin.path.name}"
            self.show(f"This editor cannot create files for a language server. Run: {command}")
            return
        params = types.ApplyWorkspaceEditParams(edit=twin.creation(), label=f"Create {twin.path.name}")
        answer = await self.workspace_apply_edit_async(params)
        if not answer.applied:
            reason = f": {answer.failure_reason}" if answer.failure_reason else "."
            self.show(f"The editor did not create {twin.path.name}{reason}", types.MessageType.Error)
            return
        window = self.client_capabilities.window
        if window and window.show_document and window.show_document.support:
            await self.window_show_document_async(types.ShowDocumentParams(uri=twin.uri, take_focus=True))
        self.show(twin.message)

    def _can_create_files(self) -> bool:
        workspace = self.client_capabilities.workspace
        edit = workspace.workspace_edit if workspace else None
        operations = (edit.resource_operations if edit else None) or []
        return types.ResourceOperationKind.Create in operations

    @property
    def supports_snippets(self) -> bool:
        """Whether the editor understands tab stops in completions."""
        text_document = self.client_capabilities.text_document
        completion = text_document.completion if text_document else None
        item = completion.completion_item if completion else None
        return bool(item and item.snippet_support)
