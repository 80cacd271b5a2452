"""Build a crop store: in parallel over scans, streaming, resumable after an interruption, and atomic.

While a store is built, it is in `.unfinished/`, with a journal of the scans whose rows are flushed to the disk. Values
are flushed before their scan enters the journal, and the finished folder appears by a rename, so neither a killed
process nor a power failure can leave a wrong crop.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from archnet.data.checks.scan_records import (
    RECORDS_FILE,
    ScanRecord,
    append_records,
    read_records,
    record_scan,
    write_records,
)
from archnet.data.dataset import UnreadableScan
from archnet.data.recipe import Recipe, Values, absolute_path
from archnet.errors import DataError
from archnet.files.atomic import sync_file, sync_handle, write_text
from archnet.files.csv_rows import csv_text
from archnet.files.disk import free_bytes
from archnet.files.progress import Progress
from archnet.machine import usable_cores

_MAX_THREADS: Final = 4
"""Maximum number of threads; each holds one scan of up to 0.4 GB in memory."""


def build_store(
    recipe: Recipe, description: Mapping[str, Any], folder: Path, progress: Progress
) -> tuple[UnreadableScan, ...]:
    """Extract all crops of a recipe into a new folder; the caller holds the lock.

    Args:
        recipe: The crops.
        description: Description of the recipe.
        folder: The new folder; it appears when it is complete.
        progress: Wraps the scans.

    Returns:
        The scans that cannot be read.

    Raises:
        DataError: There is not enough disk space, or no scan can be read.
    """
    draft = draft_folder(folder)
    journal, values = draft.with_suffix(".journal"), draft / "crops.npy"
    try:
        finished = read_journal(journal) if matches_recipe(values, recipe) else set()
        if not finished:
            _check_disk_space(recipe, draft)
            draft.mkdir(parents=True, exist_ok=True)
            write_journal(journal, [], mode="wb")  # first: it must never describe empty arrays
            _allocate(values, recipe)
            write_text(draft / "store.json", _json_text(description))
        unreadable = _cut_scans(recipe, finished, values, journal, progress)
        _write_lists(draft, recipe, description, unreadable)
        draft.rename(folder)
        journal.unlink()
        return unreadable
    except OSError as error:
        raise DataError(
            f"{draft}: crops cannot be written ({error.strerror or error}). Free some disk space (archnet data prune), "
            "or set $ARCHNET_STORE to another folder; extracted crops are kept, and the same command resumes."
        ) from error


def draft_folder(folder: Path) -> Path:
    """Folder of the store while it is being built."""
    return folder.parent / ".unfinished" / folder.name


def _cut_scans(
    recipe: Recipe, finished: set[int], values: Path, journal: Path, progress: Progress
) -> tuple[UnreadableScan, ...]:
    """Extract the crops of the remaining scans, and return the scans that cannot be read."""
    numbers = [number for number in range(len(recipe.scans)) if number not in finished]
    label = f"Extracting crops ({len(finished)} scans already done)" if finished else "Extracting crops"
    reasons: dict[int, str] = {}
    with closing(_cut_in_parallel(recipe, numbers, values, journal)) as results:
        for number, reason in progress(results, label, len(numbers)):
            if reason is not None:
                reasons[number] = reason
    if len(reasons) == len(recipe.scans):
        shutil.rmtree(values.parent)
        journal.unlink()
        others = f" The other {len(reasons) - 1} scans cannot be read either." if len(reasons) > 1 else ""
        raise DataError(reasons[min(reasons)] + others)
    return tuple(
        UnreadableScan(
            scan=absolute_path(recipe.scans[number]), reason=reasons[number], num_cases=len(recipe.rows[number])
        )
        for number in sorted(reasons)
    )


def _cut_in_parallel(
    recipe: Recipe, numbers: list[int], values: Path, journal: Path
) -> Generator[tuple[int, str | None], None, None]:
    """Yield the scans as they finish, with the reason if one cannot be read."""
    with _thread_pool() as pool:
        scans = {pool.submit(_cut_scan, recipe, number, values): number for number in numbers}
        pending: set[Future[ScanRecord | str]] = set(scans)
        try:
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                _journal_scans(finished, scans, values, journal)
                yield from ((scans[future], _reason(future)) for future in finished)
        finally:
            pool.shutdown(cancel_futures=True)
            _journal_scans({future for future in pending if not future.cancelled()}, scans, values, journal)


def _reason(future: Future[ScanRecord | str]) -> str | None:
    """The reason why a scan cannot be read; None if its crops were extracted."""
    result = future.result()
    return result if isinstance(result, str) else None


def _journal_scans(
    futures: set[Future[ScanRecord | str]], scans: Mapping[Future[ScanRecord | str], int], values: Path, journal: Path
) -> None:
    """Record finished scans in the journal once their values and records are on the disk."""
    results = {scans[future]: future.result() for future in futures if future.exception() is None}
    records = {number: result for number, result in results.items() if isinstance(result, ScanRecord)}
    if records:
        sync_file(values)
        append_records(values.with_name(RECORDS_FILE), records)
        write_journal(journal, records)


def write_journal(journal: Path, numbers: Iterable[int], mode: Literal["ab", "wb"] = "ab") -> None:
    """Append scans to a journal and flush it to the disk; mode "wb" starts a new one."""
    with journal.open(mode) as lines:
        lines.write("".join(f"{number}\n" for number in numbers).encode())
        lines.flush()
        sync_handle(lines.fileno())


@contextmanager
def _thread_pool() -> Iterator[ThreadPoolExecutor]:
    """Threads, not processes: reading, decompression and copying release the GIL."""
    # The matrices are small: BLAS threads inside these threads would slow down resampling many times.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(_MAX_THREADS, usable_cores())) as pool:
        yield pool


def _cut_scan(recipe: Recipe, number: int, path: Path) -> ScanRecord | str:
    """Write the rows of one scan, and return its record, or the reason if it cannot be read."""
    start = path.stat().st_size - recipe.num_bytes
    with path.open("r+b") as file:  # buffered, because a raw write may be partial without an error
        try:
            volume = recipe.read(number)
            for rows, values in recipe.cut_volume(number, volume):
                for first, block in _contiguous_blocks(rows, values):
                    file.seek(start + first * (recipe.num_bytes // len(recipe.ids)))
                    file.write(block.data.cast("B"))
        except DataError as error:
            return str(error)
    return record_scan(recipe.scans[number], volume)


def _contiguous_blocks(rows: NDArray[np.int64], values: Values) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield blocks of consecutive rows with their values."""
    starts = np.flatnonzero(np.diff(rows, prepend=rows[0] - 2) != 1).tolist()
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        yield int(rows[start]), np.ascontiguousarray(values[start:end])


