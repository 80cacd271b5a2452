"""Statistics from one pass over the voxels of cases: checksum, lowest and highest value.

The statistics of a crop store are stored next to its crops, so they are measured only once.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from archnet.files.archives.npy_arrays import read_npz
from archnet.files.archives.zip_archive import DamagedFileError
from archnet.files.atomic import atomic_write
from archnet.files.progress import Progress, no_progress

STATISTICS_FILE: Final = "statistics.npz"
_VERSION: Final = 3
"""Increase it with every change to the measurements."""
_CHUNK_VOXELS: Final = 2**20
_CHECKSUM_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseStatistics:
    """The statistics of some cases.

    Attributes:
        checksums: (n,) equal for cases with equal values of any data type; rarely equal for others.
        low: (n,) lowest value of each case.
        high: (n,) highest value of each case.
    """

    checksums: NDArray[np.void]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def are_constant(self) -> NDArray[np.bool_]:
        """(n,) whether all values of a case are equal."""
        result: NDArray[np.bool_] = self.low == self.high
        return result


def case_statistics(values: NDArray[Any], progress: Progress = no_progress) -> CaseStatistics:
    """Read the statistics of all cases stored next to the crops, or measure them and store them there.

    Args:
        values: (n, height, width[, depth]) finite values; may be memory-mapped.
        progress: Wraps the cases.
    """
    source = _source_file(values)
    kept = _read_statistics(source, values) if source else None
    if kept is not None:
        return kept
    statistics = measure_cases(values, progress)
    if source:
        _write_statistics(source, statistics)
    return statistics


def measure_cases(values: NDArray[Any], progress: Progress = no_progress) -> CaseStatistics:
    """Measure the statistics of all cases in one pass, in chunks."""
    num = len(values)
    checksums = np.zeros((num, _CHECKSUM_BYTES), np.uint8)
    low, high = np.zeros(num), np.zeros(num)
    size = max(1, _CHUNK_VOXELS // max(1, values[:1].size))
    starts = range(0, num, size)
    for start in progress(starts, "Checking voxels", len(starts)):
        part = slice(start, start + size)
        cases = np.ascontiguousarray(values[part])
        flat = cases.reshape(len(cases), -1)
        low[part], high[part] = flat.min(1), flat.max(1)
        for row, case in enumerate(flat, start):
            checksums[row] = np.frombuffer(checksum_case(case, low[row], high[row]), np.uint8)
    return CaseStatistics(checksums=checksums.view(f"V{_CHECKSUM_BYTES}")[:, 0], low=low, high=high)


def checksum_case(case: NDArray[Any], low: float, high: float) -> bytes:
    """CRC-32 and Adler-32 of values independent of their data type: ten times as fast as SHA-256.

    Args:
        case: (voxels,)
        low: Its lowest value.
        high: Its highest value.
    """
    content = _canonical(case, low, high).data.cast("B")
    return struct.pack("<II", isal_zlib.crc32(content), isal_zlib.adler32(content))


def _canonical(case: NDArray[Any], low: float, high: float) -> NDArray[Any]:
    """Convert values to the first of int16, float32 and float64 that represents them exactly."""
    if case.dtype.kind in "iub" and low >= -32768 and high <= 32767:
        return case.astype("<i2", copy=False)
    if low >= -32768 and high <= 32767:
        whole = case.astype("<i2")
        if np.array_equal(whole, case):
            return whole
    single = case.astype("<f4")
    return single + np.float32(0) if np.array_equal(single, case) else case.astype("<f8")


def _source_file(values: NDArray[Any]) -> Path | None:
    """The file of a crop store that the values are mapped from."""
    name = getattr(values, "filename", None)
    path = Path(name or "")
    return path if path.name == "crops.npy" and path.with_name("store.json").is_file() else None


def _read_statistics(source: Path, values: NDArray[Any]) -> CaseStatistics | None:
    """Read the stored statistics of these crops; None if they are missing, damaged or for different crops."""
    try:
        arrays = read_npz(source.with_name(STATISTICS_FILE))
    except (OSError, DamagedFileError):
        return None
    layout = {name: (array.dtype, array.shape) for name, array in arrays.items()}
    number, byte = (np.dtype(np.float64), (len(values),)), (np.dtype(np.uint8), (len(values), _CHECKSUM_BYTES))
    stamp = np.array(_stamp(source))
    wanted = {"stamp": (stamp.dtype, stamp.shape), "checksums": byte, "low": number, "high": number}
    if layout != wanted or (arrays["stamp"] != stamp).any():
        return None
    checksums = np.ascontiguousarray(arrays["checksums"]).view(f"V{_CHECKSUM_BYTES}")[:, 0]
    return CaseStatistics(checksums=checksums, low=arrays["low"], high=arrays["high"])


def _write_statistics(source: Path, statistics: CaseStatistics) -> None:
    path = source.with_name(STATISTICS_FILE)
    try:
        with atomic_write(path) as draft, draft.open("wb") as file:
            np.savez(
                file,
                stamp=np.array(_stamp(source)),
                checksums=statistics.checksums.view(np.uint8).reshape(-1, _CHECKSUM_BYTES),
                low=statistics.low,
                high=statistics.high,
            )
    except OSError:
        return  # a full or read-only disk: they will be measured again


def _stamp(source: Path) -> list[int]:
    """Values that change when crops are extracted again."""
    stat = source.stat()
    return [_VERSION, stat.st_size, stat.st_mtime_ns]
