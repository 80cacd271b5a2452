"""Problems are reported after a pause in typing, for the last version only; time is simulated."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from lsprotocol import types

from archnet.lsp.editor_features import new_server

URI = "file:///archs/net.json"


class Timers:
    """Stands for the event loop's clock: callbacks are called by the test."""

    def __init__(self):
        self.waiting = []

    def call_later(self, seconds, function, *arguments):
        entry = SimpleNamespace(seconds=seconds, call=lambda: function(*arguments))
        entry.cancel = lambda: self.waiting.remove(entry)
        self.waiting.append(entry)
        return entry

    def let_time_pass(self):
        while self.waiting:
            self.waiting[0].call()


@pytest.fixture
def session(monkeypatch):
    """A server in this process, its timers, and the reports that it has sent."""
    timers, sent = Timers(), []
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: timers)
    server = new_server()
    server.protocol.set_writer(SimpleNamespace(write=sent.append, close=lambda: None))

    def reports():
        messages = [json.loads(data.partition(b"\r\n\r\n")[2]) for data in sent]
        return [(message["params"].get("version"), len(message["params"]["diagnostics"])) for message in messages]

    return server, timers, reports


def opened(server, text):
    item = types.TextDocumentItem(URI, "json", 1, text)
    server.protocol.lsp_text_document__did_open(types.DidOpenTextDocumentParams(item))


def changed(server, version, text):
    identifier = types.VersionedTextDocumentIdentifier(version=version, uri=URI)
    changes = [types.TextDocumentContentChangeWholeDocument(text=text)]
    server.protocol.lsp_text_document__did_change(types.DidChangeTextDocumentParams(identifier, changes))


VALID = '[{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "T"}]'


def test_an_opened_document_is_reported_at_once(session):
    server, timers, reports = session
    opened(server, VALID)
    assert (reports(), timers.waiting) == ([(1, 0)], [])


def test_of_several_changes_only_the_last_is_reported_after_a_pause(session):
    server, timers, reports = session
    opened(server, VALID)
    for version, text in enumerate(("[", "[{", VALID.replace("num_output", "number")), 2):
        changed(server, version, text)
    assert reports() == [(1, 0)]
    assert [entry.seconds for entry in timers.waiting] == [0.15]
    timers.let_time_pass()
    assert [version for version, _ in reports()] == [1, 4]
    assert reports()[-1][1] > 0


def test_a_closed_document_is_not_reported_again(session):
    server, timers, reports = session
    opened(server, VALID)
    changed(server, 2, "[")
    server.protocol.lsp_text_document__did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(URI)))
    timers.let_time_pass()
    assert reports() == [(1, 0), (None, 0)]


def test_a_closed_document_that_is_opened_as_another_kind_is_not_reported(session):
    server, _, reports = session
    opened(server, VALID)
    server.close(URI)
    opened(server, '{"$schema": "package.schema.json"}')
    assert reports() == [(1, 0), (None, 0)]


@pytest.mark.parametrize(
    ("folders", "root", "folder"),
    [
        (["file:///first", "file:///second"], "file:///root", "/first"),
        ([], "file:///root", "/root"),
        (None, "file:///root", "/root"),
        (None, None, "/before"),
    ],
)
def test_the_folder_of_a_session_is_the_first_of_the_editor(session, folders, root, folder):
    server, _, _ = session
    server.documents.folder = Path("/before")
    places = folders and [types.WorkspaceFolder(uri, "name") for uri in folders]
    server.begin(
        types.InitializeParams(capabilities=types.ClientCapabilities(), root_uri=root, workspace_folders=places)
    )
    assert server.documents.folder == Path(folder)


def test_a_document_that_is_not_open_cannot_change(session, caplog):
    server, timers, reports = session
    changed(server, 2, "[")
    assert (reports(), timers.waiting) == ([], [])
    assert caplog.messages == [f"A document was changed that is not open: {URI}"]