def _check_disk_space(recipe: Recipe, draft: Path) -> None:
    free = free_bytes(draft)
    if recipe.num_bytes > free:
        raise DataError(
            f"{draft.parent.parent}: {len(recipe.ids):,} crops need {recipe.num_bytes / 1e9:,.1f} GB, but the disk has "
            f"{free / 1e9:,.1f} GB free. Free more space (archnet data prune), or set $ARCHNET_STORE to a folder on "
            "another disk."
        )


def _allocate(path: Path, recipe: Recipe) -> None:
    """Create a sparse .npy file of zeros."""
    with path.open("wb") as file:
        file.write(_header(recipe))
        file.truncate(file.tell() + recipe.num_bytes)


def _header(recipe: Recipe) -> bytes:
    stream = io.BytesIO()
    shape = (len(recipe.ids), *recipe.shape)
    descr = np.lib.format.dtype_to_descr(recipe.dtype.newbyteorder("<"))
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def matches_recipe(path: Path, recipe: Recipe) -> bool:
    """Whether a file is a complete array with the shape and type of the recipe."""
    header = _header(recipe)
    if not path.is_file() or path.stat().st_size != len(header) + recipe.num_bytes:
        return False
    with path.open("rb") as file:
        return file.read(len(header)) == header


def read_journal(journal: Path) -> set[int]:
    """Read the scans in a journal, ignoring a last line that a crash truncated."""
    if not journal.is_file():
        return set()
    return {int(line) for line in journal.read_bytes().split(b"\n")[:-1] if line.isdigit()}


def _write_lists(
    draft: Path, recipe: Recipe, description: Mapping[str, Any], unreadable: Sequence[UnreadableScan]
) -> None:
    """Write index.csv, scans.jsonl and store.json; paths that are not UTF-8 keep their bytes."""
    write_records(draft / RECORDS_FILE, read_records(draft / RECORDS_FILE))
    for name, text in (
        ("index.csv", _index_csv(recipe, unreadable)),
        ("store.json", _json_text({**description, "lost": [asdict(lost) for lost in unreadable]})),
    ):
        write_text(draft / name, text, errors="surrogateescape")


def _index_csv(recipe: Recipe, unreadable: Sequence[UnreadableScan]) -> str:
    """Text of index.csv: the case of each row, its scan, and whether its crop exists."""
    unreadable_scans = {lost.scan for lost in unreadable}
    scans = [absolute_path(scan) for scan in recipe.scans]
    scan_of_row = np.empty(len(recipe.ids), np.int64)
    for number, rows in enumerate(recipe.rows):
        scan_of_row[rows] = number
    lines = (
        (row, recipe.ids[row], scans[number], int(scans[number] not in unreadable_scans))
        for row, number in enumerate(scan_of_row.tolist())
    )
    return csv_text(["row", "case", "scan", "is_there"], lines)


def _json_text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1) + "\n"


def num_finished_scans(folder: Path) -> int:
    """Number of finished scans of an unfinished store."""
    return len(read_journal(draft_folder(folder).with_suffix(".journal")))
