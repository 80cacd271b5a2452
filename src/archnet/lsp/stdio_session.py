"""A session of the language server on standard input and output."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event
from typing import BinaryIO, Final

from pygls.io_ import run_async

from archnet import interruption
from archnet.lsp.editor_features import new_server
from archnet.lsp.editor_server import EditorServer
from archnet.lsp.message_streams import MessageLog, MessageReader, MessageWriter

_PARENT_SECONDS: Final = 1.0
"""Interval at which the server checks that the process of the editor exists."""


def serve_stdio(log: Path | None = None) -> int:
    """Answer the messages of an editor until it ends the session, closes the streams or exits.

    Only protocol messages are written to standard output; other output goes to standard error.

    Args:
        log: File to which all messages are appended; null for none.

    Returns:
        The exit code: 0 after an orderly shutdown, 1 otherwise.
    """
    logging.getLogger("pygls").setLevel(logging.ERROR)  # it warns of every cancelled request
    with ExitStack() as stack:
        record = MessageLog(stack.enter_context(log.open("a", encoding="utf-8"))) if log else None
        server = new_server()
        server.protocol.set_writer(MessageWriter(_claim_stdout(), record))
        reader = MessageReader(sys.stdin.buffer, record)
        try:
            _run(server, reader)
        except SystemExit as error:
            return int(error.code or 0)
    return 1


def _run(server: EditorServer, reader: MessageReader) -> None:
    """Answer messages until the end of the session.

    An interruption ends the process before asyncio cancels the tasks: it may hit the event loop between taking a task
    from its queue and running it, and asyncio would wait for that task forever.
    """
    with asyncio.Runner() as runner:
        try:
            runner.run(_answer(server, reader))
        except KeyboardInterrupt:
            _exit_now(interruption.exit_code())
        except BrokenPipeError:
            _exit_now(1)


def _claim_stdout() -> BinaryIO:
    """Return the stream of standard output, and redirect all other output to standard error."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return stream


async def _answer(server: EditorServer, reader: MessageReader) -> None:
    """Answer messages until the end of the stream, while the process of the editor exists."""
    check = asyncio.create_task(_end_with_editor(server))
    await run_async(
        stop_event=Event(), reader=reader, protocol=server.protocol, error_handler=server.report_server_error
    )
    check.cancel()


async def _end_with_editor(server: EditorServer) -> None:
    """End the process after that of the editor, even if another process keeps the streams open."""
    while True:
        await asyncio.sleep(_PARENT_SECONDS)
        if server.process_id is not None and not _exists(server.process_id):
            _exit_now(1)


def _exists(process_id: int) -> bool:
    """Whether a process exists. On Windows, where signal 0 would end it, the end of the stream suffices."""
    if os.name == "nt":
        return True
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it belongs to another user
        return True
    return True


def _exit_now(code: int) -> None:
    """End the process although a thread waits for the next message."""
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)
