"""The streams of a session: messages from the editor, messages to it, and a record of both."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Literal, TextIO

_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class MessageLog:
    """A file with one JSON object per message: who sent it, and the message itself."""

    stream: TextIO

    def add(self, sender: Literal["editor", "archnet"], body: bytes) -> None:
        """Append a message; one that is not JSON is recorded as text."""
        text = body.decode("utf-8", errors="replace")
        try:
            message = json.loads(text)
        except ValueError:
            message = text
        self.stream.write(json.dumps({"from": sender, "message": message}, ensure_ascii=False) + "\n")
        self.stream.flush()


@dataclass(frozen=True, slots=True)
class MessageReader:
    """Reads the messages of the editor, in a thread."""

    stream: BinaryIO
    log: MessageLog | None = None
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))

    async def readline(self) -> bytes:
        """A line of the head of a message; empty at the end of the stream."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.stream.readline)

    async def readexactly(self, size: int) -> bytes:
        """The body of a message."""
        body = await asyncio.get_running_loop().run_in_executor(self._thread, self.stream.read, size)
        if self.log:
            self.log.add("editor", body)
        return body


@dataclass(frozen=True, slots=True)
class MessageWriter:
    """Writes messages to the editor."""

    stream: BinaryIO
    log: MessageLog | None = None

    def write(self, message: bytes) -> None:
        """Write a message with its head."""
        if self.log:
            self.log.add("archnet", message.partition(_HEAD_END)[2])
        self.stream.write(message)
        self.stream.flush()

    def close(self) -> None:
        """Close the stream."""
        self.stream.close()
