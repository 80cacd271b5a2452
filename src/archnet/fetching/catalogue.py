"""Fetch public data sets, and unpack them into the layouts that `luna16` and `mosmed` read."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from archnet.errors import DataError, did_you_mean
from archnet.fetching.archive import BadArchiveError, is_empty_folder, require_disk_space, unpack
from archnet.fetching.download import Downloader, RemoteFile
from archnet.fetching.fetched_parts import record_part
from archnet.fetching.http import RetryPolicy
from archnet.files.atomic import write_text
from archnet.files.json_file import parse_json
from archnet.files.locks import lock_folder
from archnet.files.progress import Progress, no_progress
from archnet.spec.datasets import DATASETS, FETCHABLE_DATASETS, PublishedFile
from archnet.spec.datasets import WORK_FOLDER as WORK_FOLDER

# Upper estimate of the ratio of unpacked to packed size: 16-bit CT compresses to about half.
_UNPACKED_RATIO = 2.2
_MAX_LISTING_BYTES = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """URLs of the servers, and their retry policy."""

    zenodo: str = "https://zenodo.org/api/records"
    mosmed: str = "https://github.com/hasibzunair/3D-image-classification-tutorial/releases/download/v0.2"
    policy: RetryPolicy = field(default_factory=RetryPolicy)


def fetch(
    name: str,
    root: Path,
    subsets: Sequence[int] | None = None,
    progress: Progress = no_progress,
    log: Callable[[str], None] = lambda text: None,
    servers: Servers = Servers(),
) -> list[Path]:
    """Fetch the missing files and folders of a data set.

    An interrupted download is resumed by the next call. Archives are removed after they have been unpacked.

    Args:
        name: One of `FETCHABLE_DATASETS`.
        root: The folder of the data set; created if it does not exist.
        subsets: Numbers of the subsets to fetch; by default all. Files outside subsets are always fetched.
        log: Function that prints one line of progress.

    Raises:
        DataError: A name or number is unknown, a response of a server is unexpected, a checksum does not match, an
            archive is invalid, or there is not enough disk space.
    """
    parts = _select_files(name, subsets)
    downloader = Downloader(progress=progress, log=log, policy=servers.policy)
    try:
        with _without_empty_folder(root), lock_folder(root):
            _fetch_missing(parts, root, downloader, servers)
    except OSError as error:
        raise DataError(f"{root}: cannot be written: {error.strerror or error}.") from error
    return [root / part.target for part in parts if _is_there(root / part.target)]


@contextmanager
def _without_empty_folder(root: Path) -> Iterator[None]:
    """Remove the folder of a data set if it is empty, since it would look like a data set."""
    try:
        yield
    finally:
        with suppress(OSError):  # a mount point or a link stays
            for folder in (root / WORK_FOLDER, root):
                if is_empty_folder(folder):
                    folder.rmdir()


def _is_there(target: Path) -> bool:
    """Whether a part of a data set was fetched; an empty folder does not count."""
    return target.exists() and not is_empty_folder(target)


def _select_files(name: str, subsets: Sequence[int] | None) -> tuple[PublishedFile, ...]:
    if name not in FETCHABLE_DATASETS:
        known = ", ".join(FETCHABLE_DATASETS)
        raise DataError(f'"{name}" cannot be fetched.{did_you_mean(name, FETCHABLE_DATASETS)} Known: {known}.')
    spec = DATASETS[name]
    if subsets and not spec.subsets:
        raise DataError(f"--subset: {name} has no subsets. Omit it.")
    for number in sorted(set(subsets or ())):
        if number not in spec.subsets:
            raise DataError(f"--subset {number}: {name} has the subsets {spec.subsets[0]} to {spec.subsets[-1]}.")
    return tuple(file for file in spec.published if not subsets or file.subset is None or file.subset in subsets)


def _fetch_missing(parts: Sequence[PublishedFile], root: Path, downloader: Downloader, servers: Servers) -> None:
    missing = [part for part in parts if not _is_there(root / part.target)]
    if all(part.is_optional for part in missing):
        missing = []
    work = root / WORK_FOLDER
    work.mkdir(exist_ok=True)
    _remove_leftovers(work, [part.archive for part in parts if part not in missing])
    present = [part.target for part in parts if _is_there(root / part.target)]
    if present:
        downloader.log(f"{root}: {', '.join(present)}: already present.")
    remotes = _find_remote_files(missing, root, downloader, servers)
    _require_space(root, remotes)
    for part, remote in remotes.items():
        _fetch_part(part, remote, root, downloader)


def _fetch_part(part: PublishedFile, remote: RemoteFile, root: Path, downloader: Downloader) -> None:
    archive, target = downloader.fetch_file(remote, root / WORK_FOLDER), root / part.target
    if part.archive == part.target:
        archive.replace(target)
        record_part(root, part.target)
        return
    sha256 = _sha256(archive) if part.record is None else None
    try:
        unpack(archive, target, progress=downloader.progress)
    except BadArchiveError:
        archive.unlink()
        raise
    record_part(root, part.target)
    if remote.checksum is None and sha256 is not None:
        _write_checksum(root / f"{part.archive}.sha256", part.archive, sha256, downloader)
    archive.unlink()


def _find_remote_files(
    missing: Sequence[PublishedFile], root: Path, downloader: Downloader, servers: Servers
) -> dict[PublishedFile, RemoteFile]:
    remotes = {}
    listings: dict[int, dict[str, RemoteFile]] = {}
    for part in missing:
        if part.record is None:
            remotes[part] = _find_release_file(part, root, downloader, servers)
            continue
        url = f"{servers.zenodo}/{part.record}"
        if part.record not in listings:
            listings[part.record] = _fetch_listing(url, downloader)
        if part.archive in listings[part.record]:
            remotes[part] = listings[part.record][part.archive]
        elif not part.is_optional:
            known = ", ".join(sorted(listings[part.record])) or "nothing"
            raise DataError(f"{url}: the record does not list {part.archive}. It lists {known}.")
    return remotes


def _fetch_listing(url: str, downloader: Downloader) -> dict[str, RemoteFile]:
    """List the files of a Zenodo record by name, from its API."""
    text = downloader.fetch_bytes(url, _MAX_LISTING_BYTES)
    try:
        return {file["key"]: _parse_listed_file(file, url) for file in parse_json(text)["files"]}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{url}: this is not the listing of a Zenodo record ({_error_text(error)}).") from error


def _parse_listed_file(file: dict[str, Any], url: str) -> RemoteFile:
    link, checksum, size = file["links"]["self"], file["checksum"], file["size"]
    if not isinstance(file["key"], str):  # names are sorted in messages
        raise ValueError(f"invalid file name {file['key']}")
    if not isinstance(link, str) or urlsplit(link)[:2] != urlsplit(url)[:2]:
        raise ValueError(f"{file['key']} is on another server, {link}")
    if not re.fullmatch(r"md5:[0-9a-f]{32}", checksum):
        raise ValueError(f"invalid checksum of {file['key']}: {checksum}")
    if not isinstance(size, int) or size < 0:
        raise ValueError(f"invalid size of {file['key']}: {size}")
    return RemoteFile(name=file["key"], url=link, size=size, checksum=checksum, checksum_source=url)


def _find_release_file(part: PublishedFile, root: Path, downloader: Downloader, servers: Servers) -> RemoteFile:
    """Find a file without a published checksum; the checksum of the first download is stored and used later."""
    url = f"{servers.mosmed}/{part.archive}"
    record = root / f"{part.archive}.sha256"
    checksum = None
    if record.is_file():
        words = record.read_text(encoding="utf-8").split()
        if len(words) != 2 or not re.fullmatch(r"[0-9a-f]{64}", words[0]):
            raise DataError(f"{record}: expected the SHA-256 of {part.archive} and its name. Remove this file.")
        checksum = f"sha256:{words[0]}"
    return RemoteFile(
        name=part.archive, url=url, size=downloader.fetch_size(url), checksum=checksum, checksum_source=str(record)
    )


def _write_checksum(path: Path, archive: str, sha256: str, downloader: Downloader) -> None:
    write_text(path, f"{sha256}  {archive}\n")
    downloader.log(
        f"{archive}: no checksum is published for it. Its SHA-256 is {sha256}; it is stored in {path} and "
        "verified from now on."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_space(root: Path, remotes: dict[PublishedFile, RemoteFile]) -> None:
    """Check the disk space for all unpacked files and the largest archive, minus the partial downloads."""
    zipped = {part: remote for part, remote in remotes.items() if part.archive.endswith(".zip")}
    unpacked = sum(int(remote.size * (_UNPACKED_RATIO if part in zipped else 1)) for part, remote in remotes.items())
    held = sum(path.stat().st_size for path in (root / WORK_FOLDER).iterdir() if path.is_file())
    needed = unpacked + max((remote.size for remote in zipped.values()), default=0) - held
    require_disk_space(root, needed, f"for {', '.join(part.archive for part in remotes)} and their content")


def _remove_leftovers(work: Path, finished_archives: Sequence[str]) -> None:
    """Remove unneeded files of an interrupted call."""
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name.startswith("tmp") or path.name.removesuffix(".part") in finished_archives:
            path.unlink()


def _error_text(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
