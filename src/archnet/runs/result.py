"""`Run`: a finished run in Python."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.errors import ArchnetError, RunError
from archnet.evaluation.integrity.verification import verify_run
from archnet.evaluation.predictions import Predictions, read_run_predictions
from archnet.evaluation.run_folder import (
    find_named_run,
    find_run_folders,
    is_baseline,
    is_finished,
    is_stacked,
    read_history,
    read_json,
)
from archnet.files.path_argument import path_argument
from archnet.runs.folders.experiment_folder import is_started
from archnet.spec.experiment import SETS

if TYPE_CHECKING:
    import keras

    from archnet.evaluation.comparison.comparison import Comparison

_NETWORK_FILES: Final = {"model.keras": "model", "history.csv": "training history"}
"""Files that baselines do not have."""


class Run:
    """A finished run; its files are read on first access.

    >>> run = archnet.load_run("runs/phantom/arch3dsm")  # doctest: +SKIP
    >>> run.metrics["test"]["recall"]  # doctest: +SKIP
    >>> pandas.DataFrame(run.history)  # doctest: +SKIP

    Attributes:
        folder: The run folder.
    """

    def __init__(self, folder: PathLike[str] | str) -> None:
        self.folder = path_argument(folder, "folder")

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def __fspath__(self) -> str:
        return str(self.folder)

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json: results by set ("train", "validation", "test"), classes and costs.

        Raises:
            ArchnetError: The run is not finished, or the file is damaged.
        """
        return read_json(self._require("metrics.json"))

    @cached_property
    def history(self) -> dict[str, NDArray[np.float64]]:
        """The columns of history.csv, such as "train_loss", one value for each epoch; undefined numbers are NaN.

        Raises:
            ArchnetError: The run is unfinished or a baseline, or the file is damaged.
        """
        columns = read_history(self._require("history.csv"))
        return {name: np.array(values, np.float64) for name, values in columns.items()}

    @cached_property
    def predictions(self) -> Predictions:
        """The class probabilities of every case.

        Raises:
            ArchnetError: The run is not finished, or the file is damaged.
        """
        self._require("predictions.csv")
        verify_run(self.folder, ["split.csv"])
        return read_run_predictions(self.folder, [name for name in SETS if name in self.metrics])

    @cached_property
    def model(self) -> keras.Model:
        """The trained Keras model: (N, height, width[, depth], channels) raw values (HU) in, (N, K) probabilities out.

        Raises:
            ArchnetError: The run is unfinished or a baseline, or the file is damaged.
        """
        path = self._require("model.keras")
        verify_run(self.folder, ["metrics.json", "network.json"])
        from archnet.network.backend import start_quietly

        start_quietly()
        from archnet.network.trained_model import load_run_model

        return load_run_model(path.parent)

    @property
    def report(self) -> Path:
        """The path of report.html, the page with all results.

        Raises:
            ArchnetError: The run is not finished, or the page is missing.
        """
        return self._require("report.html")

    def _require(self, name: str) -> Path:
        """The path of one of the run's files.

        Raises:
            RunError: The file is missing; the message gives the reason and the remedy.
            DataError: The file has changed since the run was finished.
        """
        path = self.folder / name
        if is_finished(self.folder):
            verify_run(self.folder, [name])
        if not path.exists():
            raise RunError(f"{self.folder}: {_missing_reason(self.folder, name)}")
        return path

    def _repr_html_(self) -> str:
        """The run's results, for notebooks."""
        from archnet.report.html.notebook_tables import message_html, run_html
        from archnet.report.run_files import read_run

        try:
            self._require("metrics.json")
            return run_html(read_run(self.folder))
        except ArchnetError as error:
            return message_html(f"{self!r}: {error}")


def load_run(folder: PathLike[str] | str) -> Run:
    """Load a finished run.

    >>> archnet.load_run("runs/phantom/arch3dsm").predictions.select("test").probabilities  # doctest: +SKIP

    Args:
        folder: A run folder, or an experiment folder with a single run.

    Returns:
        The run.

    Raises:
        ArchnetError: The run is not finished, or the folder contains no run or more than one.
    """
    path = find_named_run(path_argument(folder, "folder"))
    if path.is_dir() and not is_finished(path) and (path / "arch.json").exists():
        raise RunError(f"{path}: {_missing_reason(path, 'metrics.json')}")
    first, *others = find_run_folders([path])
    if others:
        raise RunError(f"{path}: contains {len(others) + 1} runs. Choose one, such as {first}.")
    return Run(first)


def _missing_reason(folder: Path, name: str) -> str:
    """The reason why a file is missing from a run folder, and the remedy."""
    if not folder.is_dir():
        return "no such folder. Pass the folder of a finished run."
    if not is_finished(folder):
        return _unfinished_reason(folder)
    document = read_json(folder / "experiment.json") if name in _NETWORK_FILES else {}
    if is_stacked(document):
        return f"combines a network with a baseline, and has no {_NETWORK_FILES[name]}. Choose the run of the network."
    if is_baseline(document):
        return f"is a baseline, which has no {_NETWORK_FILES[name]}. Choose a run of a network."
    if name == "report.html":
        return f'{name} is missing. Write it with archnet.write_report("{folder}").'
    return f"{name} is missing, although the run is finished. Restore the file, or run the experiment again."


def _unfinished_reason(folder: Path) -> str:
    if is_started(folder):
        return "this run was interrupted. Run the same experiment with resume=True (--resume) to finish it."
    if (folder / "experiment.json").exists():
        return "this run is not finished. Finish its experiment, or choose a different run folder."
    return "is not a run folder: metrics.json is missing. Pass the folder of a finished run."


class Runs(list[Run]):
    """The finished runs of one call, and their comparison.

    Attributes:
        comparison: Comparison of all finished runs in the experiment folder; None where there are fewer than two, or
            they cannot be compared.
    """

    def __init__(self, runs: Iterable[Run], comparison: Comparison | None) -> None:
        super().__init__(runs)
        self.comparison = comparison
