"""The model card: intended use, input, training data, results and limitations of a model.

After Mitchell et al. 2019, doi:10.1145/3287560.3287596.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from archnet.errors import pluralize
from archnet.export.scan_steps import describe_whole_scan
from archnet.report.paper.card_sections import (
    NOT_CLINICAL,
    bullets,
    data_text,
    intended_use,
    limits_text,
    markdown_table,
    network_text,
    origin_text,
    output_text,
    results_text,
    training_text,
)
from archnet.report.paper.run_facts import options
from archnet.report.run_files import RunFiles, require_results
from archnet.report.sentences.run_cautions import cautions
from archnet.report.sentences.run_headline import headline
from archnet.report.wording import word_list
from archnet.runs.preparation.training_scans import TRAINING_SCANS_FILE, hashed_training_scans
from archnet.spec.datasets import DATASETS, CaseKind
from archnet.spec.experiment import ranges_of
from archnet.spec.view import InputLimits

_SCAN_AXES: Final = (
    "Height runs along the scan's y axis (to the back), width along x (to the left), depth along z (up)."
)


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
        ["## Intended use", intended_use(run)],
        ["## Input and output", _input(run, shape, limits, name), output_text(run)],
        ["## Data", data_text(run)],
        ["## Training scans", _training_scans(run)],
        ["## Results", results_text(run)],
        ["## Network", network_text(run)],
        ["## Training", training_text(run)],
        ["## Limitations", limits_text(run)],
        ["## Provenance", origin_text(run)],
    ]
    return "\n\n".join(text for part in parts for text in part) + "\n"


def _input(run: RunFiles, shape: tuple[int, ...], limits: InputLimits, name: str) -> str:
    data = options(run, "data")
    windows = ranges_of(data["window_hu"]) if "window_hu" in data else ()
    is_hu = limits.windows == tuple((window,) * limits.num_data_channels for window in windows)
    unit = "Hounsfield units" if is_hu else "the data's own values"
    axes = "height, width" if len(shape) == 3 else "height, width, depth"
    spacing = data.get("spacing_mm")
    kind = DATASETS[data["name"]].cases if data.get("name") in DATASETS else None
    return bullets(
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
    """The preprocessing of a scan as a numbered list."""
    steps = (f"{number}. {step}" for number, step in enumerate(describe_whole_scan(data), 1))
    return "\n\nTo convert a scan to the input of the model:\n\n" + "\n".join(steps)


def _view(run: RunFiles, shape: tuple[int, ...]) -> list[str]:
    """The slices that a 2D network reads from a volume."""
    if len(shape) == 4 or run.gallery is None or len(run.gallery.shape) == 2:
        return []
    if options(run, "data").get("view") == "slices-as-channels":
        return ["Its channels are the axial slices of a volume, from index 0 on."]
    return ["It reads the central axial slice of a volume (index depth // 2)."]


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
        + markdown_table(("set", "voxels", "series"), ((name, digest, uid or "unknown") for name, digest, uid in rows))
    )
