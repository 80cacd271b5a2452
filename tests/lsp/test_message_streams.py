"""The streams of a session: what is written at once, and the record of the messages."""

import asyncio
import json
from io import BytesIO

from archnet.lsp.message_streams import MessageLog, MessageReader, MessageWriter


def test_messages_are_written_and_recorded_at_once(tmp_path):
    file, record = tmp_path / "sent", tmp_path / "messages.jsonl"
    with record.open("a", encoding="utf-8") as stream, file.open("wb") as sent:
        log = MessageLog(stream)
        writer = MessageWriter(sent, log)
        writer.write(b'Content-Length: 8\r\n\r\n{"a": 1}')
        assert file.read_bytes() == b'Content-Length: 8\r\n\r\n{"a": 1}'
        log.add("editor", b"\xff oops")
        assert [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()] == [
            {"from": "archnet", "message": {"a": 1}},
            {"from": "editor", "message": "\ufffd oops"},
        ]
        writer.close()
        assert sent.closed


def test_the_body_of_a_message_is_read_and_recorded(tmp_path):
    async def read(reader):
        return await reader.readline(), await reader.readexactly(8), await reader.readline()

    with (tmp_path / "messages.jsonl").open("a+", encoding="utf-8") as stream:
        reader = MessageReader(BytesIO(b'head\n{"a": 1}'), MessageLog(stream))
        assert asyncio.run(read(reader)) == (b"head\n", b'{"a": 1}', b"")
        stream.seek(0)
        assert json.loads(stream.read()) == {"from": "editor", "message": {"a": 1}}
