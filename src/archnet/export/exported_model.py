"""Export the model of a run to another format, with a model card, and check it against Keras."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.evaluation.integrity.verification import EXPORT_FILES, verify_run
from archnet.evaluation.run_folder import find_run_folders
from archnet.export.card import model_card
from archnet.files.atomic import atomic_folder, write_json
from archnet.files.locks import lock_output
from archnet.files.strict_json import read_document
from archnet.report.run_files import RunFiles, read_run_files
from archnet.runs.preparation.training_scans import TRAINING_SCANS_FILE, hashed_training_scans
from archnet.spec.resolve import parse_experiments
from archnet.spec.view import InputLimits, network_input

TOLERANCE: Final = 1e-5
"""Largest allowed difference between an exported model's probabilities and Keras's."""

NUM_REAL, NUM_NOISE = 9, 4
"""Number of cases for the check of an export: cases of the run, and noise within and beyond the window."""

CARD: Final = "MODEL_CARD.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedModel:
    """An exported model.

    Attributes:
        folder: The new folder.
        model: The model in it, a file or a folder.
        difference: The largest difference between its probabilities and Keras's.
        num_real: Number of the run's cases that it was checked on.
        num_noise: Number of noise cases that it was checked on.
    """

    folder: Path
    model: Path
    difference: float
    num_real: int
    num_noise: int

    @property
    def card(self) -> Path:
        """The model card."""
        return self.folder / CARD

    def to_document(self) -> dict[str, Any]:
        """The result, JSON-ready, as `archnet export --json` prints it."""
        counts = {"real": self.num_real, "noise": self.num_noise}
        paths = {"folder": str(self.folder), "model": str(self.model), "card": str(self.card)}
        return {**paths, "largest_difference": self.difference, "tolerance": TOLERANCE, "num_checked": counts}


def export_run(run: Path, form: str, out: Path | None = None) -> ExportedModel:
    """Write a new folder with a run's model, from raw values (HU) to probabilities, and its card.

    Args:
        run: The run folder.
        form: One of `network.export.EXPORT_FORMATS`.
        out: The new folder. Defaults to `export-<form>` in the run folder.

    Raises:
        DataError: A file of the run is damaged or has changed since it was finished.
        RunError: The run has no model, the format is unknown, the folder exists, a package is missing, the
            model outputs NaN, or the exported model's probabilities differ from Keras's.
    """
    from archnet.network.backend import start_quietly

    start_quietly()
    from archnet.network.export import check_format

    check_format(form)
    folder = out or run / f"export-{form}"
    with lock_output(folder):
        return _export(run, form, folder)


def _export(run: Path, form: str, folder: Path) -> ExportedModel:
    from archnet.network import export as network
    from archnet.network.scaling import input_limits
    from archnet.network.trained_model import load_run_model, nan_error

    if folder.exists():
        raise RunError(f"{folder}: already exists and is not overwritten. Remove it, or choose another with --out.")
    files = _read_run_with_model(run)
    model, export_format = load_run_model(run), network.EXPORT_FORMATS[form]
    shape, limits = tuple(model.input_shape[1:]), input_limits(model)
    real, noise = _real_cases(files, limits), _noise_cases(shape, limits)
    images = np.concatenate([*real, noise])
    if not np.isfinite(network.predict_function(model)(images)).all():
        raise nan_error(run / "model.keras", "outputs NaN instead of probabilities")
    with atomic_folder(folder) as draft:
        path = draft / export_format.name
        export_format.write(model, path)
        difference = network.largest_difference(model, export_format.read(path), images)
        _check_difference(difference, folder, form)
        draft.joinpath(CARD).write_text(model_card(files, shape, limits, path.name), encoding="utf-8")
        training = hashed_training_scans(run)
        if training is not None:
            write_json(draft / TRAINING_SCANS_FILE, training.to_document())
    return ExportedModel(
        folder=folder,
        model=folder / path.name,
        difference=difference,
        num_real=sum(map(len, real)),
        num_noise=len(noise),
    )


def _read_run_with_model(run: Path) -> RunFiles:
    """Read the files of a finished run, which must have a network."""
    (first, *_) = find_run_folders([run])
    if first != run:
        raise RunError(f"{run}: is not a run folder, but contains some. Name one of them, such as {first}.")
    if not (run / "model.keras").is_file():
        raise RunError(f"{run}: has no model.keras to export. Name a run of a network.")
    verify_run(run, EXPORT_FILES)
    return read_run_files(run)


def _real_cases(files: RunFiles, limits: InputLimits) -> list[NDArray[np.float32]]:
    """The stored cases of the run folder as network input in raw values; empty if there are none."""
    if files.gallery is None:
        return []
    (experiment,) = parse_experiments(read_document(files.folder / "experiment.json"))
    return [network_input(files.gallery.raw_channels(slice(-NUM_REAL, None), limits), experiment)]


def _noise_cases(shape: tuple[int, ...], limits: InputLimits) -> NDArray[np.float32]:
    low, high = np.array(limits.hulls).T
    width = high - low
    noise = np.random.default_rng(0).uniform(low - width / 2, high + width / 2, (NUM_NOISE, *shape))
    return noise.astype(np.float32)


def _check_difference(difference: float, folder: Path, form: str) -> None:
    if not difference <= TOLERANCE:
        raise RunError(
            f"{folder}: was not written: the probabilities of the {form} model differ from Keras's by up to "
            f"{difference:.2g}; at most {TOLERANCE:g} is allowed. Export it as keras, and report this with the "
            "architecture."
        )
