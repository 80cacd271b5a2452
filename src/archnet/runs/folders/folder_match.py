"""Match an experiment with a folder: find its runs and runs with different settings."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from archnet.errors import DataError
from archnet.evaluation.comparison.document_differences import Difference
from archnet.evaluation.run_folder import is_baseline, is_finished, read_optional_json
from archnet.files.atomic import write_json
from archnet.files.locks import LOCK_FILE, is_locked
from archnet.runs.folders.experiment_folder import is_started, run_differences, run_name, shared_differences
from archnet.runs.folders.run_differences import architecture_differences, setting_differences
from archnet.spec.experiment import Experiment
from archnet.spec.outputs.output_file import read_cache
from archnet.spec.resolve import resolve_paths

log: Final = logging.getLogger("archnet")

RESERVATION_FILE: Final = ".archnet-runs.json"
"""File with the runs that the process holding the folder's lock is going to make; removed when it ends."""

_RESERVATION_SECONDS: Final = 3
"""Time that a process has to write its reservation after it locks a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderMatch:
    """The runs of an experiment in a folder.

    Attributes:
        folder: The experiment's folder.
        previous: The run folders by the names of the experiment's runs: each of the same run, or of another run of its
            architecture; a run that has neither is missing.
        differences: What that run and the experiment's say differently, by the same names.
        shared: What the sections that all runs of a folder share say differently.
        same: The names of the runs that the folder holds with the same settings, finished or interrupted.
        left_behind: The names of other runs of the same architectures with other settings.
        is_in_use: Whether another process makes runs in the folder.
        is_readable: Whether its documents could be read.
    """

    folder: Path
    previous: Mapping[str, Path]
    differences: Mapping[str, tuple[Difference, ...]]
    shared: tuple[Difference, ...]
    same: tuple[str, ...]
    left_behind: tuple[str, ...] = ()
    is_in_use: bool = False
    is_readable: bool = True

    @property
    def fits(self) -> bool:
        """Whether the experiment can be run in the folder."""
        return self.is_readable and not self.shared and not any(self.differences.values())

    @property
    def is_identical(self) -> bool:
        """Whether the folder holds at least one run of the experiment, and none that differs."""
        return self.fits and bool(self.same)

    @property
    def is_replaceable(self) -> bool:
        """Whether the folder holds runs of the same names."""
        return any(run_folder == self.folder / name for name, run_folder in self.previous.items())


def match_folder(folder: Path, experiments: Sequence[Experiment]) -> FolderMatch:
    """Compare the runs of an experiment with those in a folder, or with those that another process makes there."""
    reservation = read_reservation(folder)
    reserved = dict((reservation or {}).get("runs") or {})
    try:
        siblings = dict(_architecture_documents(folder))
        shared = tuple(shared_differences(folder, experiments[0]))
        previous = {run_name(one): _previous_run(folder, one, reserved, siblings) for one in experiments}
    except DataError as error:
        log.warning("%s", error)
        return FolderMatch(folder=folder, previous={}, differences={}, shared=(), same=(), is_readable=False)
    left_behind = {place.name for one in experiments for place, found in _siblings_of(one, siblings) if found}
    pairs = {name: pair for name, pair in previous.items() if pair is not None}
    return FolderMatch(
        folder=folder,
        previous={name: run_folder for name, (run_folder, _) in pairs.items()},
        differences={name: tuple(differences) for name, (_, differences) in pairs.items()},
        shared=shared,
        same=tuple(name for name, pair in pairs.items() if pair == (folder / name, [])),
        left_behind=tuple(sorted(left_behind - {run_name(one) for one in experiments})),
        is_in_use=reservation is not None,
    )


def _previous_run(
    folder: Path, experiment: Experiment, reserved: Mapping[str, Any], siblings: Mapping[Path, dict[str, Any]]
) -> tuple[Path, list[Difference]] | None:
    """The run of an experiment, or else another run of its architecture, and what differs; None if there is neither."""
    run_folder, document = folder / run_name(experiment), experiment.to_document()
    if is_started(run_folder) or is_finished(run_folder):
        return run_folder, run_differences(run_folder, experiment)
    if run_folder.name in reserved:
        return run_folder, setting_differences(reserved[run_folder.name], document)
    pairs = list(_siblings_of(experiment, siblings))
    return next((pair for pair in pairs if pair[1]), pairs[0] if pairs else None)


def _siblings_of(
    experiment: Experiment, siblings: Mapping[Path, dict[str, Any]]
) -> Iterator[tuple[Path, list[Difference]]]:
    """The runs of the same architecture in a folder, and what differs apart from seed and fold."""
    document = experiment.to_document()
    for run_folder, sibling in siblings.items():
        if (sibling.get("arch") or {}).get("name") == experiment.arch.name:
            yield run_folder, architecture_differences(sibling, _keep_split(sibling, document))


def _architecture_documents(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The documents of the networks in a folder."""
    for run_folder in sorted(folder.iterdir()) if folder.is_dir() else ():
        if is_started(run_folder) or is_finished(run_folder):
            document = resolve_paths(read_optional_json(run_folder / "experiment.json"), run_folder)
            if document and not is_baseline(document):
                yield run_folder, document


