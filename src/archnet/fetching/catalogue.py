"""Public data sets, fetched and unpacked into the layout that `luna16` and `mosmed` read."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from archnet.errors import DataError, did_you_mean
from archnet.fetching.archive import BadArchiveError, require_space, unpack
from archnet.fetching.download import Downloader, Remote
from archnet.fetching.http import Patience
from archnet.files.progress import Progress, silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file that a data set is published as.

    Attributes:
        archive: Its name there.
        becomes: The file or folder that it is here.
        record: The number of the Zenodo record that lists it, or None where it is a release file.
        is_optional: Passed over where the record does not list it.
    """

    archive: str
    becomes: str
    record: int | None = None
    is_optional: bool = False


# doi:10.5281/zenodo.3723295 and doi:10.5281/zenodo.4121926
LUNA16_LISTS = (
    Part(archive="annotations.csv", becomes="annotations.csv", record=3723295),
    Part(archive="candidates.csv", becomes="candidates.csv", record=3723295),
    Part(archive="candidates_V2.zip", becomes="candidates_V2.csv", record=3723295, is_optional=True),
    Part(archive="evaluationScript.zip", becomes="evaluationScript", record=3723295, is_optional=True),
)
LUNA16_SUBSETS = tuple(
    Part(archive=f"subset{number}.zip", becomes=f"subset{number}", record=3723295 if number < 7 else 4121926)
    for number in range(10)
)
MOSMED = (Part(archive="CT-0.zip", becomes="CT-0"), Part(archive="CT-23.zip", becomes="CT-23"))
FETCHED = ("luna16", "mosmed")

# An archive of scans becomes at most about this many times its size: 16-bit CT packs to half.
_GROWTH = 2.2
_LONGEST_LISTING = 10_000_000
_WORK = ".fetch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where the parts lie, and how long their servers are waited for."""

    zenodo: str = "https://zenodo.org/api/records"
    mosmed: str = "https://github.com/hasibzunair/3D-image-classification-tutorial/releases/download/v0.2"
    patience: Patience = field(default_factory=Patience)


def fetch(
    name: str,
    root: Path,
    subsets: Sequence[int] | None = None,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda text: None,
    servers: Servers = Servers(),
) -> list[Path]:
    """The files and folders of a data set, fetched where they are not there yet.

    What is interrupted is continued by the next call. An archive is removed once it is unpacked.

    Args:
        name: One of `FETCHED`.
        root: The folder of the data set; made if it does not exist.
        subsets: Numbers of LUNA16's subsets; all ten otherwise. Its lists are always fetched.
        say: Takes one line about what happens.

    Raises:
        DataError: A name or number is unknown, a server does not give what it should, a checksum or an archive is
            wrong, or the disk is too small.
    """
    parts = _parts(name, subsets)
    downloader = Downloader(progress=progress, say=say, patience=servers.patience)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root):
            _fetch_missing(parts, root, downloader, servers)
    except OSError as error:
        raise DataError(f"{root}: cannot be written: {error.strerror or error}.") from error
    return [root / part.becomes for part in parts if (root / part.becomes).exists()]


def _parts(name: str, subsets: Sequence[int] | None) -> tuple[Part, ...]:
    if name not in FETCHED:
        raise DataError(f'"{name}" cannot be fetched.{did_you_mean(name, FETCHED)} These can: {", ".join(FETCHED)}.')
    if name == "mosmed":
        if subsets:
            raise DataError("--subset: mosmed has no subsets. Leave it out.")
        return MOSMED
    numbers = sorted(set(subsets or range(len(LUNA16_SUBSETS))))
    for number in numbers:
        if not 0 <= number < len(LUNA16_SUBSETS):
            raise DataError(f"--subset {number}: LUNA16 has the subsets 0 to {len(LUNA16_SUBSETS) - 1}.")
    return (*LUNA16_LISTS, *(LUNA16_SUBSETS[number] for number in numbers))


def _fetch_missing(parts: Sequence[Part], root: Path, downloader: Downloader, servers: Servers) -> None:
    missing = [part for part in parts if not (root / part.becomes).exists()]
    if all(part.is_optional for part in missing):
        missing = []
    work = root / _WORK
    work.mkdir(exist_ok=True)
    _tidy(work, [part.archive for part in parts if part not in missing])
    there = [part.becomes for part in parts if (root / part.becomes).exists()]
    if there:
        downloader.say(f"{root}: {', '.join(there)}: there already.")
    remotes = _remotes(missing, root, downloader, servers)
    _require_space(root, remotes)
    for part, remote in remotes.items():
        _fetch_part(part, remote, root, downloader)
    if not any(work.iterdir()):
        work.rmdir()


