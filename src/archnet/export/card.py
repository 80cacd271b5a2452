"""The model card: what a model was trained on, how well it does, what it takes, and what it is not for.

After Mitchell et al. 2019, doi:10.1145/3287560.3287596.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from archnet.errors import pluralize
from archnet.evaluation.metric_entry import macro_estimate
from archnet.evaluation.predictions import DEFAULT_THRESHOLD
from archnet.export.scan_steps import describe_whole_scan
from archnet.report.data_findings import recorded_findings
from archnet.report.run_files import RunFiles, require_results
from archnet.report.sentences.run_cautions import cautions
from archnet.report.sentences.run_headline import headline
from archnet.report.wording import SET_NAMES, bounds, count, decimals, reported_set, word_list
from archnet.runs.preparation.training_scans import TRAINING_SCANS_FILE, hashed_training_scans
from archnet.spec.datasets import DATASETS, CaseKind
from archnet.spec.experiment import ranges_of
from archnet.spec.metrics import EVALUATED_METRICS, METRICS
from archnet.spec.view import InputLimits

NOT_CLINICAL: Final = (
    "**Not for clinical use.** The model is a result of research. It is no medical device, nobody has examined it as "
    "one, and no decision about a person may rest on what it says."
)

_SCAN_AXES: Final = (
    "Height runs along the scan's y axis (to the back), width along x (to the left), depth along z (up)."
)

_TRAINING: Final = (
    "optimizer", "learning_rate", "schedule", "batch_size", "epochs", "l2", "loss", "balance", "augmentation",
    "ema", "batch_norm_momentum", "precision", "best_metric", "early_stopping", "seed",
)  # fmt: skip


def model_card(run: RunFiles, shape: tuple[int, ...], limits: InputLimits, name: str) -> str:
    """The card as Markdown.

    Args:
        run: The run.
        shape: Shape of the model's input, channels last.
        limits: Raw values that the model maps to 0 and 1.
        name: Name of the model's file or folder next to the card.

    Raises:
        DataError: A result is missing from the run of an older version.
    """
    require_results(run)
    parts = [
        [f"# {run.name}", NOT_CLINICAL, headline(run), *cautions(run)],
        ["## Intended use", _intended_use(run)],
        ["## Input and output", _input(run, shape, limits, name), _output(run)],
        ["## Data", _data(run)],
        ["## Training scans", _training_scans(run)],
        ["## Results", _results(run)],
        ["## Network", _network(run)],
        ["## Training", _training(run)],
        ["## Limits", _limits(run)],
        ["## Where it comes from", _origin(run)],
    ]
    return "\n\n".join(text for part in parts for text in part) + "\n"


def _intended_use(run: RunFiles) -> str:
    return (
        f"Research on chest CT: to repeat and to compare the results of this run on data like its own "
        f"({_section(run, 'data').get('name', 'unknown')}), where a person looks at every result."
    )


def _input(run: RunFiles, shape: tuple[int, ...], limits: InputLimits, name: str) -> str:
    data = _section(run, "data")
    windows = ranges_of(data["window_hu"]) if "window_hu" in data else ()
    is_hu = limits.windows == tuple((window,) * limits.num_data_channels for window in windows)
    unit = "Hounsfield units" if is_hu else "the data's own values"
    axes = "height, width" if len(shape) == 3 else "height, width, depth"
    spacing = data.get("spacing_mm")
    kind = DATASETS[data["name"]].cases if data.get("name") in DATASETS else None
    return _list(
        f"`{name}` takes float32 of shape (cases, {', '.join(map(str, shape))}): any number of cases, then {axes}, "
        "channels.",
        *([_SCAN_AXES] if kind in ("candidates", "whole scans") else []),
        *_view(run, shape),
        f"The values are {unit}, not rescaled. {_scaling(limits)}",
        *_voxel_size(spacing, kind),
    ) + (_scan_steps(data) if kind == "whole scans" else "")


def _scaling(limits: InputLimits) -> str:
    """A sentence on how the model scales its input."""
    if len(limits.channels) == 1:
        low, high = limits.hull
        return f"The model itself maps {low:g} to 0 and {high:g} to 1 and clips values outside this range."
    number = limits.num_data_channels
    ranges = [
        f"{low:g} to {high:g}" + (f" of channel {place % number}" if number > 1 else "")
        for place, (low, high) in enumerate(limits.channels)
    ]
    return (
        f"The model itself scales them to {len(ranges)} channels from 0 to 1, in this order: {word_list(ranges)}. "
        "Values outside a range are clipped."
    )


def _voxel_size(spacing_mm: Sequence[float] | None, kind: CaseKind | None) -> list[str]:
    if kind == "whole scans":
        return ["Voxels have no fixed size: every scan is resized to one shape."]
    if spacing_mm:
        return [f"A voxel is {' × '.join(f'{size:g}' for size in spacing_mm)} mm along x, y, z."]
    return ["Voxels keep the size of the source data; cases are not resampled to a common spacing."]


def _scan_steps(data: Mapping[str, Any]) -> str:
    """How to make the input from a scan, as a numbered list."""
    steps = (f"{number}. {step}" for number, step in enumerate(describe_whole_scan(data), 1))
    return "\n\nTo convert a scan to the input of the model:\n\n" + "\n".join(steps)


def _view(run: RunFiles, shape: tuple[int, ...]) -> list[str]:
    """What a 2D network takes of volumes."""
    if len(shape) == 4 or run.gallery is None or len(run.gallery.shape) == 2:
        return []
    if _section(run, "data").get("view") == "slices-as-channels":
        return ["Its channels are the axial slices of a volume, from index 0 on."]
    return ["Of a volume it takes the central axial slice (index depth // 2)."]


def _output(run: RunFiles) -> str:
    places = ", ".join(f"{k}: “{name}”" for k, name in enumerate(run.classes))
    threshold = _section(run, "evaluation").get("threshold", DEFAULT_THRESHOLD)
    if len(run.classes) == 2:
        rule = f"“{run.classes[run.positive]}” from a probability of {threshold:g} on"
    else:
        rule = "what is most probable"
    return (
        f"It gives the probabilities of {len(run.classes)} classes (cases, {len(run.classes)}), in this order: "
        f"{places}. The run calls a case {rule}."
    )


def _data(run: RunFiles) -> str:
    split, data = _section(run, "split"), _section(run, "data")
    folds = f", fold {split['fold']} of {split['folds']}" if split.get("folds") else ""
    rows = [(SET_NAMES[name], *_counts(run, name)) for name in run.sets]
    division = f"Split by {split.get('by', 'unknown')}, seed {split.get('seed', 'unknown')}{folds}"
    return (
        f"Data set: {data.get('name', 'unknown')}. {division}.\n\n"
        + _table(("set", "cases", "groups (scans or patients)", *run.classes), rows)
        + _findings(run)
    )


def _findings(run: RunFiles) -> str:
    """The errors that were allowed and the warnings of the data checks."""
    serious = [finding for finding in recorded_findings(run.data) if finding.severity != "note"]
    if not serious:
        return ""
    lines = (f"**{finding.label}** ({finding.check}): {finding.message}" for finding in serious)
    return f"\n\nThe data checks found:\n\n{_list(*lines)}"


def _training_scans(run: RunFiles) -> str:
    """The hashes by which a scan that was trained on is recognized."""
    training = hashed_training_scans(run.folder)
    if training is None:
        return "Unknown: the archnet version that made the run did not record them."
    if training.cases:
        sets = "; ".join(f"{pluralize(len(cases), 'case')} of {name}" for name, cases in training.cases.items())
        return f"The model was trained on arrays. `{TRAINING_SCANS_FILE}` lists the hash of each case's values: {sets}."
    rows = [
        (
            ", ".join(scan.sets),
            f"`{scan.identity.digest}`",
            scan.identity.series_uid and f"`{scan.identity.series_uid}`",
        )
        for scan in training.scans
    ]
    return (
        "Results on these scans are overoptimistic. A scan is identified by the first 32 digits of the SHA-256 of "
        "archnet's digest of its voxels, or of its SeriesInstanceUID. "
        f"`{TRAINING_SCANS_FILE}` lists the same hashes.\n\n"
        + _table(("set", "voxels", "series"), ((name, digest, uid or "unknown") for name, digest, uid in rows))
    )


def _counts(run: RunFiles, name: str) -> list[str]:
    cases = run.predictions.select(name)
    labels = np.bincount(cases.y_true, minlength=len(run.classes))
    return [count(number) for number in (len(cases.cases), len(set(cases.groups.tolist())), *labels.tolist())]


def _results(run: RunFiles) -> str:
    set_name = reported_set(run.sets)
    entry = run.metrics[set_name]
    kind = f"of “{run.classes[run.positive]}”" if len(run.classes) == 2 else "macro means over the classes"
    rows = [(METRICS[name].full_label, *_number(entry, name)) for name in EVALUATED_METRICS]
    matrix = [(f"**{k}**", *map(count, row)) for k, row in zip(run.classes, entry["confusion_matrix"], strict=True)]
    return (
        f"On the {SET_NAMES[set_name]} set, {kind}, with 95% intervals:\n\n"
        f"{_table(('metric', 'value', '95%'), rows)}\n\n"
        f"Confusion matrix (rows: truth, columns: prediction):\n\n{_table(('', *run.classes), matrix)}"
    )


def _number(entry: Mapping[str, Any], name: str) -> tuple[str, str]:
    value, interval = macro_estimate(entry, name)
    return decimals(value), bounds(interval)


def _network(run: RunFiles) -> str:
    layers = (run.network or {}).get("layers", [])
    rows = [
        (layer["type"], layer["summary"], " × ".join(map(str, layer["output_shape"])), count(layer["parameters"]))
        for layer in layers
    ]
    arch = _section(run, "arch")
    description = f"{arch['description']}\n\n" if arch.get("description") else ""
    totals = (
        f"{count(run.metrics.get('parameters'))} parameters, {count(run.metrics.get('macs'))} multiply-adds a case."
    )
    return f"{description}{_table(('layer', 'what', 'output', 'parameters'), rows)}\n\n{totals}"


def _training(run: RunFiles) -> str:
    options = _section(run, "training")
    rows = [(key, f"`{json.dumps(options[key])}`") for key in _TRAINING if options.get(key) not in (None, [], 0.0)]
    return _table(("option", "value"), rows)


def _limits(run: RunFiles) -> str:
    name = reported_set(run.sets)
    groups = len(set(run.predictions.select(name).groups.tolist()))
    return _list(
        "It knows cases like those it was trained on: other scanners, doses, slice thicknesses, populations and "
        "findings were not tried unless they are in the data above.",
        f"The results are one training's on {pluralize(groups, 'group')} of the {SET_NAMES[name]} set; another seed or "
        "another division gives other numbers.",
        "Where positive cases are rarer than in the data above, its precision is lower than reported.",
        "Its probabilities rank cases; they are calibrated at best on data like those above.",
    )


def _origin(run: RunFiles) -> str:
    environment = run.environment or {}
    versions = ", ".join(f"{name} {version}" for name, version in environment.get("packages", {}).items())
    return f"Trained with `{environment.get('command', 'unknown')}`.\n\nVersions: {versions or 'unknown'}."


def _section(run: RunFiles, name: str) -> dict[str, Any]:
    return dict((run.experiment or {}).get(name) or {})


def _list(*items: str) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(header)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines)
