"""The server as a process: how it starts, what it survives, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from lsprotocol import types
from pytest_lsp import client_capabilities

from command_line import ROOT, archnet
from editor_client import Editor

pytestmark = pytest.mark.slow  # each test starts a server of its own

TINY = '[{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "T"}]'

BUG = """
import archnet.lsp.open_documents as documents
analyze = documents.analyze
def fail(text, source, options=None):
    print("printed by a library")
    if "bug" in text:
        raise ZeroDivisionError("division by zero")
    return analyze(text, source, options)
documents.analyze = fail
import sys; sys.argv = ["archnet", "lsp"]
from archnet.cli import main
main()
"""


@pytest.fixture
def start(tmp_path):
    """Starts servers that are ended with the test."""
    editors = []

    def new_editor(*arguments, **options):
        editors.append(Editor(tmp_path, *arguments, **options))
        return editors[-1]

    yield new_editor
    for editor in editors:
        if editor.process.returncode is None:
            editor.process.kill()


def test_a_bug_in_an_answer_is_reported_once_and_ends_nothing(start, tmp_path):
    editor = start(command=("-c", BUG))
    uri = editor.open("bug.json", TINY.replace("[{", '[{"comment": "bug", '))
    editor.wait_for(lambda: editor.messages)
    with pytest.raises(Exception, match="division by zero"):
        editor.hints(uri)
    editor.edit(uri, ('"comment": "bug", ', ""))
    assert editor.marked(uri) is not None
    assert editor.messages == [
        "A bug in archnet: ZeroDivisionError: division by zero. The traceback is in the output of the server."
    ]
    code, errors = editor.end()
    assert code == 0
    assert "bug.json could not be analyzed" in errors
    assert "Traceback" in errors
    assert "printed by a library" in errors  # and not between the messages on stdout


def test_the_server_ends_with_the_process_of_the_editor_although_its_streams_stay_open(start):
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    editor = start(process_id=parent.pid)
    editor.open("net.json", TINY)
    parent.communicate(b"\n", timeout=60)
    code, _ = editor.ended()
    assert code == 1


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_server_while_it_waits_for_messages(start, number, code):
    editor = start()
    editor.process.send_signal(number)
    assert editor.ended() == (code, "")


STUBBORN = """
import asyncio, signal, sys
from archnet.cli import main
from archnet.lsp import stdio_session

async def never_end():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

async def answer(server, reader):
    task = asyncio.create_task(never_end())
    await asyncio.sleep(0)
    signal.raise_signal(signal.SIGTERM)

stdio_session._answer = answer
sys.argv = ["archnet", "lsp", "--stdio"]
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_signal_ends_the_server_although_a_task_does_not_end():
    """As the signal may hit the event loop between taking a task from its queue and running it."""
    server = subprocess.run([sys.executable, "-c", STUBBORN], capture_output=True, text=True, check=False, timeout=60)
    assert (server.returncode, server.stdout, server.stderr) == (143, "", "")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
def test_a_user_who_starts_the_server_in_a_terminal_learns_that_editors_do_so():
    terminal, stdin = os.openpty()
    server = subprocess.Popen(
        [sys.executable, "-m", "archnet", "lsp"], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    hint = server.stderr.readline()
    server.send_signal(signal.SIGINT)
    output, errors = server.communicate(timeout=60)
    os.close(terminal)
    os.close(stdin)
    assert hint == (
        "Waiting for messages from an editor. Editors start this command themselves; press Ctrl-C to stop it.\n"
    )
    assert (server.returncode, output) == (130, "")
    assert "Traceback" not in errors


def messages_of(*messages):
    bodies = [json.dumps({"jsonrpc": "2.0", **message}).encode() for message in messages]
    return b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(body), body) for body in bodies)


def served(data, *options, folder=ROOT):
    return subprocess.run(
        [sys.executable, "-m", "archnet", "lsp", *options],
        input=data,
        capture_output=True,
        check=False,
        timeout=60,
        cwd=folder,
    )


INITIALIZE = {"id": 1, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}}


def test_an_exit_without_a_shutdown_and_the_end_of_the_stream_give_exit_code_1():
    exited = served(messages_of(INITIALIZE, {"method": "initialized", "params": {}}, {"method": "exit"}))
    ended = served(messages_of(INITIALIZE))
    assert (exited.returncode, ended.returncode) == (1, 1)
    assert exited.stdout.startswith(b"Content-Length: ")
    assert (exited.stderr, ended.stderr) == (b"", b"")


