"""A sweep's folder: one trial.json a trial, which the sweep alone writes, and beside it the ordinary run folders.

The folder is all that a sweep knows: from it a sweep goes on, and from it status, leaderboard and report are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from archnet.errors import DataError, RunError
from archnet.evaluation.run_folder import read_history, read_json, read_optional_json
from archnet.files.atomic import write_json
from archnet.files.strict_json import Document
from archnet.spec.metrics import history_column, is_lower_better
from archnet.spec.sweeps.document import parse_sweep
from archnet.spec.sweeps.sweep import Sweep

SWEEP_FILE: Final = "sweep.json"
TRIAL_FILE: Final = "trial.json"

WAITING, RUNNING, FINISHED = "waiting", "running", "finished"
STOPPED, FAILED, REFUSED = "stopped", "failed", "refused"
STATES: Final = (FINISHED, STOPPED, RUNNING, WAITING, REFUSED, FAILED)
END_STATES: Final = frozenset({FINISHED, STOPPED, FAILED, REFUSED})


@dataclass(slots=True, kw_only=True)
class TrialRun:
    """One of a trial's runs.

    Attributes:
        state: One of `STATES`, not "refused".
        reason: Why it failed, or was stopped.
        lost: How often the machine it ran on was lost.
        began: When it was last given out, in seconds since 1970; null before.
        seconds: From then to its end; null before.
    """

    state: str = WAITING
    reason: str | None = None
    lost: int = 0
    began: float | None = None
    seconds: float | None = None


@dataclass(slots=True, kw_only=True)
class Trial:
    """What is tried, and what came of it.

    Attributes:
        number: From 0, in the order of proposal.
        values: By axis.
        runs: By the name of the run folder; none where the trial is refused.
        reason: Why it is refused.
        arch: The architecture's name.
        parameters: Weights of the network; null where it cannot be built.
        macs: Multiply-adds of one case.
    """

    number: int
    values: Mapping[str, Any]
    runs: dict[str, TrialRun] = field(default_factory=dict)
    reason: str | None = None
    arch: str | None = None
    parameters: int | None = None
    macs: int | None = None

    @property
    def state(self) -> str:
        """Of all its runs together."""
        states = {run.state for run in self.runs.values()}
        if not states:
            return REFUSED
        for state in (FAILED, STOPPED, RUNNING):
            if state in states and (state == RUNNING or states <= END_STATES):
                return state
        return FINISHED if states == {FINISHED} else RUNNING if FINISHED in states else WAITING

    @property
    def reasons(self) -> str:
        """Why it is refused, failed or was stopped; empty where it was not."""
        all_reasons = [self.reason, *(run.reason for run in self.runs.values())]
        return "; ".join(dict.fromkeys(reason for reason in all_reasons if reason))


def trial_folder(folder: Path, number: int) -> Path:
    """Where a trial's runs lie."""
    return folder / "trials" / f"{number:03d}"


def write_trial(folder: Path, trial: Trial) -> None:
    """Writes trial.json."""
    write_json(trial_folder(folder, trial.number) / TRIAL_FILE, {"state": trial.state, **asdict(trial)})


def read_trials(folder: Path) -> list[Trial]:
    """The trials that were proposed, in their order."""
    paths = (path for path in folder.glob(f"trials/*/{TRIAL_FILE}") if path.parent.name.isdecimal())
    return [_read_trial(path) for path in sorted(paths, key=lambda path: int(path.parent.name))]


def _read_trial(path: Path) -> Trial:
    trial = None
    with suppress(KeyError, TypeError, AttributeError, DataError):
        document = {key: value for key, value in read_json(path).items() if key != "state"}
        runs = {name: TrialRun(**run) for name, run in document.pop("runs").items()}
        trial = Trial(runs=runs, **document)
    if trial is None or trial.number != int(path.parent.name) or not all(map(_is_plain_name, trial.runs)):
        raise RunError(f"{path}: this file is damaged. Remove its folder, and --resume makes the trial again.")
    return trial


def _is_plain_name(name: str) -> bool:
    """Whether a run's name leads to a folder inside the trial's."""
    return name == Path(name).name and name not in ("", ".", "..")


def read_sweep(folder: Path) -> Sweep | None:
    """The sweep that a folder holds, if it holds one."""
    document = read_optional_json(folder / SWEEP_FILE)
    return None if document is None else parse_sweep(Document(value=document, source=str(folder / SWEEP_FILE)))


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """How a run's training went.

    Attributes:
        values: The metric after each epoch; NaN where it is undefined.
        best_index: Index of the epoch whose weights are kept; null before the first.
        seconds: What the epochs took.
        num_epochs: How many there are to be.
    """

    values: tuple[float, ...]
    best_index: int | None
    seconds: float
    num_epochs: int

    @property
    def value(self) -> float | None:
        """The metric of the weights that are kept; null where there is none."""
        value = math.nan if self.best_index is None else self.values[self.best_index]
        return None if math.isnan(value) else value


def read_learning_curve(folder: Path, metric: str) -> LearningCurve:
    """How a run has gone so far, from its history.csv.

    Args:
        folder: The run's.
        metric: Of the validation set.
    """
    history = read_history(folder / "history.csv")
    training = (read_optional_json(folder / "experiment.json") or {}).get("training", {})
    values = history.get(history_column("validation", metric), [])
    return LearningCurve(
        values=tuple(values),
        best_index=_best_epoch_index(history, training.get("best_metric")) if values else None,
        seconds=sum(history.get("seconds", [])),
        num_epochs=int(training.get("epochs", 0)),
    )


def _best_epoch_index(history: Mapping[str, list[float]], best_metric: str | None) -> int:
    """The epoch whose weights training keeps: the first that is best, else the last."""
    values = history.get(history_column("validation", best_metric), []) if best_metric else []
    indices = [index for index, value in enumerate(values) if not math.isnan(value)]
    if not best_metric or not indices:
        return len(history["seconds"]) - 1
    sign = -1 if is_lower_better(best_metric) else 1
    return max(indices, key=lambda index: (sign * values[index], -index))
