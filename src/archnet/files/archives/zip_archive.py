"""Zip archives that archnet reads: checked before anything is unpacked, with archnet's own messages for damage."""

from __future__ import annotations

import copy
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from archnet.files.disk import format_bytes

_CHUNK_BYTES: Final = 1 << 20
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1
# zipfile and zlib raise these for damaged bytes; NotImplementedError is a RuntimeError.
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,
    OverflowError,
    LookupError,
    ValueError,
)


class DamagedFileError(ValueError):
    """A file is damaged or has unexpected contents; the text is a clause without the file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipLimits:
    """Limits on an archive. CT scans unpack to two or three times their size; a few images of air unpack to more.

    Attributes:
        num_members: Maximum number of files.
        ratio: Maximum number of unpacked bytes per byte of the archive.
        harmless_bytes: Unpacked size that is allowed at any ratio.
    """

    num_members: int = 100_000
    ratio: int = 100
    harmless_bytes: int = 1_000_000_000


@contextmanager
def open_zip(path: Path, limits: ZipLimits | None = ZipLimits()) -> Iterator[zipfile.ZipFile]:
    """Open an archive after checking its table of contents; nothing is unpacked.

    Args:
        path: The archive.
        limits: Limits on its contents; None if the caller checks them.

    Raises:
        DamagedFileError: The file is not a zip archive, or its table of contents breaks the limits.
        OSError: The file cannot be opened or read.
    """
    with path.open("rb") as file:
        try:
            archive = zipfile.ZipFile(file)
        except _DAMAGE as error:
            raise DamagedFileError("it is truncated, or not a zip archive") from error
        with archive:
            if limits is not None:
                _check_contents(archive, path.stat().st_size, limits)
            yield archive


@contextmanager
def open_member(archive: zipfile.ZipFile, name: str | zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    """Open a file of an archive; reading it to its end checks its checksum.

    Raises:
        DamagedFileError: The archive has no such file, or its bytes are damaged.
    """
    label = name if isinstance(name, str) else name.filename
    try:
        with archive.open(name) as stream:
            yield stream
    except KeyError as error:
        raise DamagedFileError(f'its "{label}" is missing') from error
    except DamagedFileError:
        raise
    except _DAMAGE as error:
        raise DamagedFileError(f'its "{label}" is damaged') from error


def check_checksums(archive: zipfile.ZipFile) -> None:
    """Unpack every file of an archive in portions and discard it.

    Raises:
        DamagedFileError: A file is damaged, or has a different size than the archive states.
    """
    for entry in archive.infolist():
        longer = copy.copy(entry)
        longer.file_size += 1  # zipfile stops at the size in the table of contents, wherever the stream ends
        num_bytes = 0
        with open_member(archive, longer) as stream:
            while block := stream.read(_CHUNK_BYTES):
                num_bytes += len(block)
        if num_bytes != entry.file_size:
            raise DamagedFileError(f'its "{entry.filename}" has a different size than the archive states')


def _check_contents(archive: zipfile.ZipFile, num_packed_bytes: int, limits: ZipLimits) -> None:
    """Check names, methods and sizes in a table of contents.

    Raises:
        DamagedFileError: One of them is not allowed.
    """
    entries = archive.infolist()
    if len(entries) > limits.num_members:
        raise DamagedFileError(f"it contains {len(entries):,} files; at most {limits.num_members:,} are allowed")
    for name, number in Counter(entry.filename for entry in entries).items():
        if number > 1:
            raise DamagedFileError(f'"{name}" occurs {number} times in it')
    num_bytes = sum(entry.file_size for entry in entries)
    if num_bytes > max(limits.harmless_bytes, limits.ratio * num_packed_bytes):
        raise DamagedFileError(
            f"it would unpack from {format_bytes(num_packed_bytes)} to {format_bytes(num_bytes)}, more than "
            f"{limits.ratio} times its size"
        )
    for entry in entries:
        is_stored = entry.compress_type == zipfile.ZIP_STORED
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
            raise DamagedFileError(f'its "{entry.filename}" is encrypted or compressed by an unsupported method')
        if entry.compress_size > num_packed_bytes or (is_stored and entry.compress_size != entry.file_size):
            raise DamagedFileError(f'its "{entry.filename}" is damaged')
