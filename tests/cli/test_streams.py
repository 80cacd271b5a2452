"""Streams of the command line that cannot be written to, in this process."""

import os

from archnet.cli.process.streams import flush_or_discard


def test_what_a_stream_cannot_write_is_discarded_and_not_written_again():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        stream.write("lost")
        flush_or_discard(stream)
        stream.write("also lost")
        stream.flush()
