"""Streams of the command line that cannot be written to, in this process."""

import io
import os
import sys

import pytest

from archnet.cli.process import streams
from archnet.cli.process.streams import flush_or_discard, open_streams


def test_what_a_stream_cannot_write_is_discarded_and_not_written_again():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        stream.write("lost")
        flush_or_discard(stream)
        stream.write("also lost")
        stream.flush()


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors of a Unix system")
@pytest.mark.parametrize("is_first_free", [False, True])
def test_a_closed_stream_reads_and_writes_nothing(monkeypatch, is_first_free):
    free = os.open(os.devnull, os.O_RDONLY)
    others = [] if is_first_free else [os.open(os.devnull, os.O_RDONLY)]
    descriptor = others[-1] if others else free
    os.close(descriptor)
    os.close(free) if others else None
    monkeypatch.setattr(streams, "_DESCRIPTORS", {"stdin": descriptor})
    monkeypatch.setattr(sys, "stdin", None)
    open_streams()
    with os.fdopen(descriptor) as owner:
        assert (sys.stdin.fileno(), sys.stdin.mode, sys.stdin.read(), owner.read()) == (descriptor, "r", "", "")
    if others:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(free)


def test_an_open_descriptor_without_a_stream_is_left_alone(monkeypatch):
    reading, writing = os.pipe()
    monkeypatch.setattr(streams, "_DESCRIPTORS", {"stdout": writing})
    monkeypatch.setattr(sys, "stdout", None)
    open_streams()
    assert sys.stdout is None
    os.write(writing, b"mine")
    assert os.read(reading, 4) == b"mine"
    os.close(reading)
    os.close(writing)


def test_what_stdout_cannot_encode_is_escaped_and_each_line_is_written_at_once(monkeypatch):
    stdout = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    open_streams()
    stdout.write("é\n")
    assert stdout.buffer.getvalue() == b"\\xe9\n"
