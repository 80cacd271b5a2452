"""The runs of a versus that can be compared, and those that failed, from its folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from archnet.evaluation.run_folder import is_finished, read_json
from archnet.sweep.results.trials import FAILED, REFUSED, Trial, TrialRun, read_trials, trial_folder
from archnet.versus.plan.variants import Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A run that failed, or a variant that was refused before it started.

    Attributes:
        variant: The name of the variant.
        run: The name of the run's folder; empty if the whole variant is refused.
        reason: Why it failed or was refused.
    """

    variant: str
    run: str
    reason: str

    def to_document(self) -> dict[str, Any]:
        """The failure as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedVariant:
    """A variant with its comparable runs.

    Attributes:
        variant: The variant.
        folders: Its finished runs; in a cross-validation, only seeds with all folds finished.
        failures: Its failed runs.
    """

    variant: Variant
    folders: tuple[Path, ...]
    failures: tuple[Failure, ...]


def read_finished_variants(folder: Path, variants: Sequence[Variant]) -> tuple[FinishedVariant, ...]:
    """Read the state of each variant; its trial number is its index in the plan.

    Raises:
        DataError: A file is damaged.
    """
    trials = {trial.number: trial for trial in read_trials(folder)}
    return tuple(_read_variant(folder, number, variant, trials) for number, variant in enumerate(variants))


def _read_variant(folder: Path, number: int, variant: Variant, trials: dict[int, Trial]) -> FinishedVariant:
    trial = trials.get(number)
    if trial is None:
        return FinishedVariant(variant=variant, folders=(), failures=())
    own_folder = trial_folder(folder, number)
    finished = [own_folder / name for name in trial.runs if is_finished(own_folder / name)]
    return FinishedVariant(
        variant=variant,
        folders=tuple(_whole_seeds(finished, len(trial.runs))),
        failures=tuple(_failures(variant, trial)),
    )


def _failures(variant: Variant, trial: Trial) -> list[Failure]:
    if trial.state == REFUSED:
        return [Failure(variant=variant.name, run="", reason=trial.reason or "")]
    failed: dict[str, TrialRun] = {name: run for name, run in trial.runs.items() if run.state == FAILED}
    return [Failure(variant=variant.name, run=name, reason=run.reason or "") for name, run in failed.items()]


def _whole_seeds(folders: Sequence[Path], num_runs: int) -> list[Path]:
    """The runs of the seeds whose folds have all finished."""
    if len(folders) == num_runs:
        return list(folders)
    documents = {folder: read_json(folder / "experiment.json") for folder in folders}
    num_finished = Counter(document["training"]["seed"] for document in documents.values())
    return [
        folder
        for folder, document in documents.items()
        if num_finished[document["training"]["seed"]] == (document["split"].get("folds") or 1)
    ]
