"""An editor without a screen: a client of `archnet lsp`, with one method for each thing that its user does."""

import asyncio
import sys
import threading
from collections import Counter
from pathlib import Path

from lsprotocol import types
from pygls.client import JsonRPCClient
from pygls.protocol import default_converter
from pygls.uris import from_fs_path, to_fs_path
from pytest_lsp import LanguageClient

from archnet.lsp.editor_positions import apply_change, editor_positions

SECONDS = 60
"""The longest wait for an answer; a test that waits as long has failed."""

SERVER = ("-m", "archnet", "lsp", "--stdio")

CAPABILITIES = types.ClientCapabilities(
    general=types.GeneralClientCapabilities(position_encodings=["utf-8", "utf-16"]),
    text_document=types.TextDocumentClientCapabilities(
        completion=types.CompletionClientCapabilities(
            completion_item=types.ClientCompletionItemOptions(snippet_support=True)
        )
    ),
    window=types.WindowClientCapabilities(show_document=types.ShowDocumentClientCapabilities(support=True)),
    workspace=types.WorkspaceClientCapabilities(
        workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True, resource_operations=["create"]),
        did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
        inlay_hint=types.InlayHintWorkspaceClientCapabilities(refresh_support=True),
        code_lens=types.CodeLensWorkspaceClientCapabilities(refresh_support=True),
    ),
)


class CheckingClient(LanguageClient):
    """A client that warns if the server sends what it cannot handle; the tests read stderr themselves."""

    async def start_io(self, *command, **options):
        await JsonRPCClient.start_io(self, *command, **options)


