"""Voxels in files: memory-mapped if uncompressed, otherwise unpacked into an array of the size in the header."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast

import numpy as np
from isal import igzip, igzip_lib, isal_zlib
from numpy.typing import NDArray

from archnet.imaging.volume import Index

_MAX_DEFLATE_RATIO: Final = 1032
"""No deflate stream holds more bytes for each of its own (M. Adler, zlib technical details)."""

_BLOCK_BYTES: Final = 2**18


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVoxels:
    """Location and format of the voxels of a scan.

    Attributes:
        path: The file that holds the voxels.
        start: Offset in the file of the voxels, or of the stream that they are packed in.
        shape: (z, y, x), x varying fastest.
        dtype: The type of the voxels, with its byte order.
        compression: How the voxels are packed.
        num_bytes_before: Number of bytes of the unpacked stream before the voxels.
    """

    path: Path
    start: int
    shape: Index
    dtype: np.dtype[Any]
    compression: Literal["plain", "gzip", "zlib"]
    num_bytes_before: int = 0

    @property
    def num_bytes(self) -> int:
        """Size of all voxels, unpacked."""
        return math.prod(self.shape) * self.dtype.itemsize

    def check_size(self) -> None:
        """Compare the size of the file with the voxels that it should hold.

        Raises:
            ValueError: The file holds too few or too many voxels, or is too small for so many packed ones.
        """
        found = max(self.path.stat().st_size - self.start, 0)
        if self.compression == "plain" and found != self.num_bytes:
            raise self._wrong_size(f"{found:,}")
        if self.compression != "plain" and self.num_bytes_before + self.num_bytes > found * _MAX_DEFLATE_RATIO:
            raise self._wrong_size(f"at most {found * _MAX_DEFLATE_RATIO:,}")

    def read(self) -> NDArray[Any]:
        """Read the voxels, (z, y, x): a read-only memory map if they are uncompressed.

        Raises:
            ValueError: The file is cut off, damaged, or holds more voxels.
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
            f"{self.path.name} should hold {x} x {y} x {z} voxels of {self.dtype.itemsize} bytes "
            f"({self.num_bytes:,} bytes), but holds {found}; copy the scan again"
        )


@contextmanager
def translate_errors(path: Path, compression: str) -> Iterator[None]:
    """Translate errors of unpacking a file into a message for the user.

    Raises:
        ValueError: The file is cut off or damaged.
    """
    try:
        yield
    except EOFError as error:
        raise ValueError(f"{path.name} is cut off; copy the scan again") from error
    except (igzip_lib.IsalError, gzip.BadGzipFile) as error:  # type: ignore[misc] # isal's stub calls it an instance
        raise ValueError(f"{path.name} is damaged or not packed with {compression}; copy the scan again") from error


def open_gzip(file: BinaryIO) -> BinaryIO:
    """Open the contents of a gzip stream as a file, which checks the checksum at its end."""
    return cast(BinaryIO, igzip.IGzipFile(fileobj=file))  # type: ignore[no-untyped-call]


def _inflate(file: BinaryIO) -> Iterator[bytes]:
    """Yield the contents of a zlib stream, and check the checksum at its end."""
    inflater = isal_zlib.decompressobj()
    while not inflater.eof:
        packed = inflater.unconsumed_tail or file.read(_BLOCK_BYTES)
        block = inflater.decompress(packed, _BLOCK_BYTES)
        if not packed and not block:
            raise EOFError
        yield block