def _keep_split(sibling: Mapping[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """A document whose "auto" split is that of another run."""
    by = (sibling.get("split") or {}).get("by")
    return {**document, "split": {**document["split"], "by": by}} if document["split"]["by"] == "auto" else document


def numbered_folders(base: Path, name: str) -> list[Path]:
    """The folders of an experiment in the order of their numbers: `base`, then `base`-2, `base`-3 and so on.

    Folders of another experiment are left out, such as the second one of "net" for an experiment "net-2".
    """
    numbers = {
        number: folder
        for folder in (base.parent.iterdir() if base.parent.is_dir() else ())
        if (number := _folder_number(folder, base)) and folder.is_dir() and _recorded_name(folder) == name
    }
    owner = _recorded_name(base)
    is_other = owner is not None and owner != name and _folder_number(base, base.with_name(owner)) is not None
    return [*([] if is_other else [base]), *(numbers[number] for number in sorted(numbers))]


def next_folder(base: Path, folders: Sequence[Path]) -> Path:
    """The folder with the next number that is free.

    Args:
        base: The folder without a number.
        folders: Those of the experiment.
    """
    last = max((_folder_number(folder, base) or 1 for folder in folders), default=1)
    candidates = (base.with_name(f"{base.name}-{number}") for number in count(last + 1))
    return next(folder for folder in candidates if _is_free(folder))


def _is_free(folder: Path) -> bool:
    """Whether a folder is missing or empty, apart from files of this process or of one that was killed."""
    if not folder.exists():
        return True
    is_empty = folder.is_dir() and {path.name for path in folder.iterdir()} <= {LOCK_FILE, RESERVATION_FILE}
    return is_empty and read_reservation(folder) is None


def _folder_number(folder: Path, base: Path) -> int | None:
    """The number of a numbered folder; None if it is none of `base`."""
    found = re.fullmatch(re.escape(base.name) + r"-([1-9][0-9]{0,5})", folder.name)
    return int(found[1]) if found and int(found[1]) > 1 else None


def _recorded_name(folder: Path) -> str | None:
    """The name of the experiment whose runs a folder holds, or is about to hold; null if it is not known."""
    document = read_cache(folder / "experiment.json", "reservation") or read_reservation(folder) or {}
    return document.get("name")


def write_reservation(folder: Path, experiments: Sequence[Experiment]) -> Path:
    """Record which runs are going to be made in a folder that this process has locked."""
    runs = {run_name(experiment): experiment.to_document() for experiment in experiments}
    return write_json(folder / RESERVATION_FILE, {"name": experiments[0].name, "runs": runs})


def read_reservation(folder: Path) -> dict[str, Any] | None:
    """The record of another process that has locked a folder; empty if it has none, None if no process has."""
    start = time.monotonic()
    while (folder / LOCK_FILE).exists() and is_locked(folder / LOCK_FILE):
        document = read_cache(folder / RESERVATION_FILE, "reservation")
        if document is not None or time.monotonic() - start > _RESERVATION_SECONDS:
            return document or {}
        time.sleep(0.05)
    return None