class Editor:
    """A running server, the texts that are open, and what the server has sent.

    Attributes:
        texts: The texts by address.
        problems: The problems of each address: messages with their ranges, as last sent.
        history: All reports of problems in their order.
        messages: Texts that the server has shown.
        shown: Addresses of documents that the server has opened.
        refreshed: How often the server has asked for a refresh of inlay hints and of code lenses.
    """

    def __init__(
        self, folder, options=None, capabilities=CAPABILITIES, *, process_id=None, command=SERVER, settings=None
    ):
        self.folder, self.texts, self.versions = Path(folder), {}, {}
        self.problems, self.history, self.messages, self.shown = {}, [], [], []
        self.refreshed, self.registered = Counter(), []
        self.settings = settings
        self._news = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.client = CheckingClient(converter_factory=default_converter)
        self.client.capabilities = capabilities
        self._listen()
        self._wait(self.client.start_io(sys.executable, *command, cwd=self.folder))
        params = types.InitializeParams(
            capabilities=capabilities,
            process_id=process_id,
            root_uri=from_fs_path(str(folder)),
            initialization_options=options,
        )
        self.offers = self._wait(self.client.initialize_async(params))
        self._call(self.client.initialized, types.InitializedParams())

    def _wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(SECONDS)

    def _call(self, function, *arguments):
        async def call():
            return function(*arguments)

        return self._wait(call())

    def _listen(self):
        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def receive(params):
            with self._news:
                self.problems[params.uri] = params
                self.history.append(params)
                self._news.notify_all()

        @self.client.feature(types.WINDOW_SHOW_MESSAGE)
        def show(params):
            with self._news:
                self.messages.append(params.message)
                self._news.notify_all()

        @self.client.feature(types.WORKSPACE_APPLY_EDIT)
        def apply(params):
            return types.ApplyWorkspaceEditResult(applied=self._apply(params.edit))

        @self.client.feature(types.WINDOW_SHOW_DOCUMENT)
        def open_document(params):
            with self._news:
                self.shown.append(params.uri)
                self._news.notify_all()
            return types.ShowDocumentResult(success=True)

        @self.client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)
        def refresh_hints(params):
            self._count_refresh("hints")

        @self.client.feature(types.WORKSPACE_CODE_LENS_REFRESH)
        def refresh_lenses(params):
            self._count_refresh("lenses")

        @self.client.feature(types.CLIENT_REGISTER_CAPABILITY)
        def register(params):
            with self._news:
                self.registered += [registration.method for registration in params.registrations]
                self._news.notify_all()

        @self.client.feature(types.WORKSPACE_CONFIGURATION)
        def configure(params):
            return [self.settings for _ in params.items]

    def _count_refresh(self, kind):
        with self._news:
            self.refreshed[kind] += 1
            self._news.notify_all()

    def wait_for(self, condition):
        """Wait until something that the server sends makes a condition true."""
        with self._news:
            assert self._news.wait_for(condition, SECONDS), (self.problems, self.messages)

    def uri(self, name):
        return from_fs_path(str(self.folder / name))

    def open(self, name, text=None):
        """Open a file, with other text than it has on disk if given; returns its address after the first analysis."""
        uri = name if "://" in name or name.startswith("untitled:") else self.uri(name)
        self.texts[uri] = (self.folder / name).read_text(encoding="utf-8") if text is None else text
        self.versions[uri] = 1
        item = types.TextDocumentItem(uri, "json", 1, self.texts[uri])
        self._call(self.client.text_document_did_open, types.DidOpenTextDocumentParams(item))
        return uri

    def edit(self, uri, *changes):
        """Replace ranges of a text, each given as (old, new) where the old text is unique; None is the whole text."""
        events = []
        for old, new in changes:
            if old is None:
                events.append(types.TextDocumentContentChangeWholeDocument(text=new))
                self.texts[uri] = new
                continue
            assert self.texts[uri].count(old) == 1, old
            start = self.texts[uri].index(old)
            positions = editor_positions(self.texts[uri])
            changed = types.Range(positions.position(start), positions.position(start + len(old)))
            events.append(types.TextDocumentContentChangePartial(range=changed, text=new))
            self.texts[uri] = apply_change(self.texts[uri], changed, new)
        self.versions[uri] += 1
        identifier = types.VersionedTextDocumentIdentifier(version=self.versions[uri], uri=uri)
        self._call(self.client.text_document_did_change, types.DidChangeTextDocumentParams(identifier, events))

    def close(self, uri):
        self._call(
            self.client.text_document_did_close,
            types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)),
        )

    def diagnostics(self, uri):
        """The problems of the current version of a text, once the server has sent them."""
        self.wait_for(lambda: uri in self.problems and self.problems[uri].version == self.versions[uri])
        return self.problems[uri].diagnostics

    def marked(self, uri):
        """The message and the marked text of each problem of the current version."""
        return [(problem.message, self.text_in(uri, problem.range)) for problem in self.diagnostics(uri)]

    def text_in(self, uri, place):
        offsets = editor_positions(self.texts[uri]).text_range(place)
        return self.texts[uri][offsets.start : offsets.end]

    def place(self, uri, before, after=""):
        """The position between two texts that follow each other once."""
        text = self.texts[uri]
        assert text.count(before + after) == 1, before + after
        return editor_positions(text).position(text.index(before + after) + len(before))

    def whole(self, uri):
        positions = editor_positions(self.texts[uri])
        return types.Range(types.Position(0, 0), positions.position(len(self.texts[uri])))

    def actions(self, uri, place=None, only=None):
        context = types.CodeActionContext(diagnostics=[], only=only)
        params = types.CodeActionParams(types.TextDocumentIdentifier(uri), place or self.whole(uri), context)
        return self._wait(self.client.text_document_code_action_async(params)) or []

    def completions(self, uri, position):
        params = types.CompletionParams(types.TextDocumentIdentifier(uri), position)
        return self._wait(self.client.text_document_completion_async(params))

    def hover(self, uri, position):
        params = types.HoverParams(types.TextDocumentIdentifier(uri), position)
        return self._wait(self.client.text_document_hover_async(params))

    def hints(self, uri, place=None):
        params = types.InlayHintParams(types.TextDocumentIdentifier(uri), place or self.whole(uri))
        return self._wait(self.client.text_document_inlay_hint_async(params))

    def lenses(self, uri):
        params = types.CodeLensParams(types.TextDocumentIdentifier(uri))
        return self._wait(self.client.text_document_code_lens_async(params))

    def symbols(self, uri):
        params = types.DocumentSymbolParams(types.TextDocumentIdentifier(uri))
        return self._wait(self.client.text_document_document_symbol_async(params))

    def format(self, uri):
        """The text as formatted; None if the server does not format it."""
        options = types.FormattingOptions(tab_size=2, insert_spaces=True)
        params = types.DocumentFormattingParams(types.TextDocumentIdentifier(uri), options)
        edits = self._wait(self.client.text_document_formatting_async(params))
        return None if edits is None else self._edited(self.texts[uri], edits)

    def run(self, command):
        params = types.ExecuteCommandParams(command=command.command, arguments=command.arguments)
        return self._wait(self.client.workspace_execute_command_async(params))

    def notify(self, name, params):
        self._call(getattr(self.client, name), params)

    def request(self, name, params):
        return self._wait(getattr(self.client, f"{name}_async")(params))

    def take(self, uri, action):
        """Apply a code action to an open text."""
        (change,) = action.edit.document_changes
        assert (change.text_document.uri, change.text_document.version) == (uri, self.versions[uri])
        self.edit(uri, (None, self._edited(self.texts[uri], change.edits)))

    def _edited(self, text, edits):
        for edit in sorted(edits, key=lambda edit: (edit.range.start.line, edit.range.start.character), reverse=True):
            text = apply_change(text, edit.range, edit.new_text)
        return text

    def _apply(self, edit):
        """Create the file of an edit on disk, as editors do; false if it exists."""
        create, change = edit.document_changes
        path = Path(to_fs_path(create.uri))
        if path.exists() and not create.options.overwrite:
            return False
        path.write_text(self._edited("", change.edits), encoding="utf-8")
        return True

    def end(self):
        """Shut the server down; returns its exit code and what it has printed on stderr."""
        self._wait(self.client.shutdown_async(None))
        self._call(self.client.exit, None)
        return self.ended()

    def ended(self):
        """The exit code and the errors of a server that ends."""
        process = self.client._server

        async def finish():
            errors = await process.stderr.read()
            return await process.wait(), errors.decode()

        result = self._wait(finish())
        self._wait(self.client.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()
        return result

    @property
    def process(self):
        return self.client._server
