"""The folder of a sweep: a trial.json for each trial, which only the sweep writes, beside ordinary run folders.

The folder holds the whole state of a sweep: resuming, status, leaderboard and report read nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from archnet.errors import DataError
from archnet.evaluation.run_folder import is_finished, read_json, read_optional_json
from archnet.files.atomic import write_json
from archnet.files.strict_json import Document
from archnet.spec.outputs.output_file import OUTPUT_FILES
from archnet.spec.schema import json_text
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
        reason: Why the run failed or was stopped.
        lost: Number of times that the machine, the worker or the process of the run was lost.
        began: Time of its last start, in seconds since 1970; None before the first one.
        seconds: Time from the last start to the end; None before the end.
    """

    state: str = WAITING
    reason: str | None = None
    lost: int = 0
    began: float | None = None
    seconds: float | None = None


@dataclass(slots=True, kw_only=True)
class Trial:
    """The values of one trial and the state of its runs.

    Attributes:
        number: Counted from 0, in the order of proposal.
        values: The value of each hyperparameter.
        runs: The runs by the name of their folder; empty if the trial is refused.
        reason: Why the trial is refused.
        arch: The name of the architecture.
        parameters: Number of weights of the network; None if the network cannot be built.
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
        """The state of all its runs together."""
        states = {run.state for run in self.runs.values()}
        if not states:
            return REFUSED
        for state in (FAILED, STOPPED, RUNNING):
            if state in states and (state == RUNNING or states <= END_STATES):
                return state
        return FINISHED if states == {FINISHED} else RUNNING if FINISHED in states else WAITING

    @property
    def reasons(self) -> str:
        """The reason why the trial was refused, failed or was stopped; otherwise empty."""
        all_reasons = [self.reason, *(run.reason for run in self.runs.values())]
        return "; ".join(dict.fromkeys(reason for reason in all_reasons if reason))


def trial_folder(folder: Path, number: int) -> Path:
    """The folder that holds the runs of a trial."""
    return folder / "trials" / f"{number:03d}"


def is_run_reported(run_folder: Path) -> bool:
    """Whether a run is finished and has its page, which an older archnet wrote after metrics.json."""
    return is_finished(run_folder) and (run_folder / "report.html").exists()


def write_trial(folder: Path, trial: Trial) -> None:
    """Write trial.json."""
    write_json(trial_folder(folder, trial.number) / TRIAL_FILE, {"state": trial.state, **asdict(trial)})


def read_trials(folder: Path) -> list[Trial]:
    """Read the trials proposed so far, in the order of their numbers."""
    paths = (path for path in folder.glob(f"trials/*/{TRIAL_FILE}") if path.parent.name.isdecimal())
    return [_read_trial(path) for path in sorted(paths, key=lambda path: int(path.parent.name))]


def read_trial(folder: Path, number: int) -> Trial:
    """Read a trial."""
    return _read_trial(trial_folder(folder, number) / TRIAL_FILE)


def _read_trial(path: Path) -> Trial:
    document = {key: value for key, value in read_json(path).items() if key != "state"}
    runs = {name: TrialRun(**run) for name, run in document.pop("runs").items()}
    trial = Trial(runs=runs, **document)
    if trial.number != int(path.parent.name):
        raise DataError(f"{path}: belongs to trial {trial.number}. {OUTPUT_FILES[path.name].remedy}")
    unknown = next((name for name in ("arch", "parameters", "macs") if getattr(trial, name) is None), None)
    if trial.runs and unknown is not None:
        raise DataError(f'{path}: has runs, but no "{unknown}". {OUTPUT_FILES[path.name].remedy}')
    foreign = next((name for name in trial.runs if not _is_plain_name(name)), None)
    if foreign is not None:
        raise DataError(
            f"{path}: {json_text(foreign)} is not a folder inside the trial folder. {OUTPUT_FILES[path.name].remedy}"
        )
    return trial


def _is_plain_name(name: str) -> bool:
    """Whether the name of a run denotes a folder inside the trial's folder."""
    return name == Path(name).name and name not in ("", ".", "..")


def read_sweep(folder: Path) -> Sweep | None:
    """Read the sweep of a folder; None if the folder holds none."""
    document = read_optional_json(folder / SWEEP_FILE)
    return None if document is None else parse_sweep(Document(value=document, source=str(folder / SWEEP_FILE)))
