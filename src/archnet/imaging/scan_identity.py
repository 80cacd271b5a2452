"""The identity of a scan: its series UID, and a digest of its voxels that does not depend on the file format."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from archnet.imaging.readers import scan_suffix
from archnet.imaging.volume import Hu, Volume

_UID: Final = re.compile(r"\d+(\.\d+)+")
_LARGEST: Final = 2.0**30
DIGEST_LENGTH: Final = 32
"""Hexadecimal digits of a digest: 128 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanIdentity:
    """Identifiers of a scan.

    Attributes:
        series_uid: SeriesInstanceUID; None if unknown.
        digest: Digest of the scan's shape and of some of its voxels.
    """

    series_uid: str | None
    digest: str


def identify_scan(path: Path, volume: Volume, sample: Hu) -> ScanIdentity:
    """Identify a scan.

    Args:
        path: A file or DICOM folder.
        volume: The scan, stored in LPS.
        sample: Result of `hounsfield.sample_voxels`.
    """
    whole = sample if sample.dtype.kind == "i" else np.clip(np.rint(sample), -_LARGEST, _LARGEST)
    content = repr(volume.hu.shape).encode() + whole.astype("<i4").tobytes()
    return ScanIdentity(
        series_uid=volume.series_uid or _series_uid(path), digest=hashlib.sha256(content).hexdigest()[:DIGEST_LENGTH]
    )


def _series_uid(path: Path) -> str | None:
    """The UID in a file name, as in LUNA16."""
    name = path.name[: -len(scan_suffix(path)) or None]
    return name if _UID.fullmatch(name) else None
