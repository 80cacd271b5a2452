"""Zip archives that others made: unpacked whole or not at all, and never outside their folder."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from archnet.errors import DataError
from archnet.files.disk import format_bytes, free_bytes
from archnet.files.progress import Progress, no_progress

_CHUNK_BYTES = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_OTHER_METHODS = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz", 98: "PPMd"}


class BadArchiveError(DataError):
    """An archive of no use: it is damaged, or holds what does not belong in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """What an archive may become; LUNA16's largest holds about 180 files, and 15 GB, at twice its own size.

    Attributes:
        num_entries: Files and folders.
        num_bytes: Of all files together.
        ratio: Unpacked bytes for each byte of the archive.
    """

    num_entries: int = 20_000
    num_bytes: int = 100_000_000_000
    ratio: int = 100


def unpack(
    archive: Path, target: Path, limits: ArchiveLimits = ArchiveLimits(), progress: Progress = no_progress
) -> None:
    """Unpacks a zip to a file or folder, which appears complete by renaming.

    A folder of the target's name at the archive's top becomes the target; an archive without it becomes the target
    as a whole, if that has no file ending.

    Args:
        target: Must not exist; the archive must lie on the same file system.

    Raises:
        BadArchiveError: The archive is damaged, too large, or holds what does not belong in it.
        DataError: It needs another tool, or there is no room for it. In either case nothing is left behind.
    """
    folder = archive.with_name(f"{target.name}.unpacking")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as zip_file:
            entries = zip_file.infolist()
            _require_sound(archive, entries, limits)
            _require_readable(archive, entries, target)
            require_disk_space(target.parent, sum(entry.file_size for entry in entries), f"to unpack {archive.name}")
            folder.mkdir()
            for entry in progress(entries, f"Unpacking {archive.name}", len(entries)):
                _extract(zip_file, entry, folder)
        _find_payload(archive, folder, target).rename(target)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise BadArchiveError(f"{archive}: the zip archive is damaged ({reason}). Fetch it again.") from error
    except OSError as error:
        raise DataError(f"{archive}: cannot be unpacked: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def require_disk_space(folder: Path, num_bytes: int, purpose: str) -> None:
    """The disk has room.

    Raises:
        DataError: It has not.
    """
    free = free_bytes(folder)
    if num_bytes > free:
        raise DataError(
            f"{folder}: {format_bytes(num_bytes)} are needed {purpose}, but only {format_bytes(free)} are free. "
            f"Make room, or name a folder on another disk with --root."
        )


def _require_sound(archive: Path, entries: list[zipfile.ZipInfo], limits: ArchiveLimits) -> None:
    problems = [problem for problem in map(_entry_problem, entries) if problem]
    paths = Counter(PurePosixPath(entry.filename) for entry in entries)
    problems += [f'the entry "{path}" stands {count} times in it' for path, count in paths.items() if count > 1]
    num_packed_bytes, num_bytes = archive.stat().st_size, sum(entry.file_size for entry in entries)
    if len(entries) > limits.num_entries:
        problems.append(f"it holds {len(entries):,} entries, more than {limits.num_entries:,}")
    if num_bytes > limits.num_bytes:
        problems.append(f"it would become {num_bytes:,} bytes, more than {limits.num_bytes:,}")
    if num_bytes > limits.ratio * num_packed_bytes:
        problems.append(f"it would unpack from {num_packed_bytes:,} to {num_bytes:,} bytes, over {limits.ratio} times")
    if problems:
        raise BadArchiveError(f"{archive}: {problems[0]}. Nothing was unpacked; get the archive from another place.")


def _entry_problem(entry: zipfile.ZipInfo) -> str:
    """Why an entry is refused, if it is."""
    name = entry.filename
    parts = (*PurePosixPath(name).parts, *PureWindowsPath(name).parts)
    if not name or ".." in parts or PureWindowsPath(name).anchor:
        return f'the entry "{name}" leads out of its folder'
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return f'the entry "{name}" is a {"link" if kind == stat.S_IFLNK else "device"}, not a file'
    return ""


def _require_readable(archive: Path, entries: list[zipfile.ZipInfo], target: Path) -> None:
    """Another tool is needed for what Python does not unpack; 7-Zip makes the same folder."""
    for entry in entries:
        method = _OTHER_METHODS.get(entry.compress_type, f"method {entry.compress_type}")
        problem = "encrypted" if entry.flag_bits & 1 else f"packed with {method}"
        if entry.flag_bits & 1 or entry.compress_type not in _METHODS:
            raise DataError(
                f"{archive}: it is {problem}, which is not unpacked here. Unpack it yourself and run the same command "
                f"again: 7z x {archive} -o{target.parent}"
            )


def _extract(zip_file: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    path = folder / entry.filename
    if entry.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with zip_file.open(entry) as source, path.open("xb") as file:
        shutil.copyfileobj(source, file, _CHUNK_BYTES)


def _find_payload(archive: Path, folder: Path, target: Path) -> Path:
    if (folder / target.name).exists():
        return folder / target.name
    if target.suffix:
        raise BadArchiveError(f"{archive}: there is no {target.name} in it.")
    return folder
