"""The plan of a versus: its variants, and the sweep that trains each of them with each seed on the same cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archnet.data import open_dataset
from archnet.errors import RunError, pluralize
from archnet.files.progress import Progress, no_progress
from archnet.files.strict_json import Document
from archnet.spec.experiment import Experiment, Split
from archnet.spec.sweeps.document import parse_sweep
from archnet.spec.sweeps.sweep import Resources, Sweep
from archnet.versus.plan.form_names import FORMS, FormName, Match
from archnet.versus.plan.variants import Variant, make_variants


@dataclass(frozen=True, slots=True, kw_only=True)
class VersusOptions:
    """The forms, matches, seeds and folds that a versus compares.

    Attributes:
        forms: The forms, in the order of comparisons.
        matches: The rules by which twins are scaled.
        seeds: Number of trainings of each variant.
        folds: Number of folds of a cross-validation; None uses the experiment's split.
        resources: The resources of each run.
        margin: Margin of non-inferiority; None for no test of it.
    """

    forms: tuple[FormName, ...] = tuple(FORMS)
    matches: tuple[Match, ...] = ("none",)
    seeds: int = 5
    folds: int | None = None
    resources: Resources = field(default_factory=Resources)
    margin: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersusPlan:
    """The networks and runs of a versus.

    Attributes:
        experiment: The experiment of the original.
        variants: The architectures, in the order of their trials.
        options: What is compared.
        sweep: A trial for each variant, with a run for each seed and fold.
    """

    experiment: Experiment
    variants: tuple[Variant, ...]
    options: VersusOptions
    sweep: Sweep

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.sweep.name

    @property
    def runs_per_variant(self) -> int:
        """Number of runs of each variant."""
        return self.options.seeds * (self.options.folds or 1)

    @property
    def num_runs(self) -> int:
        """Number of runs of all variants."""
        return len(self.variants) * self.runs_per_variant

    def experiment_of(self, variant: Variant) -> Experiment:
        """The experiment of the first run of a variant."""
        return self.sweep.experiments({"arch": variant.name})[0]


def plan_versus(
    experiments: Sequence[Experiment], options: VersusOptions, progress: Progress = no_progress
) -> VersusPlan:
    """Create the twins of an architecture for its data, and the sweep that trains them.

    Args:
        experiments: The experiment of the original, one for each fold.
        options: What is compared.
        progress: Wraps long iterations while the lists of the data set are read.

    Raises:
        ArchnetError: There are several architectures, the data cannot be used, or a twin cannot be created.
    """
    experiment = experiments[0]
    _check_experiment(experiments)
    options = replace(options, folds=options.folds or experiment.split.folds)
    dataset = open_dataset(experiment.data, progress)
    variants = make_variants(
        experiment.arch,
        options.forms,
        options.matches,
        dataset.shape,
        len(dataset.cases.classes),
        experiment.training.members,
    )
    document = _sweep_document(experiment, variants, options)
    return VersusPlan(
        experiment=experiment,
        variants=variants,
        options=options,
        sweep=parse_sweep(Document(value=document, source=experiment.arch.document.source)),
    )


def _check_experiment(experiments: Sequence[Experiment]) -> None:
    """Check that an experiment has one architecture and that slices are not its channels.

    Raises:
        RunError: There are several architectures, or slices are channels.
    """
    names = dict.fromkeys(experiment.arch.name for experiment in experiments)
    if len(names) > 1:
        raise RunError(
            f"versus expects one architecture, but got {pluralize(len(names), 'architecture')}: "
            f"{', '.join(names)}. Name one of them."
        )
    if experiments[0].data.view == "slices-as-channels":
        raise RunError(
            'data.view is "slices-as-channels", but the 2D form uses the central slice, and its 2.5D form '
            "is made by VIEWS. Remove data.view."
        )


def _sweep_document(experiment: Experiment, variants: Sequence[Variant], options: VersusOptions) -> dict[str, Any]:
    """The sweep as a document: its only hyperparameter is the architecture."""
    base = experiment.to_document()
    base["data"]["view"] = None  # each form has its own
    base["split"] |= {"folds": None, "fold": None}
    if base["split"]["test"] is None:
        base["split"]["test"] = Split().test  # the folds of the sweep replace it
    return {
        "name": f"{experiment.name}-versus-{experiment.arch.name}",
        "base": base,
        "space": {"arch": [variant.arch.to_document() for variant in variants]},
        **({"seeds": options.seeds} if options.seeds > 1 else {}),
        **({"folds": options.folds} if options.folds else {}),
        "resources": {"cpus": options.resources.cpus, "gpus": options.resources.gpus},
    }
