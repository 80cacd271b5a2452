"""Voxels in files: memory-mapped if uncompressed, otherwise decompressed into an array of the size in the header.

A header may only name files in its own folder; otherwise a scan could make archnet read any file.
"""

from __future__ import annotations

import gzip
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast

import numpy as np
from isal import igzip, igzip_lib, isal_zlib
from numpy.typing import NDArray

from archnet.errors import pluralize
from archnet.imaging.volume import Index

_MAX_DEFLATE_RATIO: Final = 1032
"""Maximum compression ratio of a deflate stream (M. Adler, zlib technical details)."""

_PATTERN: Final = re.compile(r"([^%]*)%(0?\d?)[di]([^%]*?)((?:\s+\d{1,9}){0,3})")
"""A name with one number, followed by the first number, the last number and the step."""

_MAX_LARGE_RATIO: Final = 100
"""Maximum compression ratio of a CT, for scans larger than `_LARGE_BYTES`."""

_LARGE_BYTES: Final = 2**30
_BLOCK_BYTES: Final = 2**18


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVoxels:
    """Location and format of the voxels of a scan.

    Attributes:
        path: The file that contains the voxels.
        start: Offset of the voxels in the file, or of their compressed stream.
        shape: (z, y, x), x varying fastest.
        dtype: The type of the voxels, with its byte order.
        compression: The compression of the voxels.
        num_bytes_before: Number of bytes before the voxels in the decompressed stream; ignored if it is plain.
    """

    path: Path
    start: int
    shape: Index
    dtype: np.dtype[Any]
    compression: Literal["plain", "gzip", "zlib"]
    num_bytes_before: int = 0

    @property
    def num_bytes(self) -> int:
        """Size of all voxels, decompressed."""
        return math.prod(self.shape) * self.dtype.itemsize

    def check_size(self) -> None:
        """Check the size of the file against the voxels that it should contain.

        Raises:
            ValueError: The file contains too few or too many voxels, or is too small for this many compressed voxels.
        """
        found = max(self.path.stat().st_size - self.start, 0)
        if self.compression == "plain" and found != self.num_bytes:
            raise self._wrong_size(f"{found:,}")
        most = min(found * _MAX_DEFLATE_RATIO, max(found * _MAX_LARGE_RATIO, _LARGE_BYTES))
        if self.compression != "plain" and self.num_bytes_before + self.num_bytes > most:
            raise self._wrong_size(f"at most {most:,}")

    def read(self) -> NDArray[Any]:
        """Read the voxels, (z, y, x): a read-only memory map if they are uncompressed.

        Raises:
            ValueError: The file is truncated, damaged, or contains too many voxels.
        """
        self.check_size()
        if self.compression == "plain":
            voxels: NDArray[Any] = np.memmap(self.path, self.dtype, "r", offset=self.start, shape=self.shape)
            return voxels
        unpacked = np.empty(self.num_bytes, np.uint8)
        filled = 0
        for block in self._read_blocks():
            end = filled + len(block)
            if end > self.num_bytes:
                raise self._wrong_size("more")
            unpacked[filled:end] = np.frombuffer(block, np.uint8)
            filled = end
        if filled < self.num_bytes:
            raise self._wrong_size(f"{filled:,}")
        return unpacked.view(self.dtype).reshape(self.shape)

    def _read_blocks(self) -> Iterator[bytes]:
        with self.path.open("rb") as file, translate_errors(self.path, self.compression):
            file.seek(self.start)
            if self.compression == "zlib":
                yield from _inflate(file)
                return
            stream = open_gzip(file)
            stream.seek(self.num_bytes_before)
            yield from iter(lambda: stream.read(_BLOCK_BYTES), b"")

    def _wrong_size(self, found: str) -> ValueError:
        z, y, x = self.shape
        return ValueError(
            f"{self.path.name} should contain {x} x {y} x {z} voxels of {self.dtype.itemsize} bytes "
            f"({self.num_bytes:,} bytes), but contains {found}; copy the scan again"
        )


