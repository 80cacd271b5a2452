"""Cache of the pairs found by a search, so that the same cases are not searched again.

The files are in the folder of the crop stores, named by a digest of the cases and their groups.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.duplicates.near_duplicates import CopiedPair
from archnet.files.atomic import write_text
from archnet.files.user_folders import store_home
from archnet.spec.outputs.output_file import read_cache

FOLDER: Final = "copies"

_VERSION: Final = 2
"""Increase it with every change to the results of the search."""


def recall_pairs(
    checksums: NDArray[np.void], groups: NDArray[np.int64], search: Callable[[], tuple[CopiedPair, ...]] | None
) -> tuple[CopiedPair, ...]:
    """Return the pairs of an earlier search of the same cases and groups; otherwise search, and store the pairs.

    Args:
        checksums: (n,) checksum of the values of each case.
        groups: (n,) group number of each case.
        search: Finds the pairs; None uses only those of an earlier search.
    """
    key = hashlib.sha256(np.ascontiguousarray(checksums).tobytes() + groups.astype("<i8").tobytes()).hexdigest()[:16]
    path = store_home() / FOLDER / f"{key}.json"
    kept = _read(path, len(checksums))
    if kept is not None or search is None:
        return kept or ()
    pairs = search()
    with suppress(OSError):  # a full or read-only disk: the next run searches again
        rows = [[pair.first, pair.second, pair.correlation] for pair in pairs]
        write_text(path, json.dumps({"version": _VERSION, "pairs": rows}) + "\n")
    return pairs


def _read(path: Path, num_cases: int) -> tuple[CopiedPair, ...] | None:
    """Read the pairs in a file; None if it is missing, damaged or of a different version."""
    document = read_cache(path, FOLDER)
    if document is None or document["version"] != _VERSION:
        return None
    pairs = tuple(CopiedPair(first=first, second=second, correlation=r) for first, second, r in document["pairs"])
    return pairs if all(pair.first < pair.second < num_cases for pair in pairs) else None
