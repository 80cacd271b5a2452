"""The finished epochs of a training in progress, from the lines of its log.txt; history.csv is written at its end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from archnet.evaluation.run_folder import read_history

MAX_LOG_BYTES: Final = 4_000_000

_EPOCH_LINE: Final = re.compile(r"\S+ \S+ INFO ((?:member=\d{1,9} )?epoch=\d{1,9}(?: [\w.\- ()]+=[-+.\w]+)+)")
_PAIR: Final = re.compile(r"(\S[^=]*)=(\S+)(?: |$)")

History = Mapping[str, Sequence[float]]


def read_live_history(folder: Path) -> History:
    """The columns of history.csv of a run, or until then the epochs in its log, with six digits.

    Raises:
        DataError: history.csv is damaged.
    """
    history = read_history(folder / "history.csv")
    return history or _logged_history(folder / "log.txt")


def _logged_history(path: Path) -> History:
    if not path.is_file():
        return {}
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - MAX_LOG_BYTES, 0))
        lines = stream.read(MAX_LOG_BYTES).decode("utf-8", "replace").splitlines()
    return parse_epochs(lines)


def parse_epochs(lines: Iterable[str]) -> dict[str, list[float]]:
    """The columns of the epochs in a log; a resumed training repeats the epochs after its checkpoint.

    >>> parse_epochs(["2026-11-26 19:22:06,492 INFO epoch=1 seconds=2.5", "2026-11-26 19:22:09,1 INFO other=2"])
    {'epoch': [1.0], 'seconds': [2.5]}
    """
    rows: dict[tuple[int, int], dict[str, float]] = {}
    for line in lines:
        match = _EPOCH_LINE.fullmatch(line)
        row = _parse_row(match[1]) if match else None
        if row:
            place = int(row.get("member", 1)), int(row["epoch"])
            rows = {one: known for one, known in rows.items() if one < place} | {place: row}
    names = [name for name in next(reversed(rows.values()), {}) if all(name in row for row in rows.values())]
    return {name: [row[name] for row in rows.values()] for name in names}


def _parse_row(text: str) -> dict[str, float] | None:
    try:
        return {name: float(value) for name, value in _PAIR.findall(text)}
    except ValueError:
        return None