def test_malformed_messages_and_unknown_methods_do_not_end_the_server():
    broken = b"Content-Length: 5\r\n\r\n{oops" + b"Content-Length: 2\r\n\r\n[]"
    unknown = messages_of(
        {"id": 2, "method": "archnet/unknown", "params": {}},
        {
            "id": 3,
            "method": "textDocument/hover",
            "params": {"textDocument": {"uri": "file:///no.json"}, "position": {}},
        },
        {"id": 4, "method": "workspace/executeCommand", "params": {"command": "archnet.createTwin", "arguments": [1]}},
        {
            "method": "textDocument/didChange",
            "params": {"textDocument": {"uri": "file:///%00", "version": 1}, "contentChanges": []},
        },
        {"id": 5, "method": "shutdown"},
        {"method": "exit"},
    )
    done = served(messages_of(INITIALIZE) + broken + unknown)
    answers = [json.loads(part.partition(b"\r\n\r\n")[2]) for part in done.stdout.split(b"Content-Length: ")[1:]]
    by_id = {answer["id"]: answer for answer in answers if "id" in answer}
    assert done.returncode == 0
    assert by_id[1]["result"]["capabilities"]["positionEncoding"] == "utf-16"
    assert by_id[2]["error"]["code"] == -32601
    assert by_id[4]["error"]["code"] == -32602
    assert by_id[5]["result"] is None


def test_messages_are_recorded_on_request(tmp_path):
    log = tmp_path / "messages.jsonl"
    log.write_text('{"from": "an earlier session"}\n')
    served(messages_of(INITIALIZE, {"id": 2, "method": "shutdown"}, {"method": "exit"}), "--log", str(log))
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [entry["from"] for entry in entries] == [
        "an earlier session",
        *("editor", "archnet", "editor", "archnet", "editor"),
    ]
    assert entries[1]["message"]["method"] == "initialize"
    assert entries[2]["message"]["result"]["serverInfo"]["name"] == "archnet"


def test_a_log_that_cannot_be_written_is_one_message(tmp_path):
    done = archnet("lsp", "--log", tmp_path / "no/folder.jsonl")
    assert done.returncode == 2
    assert "no/folder.jsonl" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_server_imports_nothing_heavy(tmp_path):
    code = (
        "import sys, archnet.cli, archnet.lsp.stdio_session as session\n"
        "session.new_server()\n"
        "heavy = {'keras', 'tensorflow', 'sklearn', 'scipy', 'SimpleITK', 'matplotlib', 'nibabel', 'starlette'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("name", ["neovim", "emacs", "visual-studio-code"])
def test_the_server_sends_each_editor_only_what_it_declares(start, tmp_path, name):
    """pytest-lsp has the capabilities that these editors declare; its client warns about anything else."""
    editor = start(capabilities=client_capabilities(name), settings={"batchSize": 8})
    uri = editor.open("net.json", TINY.replace("kernel_size", "kernelsize"))
    assert editor.diagnostics(uri)
    editor.completions(uri, editor.place(uri, '{"type": "C", '))
    for ask in (editor.actions, editor.hints, editor.lenses, editor.symbols, editor.format):
        ask(uri)
    editor.edit(uri, ("kernelsize", "kernel_size"))
    assert editor.lenses(uri)[0].command.title.endswith(" at batch size 8")
    editor.settings = {"batchSize": 4}
    editor.notify("workspace_did_change_configuration", types.DidChangeConfigurationParams(settings=None))
    for _ in range(200):  # the server asks for the new settings
        if editor.lenses(uri)[0].command.title.endswith(" at batch size 4"):
            break
        time.sleep(0.05)
    assert editor.lenses(uri)[0].command.title.endswith(" at batch size 4")
    editor.run(types.Command(title="", command="archnet.createTwin", arguments=[uri, 3]))
    assert json.loads((tmp_path / "net_3d.json").read_text(encoding="utf-8"))["input_shape"] == [64, 64, 10]
    assert editor.messages[-1].startswith("net_3d.json: 3D twin of net, ")
    assert editor.end() == (0, "")
