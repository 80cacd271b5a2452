"""Cuts a store: parallel over scans, streaming, continued where it was interrupted, whole or not there at all.

While a store is cut, it lies in `.unfinished/` with a journal of the scans whose rows are safely on disk. Values are
synchronised before their scan enters the journal, and the finished folder appears by a rename, so neither a killed
process nor a power failure leaves a wrong crop behind.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from archnet.data.dataset import Progress
from archnet.data.recipe import Recipe, Values
from archnet.errors import DataError

_MOST_THREADS: Final = 8
"""Each holds one scan in memory."""


def build_store(recipe: Recipe, description: Mapping[str, Any], folder: Path, progress: Progress) -> None:
    """Cuts all crops of a recipe into a new folder; the caller sees to it that no other process does the same.

    Args:
        recipe: What to cut.
        description: Of the recipe.
        folder: Appears when everything in it is complete.
        progress: Shows the scans.

    Raises:
        DataError: A list does not fit its scans, the disk is too small, or no scan can be read.
    """
    recipe.check(progress)
    draft = unfinished(folder)
    draft.mkdir(parents=True, exist_ok=True)
    journal, values = draft.with_suffix(".journal"), draft / "crops.npy"
    done = _finished(journal) if _is_laid_out(values, recipe) else set()
    if not done:
        _lay_out(values, recipe)
        _write(draft / "store.json", _json(description))
        journal.write_bytes(b"")
    lost = _cut_scans(recipe, done, values, journal, progress)
    _write(draft / "index.csv", _index(recipe, lost))
    _write(draft / "store.json", _json({**description, "lost": lost}))
    draft.rename(folder)
    journal.unlink()


def unfinished(folder: Path) -> Path:
    """Where the store is while it is being cut."""
    return folder.parent / ".unfinished" / folder.name


def _cut_scans(recipe: Recipe, done: set[int], values: Path, journal: Path, progress: Progress) -> list[dict[str, Any]]:
    """Cuts the scans that are not done yet; gives those that could not be read."""
    numbers = [number for number in range(len(recipe.scans)) if number not in done]
    told = f"Cutting crops ({len(done)} scans were done before)" if done else "Cutting crops"
    reasons: dict[int, str] = {}
    with journal.open("ab") as lines, values.open("r+b") as data:
        for number, reason in progress(_results(recipe, numbers, values, data, lines), told, len(numbers)):
            if reason is not None:
                reasons[number] = reason
    if len(reasons) == len(recipe.scans):
        shutil.rmtree(values.parent)
        journal.unlink()
        others = f" The other {len(reasons) - 1} scans cannot be read either." if len(reasons) > 1 else ""
        raise DataError(reasons[min(reasons)] + others)
    return [
        {"scan": str(recipe.scans[number].absolute()), "reason": reasons[number], "num_cases": len(recipe.rows[number])}
        for number in sorted(reasons)
    ]


def _results(
    recipe: Recipe, numbers: list[int], values: Path, data: BinaryIO, lines: BinaryIO
) -> Iterator[tuple[int, str | None]]:
    """The scans as they are finished, with the reason if one cannot be read."""
    with _threads() as pool:
        scans = {pool.submit(_cut_scan, recipe, number, values): number for number in numbers}
        pending: set[Future[str | None]] = set(scans)
        while pending:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            results = [(scans[future], future.result()) for future in finished if future.exception() is None]
            _note_finished([number for number, reason in results if reason is None], data, lines)
            yield from results
            for future in finished:
                future.result()  # raises what went wrong, once the others are safe


def _note_finished(numbers: list[int], data: BinaryIO, lines: BinaryIO) -> None:
    """Enters scans into the journal once their values are on the disk."""
    os.fsync(data.fileno())
    lines.write("".join(f"{number}\n" for number in numbers).encode())
    lines.flush()
    os.fsync(lines.fileno())


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """Threads, not processes: reading, inflating and copying let others run; what hasn't begun is dropped on errors."""
    pool = ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1))
    with threadpool_limits(1, "blas"):  # small matrices: threads inside threads slow resampling down many times
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def _cut_scan(recipe: Recipe, number: int, path: Path) -> str | None:
    """Writes the rows of one scan; gives the reason if it cannot be read."""
    start = path.stat().st_size - recipe.num_bytes
    with path.open("r+b", buffering=0) as file:
        try:
            for rows, values in recipe.cut(number):
                for first, run in _runs(rows, values):
                    file.seek(start + first * (recipe.num_bytes // len(recipe.ids)))
                    file.write(run.data.cast("B"))
        except DataError as error:
            return str(error)
    return None


def _runs(rows: NDArray[np.int64], values: Values) -> Iterator[tuple[int, NDArray[Any]]]:
    """Stretches of rows that follow one another, with their values."""
    starts = np.flatnonzero(np.diff(rows, prepend=rows[0] - 2) != 1).tolist()
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        yield int(rows[start]), np.ascontiguousarray(values[start:end])


def _lay_out(path: Path, recipe: Recipe) -> None:
    """An .npy file of zeros that takes no room on the disk yet."""
    free = shutil.disk_usage(path.parent).free
    if recipe.num_bytes > free:
        raise DataError(
            f"{path.parent}: {len(recipe.ids):,} crops need {recipe.num_bytes / 1e9:,.1f} GB, but the disk has "
            f"{free / 1e9:,.1f} GB free. Make room (archnet data prune), or set "
            "$ARCHNET_STORE to a folder on another disk."
        )
    with path.open("wb") as file:
        file.write(_header(recipe))
        file.truncate(file.tell() + recipe.num_bytes)


def _header(recipe: Recipe) -> bytes:
    stream = io.BytesIO()
    shape = (len(recipe.ids), *recipe.shape)
    descr = np.lib.format.dtype_to_descr(recipe.dtype.newbyteorder("<"))
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def _is_laid_out(path: Path, recipe: Recipe) -> bool:
    header = _header(recipe)
    if not path.is_file() or path.stat().st_size != len(header) + recipe.num_bytes:
        return False
    with path.open("rb") as file:
        return file.read(len(header)) == header


def _finished(journal: Path) -> set[int]:
    """The scans in a journal; a last line that was cut off by a crash does not count."""
    if not journal.is_file():
        return set()
    return {int(line) for line in journal.read_bytes().split(b"\n")[:-1] if line.isdigit()}


def _index(recipe: Recipe, lost: list[dict[str, Any]]) -> str:
    """index.csv: the case of each row, its scan, and whether it could be cut."""
    absent = {scan["scan"] for scan in lost}
    scan_of_row = np.empty(len(recipe.ids), np.int64)
    for number, rows in enumerate(recipe.rows):
        scan_of_row[rows] = number
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row", "case", "scan", "is_there"])
    for row, (case, number) in enumerate(zip(recipe.ids.tolist(), scan_of_row.tolist(), strict=True)):
        scan = str(recipe.scans[number].absolute())
        writer.writerow([row, case, scan, int(scan not in absent)])
    return text.getvalue()


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    with path.open("wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def num_finished(folder: Path) -> int:
    """Scans of an unfinished store that are done."""
    return len(_finished(unfinished(folder).with_suffix(".journal")))
