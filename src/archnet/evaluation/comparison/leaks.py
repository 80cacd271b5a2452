"""Data leaks: compared cases whose group (scan or patient) also has training cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archnet.evaluation.comparison.pools import Pool
from archnet.files.csv_rows import read_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """The leaked cases of an architecture.

    Attributes:
        num_shared: Groups with compared cases and training cases of the same run, summed over runs.
        num_groups: Groups with compared cases, summed over runs.
        is_split_by_candidate: Whether the split ignores groups, so that neighbours of a case may be in training.
    """

    num_shared: int
    num_groups: int
    is_split_by_candidate: bool


def find_leaks(pools: Sequence[Pool], compared_set: str) -> dict[str, Leak]:
    """Find architectures with data leaks, by name.

    Raises:
        DataError: A split.csv is damaged.
    """
    leaks = {pool.name: _pool_leak(pool, compared_set) for pool in pools}
    return {name: leak for name, leak in leaks.items() if leak.num_shared or leak.is_split_by_candidate}


def _pool_leak(pool: Pool, compared_set: str) -> Leak:
    counts = [_count_groups(folder, compared_set) for folder in pool.folders]
    return Leak(
        num_shared=sum(shared for shared, _ in counts),
        num_groups=sum(number for _, number in counts),
        is_split_by_candidate=(pool.document.get("split") or {}).get("by") == "candidate",
    )


def _count_groups(folder: Path, compared_set: str) -> tuple[int, int]:
    """Groups of the compared set that are also in the training set, and all of the compared set."""
    path = folder / "split.csv"
    if not path.exists():
        return 0, 0
    groups: dict[str, set[str]] = {}
    for _, (group, name) in read_rows(path, ("group", "set")):
        groups.setdefault(name, set()).add(group)
    compared = groups.get(compared_set, set())
    return len(compared & groups.get("train", set())), len(compared)
