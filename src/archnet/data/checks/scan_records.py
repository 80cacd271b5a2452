"""The record of each scan, created when its crops are extracted: voxel statistics and identity.

A store keeps the records in `scans.jsonl`, one line per scan. Lines are appended as scans finish.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from archnet.files.atomic import write_text
from archnet.files.progress import Progress, no_progress
from archnet.imaging import Volume
from archnet.imaging.hounsfield import HuStatistics, measure_hu, parse_hu_statistics, sample_voxels
from archnet.imaging.scan_identity import ScanIdentity, identify_scan
from archnet.spec.outputs.output_file import parse_cache

RECORDS_FILE: Final = "scans.jsonl"

_MAX_THREADS: Final = 4
"""Maximum number of threads; each holds one scan in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRecord:
    """The record of a scan.

    Attributes:
        values: Statistics of its voxels.
        identity: Its identifiers.
        notes: Parts that its reader skipped intentionally.
        warnings: Assumptions of its reader, and parts that it could not parse.
    """

    values: HuStatistics
    identity: ScanIdentity
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def record_scan(path: Path, volume: Volume) -> ScanRecord:
    """Measure and identify a scan from a few thousand of its voxels."""
    sample = sample_voxels(volume.hu)
    return ScanRecord(
        values=measure_hu(sample),
        identity=identify_scan(path, volume, sample),
        notes=volume.notes,
        warnings=volume.warnings,
    )


def append_records(path: Path, records: Mapping[int, ScanRecord]) -> None:
    """Append records, by scan number, to a file; a record lost in a power failure is measured again."""
    with path.open("ab") as lines:
        lines.write(_text(records).encode())


def write_records(path: Path, records: Mapping[int, ScanRecord]) -> None:
    """Write a file of records atomically, in the order of the scans."""
    write_text(path, _text({number: records[number] for number in sorted(records)}))


def complete_records(
    path: Path, scans: Mapping[int, Path], read: Callable[[int], Volume], progress: Progress = no_progress
) -> dict[int, ScanRecord]:
    """Read the records of a store, and measure the scans without one, which an older version extracted.

    Args:
        path: The file of records.
        scans: The readable scans, by number.
        read: Function that reads a scan by number.
        progress: Wraps the scans.

    Raises:
        DataError: A scan cannot be read.
    """
    records = read_records(path)
    missing = [number for number in scans if number not in records]
    if not missing:
        return records
    with ThreadPoolExecutor(_MAX_THREADS) as pool:
        measured = pool.map(lambda number: record_scan(scans[number], read(number)), missing)
        records |= zip(missing, progress(measured, "Measuring scans", len(missing)), strict=True)
    with suppress(OSError):  # a store that cannot be written can still be used
        write_records(path, records)
    return records


def read_records(path: Path) -> dict[int, ScanRecord]:
    """Read records by scan number; truncated lines and lines of other versions are skipped."""
    if not path.is_file():
        return {}
    records: dict[int, ScanRecord] = {}
    for line in path.read_bytes().splitlines():
        document = parse_cache(line, RECORDS_FILE)
        if document is not None:
            records[document["scan"]] = _parse_record(document)
    return records


def _text(records: Mapping[int, ScanRecord]) -> str:
    return "".join(json.dumps({"scan": number, **asdict(record)}) + "\n" for number, record in records.items())


def _parse_record(document: Mapping[str, Any]) -> ScanRecord:
    identity = document["identity"]
    return ScanRecord(
        values=parse_hu_statistics(document["values"]),
        identity=ScanIdentity(series_uid=identity["series_uid"], digest=identity["digest"]),
        notes=tuple(document["notes"]),
        warnings=tuple(document["warnings"]),
    )
