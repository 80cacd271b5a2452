"""Classify files and folders by name: scans, masks, documents, system files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from archnet.imaging.readers import READERS, scan_suffix

_VOXEL_ENDINGS: Final = (".raw", ".zraw")
# Files created by file managers and archivers; names that begin with a dot are also ignored.
_LEFTOVERS: Final = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "icon\r", "lost+found"}
# Documents and programs on a CD: files with these extensions or names never contain a scan.
_DOCUMENT: Final = re.compile(
    r".*\.(txt|[ct]sv|json|md|rst|pdf|xml|html?|css|js|log|ya?ml|toml|rtf|docx?|xlsx?|pptx?|in[if]|exe|dll|bat|sh|py|ipynb"
    r"|ico|db|lnk|url|jar|cfg|md5|sha256)|(readme|licen[cs]e|copying|changelog|version|dicomdir|lockfile)(\..*)?",
    re.IGNORECASE,
)
_MASK_WORD: Final = re.compile(r"masks?|label(s|map)?|segs?|segmentations?|annotations?|rois?|gt|contours?")
# Words that may accompany a mask word in the name of a folder of masks, such as seg-lungs-LUNA16.
_MASKED_WORD: Final = re.compile(r"lungs?|lobes?|lesions?|nodules?|infections?|luna16")
_ENDING: Final = re.compile(r"\.(?=.*[a-z])[a-z0-9_]{1,8}", re.IGNORECASE)


def scan_name(path: Path) -> str:
    """The name of a scan: a file name without its extension (LUNA16: the series UID), or the name of a DICOM folder."""
    return path.name if path.is_dir() else path.name[: -len(scan_suffix(path)) or None]


def is_ignored(name: str) -> bool:
    """Whether a file or folder is hidden, or was created by a file manager or an archiver.

    >>> [is_ignored(name) for name in ("._scan.nii.gz", "Thumbs.db", "scan.nii.gz")]
    [True, True, False]
    """
    return name.startswith(".") or name.casefold() in _LEFTOVERS


def is_mask_folder(name: str) -> bool:
    """Whether a folder contains masks, judging by its name.

    >>> [is_mask_folder(name) for name in ("masks", "seg-lungs-LUNA16", "lungs", "case_7_mask")]
    [True, True, False, False]
    """
    words = _words(name)
    masks = list(filter(_MASK_WORD.fullmatch, words))
    return bool(masks) and all(word in masks or _MASKED_WORD.fullmatch(word) for word in words)


def is_scan_file(path: Path) -> bool:
    """Whether a file has the extension of a supported format."""
    return scan_suffix(path) in READERS


def may_be_dicom(path: Path) -> bool:
    """Whether a file may be a DICOM object."""
    return not is_scan_file(path) and path.suffix.lower() not in _VOXEL_ENDINGS and not is_document(path)


def is_document(path: Path) -> bool:
    """Whether a file is a document or a program, which never contains a scan."""
    return _DOCUMENT.fullmatch(path.name) is not None


def file_kind(path: Path) -> str:
    """The file extension in lower case; for a compressed file, including the extension before it.

    >>> [file_kind(Path(name)) for name in ("a.NHDR", "a.gipl.gz", "1.2.840.113")]
    ['.nhdr', '.gipl.gz', 'file without an extension']
    """
    suffix = path.suffix if _ENDING.fullmatch(path.suffix) else ""  # not of 1.2.840.113619
    packed = Path(path.stem).suffix if suffix.lower() in (".gz", ".zip", ".bz2", ".xz") else ""
    return (packed + suffix).lower() or "file without an extension"


def find_masks(scans: Sequence[Path]) -> set[Path]:
    """Find files that are masks of other files, by name: "ct_mask" next to "ct", "label" next to "ct".

    A file with a word such as "mask" is a mask if another file without such a word begins with the words before it.
    """
    starts = {path: _words_before_mask(scan_name(path)) for path in scans}
    images = [_words(scan_name(path)) for path in scans if starts[path] is None]
    beginnings = {tuple(words[:count]) for words in images for count in range(len(words) + 1)}
    return {path for path, words in starts.items() if words is not None and tuple(words) in beginnings}


def _words_before_mask(name: str) -> list[str] | None:
    """The words before "mask" or a synonym; None if there is none."""
    words = _words(name)
    return next((words[:number] for number, word in enumerate(words) if _MASK_WORD.fullmatch(word)), None)


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", name.casefold()) if word]
