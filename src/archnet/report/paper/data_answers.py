"""Answers of a run about its data: source, exclusions, preprocessing, sets."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from archnet.evaluation.metric_entry import class_estimate
from archnet.evaluation.strata.case_columns import read_case_columns, select_cases
from archnet.report.data_findings import count_findings, recorded_findings
from archnet.report.paper.acquisition_rows import acquisition_text, scan_rows, summary_text
from archnet.report.paper.public_data import PUBLIC_DATA, malignancy_standard
from archnet.report.paper.run_facts import (
    case_kind,
    data_name,
    is_malignancy,
    listed,
    lost_text,
    options,
    point_noun,
    set_sizes,
    sizes_text,
)
from archnet.report.run_files import RunFiles
from archnet.report.wording import SET_NAMES, decimals, percent, reported_set, word_list
from archnet.spec.experiment import ranges_of

_SPLITS = {
    "group": "at random by group, stratified by class",
    "candidate": "at random by case, stratified by class",
    "own": "by the data set's own sets",
    "own_test": "by the data set's own test set; the validation set is drawn from the others by group",
    "official": "by the official folds of the data set",
}


def data_source(run: RunFiles) -> str:
    """The data set, with its publication or as the author's own data."""
    name, root = data_name(run), options(run, "data").get("root")
    if not name:
        return ""
    place = PurePath(root).name if isinstance(root, str) else ""
    if name not in PUBLIC_DATA:
        return f"The data are the author's own, read from {place} (data set type “{name}”)." if place else ""
    other = f" If {place} holds other data in this layout, name those instead." if place and name != "phantom" else ""
    return f"The data are {PUBLIC_DATA[name].text}.{other}"


def data_licence(run: RunFiles) -> str:
    """The licence of the data."""
    public = PUBLIC_DATA.get(data_name(run))
    return f"Licence of the data: {public.licence}." if public else ""


def reference_standard(run: RunFiles) -> str:
    """The reference standard of a public data set."""
    if is_malignancy(run):
        return malignancy_standard(options(run, "data"), options(run, "training"))
    public = PUBLIC_DATA.get(data_name(run))
    return public.reference_standard if public else ""


def digest(run: RunFiles) -> str:
    """The digest that identifies cases, labels, sets and scans."""
    value = (run.data or {}).get("digest")
    return f"SHA-256 of cases, labels, sets and scans: {value}." if value else ""


def classes(run: RunFiles) -> str:
    """The classes, and the positive class."""
    names = word_list([f"“{name}”" for name in run.classes])
    positive = f"; “{run.classes[run.positive]}” is the positive one" if len(run.classes) == 2 else ""
    return f"The classes are {names}{positive}."


def quality_checks(run: RunFiles) -> str:
    """The findings of the data checks."""
    if run.data is None:
        return ""
    findings = recorded_findings(run.data)
    serious = [
        f"{finding.label}, {finding.check}: {finding.message}" for finding in findings if finding.severity != "note"
    ]
    return " ".join([f"Automatic data checks before training: {count_findings(findings)}.", *serious])


def excluded(run: RunFiles) -> str:
    """Excluded scans, allowed errors of the data, and the sampling of negatives."""
    errors = [
        f"Used despite an error: {finding.message}" for finding in recorded_findings(run.data) if finding.is_allowed
    ]
    return " ".join(filter(None, [lost_text(run), *errors]))


def missing_data(run: RunFiles) -> str:
    """The handling of missing data."""
    lost = lost_text(run)
    return f"{lost} No value was imputed; every other case has an image, a label and a prediction." if lost else ""


def preprocessing(run: RunFiles) -> str:
    """Preprocessing from scan to input: crops or resized volumes, windows, input of a 2D network."""
    data = options(run, "data")
    if not data:
        return ""
    return " ".join(filter(None, [_crop_text(run, data), _view_text(run, data), _window_text(data)]))


def _crop_text(run: RunFiles, data: dict[str, Any]) -> str:
    kind, size = case_kind(run), data.get("crop_size")
    if kind == "arrays" or not size:
        return "Cases are crops or images that were provided as arrays." if kind == "arrays" else ""
    shape = " × ".join(map(str, size))
    if kind == "whole scans":
        return f"Each scan was resized to {shape} voxels (height, width, depth)."
    spacing = data.get("spacing_mm")
    grid = f"resampled linearly to {listed(spacing)} mm along x, y, z" if spacing else "at the scan's own voxel spacing"
    return f"A crop of {shape} voxels (height, width, depth) was extracted around each {point_noun(run)}, {grid}."


def _view_text(run: RunFiles, data: dict[str, Any]) -> str:
    views = {
        "slice": "The 2D network received the central axial slice.",
        "slices-as-channels": "The 2D network received the axial slices as channels.",
        "volume": "The network received the volume.",
    }
    return views.get(data.get("view") or "", "")


