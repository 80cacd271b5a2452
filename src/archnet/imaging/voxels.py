"""Voxels in files: mapped where they lie plain, else unpacked into one array, never more than a header announces."""

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

_MOST_PACKED: Final = 1032
"""No deflate stream holds more bytes for each of its own (M. Adler, zlib technical details)."""

_BLOCK_BYTES: Final = 2**18


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVoxels:
    """Where a scan's voxels lie, and how.

    Attributes:
        start: Byte of the file at which they, or the stream they are packed in, begin.
        shape: (z, y, x), x varying fastest.
        dtype: With its byte order.
        skipped: Bytes of the unpacked stream that come before them.
    """

    path: Path
    start: int
    shape: Index
    dtype: np.dtype[Any]
    packing: Literal["plain", "gzip", "zlib"]
    skipped: int = 0

    @property
    def num_bytes(self) -> int:
        """Bytes of all voxels, unpacked."""
        return math.prod(self.shape) * self.dtype.itemsize

    def check_size(self) -> None:
        """Compares the file's size with the voxels it should hold.

        Raises:
            ValueError: They are too few or too many, or more than can be packed in a file of this size.
        """
        found = max(self.path.stat().st_size - self.start, 0)
        if self.packing == "plain" and found != self.num_bytes:
            raise self._wrong_size(f"{found:,}")
        if self.packing != "plain" and self.skipped + self.num_bytes > found * _MOST_PACKED:
            raise self._wrong_size(f"at most {found * _MOST_PACKED:,}")

    def read(self) -> NDArray[Any]:
        """The voxels, (z, y, x): a read-only memory map where they lie plain.

        Raises:
            ValueError: The file is cut off, damaged, or holds more.
        """
        self.check_size()
        if self.packing == "plain":
            mapped: NDArray[Any] = np.memmap(self.path, self.dtype, "r", offset=self.start, shape=self.shape)
            return mapped
        unpacked = np.empty(self.num_bytes, np.uint8)
        filled = 0
        for block in self._blocks():
            end = filled + len(block)
            if end > self.num_bytes:
                raise self._wrong_size("more")
            unpacked[filled:end] = np.frombuffer(block, np.uint8)
            filled = end
        if filled < self.num_bytes:
            raise self._wrong_size(f"{filled:,}")
        return unpacked.view(self.dtype).reshape(self.shape)

    def _blocks(self) -> Iterator[bytes]:
        with self.path.open("rb") as file, unpacking(self.path, self.packing):
            file.seek(self.start)
            if self.packing == "zlib":
                yield from _inflated(file)
                return
            stream = gunzipped(file)
            stream.seek(self.skipped)
            yield from iter(lambda: stream.read(_BLOCK_BYTES), b"")

    def _wrong_size(self, found: str) -> ValueError:
        z, y, x = self.shape
        return ValueError(
            f"{self.path.name} should hold {x} x {y} x {z} voxels of {self.dtype.itemsize} bytes "
            f"({self.num_bytes:,} bytes), but holds {found}; copy the scan again"
        )


@contextmanager
def unpacking(path: Path, packing: str) -> Iterator[None]:
    """Says what is wrong with a packed file where unpacking it fails.

    Raises:
        ValueError: It is cut off, or its bytes are not those that were packed.
    """
    try:
        yield
    except EOFError as error:
        raise ValueError(f"{path.name} is cut off; copy the scan again") from error
    except (igzip_lib.IsalError, gzip.BadGzipFile) as error:  # type: ignore[misc] # isal's stub calls it an instance
        raise ValueError(f"{path.name} is damaged or not packed with {packing}; copy the scan again") from error


def gunzipped(file: BinaryIO) -> BinaryIO:
    """What a gzip stream holds, as a file; its checksum is compared when its end is read."""
    return cast(BinaryIO, igzip.IGzipFile(fileobj=file))  # type: ignore[no-untyped-call]


def _inflated(file: BinaryIO) -> Iterator[bytes]:
    """What a zlib stream holds; its checksum is compared at the end."""
    inflater = isal_zlib.decompressobj()
    while not inflater.eof:
        packed = inflater.unconsumed_tail or file.read(_BLOCK_BYTES)
        block = inflater.decompress(packed, _BLOCK_BYTES)
        if not packed and not block:
            raise EOFError
        yield block
