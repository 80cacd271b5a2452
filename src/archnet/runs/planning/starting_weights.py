"""init.json: origin of a run's initial weights, layer by layer, and the log messages about it.

It does not import Keras, so a missing file is reported before the data are read.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from archnet.errors import RunError
from archnet.evaluation.integrity.verification import verify_run
from archnet.evaluation.run_folder import MODEL, find_weights_file, is_finished, read_optional_json
from archnet.files.atomic import write_json
from archnet.spec.experiment import Experiment

if TYPE_CHECKING:
    from archnet.network.training.setup import TrainingSetup

INIT_FILE: Final = "init.json"

log: Final = logging.getLogger("archnet")
init_log: Final = logging.getLogger("archnet.init")


def check_starting_weights(experiment: Experiment) -> None:
    """Check that the file with the initial weights exists, before the data are read.

    Raises:
        RunError: The file does not exist.
        DataError: The file of a finished run has changed.
    """
    if experiment.training.init is None:
        return
    folder = Path(experiment.training.init.weights)
    try:
        find_weights_file(folder)
    except ValueError as error:
        raise RunError(f"training.init: {error}") from None
    if folder.is_dir() and is_finished(folder):
        verify_run(folder, (MODEL,))


def write_starting_weights(
    folder: Path, setup: TrainingSetup, experiment: Experiment, *, is_first: bool = True
) -> None:
    """Write init.json of a new run and log it; without transferred weights, there is no such file.

    Args:
        folder: The run folder.
        setup: A training that starts.
        experiment: The run's experiment.
        is_first: Whether it is the first training of the run; later ones must start from the same file.

    Raises:
        RunError: The file has changed since the first training of the run.
    """
    document = _document(setup)
    if not is_first:
        _check_same_file(folder, document)
        return
    if document is None:
        (folder / INIT_FILE).unlink(missing_ok=True)
        return
    write_json(folder / INIT_FILE, document)
    _log_origins(document, experiment)


def _check_same_file(folder: Path, document: Mapping[str, Any] | None) -> None:
    first = read_optional_json(folder / INIT_FILE)
    if document is not None and (first is None or first["sha256"] != document["sha256"]):
        raise RunError(
            f"training.init: {document['weights']}: changed since the first member of this run was trained, so the "
            "members would start from different weights. Restore the file, or remove the run folder to start over."
        )


def _document(setup: TrainingSetup) -> dict[str, Any] | None:
    if setup.initial is None or setup.training.init is None:
        return None
    places = {
        name: f"$.layers[{index}]" for index, names in enumerate(setup.network.layer_names) for name in sorted(names)
    }
    rows = [
        {
            "place": places[origin.layer],
            "layer": origin.kind,
            "weights": origin.weights,
            "taken": origin.is_taken,
            "note": origin.note,
        }
        for origin in setup.initial.origins
    ]
    order = list(dict.fromkeys(places.values()))
    return {
        "weights": setup.training.init.weights,
        "file": setup.initial.file.name,
        "sha256": setup.initial.sha256,
        "layers": sorted(rows, key=lambda row: order.index(str(row["place"]))),
    }


def _log_origins(document: Mapping[str, Any], experiment: Experiment) -> None:
    """Log how many layers were transferred, and one line per layer of the architecture; log.txt lists all weights."""
    rows: Sequence[Mapping[str, Any]] = document["layers"]
    num_taken = sum(row["taken"] for row in rows)
    init_log.info("initial weights: %d of %d layers transferred from %s", num_taken, len(rows), document["weights"])
    for place, group in groupby(rows, key=lambda row: row["place"]):
        init_log.info("  %s %s", place, layer_text(list(group)))
    for row in rows:
        state = "transferred" if row["taken"] else "new"
        log.info("%s %s %s %s: %s", row["place"], row["layer"], row["weights"], state, row["note"])
    freeze = experiment.training.freeze
    frozen = freeze.indices(len(experiment.arch.layers)) if freeze else ()
    fresh = [row for row in rows if not row["taken"] and row["place"] in {f"$.layers[{index}]" for index in frozen}]
    if fresh:
        log.warning(
            "training.freeze: %d of the frozen layers have random weights; the first is %s: %s",
            len(fresh),
            fresh[0]["place"],
            fresh[0]["note"],
        )


def layer_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """The origin of the weights of one layer of the architecture, in one line.

    >>> layer_text([{"taken": True, "note": 'Conv2D "a"'}, {"taken": False, "note": "the file's network ends here"}])
    "1 of 2 transferred; new: the file's network ends here"
    """
    taken, fresh = ([row["note"] for row in rows if row["taken"] is state] for state in (True, False))
    counts = "transferred" if len(taken) == len(rows) else f"{len(taken)} of {len(rows)} transferred; " if taken else ""
    return f"{counts}: {taken[0]}" if not fresh else f"{counts}new: {fresh[0]}"
