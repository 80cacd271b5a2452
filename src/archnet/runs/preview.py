"""Preview of the data before training: a summary, and the slices of one case with augmented versions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.data import open_dataset
from archnet.data.dataset import Cases
from archnet.data.split import resolve_split
from archnet.errors import DataError, did_you_mean
from archnet.files.atomic import atomic_write
from archnet.files.disk import bytes_on_disk, format_bytes
from archnet.files.progress import Progress
from archnet.report.data_check_wording import attribute_text, label_texts
from archnet.runs.preparation import CaseSplit, make_preview_splits, resolve_auto_from_data
from archnet.runs.preparation.data_summary import summarize_attributes
from archnet.runs.preparation.prepared_data import label_summaries
from archnet.spec.augmentations import AUGMENTATIONS, Augmentation, shape_problem
from archnet.spec.experiment import SETS, Experiment
from archnet.spec.view import limits_text, picture_text, scale_picture

NUM_DRAWS = 10
"""Number of random results shown for each augmentation."""


def summarize_data(experiment: Experiment, progress: Progress) -> dict[str, Any]:
    """Summarize a data set, JSON-ready: classes, groups, shape, limits, and the sets of the split.

    If there are too few cases for the split, `split` states this instead of the sets.
    """
    dataset = open_dataset(experiment.data, progress)
    cases = dataset.cases
    split, sets = _summarize_split(cases, experiment)
    store_summary = dataset.store_summary(split.rows)
    findings = (*dataset.findings, *split.findings)
    attributes = {entry["name"]: attribute_text(entry) for entry in summarize_attributes(cases)}
    return {
        "name": experiment.data.name,
        "cases": len(cases.ids),
        "classes": _class_counts(cases),
        **{name: dict(counts) for name, counts in dataset.counts.items()},
        "positive": cases.classes[cases.positive],
        "groups": len(np.unique(cases.groups)),
        **label_texts({"cases": len(cases.ids), **label_summaries(cases)}),
        "shape": "x".join(map(str, dataset.shape)),
        **({"channels": dataset.limits.num_data_channels} if dataset.limits.num_data_channels > 1 else {}),
        "limits": f"{limits_text(dataset.limits)} are scaled to 0 to 1",
        **sets,
        **({"attributes": attributes} if attributes else {}),
        **({"folder": _folder_text(dataset.root)} if dataset.root else {}),
        **({"stored": store_summary} if store_summary else {}),
        **({"findings": " ".join(finding.text for finding in findings)} if findings else {}),
    }


def _folder_text(root: Path) -> str:
    """The folder or file of a data set, with its size. Links inside it are not followed."""
    return f"{root}, {format_bytes(bytes_on_disk(root.resolve()))}"


def _summarize_split(cases: Cases, experiment: Experiment) -> tuple[CaseSplit, dict[str, Any]]:
    """The split and the classes of each set; all cases and the reason if the sets cannot be filled."""
    splits, problem = make_preview_splits(cases, [experiment])
    split = splits[experiment.split]
    if problem is not None:
        return split, {"split": f"not possible: {problem.removeprefix('split: ')}"}
    options, reason = resolve_split(cases, experiment.split)
    rows = {name: split.rows[split.sets[split.rows] == name] for name in SETS}
    sets = {name: _class_counts(cases.select(rows[name])) for name in SETS}
    return split, {"split": f"by {options.by}" + (f": {reason}" if reason else ""), **sets}


def _class_counts(cases: Cases) -> dict[str, int]:
    counts = {name: int(count) for name, count in zip(cases.classes, cases.count_classes(), strict=True)}
    num_unlabelled = int(np.count_nonzero(~cases.has_label))
    return counts | ({"soft label only": num_unlabelled} if num_unlabelled else {})


def draw_case(experiment: Experiment, case: str, path: Path, progress: Progress) -> Path:
    """Draw a case's slices, and the results of each augmentation below.

    Args:
        experiment: The data and the augmentations, given or "auto"; without augmentations, all known ones are drawn.
        case: An id, or "first" for the first positive case.
        path: The PNG file.
        progress: Wraps the items of a long loop.

    Raises:
        DataError: There is no such case.
    """
    from archnet.report.figures.case import case_figure

    dataset = open_dataset(experiment.data, progress)
    row = case_row(dataset.cases, case)
    image = scale_picture(dataset.crop(row), dataset.limits)
    label = dataset.cases.classes[dataset.cases.labels[row]]
    if "augmentation" in experiment.training.auto:
        experiment = resolve_auto_from_data(experiment, dataset)
    samples = augmentation_samples(image, experiment)
    shown = picture_text(dataset.limits)
    title = f"{dataset.cases.ids[row]} ({label})" + (f", {shown}" if shown else "")
    figure = case_figure(image, title, samples)
    with atomic_write(path) as draft:
        figure.savefig(draft, format="png", dpi=120)
    return path


def case_row(cases: Cases, case: str) -> int:
    """Find the row of a case by its id; "first" is the first positive case.

    Raises:
        DataError: There is no such case.
    """
    if case == "first":
        positives = np.flatnonzero(cases.labels == cases.positive)
        if positives.size:
            return int(positives[0])
        raise DataError(f'there is no "{cases.classes[cases.positive]}" case. Name a case, such as "{cases.ids[0]}".')
    rows = np.flatnonzero(cases.ids == case)
    if not rows.size:
        hint = did_you_mean(case, cases.ids[:10_000].tolist()) or f' Cases are named like "{cases.ids[0]}".'
        raise DataError(f'no case "{case}".{hint}')
    return int(rows[0])


def augmentation_samples(image: NDArray[np.float32], experiment: Experiment) -> list[tuple[str, NDArray[np.float32]]]:
    """Apply each augmentation to one image (height, width[, depth]) in [0, 1] with random numbers.

    Returns:
        Name and results, (draws, height, width[, depth]), of each augmentation that can act on the image, and of all
        together if there are several; the first random number of an augmentation increases from draw to draw.
    """
    from archnet.network.augmentation.augment import augment

    def results(entries: Sequence[Augmentation]) -> NDArray[np.float32]:
        uniforms = _spread_uniforms(entries, np.random.default_rng(experiment.training.seed))
        batch = np.repeat(image[np.newaxis, ..., np.newaxis], len(uniforms), axis=0)
        return np.asarray(augment(entries, batch, uniforms))[..., 0]

    configured_entries = experiment.training.augmentation
    entries: tuple[Augmentation, ...] = configured_entries or tuple(kind() for kind in AUGMENTATIONS.values())
    possible = [entry for entry in entries if shape_problem([entry], image.shape) is None]
    rows = [(_augmentation_text(entry), results([entry])) for entry in possible]
    return (
        [*rows, ("all of them, in this order", results(possible))] if configured_entries and len(possible) > 1 else rows
    )


def _augmentation_text(entry: Augmentation) -> str:
    """An augmentation's name and parameters, as in its JSON document."""
    keys = (f"{key} {json.dumps(value)}" for key, value in asdict(entry).items())
    return ": ".join(filter(None, [entry.name, ", ".join(keys).replace('"', "")]))


def _spread_uniforms(entries: Sequence[Augmentation], generator: np.random.Generator) -> NDArray[np.float32]:
    """Stratified random numbers in [0, 1), so that a few draws cover the whole range."""
    from archnet.network.augmentation.augment import add_rotated_copies, draw_uniforms, num_uniforms

    if len(entries) == 1 and entries[0].copy_angles(is_positive=True):
        return draw_uniforms(entries, add_rotated_copies(entries, np.ones(1, np.bool_))[1], seed=0, epoch=0)
    even = (np.arange(NUM_DRAWS, dtype=np.float32)[:, np.newaxis] + 0.5) / NUM_DRAWS
    shuffled = generator.permuted(np.repeat(even, num_uniforms(entries) - 1, axis=1), axis=0)
    return np.concatenate([even, shuffled], axis=1)
