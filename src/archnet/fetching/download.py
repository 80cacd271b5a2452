"""Files over HTTP, fetched through any number of broken connections, and checked."""

from __future__ import annotations

import http
import http.client
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from archnet.errors import DataError
from archnet.fetching.http import BrokenError, Patience, opened, pieces
from archnet.files.progress import Progress, silent

T = TypeVar("T")

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A file on a server.

    Attributes:
        size: Bytes.
        checksum: "md5:…" or "sha256:…" in hexadecimal digits, or None where none is known.
        checksum_place: Where the checksum stands, for messages.
    """

    name: str
    url: str
    size: int
    checksum: str | None
    checksum_place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloader:
    """Fetches files, shows how far they have come (in megabytes), and says what happens on the way."""

    progress: Progress = silent
    say: Callable[[str], None] = lambda text: None
    patience: Patience = field(default_factory=Patience)

    def file(self, remote: Remote, folder: Path) -> Path:
        """The file in a folder, fetched unless it is there with its checksum.

        What has come of it stays in `<name>.part` and is continued from there.

        Raises:
            DataError: It cannot be fetched, or is not what its checksum says.
        """
        import pooch

        part = folder / f"{remote.name}.part"

        def download(url: str, output_file: str, _: Any) -> None:
            self._complete(remote, part)
            _give(part, Path(output_file))

        pooch.get_logger().setLevel("WARNING")
        try:
            path = pooch.retrieve(remote.url, remote.checksum, remote.name, folder, downloader=download)
        except ValueError as error:
            part.unlink(missing_ok=True)
            raise DataError(
                f"{remote.url}: what came does not have the checksum {remote.checksum} that {remote.checksum_place} "
                f"gives, and was removed. Run the same command again."
            ) from error
        part.unlink(missing_ok=True)
        return Path(path)

    def text(self, url: str, longest: int) -> bytes:
        """A short answer.

        Raises:
            DataError: There is none, or it has more than `longest` bytes.
        """
        return self._tried(url, lambda: self._whole(url, longest))

    def size(self, url: str) -> int:
        """The bytes of a file, as its server says.

        Raises:
            DataError: It does not say.
        """
        length = self._tried(url, lambda: self._length(url))
        if not length.isdigit():
            raise DataError(f"{url}: the server does not say how large the file is. Fetch and unpack it by hand.")
        return int(length)

    def _complete(self, remote: Remote, part: Path) -> None:
        if part.exists() and part.stat().st_size > remote.size:
            part.unlink()
        total = -(-remote.size // _MEGABYTE)
        for _ in self.progress(self._megabytes(remote, part), f"Fetching {remote.name} (MB)", total):
            pass

    def _megabytes(self, remote: Remote, part: Path) -> Iterator[int]:
        """The number of each megabyte that is there, those of an earlier run first."""
        num_told = 0
        for num_held in self._received(remote, part):
            num_megabytes = -(-num_held // _MEGABYTE) if num_held == remote.size else num_held // _MEGABYTE
            yield from range(num_told, num_megabytes)
            num_told = num_megabytes

    def _received(self, remote: Remote, part: Path) -> Iterator[int]:
        """Fills a file up to its size, through any number of connections; yields the bytes held as they grow."""
        enough = self.patience.slowest_bytes_per_s * self.patience.timeout_s
        num_failures = 0
        with part.open("ab") as file:
            num_held = file.seek(0, os.SEEK_END)
            yield num_held
            while num_held < remote.size:
                num_before = num_held
                error = BrokenError("the connection broke off")
                try:
                    for piece in self._rest(remote, num_held):
                        file.write(piece)
                        file.flush()
                        num_held += len(piece)
                        yield num_held
                except BrokenError as broken:
                    error = broken
                if num_held < remote.size:
                    num_failures = 1 if num_held - num_before >= enough else num_failures + 1
                    kept = f"{num_held:,} of {remote.size:,} bytes are kept; run the same command again to continue."
                    self._pause(remote.url, num_failures, error, kept)

    def _rest(self, remote: Remote, num_held: int) -> Iterator[bytes]:
        """The pieces of a file after those that are held already."""
        with opened(remote.url, num_held, self.patience) as response:
            num_passed = _num_passed(response, remote, num_held)
            for piece in pieces(response, remote.url, remote.size - num_held + num_passed, self.patience):
                if len(piece) > num_passed:
                    yield piece[num_passed:]
                num_passed = max(num_passed - len(piece), 0)

    def _whole(self, url: str, longest: int) -> bytes:
        with opened(url, 0, self.patience) as response:
            text = b"".join(pieces(response, url, longest, self.patience))
            if response.headers.get("Content-Length", str(len(text))) != str(len(text)):
                raise BrokenError("the connection broke off")
        return text

    def _length(self, url: str) -> str:
        with opened(url, 0, self.patience) as response:
            return response.headers.get("Content-Length", "")

    def _tried(self, url: str, attempt: Callable[[], T]) -> T:
        """What an attempt gives that does not break off."""
        num_failures = 0
        while True:
            try:
                return attempt()
            except BrokenError as error:
                num_failures += 1
                self._pause(url, num_failures, error, "Check the connection and run the same command again.")

    def _pause(self, url: str, num_failures: int, error: BrokenError, remedy: str) -> None:
        num_tries = self.patience.num_tries
        if num_failures >= num_tries:
            raise DataError(f"{url}: given up after {num_tries} tries, the last one because {error.reason}. {remedy}")
        wait_s = self.patience.wait_s(num_failures, error.asked_s)
        self.say(f"{url}: {error.reason}; trying again in {wait_s:g} s.")
        self.patience.sleep(wait_s)


def _num_passed(response: http.client.HTTPResponse, remote: Remote, num_held: int) -> int:
    """How many bytes of an answer are held already.

    Raises:
        DataError: It is an answer about another file, or to another question.
    """
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        given = response.headers.get("Content-Range", "")
        if given != f"bytes {num_held}-{remote.size - 1}/{remote.size}":
            raise DataError(
                f"{remote.url}: bytes {num_held}-{remote.size - 1}/{remote.size} were asked for, the server sends "
                f'"{given}". Remove the .part file and run the same command again.'
            )
        return 0
    length = response.headers.get("Content-Length")
    if length is not None and length != str(remote.size):
        raise DataError(f"{remote.url}: {remote.size:,} bytes were expected, the server offers {length}.")
    return num_held


def _give(part: Path, output: Path) -> None:
    """Puts a finished file where it is wanted and keeps it where it is, for a check that may be interrupted."""
    output.unlink()
    try:
        os.link(part, output)
    except OSError:  # a file system without hard links
        part.replace(output)