def _window_text(data: dict[str, Any]) -> str:
    value = data.get("range") if isinstance(data.get("range"), list) else data.get("window_hu")
    if not value or data.get("range") == "auto":
        return ""
    unit = " HU" if value is data.get("window_hu") else ""
    texts = [f"{low:g} to {high:g}{unit}" for low, high in ranges_of(value)]
    return f"Values from {word_list(texts)} were scaled to 0 to 1 and clipped outside."


def subset(run: RunFiles) -> str:
    """The selection of cases."""
    ratio = options(run, "data").get("negatives_per_positive")
    if ratio in (None, "all"):
        return "All cases were used." if options(run, "data") else ""
    kept = " The test set keeps all of them." if options(run, "evaluation").get("keep_all_candidates") else ""
    seed = options(run, "split").get("seed")
    return f"For each positive case of a set, {ratio:g} negatives of that set were drawn at random (seed {seed}).{kept}"


def partitions(run: RunFiles) -> str:
    """The assignment of cases to sets."""
    split = options(run, "split")
    if "by" not in split:
        return ""
    folds = split.get("folds")
    if folds:
        share = f"cross-validation: fold {split.get('fold')} of {folds} is the test set"
    else:
        shares = {"test": split.get("test"), "validation": split.get("validation")}
        share = ", ".join(f"{name} {percent(value)}" for name, value in shares.items() if value)
    drawn = _SPLITS.get(split["by"], f"by {split['by']}")
    return f"Cases were assigned {drawn}{f' ({share})' if share else ''}, seed {split.get('seed')}."


def disjointness(run: RunFiles) -> str:
    """The level at which the sets are disjoint, checked on the cases."""
    groups = [set(run.predictions.select(name).groups.tolist()) for name in run.sets]
    is_shared = len(set().union(*groups)) < sum(map(len, groups))
    patients = next((f" {f.message}" for f in recorded_findings(run.data) if f.check == "patients"), "")
    if len(groups) < 2:
        return ""
    if is_shared:
        return f"The sets share groups (patients or scans): they are disjoint by case only.{patients}"
    return f"Disjoint by group (patient, or scan whose patient is unknown): no group is in two sets.{patients}"


def test_size(run: RunFiles) -> str:
    """The size of the reported set and the resulting precision."""
    name = reported_set(run.sets)
    size = next(size for size in set_sizes(run) if size.name == name)
    estimate = class_estimate(run.metrics[name], "auc", run.classes[run.positive])
    width = (
        f" It gives the AUC a 95% interval of width {decimals(estimate.interval[1] - estimate.interval[0])}."
        if estimate.interval and len(run.classes) == 2
        else ""
    )
    return f"Size of the set: {size.text(run.classes)}.{width} archnet does not calculate a sample size in advance."


def set_differences(run: RunFiles) -> str:
    """The recorded differences between the sets."""
    rows = scan_rows(run)
    source = "All sets come from the same data set." if options(run, "data") else ""
    return " ".join(filter(None, [source, f"{sizes_text(run)}", acquisition_text(run) if rows else ""]))


def prevalence(run: RunFiles) -> str:
    """The share of the positive class in each set, and whether it reflects a population."""
    if len(run.classes) != 2:
        return sizes_text(run)
    shares = [
        f"{SET_NAMES[size.name]} {percent(size.class_counts[run.positive] / size.cases)}" for size in set_sizes(run)
    ]
    drawn = " Negatives were drawn, so this is not the prevalence of a population." if _are_drawn(run) else ""
    return f"Share of “{run.classes[run.positive]}”: {', '.join(shares)}.{drawn}"


def _are_drawn(run: RunFiles) -> bool:
    return options(run, "data").get("negatives_per_positive") not in (None, "all")


def severity(run: RunFiles) -> str:
    """The distribution of diameters of the positive cases.

    Raises:
        DataError: cases.csv is damaged.
    """
    diameters = read_case_columns(run.folder).get("diameter_mm")
    if diameters is None:
        return ""
    texts = []
    for name in run.sets:
        part = run.predictions.select(name)
        values = select_cases(diameters, part.cases[part.y_true == run.positive]).tolist()
        if text := summary_text(values):
            texts.append(f"{SET_NAMES[name]} {text}")
    return f"Diameter of the positive cases in mm, median (range): {'; '.join(texts)}." if texts else ""


def scanners(run: RunFiles) -> str:
    """The scanners, if recorded in the scans.

    Raises:
        DataError: cases.csv is damaged.
    """
    rows = [row for row in scan_rows(run) if row.label == "scanner"]
    texts = [f"{SET_NAMES[name]}: {text}" for row in rows for name, text in row.texts.items() if text]
    return f"Scanners: {'; '.join(texts)}." if texts else ""


def flow(run: RunFiles) -> str:
    """The numbers of the flow diagram."""
    return f"{sizes_text(run)} See the flow diagram on the run's page."


def external_testing(run: RunFiles) -> str:
    """Whether the sets come from one data set."""
    return "None in this run: all sets come from one data set." if options(run, "data") else ""
