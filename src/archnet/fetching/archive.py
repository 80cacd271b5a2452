"""Zip archives from other sources: unpacked completely or not at all, and never outside their folder."""

from __future__ import annotations

import shutil
import stat
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from archnet.errors import DataError
from archnet.files.archives.zip_archive import DamagedFileError, open_member, open_zip
from archnet.files.disk import format_bytes, free_bytes
from archnet.files.documents.names import is_device_name
from archnet.files.progress import Progress, no_progress
from archnet.files.terminal_text import has_unsafe_characters, shorten

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_OTHER_METHODS = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz", 98: "PPMd"}


class BadArchiveError(DataError):
    """An archive is damaged or exceeds a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """Limits on an archive. LUNA16's largest archive contains about 180 files and unpacks to 15 GB, twice its size.

    Attributes:
        num_entries: Maximum number of files and folders.
        depth: Maximum number of levels of nesting, including the file.
        num_bytes: Maximum total size of the files.
        ratio: Maximum number of unpacked bytes per byte of the archive.
    """

    num_entries: int = 20_000
    depth: int = 20
    num_bytes: int = 100_000_000_000
    ratio: int = 100


def unpack(
    archive: Path, target: Path, limits: ArchiveLimits = ArchiveLimits(), progress: Progress = no_progress
) -> None:
    """Unpack a zip archive to a file or folder, which appears by renaming when it is complete.

    A top-level folder with the name of the target becomes the target. Without such a folder, the whole content becomes
    the target, unless the target has a file extension.

    Args:
        target: Must be missing or an empty folder, on the same file system as the archive.

    Raises:
        BadArchiveError: The archive is damaged or exceeds a limit.
        DataError: The archive requires a different tool, or there is not enough disk space. No files are left behind.
    """
    folder = archive.with_name(f"{target.name}.unpacking")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with open_zip(archive, limits=None) as zip_file:
            entries = zip_file.infolist()
            _require_sound(archive, entries, limits)
            _require_readable(archive, entries, target)
            require_disk_space(target.parent, sum(entry.file_size for entry in entries), f"to unpack {archive.name}")
            folder.mkdir()
            for entry in progress(entries, f"Unpacking {archive.name}", len(entries)):
                _extract(zip_file, entry, folder)
        payload = _find_payload(archive, folder, target)
        if is_empty_folder(target):
            target.rmdir()  # Windows cannot replace a folder by a rename
        payload.rename(target)
    except DamagedFileError as error:
        raise BadArchiveError(f"{archive}: the zip archive is damaged ({error}). Fetch it again.") from error
    except OSError as error:
        raise DataError(f"{archive}: cannot be unpacked: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def require_disk_space(folder: Path, num_bytes: int, purpose: str) -> None:
    """Check that the disk has enough free space.

    Raises:
        DataError: There is not enough space.
    """
    free = free_bytes(folder)
    if num_bytes > free:
        raise DataError(
            f"{folder}: {format_bytes(num_bytes)} required {purpose}, but only {format_bytes(free)} are free. "
            f"Free some disk space, or choose a folder on a different disk with --root."
        )


def _require_sound(archive: Path, entries: list[zipfile.ZipInfo], limits: ArchiveLimits) -> None:
    problem = next(_find_problems(entries, archive.stat().st_size, limits), None)
    if problem:
        raise BadArchiveError(f"{archive}: {problem}. Nothing was unpacked; get the archive from another source.")


def _find_problems(entries: list[zipfile.ZipInfo], num_packed_bytes: int, limits: ArchiveLimits) -> Iterator[str]:
    if len(entries) > limits.num_entries:
        yield f"it contains {len(entries):,} entries, more than {limits.num_entries:,}"
    if not all(entry.filename for entry in entries):  # zipfile reads the last character of each name
        yield "a file in it has no name"
    if all(entry.is_dir() for entry in entries):
        yield "it contains no files"
    for entry in entries:
        yield from _find_entry_problems(entry, limits)
    yield from _find_collisions(entries)
    num_bytes = sum(entry.file_size for entry in entries)
    if num_bytes > limits.num_bytes:
        yield f"it would unpack to {num_bytes:,} bytes, more than {limits.num_bytes:,}"
    if num_bytes > limits.ratio * num_packed_bytes:
        growth = f"from {num_packed_bytes:,} to {num_bytes:,} bytes"
        yield f"it would unpack {growth}, more than {limits.ratio} times its size"


def _find_entry_problems(entry: zipfile.ZipInfo, limits: ArchiveLimits) -> Iterator[str]:
    """Explain why an entry is rejected; empty if it is accepted."""
    name = entry.filename
    short_name = shorten(name)
    parts = PurePosixPath(name).parts
    if ".." in (*parts, *PureWindowsPath(name).parts) or PureWindowsPath(name).anchor:
        yield f'the entry "{short_name}" points outside its folder'
    if len(parts) > limits.depth:
        yield f'the entry "{short_name}" is {len(parts):,} folders deep, more than {limits.depth}'
    if any(map(_is_unportable, parts)):
        yield f'the entry "{short_name}" has a name that some systems reserve'
    if has_unsafe_characters(name):
        yield f'the entry "{short_name}" has control characters in its name'
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        yield f'the entry "{short_name}" is a {"link" if kind == stat.S_IFLNK else "device"}, not a file'


def _is_unportable(part: str) -> bool:
    """Whether Windows reserves a name for a device or strips its last character."""
    return part.endswith((".", " ")) or is_device_name(part)


def _find_collisions(entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    """Find entries that collide on some systems: equal file names, or a file and a folder with the same name."""
    spellings: dict[str, str] = {}
    files: dict[str, int] = Counter(str(PurePosixPath(entry.filename)) for entry in entries if not entry.is_dir())
    yield from (f'the entry "{path}" appears {count} times in it' for path, count in files.items() if count > 1)
    for entry in entries:
        path = PurePosixPath(entry.filename)
        for name in map(str, (path, *path.parents)):
            other = spellings.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
            if other != name:
                yield f'the entries "{other}" and "{name}" are the same on systems that ignore case'
        for parent in map(str, path.parents):
            if parent in files:
                yield f'the entry "{parent}" is both a file and a folder'


def _require_readable(archive: Path, entries: list[zipfile.ZipInfo], target: Path) -> None:
    """Check that Python can unpack the archive; otherwise recommend 7-Zip, which creates the same folder."""
    for entry in entries:
        method = _OTHER_METHODS.get(entry.compress_type, f"method {entry.compress_type}")
        problem = "encrypted" if entry.flag_bits & 1 else f"packed with {method}"
        if entry.flag_bits & 1 or entry.compress_type not in _METHODS:
            raise DataError(
                f"{archive}: is {problem}, which archnet cannot unpack. Unpack it yourself and run the same command "
                f"again: 7z x {archive} -o{target.parent}"
            )


def _extract(zip_file: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    path = folder / entry.filename
    if entry.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_member(zip_file, entry) as source, path.open("xb") as file:
        shutil.copyfileobj(source, file)


def _find_payload(archive: Path, folder: Path, target: Path) -> Path:
    payload = folder / target.name
    if payload.is_dir() and not any(path.is_file() for path in payload.rglob("*")):
        raise BadArchiveError(f"{archive}: contains no files in the folder {target.name}.")
    if payload.exists():
        return payload
    if target.suffix:
        raise BadArchiveError(f"{archive}: does not contain {target.name}.")
    return folder


def is_empty_folder(path: Path) -> bool:
    """Whether a path is an empty folder."""
    return path.is_dir() and not any(path.iterdir())