def read_parts(parts: Sequence[StoredVoxels]) -> NDArray[Any]:
    """Read the voxels of a scan that is stored in one file, or in several files to be stacked.

    Raises:
        ValueError: A file is truncated, damaged, or contains too many voxels.
    """
    first, *others = parts
    return np.concatenate([part.read() for part in parts]) if others else first.read()


def find_data_file(header: Path, key: str, name: str) -> Path:
    """Find the voxel file named in a header: in the folder of the header, or of the file that the header links to.

    The file itself may be a link to anywhere, as created by git-annex and download caches, because its creator, not the
    header, chose the target. The path must not lead out of the folder.

    Raises:
        ValueError: The name leads out of the folder, or the file does not exist.
    """
    is_outside = is_lost = False
    for folder in {header.parent: None, header.resolve().parent: None}:
        path = folder / name
        is_inside = path.parent.resolve().is_relative_to(folder.resolve())
        is_outside |= not is_inside
        if is_inside and path.is_file():
            return path
        is_lost |= is_inside and path.is_symlink()
    if is_lost:
        raise ValueError(
            f"{key} = {printable(name)} is a link to a missing file; fetch it, for example with git annex get"
        )
    if is_outside:
        raise ValueError(f"{key} = {printable(name)} is outside the header's folder; put the voxels next to the header")
    raise ValueError(f"{key} = {printable(name)} does not exist; put the voxels next to the header")


def expand_pattern(key: str, name: str, num_files: int) -> Iterator[str] | None:
    """Expand a pattern such as "slice%03d.raw 1 40 1" to file names; None if the name is not a pattern.

    The first number, the last number and the step are optional; they default to 1, the number of files, and 1.

    Raises:
        ValueError: The pattern gives a different number of files.
    """
    pattern = _PATTERN.fullmatch(name)
    if pattern is None:
        return None
    before, width, after, text = pattern.groups()
    numbers = [int(word) for word in text.split()]
    first = numbers[0] if numbers else 1
    last = numbers[1] if len(numbers) > 1 else first + num_files - 1
    step = numbers[2] if len(numbers) > 2 else max((last - first) // max(num_files - 1, 1), 1)
    if step < 1 or first + step * (num_files - 1) != last:
        raise ValueError(
            f"{key} = {printable(name)} does not name {pluralize(num_files, 'file')}, one for each slice; write the "
            f"first number, the last one and the step"
        )
    return (f"{before}{f'%{width}d' % number}{after}" for number in range(first, last + 1, step))


def printable(name: str) -> str:
    """The name of a file, with escapes for bytes that are not text."""
    return name.encode(errors="backslashreplace").decode()


@contextmanager
def translate_errors(path: Path, compression: str) -> Iterator[None]:
    """Translate decompression errors into messages for the user.

    Raises:
        ValueError: The file is truncated or damaged.
    """
    try:
        yield
    except EOFError as error:
        raise ValueError(f"{path.name} is truncated; copy the scan again") from error
    except (igzip_lib.IsalError, gzip.BadGzipFile) as error:  # type: ignore[misc] # isal's stub calls it an instance
        raise ValueError(f"{path.name} is damaged or not packed with {compression}; copy the scan again") from error


def open_gzip(file: BinaryIO) -> BinaryIO:
    """Open the content of a gzip stream as a file that verifies the checksum at its end."""
    return cast(BinaryIO, igzip.IGzipFile(fileobj=file))  # type: ignore[no-untyped-call]


def _inflate(file: BinaryIO) -> Iterator[bytes]:
    """Yield the content of a zlib stream, and verify the checksum at its end."""
    inflater = isal_zlib.decompressobj()
    while not inflater.eof:
        packed = inflater.unconsumed_tail or file.read(_BLOCK_BYTES)
        block = inflater.decompress(packed, _BLOCK_BYTES)
        if not packed and not block:
            raise EOFError
        yield block
