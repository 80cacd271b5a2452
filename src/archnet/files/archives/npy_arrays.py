"""Arrays in .npy and .npz files: read without pickle, each header checked against the bytes that follow it."""

from __future__ import annotations

import math
import sys
import tokenize
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from archnet.files.archives.zip_archive import DamagedFileError, open_member, open_zip

_HEADERS: Final = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
# NumPy raises these for an invalid header, besides ValueError: it evaluates a Python literal.
_NO_HEADER: Final = (
    ValueError,
    LookupError,
    TypeError,
    SyntaxError,
    RecursionError,
    MemoryError,
    OverflowError,
    NotImplementedError,
    EOFError,
    tokenize.TokenError,
)

_SURROGATES: Final = (0xD800, 0xDFFF)

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NpyHeader:
    """The header of an array.

    Attributes:
        shape: Lengths of the axes.
        dtype: Type of the values; may be a Python object.
        is_fortran: Whether the first axis varies fastest.
        num_bytes: Number of bytes of all values.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran: bool

    @property
    def num_bytes(self) -> int:
        """Size of all values."""
        return math.prod(self.shape) * int(self.dtype.itemsize)


def read_npy_header(stream: IO[bytes]) -> NpyHeader:
    """Read the header of an array; the stream then points to the values.

    Raises:
        DamagedFileError: The header is invalid, or describes an impossible array.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns about headers of old Python versions, and reads them
            shape, is_fortran, dtype = _HEADERS[npy.read_magic(stream)](stream)
    except _NO_HEADER as error:
        raise DamagedFileError("is not a NumPy array") from error
    if dtype.itemsize == 0:
        raise DamagedFileError("is not a NumPy array")  # without bytes per value, any shape would be valid
    return NpyHeader(shape=shape, dtype=dtype, is_fortran=is_fortran)


def check_member(archive: zipfile.ZipFile, key: str) -> NpyHeader:
    """Read the header of an array in an archive, and compare it with the size of its file.

    Raises:
        DamagedFileError: The file is not a NumPy array, holds Python objects, or differs in size from its header.
    """
    with open_member(archive, f"{key}.npy") as stream:
        try:
            header = read_npy_header(stream)
        except DamagedFileError as error:
            raise DamagedFileError(f"{key} {error}") from error
        num_stored_bytes = archive.getinfo(f"{key}.npy").file_size - stream.tell()
    is_wrong = num_stored_bytes != header.num_bytes or min(header.shape, default=0) < 0
    if is_wrong and not header.dtype.hasobject:
        raise DamagedFileError(
            f"the header of {key} gives {header.shape} of {header.dtype}, but it holds {num_stored_bytes:,} bytes"
        )
    return header


def read_member(archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    """Read an array of an archive, after `check_member`.

    Raises:
        DamagedFileError: The file is damaged, is not a NumPy array, or holds Python objects or invalid characters.
    """
    if check_member(archive, key).dtype.hasobject:
        raise DamagedFileError(f"{key} contains Python objects, which are never loaded")
    with open_member(archive, f"{key}.npy") as stream:
        array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
    if array.dtype.kind == "U" and not _is_text(array):
        raise DamagedFileError(f"{key} contains text with invalid characters")
    return array


def _is_text(array: NDArray[np.str_]) -> bool:
    """Whether all characters of an array are valid: NumPy fails later on an invalid one."""
    codes = np.ascontiguousarray(array).reshape(-1).view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
    is_surrogate = (codes >= _SURROGATES[0]) & (codes <= _SURROGATES[1])
    return bool(np.all((codes <= sys.maxunicode) & ~is_surrogate))


def read_npz(path: Path) -> Arrays:
    """Read all arrays of an .npz file.

    Raises:
        DamagedFileError: The file is damaged, unpacks to too many bytes, or holds Python objects.
        OSError: The file cannot be opened or read.
    """
    with open_zip(path) as archive:
        keys = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        return {key: read_member(archive, key) for key in keys}
