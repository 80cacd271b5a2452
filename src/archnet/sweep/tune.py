"""Ray Tune runs the agenda: it places runs on the machines, tells of lost ones, and decides which to end early."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import Any, Final

from archnet.errors import RunError
from archnet.files.user_folders import DATA_VARIABLE, STORE_VARIABLE
from archnet.runs.folder import run_name
from archnet.spec.experiment import SETS, Experiment
from archnet.spec.metrics import is_lower_better
from archnet.spec.sweeps.sweep import Sweep
from archnet.sweep.schedule import Job, TrialSchedule
from archnet.sweep.trial_process import training_task
from archnet.sweep.trials import STOPPED, read_learning_curve, trial_folder

COMMAND: Final = (sys.executable, "-m", "archnet.sweep.trial_process")
"""What a supervisor starts for each run."""

_RAY_VARIABLES: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_memory_monitor_refresh_ms": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
}
"""Ray phones nobody, keeps no logs of its own, and leaves Ctrl-C to archnet. Where memory runs out the system ends the
process that takes most, a run; Ray would end its supervisors, and all runs with them."""

_FORWARDED_VARIABLES: Final = (DATA_VARIABLE, STORE_VARIABLE, "KERAS_BACKEND")
"""Variables of the sweep's process that its runs have too, on whatever machine."""

_FOLDER_VARIABLES: Final = (DATA_VARIABLE, STORE_VARIABLE)
"""Those of them that are folders, which may be relative to the sweep's own."""

_OBJECT_STORE_BYTES: Final = 100_000_000
"""Ray's shared memory; nothing large goes through it."""

CONNECT_SECONDS: Final = 10
"""How long a cluster's head may take to take a connection."""