def _fetch_part(part: Part, remote: Remote, root: Path, downloader: Downloader) -> None:
    archive, target = downloader.file(remote, root / _WORK), root / part.becomes
    if part.archive == part.becomes:
        archive.replace(target)
        return
    sha256 = _sha256(archive) if part.record is None else None
    try:
        unpack(archive, target, progress=downloader.progress)
    except BadArchiveError:
        archive.unlink()
        raise
    if remote.checksum is None and sha256 is not None:
        _record(root / f"{part.archive}.sha256", part.archive, sha256, downloader)
    archive.unlink()


def _remotes(missing: Sequence[Part], root: Path, downloader: Downloader, servers: Servers) -> dict[Part, Remote]:
    remotes = {}
    listings: dict[int, dict[str, Remote]] = {}
    for part in missing:
        if part.record is None:
            remotes[part] = _release_file(part, root, downloader, servers)
            continue
        url = f"{servers.zenodo}/{part.record}"
        if part.record not in listings:
            listings[part.record] = _listing(url, downloader)
        if part.archive in listings[part.record]:
            remotes[part] = listings[part.record][part.archive]
        elif not part.is_optional:
            known = ", ".join(sorted(listings[part.record])) or "nothing"
            raise DataError(f"{url}: the record does not list {part.archive}. It lists {known}.")
    return remotes


def _listing(url: str, downloader: Downloader) -> dict[str, Remote]:
    """The files of a Zenodo record by name, as its API tells them."""
    text = downloader.text(url, _LONGEST_LISTING)
    try:
        return {file["key"]: _listed(file, url) for file in json.loads(text)["files"]}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{url}: this is not the listing of a Zenodo record ({_problem(error)}).") from error


def _listed(file: dict[str, Any], url: str) -> Remote:
    link, checksum, size = file["links"]["self"], file["checksum"], file["size"]
    if urlsplit(link)[:2] != urlsplit(url)[:2]:
        raise ValueError(f"{file['key']} lies on another server, {link}")
    if not re.fullmatch(r"md5:[0-9a-f]{32}", checksum):
        raise ValueError(f"the checksum of {file['key']} is {checksum}")
    if not isinstance(size, int) or size < 0:
        raise ValueError(f"the size of {file['key']} is {size}")
    return Remote(name=file["key"], url=link, size=size, checksum=checksum, checksum_place=url)


def _release_file(part: Part, root: Path, downloader: Downloader, servers: Servers) -> Remote:
    """A file without a published checksum: the one of its first fetch counts."""
    url = f"{servers.mosmed}/{part.archive}"
    record = root / f"{part.archive}.sha256"
    checksum = None
    if record.is_file():
        given = record.read_text(encoding="utf-8").split()
        if len(given) != 2 or not re.fullmatch(r"[0-9a-f]{64}", given[0]):
            raise DataError(f"{record}: expected the SHA-256 of {part.archive} and its name. Remove this file.")
        checksum = f"sha256:{given[0]}"
    return Remote(name=part.archive, url=url, size=downloader.size(url), checksum=checksum, checksum_place=str(record))


def _record(path: Path, archive: str, sha256: str, downloader: Downloader) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_text(f"{sha256}  {archive}\n", encoding="utf-8")
    new.replace(path)
    downloader.say(
        f"{archive}: no checksum is published for it. Its SHA-256 is {sha256}; it is kept in {path} and checked from "
        f"now on."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_space(root: Path, remotes: dict[Part, Remote]) -> None:
    """Room for everything unpacked and for the largest archive, less what is there of the archives."""
    zipped = {part: remote for part, remote in remotes.items() if part.archive.endswith(".zip")}
    unpacked = sum(int(remote.size * (_GROWTH if part in zipped else 1)) for part, remote in remotes.items())
    held = sum(path.stat().st_size for path in (root / _WORK).iterdir() if path.is_file())
    needed = unpacked + max((remote.size for remote in zipped.values()), default=0) - held
    require_space(root, needed, f"for {', '.join(part.archive for part in remotes)} and what is in them")


def _tidy(work: Path, done: Sequence[str]) -> None:
    """Removes what an interrupted call left and no call needs."""
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name.startswith("tmp") or path.name.removesuffix(".part") in done:
            path.unlink()


def _problem(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _lock(root: Path, folder: int) -> None:
    import fcntl

    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DataError(f"{root}: another archnet is fetching into this folder. Wait until it is done.") from error
    except OSError:
        return  # a file system without locks


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """No other process fetches into the same folder."""
    if sys.platform == "win32":
        yield
        return
    folder = os.open(root, os.O_RDONLY)
    try:
        _lock(root, folder)
        yield
    finally:
        os.close(folder)
