"""Run a schedule with Ray Tune, which places runs on machines, notices lost machines and stops weak runs early."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from archnet.errors import RunError
from archnet.files.user_folders import DATA_VARIABLE, STORE_VARIABLE
from archnet.machine import usable_cores
from archnet.runs.folders.experiment_folder import run_name
from archnet.spec.sweeps.sweep import Sweep
from archnet.sweep.asha import make_scheduler
from archnet.sweep.results.trials import trial_folder
from archnet.sweep.schedule import Job, TrialSchedule
from archnet.sweep.session_watch import SessionWatch, check_address, find_ended_server, watch_session
from archnet.sweep.trial_process import training_task

COMMAND: Final = (sys.executable, "-m", "archnet.sweep.trial_process")
"""The process that a supervisor starts for each run."""

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
"""Ray sends no usage statistics, writes no logs of its own, and leaves Ctrl-C to archnet. If memory runs out, the
system kills the largest process, a run; Ray's memory monitor would kill its supervisors and all runs with them."""

_LOCAL_VARIABLES: Final = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "10",
    "RAY_health_check_period_ms": "1000",
}
"""Without clusters, as by default on Windows and macOS, all ports of Ray are on 127.0.0.1. A lost control service ends
Ray's processes after 10 s instead of 60 s, and a lost raylet is noticed after 5 s instead of 15 s."""

_FORWARDED_VARIABLES: Final = (DATA_VARIABLE, STORE_VARIABLE, "KERAS_BACKEND")
"""Variables of the sweep's process that its runs inherit, on any machine."""

_FOLDER_VARIABLES: Final = (DATA_VARIABLE, STORE_VARIABLE)
"""The forwarded variables that name folders, which may be relative to the working folder of the sweep."""

_OBJECT_STORE_BYTES: Final = 100_000_000
"""Size of Ray's shared memory; nothing large passes through it."""


class SessionLostError(RunError):
    """Ray has failed; another session may resume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneRunner:
    """Runs a schedule with Ray Tune.

    Attributes:
        address: Address of a Ray cluster; None starts Ray on this machine.
        command: The command of the process of a run.
        num_cpus: Number of cores of this machine that Ray may use; None uses those that this process may use.
        on_lost: Called from another thread with the reason if Ray is lost, after which `run` may never return.
    """

    address: str | None = None
    command: Sequence[str] = field(default=COMMAND)
    num_cpus: int | None = None
    on_lost: Callable[[str], None] = lambda reason: None

    def run(self, schedule: TrialSchedule) -> None:
        """Run all jobs of a schedule.

        Raises:
            SessionLostError: Ray cannot be started on this machine, or it has failed.
            RunError: Ray is not installed, its cluster does not answer, or no machine has the resources of a run.
        """
        self._start_ray()
        import ray
        import ray.tune

        watch = SessionWatch()
        try:
            with watch_session(watch.problem, self.on_lost):
                _check_resources(schedule.sweep, ray.nodes())
                self._make_tuner(schedule, lambda: watch.problem() is None).fit()
        except (ray.exceptions.RayError, ray.tune.TuneError) as error:
            raise SessionLostError(f"Ray has stopped the sweep: {_first_line(error)}") from error
        finally:
            ray.shutdown()
            shutil.rmtree(schedule.folder / ".ray", ignore_errors=True)

    def _start_ray(self) -> None:
        os.environ.update(_RAY_VARIABLES | ({} if self.address else _LOCAL_VARIABLES))
        require_ray()
        if self.address:
            self._join_cluster(self.address)
        else:
            self._start_local_ray()
        for name in ("ray", "ray.tune", "ray.train"):
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def _join_cluster(self, address: str) -> None:
        import ray

        try:
            check_address(address)
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RaySystemError) as error:
            raise RunError(
                f"--address {address}: no Ray cluster responds at this address: {_first_line(error)}"
            ) from None

    def _start_local_ray(self) -> None:
        import ray

        try:
            with watch_session(find_ended_server, self.on_lost):
                ray.init(
                    address="local",
                    num_cpus=self.num_cpus or usable_cores(),
                    include_dashboard=False,
                    object_store_memory=_OBJECT_STORE_BYTES,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
        except (Exception, SystemExit) as error:  # Ray raises both of them, as such, if a server ends at its start
            raise SessionLostError(f"Ray cannot start: {_first_line(error)}") from error

    def _make_tuner(self, schedule: TrialSchedule, is_session_alive: Callable[[], bool]) -> Any:
        from ray import tune

        from archnet.sweep.searcher import JobSearcher
        from archnet.sweep.supervisor import Supervisor

        resources = schedule.sweep.resources
        run_resources = {"cpu": resources.cpus, **({"gpu": resources.gpus} if resources.gpus else {})}
        return tune.Tuner(
            tune.with_resources(Supervisor, run_resources),
            tune_config=tune.TuneConfig(
                reuse_actors=True,
                search_alg=JobSearcher(schedule, self.job_config, is_session_alive),
                scheduler=make_scheduler(schedule),
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
        """The config of the supervisor of a job."""
        sweep, folder = schedule.sweep, trial_folder(schedule.folder, job.number).resolve()
        return {
            "command": list(self.command),
            "order": json.dumps(_job_task(schedule, job, folder)),
            "environment": (sweep.resources.cpus, sweep.resources.gpus, _forwarded_variables()),
            "folder": str(folder),
            "run": str(folder / job.run),
            "errors": str(folder / f"{job.run}.txt"),
            "metric": sweep.metric,
        }


def require_ray() -> None:
    """Check that Ray is installed.

    Raises:
        RunError: Ray is not installed.
    """
    if find_spec("ray") is None:
        raise RunError('a sweep needs Ray. Install it with: pip install "archnet[sweep]"')


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _job_task(schedule: TrialSchedule, job: Job, folder: Path) -> dict[str, Any]:
    """The training task of a job."""
    sweep = schedule.sweep
    experiments = sweep.experiments(schedule.trials[job.number].values)
    experiment = next(experiment for experiment in experiments if run_name(experiment) == job.run)
    return training_task(
        schedule.planner.measure(experiment).to_document(),
        folder,
        sweep.metric,
        schedule.evaluated_sets,
        is_stoppable=sweep.scheduler is not None,
        device="gpu" if sweep.resources.gpus > 1 else None,
    )


def _forwarded_variables() -> dict[str, str]:
    variables = {name: os.environ[name] for name in _FORWARDED_VARIABLES if name in os.environ}
    folders = {name: str(Path(variables[name]).resolve()) for name in _FOLDER_VARIABLES if name in variables}
    return variables | folders


def _check_resources(sweep: Sweep, nodes: Sequence[dict[str, Any]]) -> None:
    """Check that some machine has the resources of a run.

    Raises:
        RunError: No machine has them.
    """
    requirements = {"CPU": sweep.resources.cpus, "GPU": sweep.resources.gpus}
    node_resources = [node["Resources"] for node in nodes if node["Alive"]]
    if any(all(node.get(kind, 0) >= number for kind, number in requirements.items()) for node in node_resources):
        return
    most = {kind: max((node.get(kind, 0) for node in node_resources), default=0) for kind in requirements}
    raise RunError(
        f"a run needs {requirements['CPU']:g} CPUs and {requirements['GPU']:g} GPUs, but no machine has them: there "
        f"are at most {most['CPU']:g} CPUs and {most['GPU']:g} GPUs. Lower the sweep's resources, or join a cluster "
        "with --address."
    )