_MAX_EPOCHS: Final = 10**9
"""Epochs after which ASHA would end a run because it is done; runs know that themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneRunner:
    """How a sweep is carried out.

    Attributes:
        address: Of a Ray cluster; null starts Ray on this machine.
        command: The process of a run.
        num_cpus: Cores that Ray gives out on this machine; null is all.
    """

    address: str | None = None
    command: Sequence[str] = field(default=COMMAND)
    num_cpus: int | None = None

    def run(self, schedule: TrialSchedule) -> None:
        """Runs everything on the agenda.

        Raises:
            RunError: Ray is not installed or not there, no machine has what a run takes, or Ray has come to an end.
        """
        self._start_ray(schedule.sweep)
        import ray
        import ray.tune

        try:
            self._make_tuner(schedule).fit()
        except (ray.exceptions.RayError, ray.tune.TuneError) as error:
            first, *_ = str(error).splitlines() or [type(error).__name__]
            raise RunError(
                f"Ray has ended the sweep: {first} Nothing is lost: the same command with --resume goes on."
            ) from error
        finally:
            ray.shutdown()
            shutil.rmtree(schedule.folder / ".ray", ignore_errors=True)

    def _start_ray(self, sweep: Sweep) -> None:
        os.environ.update(_RAY_VARIABLES)
        try:
            import ray
        except ImportError:
            raise RunError('a sweep needs Ray. Install it with: pip install "archnet[sweep]"') from None
        local: dict[str, Any] = {
            "address": "local",
            "num_cpus": self.num_cpus,
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
        }
        try:
            if self.address:
                _check_address(self.address)
            ray.init(
                **({"address": self.address} if self.address else local),
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, ValueError, ray.exceptions.RaySystemError) as error:
            first, *_ = str(error).splitlines() or [type(error).__name__]
            raise RunError(f"--address {self.address}: no Ray cluster answers there: {first}") from None
        for name in ("ray", "ray.tune", "ray.train"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        _check_resources(sweep, ray.nodes())

    def _make_tuner(self, schedule: TrialSchedule) -> Any:
        from ray import tune

        from archnet.sweep.searcher import JobSearcher
        from archnet.sweep.supervisor import Supervisor

        sweep = schedule.sweep
        share = {"cpu": sweep.resources.cpus, **({"gpu": sweep.resources.gpus} if sweep.resources.gpus else {})}
        return tune.Tuner(
            tune.with_resources(Supervisor, share),
            tune_config=tune.TuneConfig(
                reuse_actors=True,
                search_alg=JobSearcher(schedule, self.job_config),
                scheduler=_make_scheduler(schedule),
                num_samples=-1,
                trial_name_creator=lambda trial: str(trial.trial_id),
                trial_dirname_creator=lambda trial: str(trial.trial_id),
            ),
            run_config=tune.RunConfig(
                name=".ray",
                storage_path=str(schedule.folder.resolve()),
                verbose=0,
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )

    def job_config(self, schedule: TrialSchedule, job: Job) -> dict[str, Any]:
        """What a supervisor needs to know of a run."""
        sweep, folder = schedule.sweep, trial_folder(schedule.folder, job.number).resolve()
        experiments = sweep.experiments(schedule.trials[job.number].values)
        experiment = next(one for one in experiments if run_name(one) == job.run)
        evaluated_sets = [name for name in SETS if name != "test"] if sweep.has_search_space else SETS
        is_stoppable, device = sweep.scheduler is not None, "gpu" if sweep.resources.gpus > 1 else None
        task = training_task(
            _portable_document(experiment),
            folder,
            sweep.metric,
            evaluated_sets,
            is_stoppable=is_stoppable,
            device=device,
        )
        variables = {name: os.environ[name] for name in _FORWARDED_VARIABLES if name in os.environ}
        variables |= {name: str(Path(variables[name]).resolve()) for name in _FOLDER_VARIABLES if name in variables}
        return {
            "command": list(self.command),
            "order": json.dumps(task),
            "environment": (sweep.resources.cpus, sweep.resources.gpus, variables),
            "folder": str(folder),
            "run": str(folder / job.run),
            "errors": str(folder / f"{job.run}.txt"),
            "metric": sweep.metric,
        }


def _check_address(address: str) -> None:
    """That somebody listens where a cluster is said to be; Ray itself waits for many minutes.

    Raises:
        ConnectionError: Nobody does.
    """
    host, _, port = address.rpartition(":")
    if not host or "://" in address or not port.isdecimal():
        return
    try:
        with socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS):
            pass
    except OSError as error:
        raise ConnectionError(str(error)) from None


def _portable_document(experiment: Experiment) -> dict[str, Any]:
    """The experiment as another machine, or another folder, understands it."""
    document = experiment.to_document()
    if document["data"].get("root"):
        document["data"]["root"] = str(Path(document["data"]["root"]).resolve())
    return document


def _check_resources(sweep: Sweep, nodes: Sequence[dict[str, Any]]) -> None:
    """That some machine has what a run takes.

    Raises:
        RunError: None has.
    """
    requirements = {"CPU": sweep.resources.cpus, "GPU": sweep.resources.gpus}
    node_resources = [node["Resources"] for node in nodes if node["Alive"]]
    if any(all(node.get(kind, 0) >= number for kind, number in requirements.items()) for node in node_resources):
        return
    most = {kind: max((node.get(kind, 0) for node in node_resources), default=0) for kind in requirements}
    raise RunError(
        f"a run takes {requirements['CPU']:g} CPUs and {requirements['GPU']:g} GPUs, but no machine has them: there "
        f"are at most {most['CPU']:g} CPUs and {most['GPU']:g} GPUs. Lower the sweep's resources, or join a cluster "
        "with --address."
    )


def _make_scheduler(schedule: TrialSchedule) -> Any:
    """ASHA, if the sweep has it, that knows the runs that ended before an interruption; null ends no run early."""
    from types import SimpleNamespace

    from ray.tune.schedulers import AsyncHyperBandScheduler

    asha, metric = schedule.sweep.scheduler, schedule.sweep.metric
    if asha is None:
        return None
    scheduler: Any = AsyncHyperBandScheduler(
        time_attr="epoch",
        metric="value",
        mode="min" if is_lower_better(metric) else "max",
        max_t=_MAX_EPOCHS,
        grace_period=asha.grace_epochs,
        reduction_factor=asha.reduction,
    )
    for trial in schedule.trials.values():
        for name, run in trial.runs.items():
            tune_trial = SimpleNamespace(trial_id=f"{trial.number}/{name}", last_result=None)
            scheduler.on_trial_add(None, tune_trial)
            values = read_learning_curve(trial_folder(schedule.folder, trial.number) / name, metric).values
            for epoch, value in enumerate(values if run.state in ("finished", STOPPED) else (), start=1):
                if not isnan(value):
                    scheduler.on_trial_result(None, tune_trial, {"epoch": epoch, "value": value})
    return scheduler
