"""Log finished run folders to an MLflow tracking store: one MLflow run per folder, replaced when logged again."""

from __future__ import annotations

import logging
import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from archnet.errors import RunError
from archnet.evaluation.integrity.verification import verify_run
from archnet.evaluation.run_folder import read_json
from archnet.files.locks import LOCK_FILE, LockedError, hold_lock
from archnet.spec.outputs.metrics_file import read_all_results
from archnet.tracking.tracked_values import Point, epoch_points, final_points, set_parameters

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

STORE: Final = "mlflow.db"
"""The default store, a database next to the experiment folders, if MLFLOW_TRACKING_URI is not set."""

MLFLOW_PACKAGES: Final = ("mlflow", "sqlalchemy", "alembic")
FIGURES: Final = "figures"
"""Folder of a run's figures, including the confusion matrix of each set, and of their artifacts."""

ARTIFACTS: Final = ("report.html", "metrics.json", "experiment.json")
TRACKED_FILES: Final = ("history.csv", *ARTIFACTS, f"{FIGURES}/")
"""Files that are read from a run folder."""
FOLDER_TAG: Final = "archnet.folder"
"""Tag with the machine and the folder of a run."""

_MAX_NAME_LENGTH: Final = 250
_MAX_PARAM_LENGTH: Final = 6000
"""Maximum length of a parameter in MLflow."""
_SQLITE: Final = "sqlite:///"
_LOCK_SECONDS: Final = 300
"""Time to wait for the lock of a database; other processes hold it while they create tables or log a run."""

_CHUNK_SIZE: Final = 100
"""Maximum number of parameters in one call of MLflow."""


class MlflowStore:
    """A tracking store of MLflow.

    Attributes:
        uri: Its address.
        artifacts: Artifact folder of new experiments; None if the store is a server, which chooses it.
    """

    def __init__(self, runs: Path) -> None:
        """Open the store that MLFLOW_TRACKING_URI names, by default `STORE` in the folder of all experiments.

        Raises:
            RunError: MLflow is missing, or the store cannot be opened.
        """
        _check_installed()
        tracking_uri = os.environ.get("MLFLOW_TRACKING_URI")
        self.uri = tracking_uri or f"sqlite:///{runs.resolve() / STORE}"
        is_server = self.uri.startswith(("http:", "https:", "databricks"))
        self.artifacts = None if is_server else runs.resolve() / "mlartifacts"
        if tracking_uri is None:
            runs.mkdir(parents=True, exist_ok=True)
        remedy = "Set MLFLOW_TRACKING_URI to a store."
        with _translate_errors(f"--track mlflow: {self.uri} cannot be used", remedy), _lock_database(self.uri):
            self._client = _client(self.uri)

    def add(self, folder: Path) -> str:
        """Log a finished run; an earlier one of the same folder is replaced.

        Args:
            folder: The run folder.

        Returns:
            MLflow's id of the run.

        Raises:
            RunError: The run is not finished, or the store rejects it.
            DataError: A file of the run has changed since it finished.
        """
        verify_run(folder, TRACKED_FILES)
        document, metrics = read_json(folder / "experiment.json"), read_all_results(folder)
        tag = f"{platform.node()}:{folder.resolve().as_uri()}"
        remedy = "Repair the store, then run again with --resume to log the finished runs."
        with (
            _translate_errors(f"{folder}: the run is finished, but cannot be logged to {self.uri}", remedy),
            _lock_database(self.uri),
        ):
            experiment = self._find_or_create_experiment(str(document.get("name", folder.resolve().parent.name)))
            for older in self._client.search_runs([experiment], f"tags.`{FOLDER_TAG}` = '{tag}'"):
                self._client.delete_run(older.info.run_id)
            end = int((folder / "metrics.json").stat().st_mtime * 1000)
            start = end - int(1000 * (metrics.get("train_seconds") or 0))
            run = self._client.create_run(experiment, start, {FOLDER_TAG: tag}, folder.resolve().name)
            self._log_run(
                run.info.run_id,
                folder,
                set_parameters(document),
                [*epoch_points(folder, start), *final_points(metrics, end)],
            )
            self._client.set_terminated(run.info.run_id, end_time=end)
        return str(run.info.run_id)

    def _find_or_create_experiment(self, name: str) -> str:
        existing = self._client.get_experiment_by_name(name)
        if existing:
            return str(existing.experiment_id)
        artifact_uri = self.artifacts and (self.artifacts / re.sub(r"\W", "_", name)).as_uri()
        return str(self._client.create_experiment(name, artifact_location=artifact_uri))

    def _log_run(self, run: str, folder: Path, params: Mapping[str, str], points: Sequence[Point]) -> None:
        from mlflow.entities import Metric, Param

        for keys in _chunks(list(params)):
            self._client.log_batch(
                run, params=[Param(_clean_name(key), params[key][:_MAX_PARAM_LENGTH]) for key in keys]
            )
        for part in _chunks(points):
            self._client.log_batch(run, metrics=[Metric(_clean_name(name), *rest) for name, *rest in part])
        for name in ARTIFACTS:
            self._client.log_artifact(run, str(folder / name))
        for figure in sorted((folder / FIGURES).glob("*.*")):
            self._client.log_artifact(run, str(figure), FIGURES)


@contextmanager
def _lock_database(uri: str) -> Iterator[None]:
    """Hold an exclusive lock on a database while the block runs; servers need none.

    Two processes that create the tables of a new database concurrently would fail.

    Raises:
        RunError: Another process does not release the lock in time.
    """
    path = Path(uri.partition("?")[0].removeprefix(_SQLITE))
    if not uri.startswith(_SQLITE) or not path.parent.is_dir():
        yield
        return
    with ExitStack() as held:
        try:
            held.enter_context(hold_lock(path.with_name(f".{path.name}{LOCK_FILE}"), timeout_s=_LOCK_SECONDS))
        except LockedError as error:
            raise RunError(
                f"--track mlflow: {uri} is in use by another archnet process: {error.holder}. Wait for it to end, then "
                "run again with --resume to log the finished runs."
            ) from None
        yield


def _clean_name(name: str) -> str:
    """A valid MLflow name: no special characters, no path; a long name is shortened in the middle."""
    text = re.sub(r"[^\w\-. ]", "_", name)
    return text if len(text) <= _MAX_NAME_LENGTH else text[: _MAX_NAME_LENGTH - 50] + text[-50:]


def _chunks(entries: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(entries), _CHUNK_SIZE):
        yield entries[start : start + _CHUNK_SIZE]


def _check_installed() -> None:
    missing = [name for name in MLFLOW_PACKAGES if find_spec(name) is None]
    if missing:
        raise RunError(
            f"--track mlflow: needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. "
            'Install what is missing: pip install "archnet[track]"'
        )


def _client(uri: str) -> MlflowClient:
    """A client connected to its store; MLflow's telemetry and log messages are disabled."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    client = MlflowClient(tracking_uri=uri)
    client.search_experiments(max_results=1)
    return client


@contextmanager
def _translate_errors(what: str, remedy: str) -> Iterator[None]:
    """Convert MLflow's errors to a RunError that names the failed operation and the remedy."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise RunError(f"{what}: {str(error).strip().splitlines()[0]} {remedy}") from error
