"""Download files over HTTP, resuming after broken connections, and verify them."""

from __future__ import annotations

import http
import http.client
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from archnet.errors import DataError
from archnet.fetching.http import RetryPolicy, TransientError, open_url, read_chunks
from archnet.files.progress import Progress, no_progress

T = TypeVar("T")

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file on a server.

    Attributes:
        size: Size in bytes.
        checksum: "md5:…" or "sha256:…" in hexadecimal digits; None if unknown.
        checksum_source: Source of the checksum, for messages.
    """

    name: str
    url: str
    size: int
    checksum: str | None
    checksum_source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloader:
    """Downloads files, shows their progress in megabytes, and logs retries."""

    progress: Progress = no_progress
    log: Callable[[str], None] = lambda text: None
    policy: RetryPolicy = field(default_factory=RetryPolicy)

    def fetch_file(self, remote: RemoteFile, folder: Path) -> Path:
        """Download a file to a folder, unless it already exists with the right checksum.

        A partial download is kept in `<name>.part` and resumed.

        Raises:
            DataError: The download fails, or does not match its checksum.
        """
        import pooch

        part = folder / f"{remote.name}.part"

        def download(url: str, output_file: str, _: Any) -> None:
            self._complete_file(remote, part)
            _link_or_move(part, Path(output_file))

        pooch.get_logger().setLevel("WARNING")
        try:
            path = pooch.retrieve(remote.url, remote.checksum, remote.name, folder, downloader=download)
        except ValueError as error:
            part.unlink(missing_ok=True)
            raise DataError(
                f"{remote.url}: the download does not match the checksum {remote.checksum} "
                f"from {remote.checksum_source} and was removed. Run the same command again."
            ) from error
        part.unlink(missing_ok=True)
        return Path(path)

    def fetch_bytes(self, url: str, max_bytes: int) -> bytes:
        """Download a short response.

        Raises:
            DataError: The download fails, or is larger than `max_bytes`.
        """
        return self._retry(url, lambda: self._read_whole(url, max_bytes))

    def fetch_size(self, url: str) -> int:
        """Request the size of a file in bytes from its server.

        Raises:
            DataError: The server does not report the size.
        """
        length = self._retry(url, lambda: self._read_length(url))
        if not length.isdigit():
            raise DataError(f"{url}: the server does not report the size of the file. Download and unpack it manually.")
        return int(length)

    def _complete_file(self, remote: RemoteFile, part: Path) -> None:
        if part.exists() and part.stat().st_size > remote.size:
            part.unlink()
        total = -(-remote.size // _MEGABYTE)
        for _ in self.progress(self._count_megabytes(remote, part), f"Fetching {remote.name} (MB)", total):
            pass

    def _count_megabytes(self, remote: RemoteFile, part: Path) -> Iterator[int]:
        """Yield the number of each received megabyte, starting with those of an earlier run."""
        num_shown = 0
        for num_held in self._receive(remote, part):
            num_megabytes = -(-num_held // _MEGABYTE) if num_held == remote.size else num_held // _MEGABYTE
            yield from range(num_shown, num_megabytes)
            num_shown = num_megabytes

    def _receive(self, remote: RemoteFile, part: Path) -> Iterator[int]:
        """Complete a file over any number of connections; yield the growing number of bytes."""
        min_bytes = self.policy.min_bytes_per_s * self.policy.timeout_s
        num_failures = 0
        with part.open("ab") as file:
            num_held = file.seek(0, os.SEEK_END)
            yield num_held
            while num_held < remote.size:
                num_before = num_held
                error = TransientError("the connection was interrupted")
                try:
                    for chunk in self._read_rest(remote, num_held):
                        file.write(chunk)
                        file.flush()
                        num_held += len(chunk)
                        yield num_held
                except TransientError as broken:
                    error = broken
                if num_held < remote.size:
                    num_failures = 1 if num_held - num_before >= min_bytes else num_failures + 1
                    remedy = f"{num_held:,} of {remote.size:,} bytes are kept; run the same command again to resume."
                    self._pause(remote.url, num_failures, error, remedy)

    def _read_rest(self, remote: RemoteFile, num_held: int) -> Iterator[bytes]:
        """Yield the chunks of a file after the bytes that have already been received."""
        with open_url(remote.url, num_held, self.policy) as response:
            num_to_skip = _num_bytes_to_skip(response, remote, num_held)
            for chunk in read_chunks(response, remote.url, remote.size - num_held + num_to_skip, self.policy):
                if len(chunk) > num_to_skip:
                    yield chunk[num_to_skip:]
                num_to_skip = max(num_to_skip - len(chunk), 0)

    def _read_whole(self, url: str, max_bytes: int) -> bytes:
        with open_url(url, 0, self.policy) as response:
            text = b"".join(read_chunks(response, url, max_bytes, self.policy))
            if response.headers.get("Content-Length", str(len(text))) != str(len(text)):
                raise TransientError("the connection was interrupted")
        return text

    def _read_length(self, url: str) -> str:
        with open_url(url, 0, self.policy) as response:
            return response.headers.get("Content-Length", "")

    def _retry(self, url: str, attempt: Callable[[], T]) -> T:
        """Retry an attempt until it succeeds, and return its result."""
        num_failures = 0
        while True:
            try:
                return attempt()
            except TransientError as error:
                num_failures += 1
                self._pause(url, num_failures, error, "Check the connection and run the same command again.")

    def _pause(self, url: str, num_failures: int, error: TransientError, remedy: str) -> None:
        num_tries = self.policy.max_attempts
        if num_failures >= num_tries:
            raise DataError(f"{url}: failed after {num_tries} tries; the last error: {error.reason}. {remedy}")
        wait_s = self.policy.delay_s(num_failures, error.retry_after_s)
        self.log(f"{url}: {error.reason}; trying again in {wait_s:g} s.")
        self.policy.sleep(wait_s)


def _num_bytes_to_skip(response: http.client.HTTPResponse, remote: RemoteFile, num_held: int) -> int:
    """Number of bytes at the start of a response that have already been received.

    Raises:
        DataError: The response belongs to a different file or request.
    """
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        content_range = response.headers.get("Content-Range", "")
        if content_range != f"bytes {num_held}-{remote.size - 1}/{remote.size}":
            raise DataError(
                f"{remote.url}: bytes {num_held}-{remote.size - 1}/{remote.size} requested, but the server sent "
                f'"{content_range}". Remove the .part file and run the same command again.'
            )
        return 0
    length = response.headers.get("Content-Length")
    if length is not None and length != str(remote.size):
        raise DataError(f"{remote.url}: {remote.size:,} bytes expected, but the server offers {length}.")
    return num_held


def _link_or_move(part: Path, output: Path) -> None:
    """Hard-link a finished file to its destination, or move it; the link survives an interrupted verification."""
    output.unlink()
    try:
        os.link(part, output)
    except OSError:  # a file system without hard links
        part.replace(output)
