"""All runs under a folder: which folders are runs, sweeps and versus, and which are none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archnet.errors import ArchnetError, RunError, pluralize
from archnet.evaluation.run_folder import CHECKPOINT, is_finished
from archnet.files.locks import LOCK_FILE
from archnet.listing.folder_summary import read_prepared_rows, read_sweep_row, read_versus_row
from archnet.listing.row_differences import add_differences
from archnet.listing.run_row import RunRow, read_run_row
from archnet.runs.folders.folder_match import read_reservation
from archnet.sweep.results.trials import SWEEP_FILE
from archnet.versus.plan.versus_files import PLAN_FILE

MAX_DEPTH: Final = 4
"""Levels of folders below the listed one that are searched."""

_MAX_FOREIGN: Final = 20
"""Folders without runs that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The runs under a folder.

    Attributes:
        folder: The folder.
        rows: A row for each run, sweep and versus.
        problems: The folders that cannot be listed, with the reason.
    """

    folder: Path
    rows: tuple[RunRow, ...]
    problems: tuple[tuple[str, str], ...]


def list_runs(folder: Path, *, is_project: bool = False) -> Listing:
    """List the runs under a folder, by name.

    Args:
        folder: A folder of experiments such as runs, an experiment's folder, or a run folder.
        is_project: Whether the folder holds other things beside runs: folders without runs are no problem then, and
            links to folders are not followed.

    Raises:
        RunError: There is no such folder.
    """
    if not folder.is_dir():
        raise RunError(
            f"{folder}: no such folder. Name that of your experiments; `archnet run` creates one named runs."
        )
    rows: list[RunRow] = []
    problems: list[tuple[str, str]] = []
    for path in _find_folders(folder, MAX_DEPTH, set(), follows_links=not is_project):
        name = path.relative_to(folder).as_posix() if path != folder else path.resolve().name
        try:
            rows += _read_rows(path, name)
        except ArchnetError as error:
            problems.append((name, str(error)))
        except OSError as error:
            problems.append((name, f"cannot be read: {error.strerror or error}. Check its permissions."))
    return Listing(
        folder=folder,
        rows=tuple(add_differences(sorted(rows, key=lambda row: (row.started, row.name)))),
        problems=(
            *problems,
            *([] if is_project else _foreign_folders(folder, [*(row.name for row in rows), *dict(problems)])),
        ),
    )


def _find_folders(folder: Path, depth: int, past: set[Path], *, follows_links: bool) -> Iterator[Path]:
    """The folders of runs, sweeps, versus, and experiments whose runs have not begun."""
    if folder.resolve() in past:  # a link to a folder that is listed already
        return
    past.add(folder.resolve())
    if _is_run(folder) or _is_sweep(folder) or (folder / PLAN_FILE).exists():
        yield folder
        return
    if read_reservation(folder):
        yield folder
    try:
        inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return
    for path in inner if depth else ():
        if follows_links or not path.is_symlink():
            yield from _find_folders(path, depth - 1, past, follows_links=follows_links)


def _is_run(folder: Path) -> bool:
    """Whether a folder is that of a run, finished or not; that of an experiment has an experiment.json as well."""
    is_begun = any((folder / name).exists() for name in ("arch.json", "data.json", CHECKPOINT))
    return is_finished(folder) or (is_begun and (folder / "experiment.json").exists())


def _is_sweep(folder: Path) -> bool:
    """Whether a folder is that of a sweep; a folder of documents may have a sweep.json as well."""
    has_begun = any((folder / name).exists() for name in ("trials", "leaderboard.csv", LOCK_FILE))
    return has_begun and (folder / SWEEP_FILE).exists()


def _read_rows(folder: Path, name: str) -> list[RunRow]:
    if (folder / PLAN_FILE).exists():
        return [read_versus_row(folder, name)]
    if _is_sweep(folder):
        return [read_sweep_row(folder, name)]
    return [read_run_row(folder, name)] if _is_run(folder) else read_prepared_rows(folder, name)


def _foreign_folders(folder: Path, names: Sequence[str]) -> list[tuple[str, str]]:
    """The folders directly inside a folder that hold no run."""
    known = {name.partition("/")[0] for name in names}
    if folder.resolve().name in names:
        return []
    inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    foreign = [path for path in inner if path.name not in known]
    problems = [
        (path.name, "an experiment without a run." if (path / "experiment.json").exists() else "holds no runs.")
        for path in foreign[:_MAX_FOREIGN]
    ]
    more = len(foreign) - _MAX_FOREIGN
    return problems + ([("...", f"{pluralize(more, 'more folder')} without runs.")] if more > 0 else [])
