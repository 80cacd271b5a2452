"""Run: a finished run in Python."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archnet.evaluation.predictions import Predictions, read_predictions
from archnet.evaluation.run_folder import read_json

if TYPE_CHECKING:
    import keras


class Run:
    """A finished run, whose files are read when they are needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json."""
        return read_json(self.folder / "metrics.json")

    @cached_property
    def predictions(self) -> Predictions:
        """The class probabilities of every case."""
        return read_predictions(self.folder / "predictions.csv")

    @cached_property
    def model(self) -> keras.Model:
        """The trained model: raw values (HU) in, class probabilities out."""
        from archnet.network.predict import load_model

        return load_model(self.folder / "model.keras")
