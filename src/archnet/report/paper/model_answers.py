"""Answers of a run about its model: network, software, input and output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archnet.errors import pluralize
from archnet.evaluation.run_folder import is_baseline, is_stacked
from archnet.report.data_findings import recorded_findings
from archnet.report.paper.run_facts import case_kind, is_malignancy, options, point_noun
from archnet.report.run_files import RunFiles
from archnet.report.wording import count, shape, word_list

_CASES = {"candidates": "candidates in chest CT", "whole scans": "chest CT scans", "arrays": "cases"}


def technology(run: RunFiles) -> str:
    """The type of model, and what it classifies."""
    cases = "nodules in chest CT" if is_malignancy(run) else _CASES[case_kind(run) or "arrays"]
    names = word_list([f"“{name}”" for name in run.classes])
    if is_stacked(run.experiment or {}):
        return (
            f"The model combines a network and a baseline ({_arch_name(run)}) by a logistic regression on the logits "
            f"of their probabilities to classify {cases} as {names}."
        )
    if is_baseline(run.experiment or {}):
        return f"The model uses machine learning without a network ({_arch_name(run)}) to classify {cases} as {names}."
    rank = options(run, "arch").get("rank") or _rank(run)
    dimensions = f"{rank}D " if rank else ""
    return (
        f"The model is a {dimensions}convolutional network (deep learning; {_arch_name(run)}) that classifies {cases} "
        f"as {names}."
    )


def _rank(run: RunFiles) -> int | None:
    return len(run.network["input_shape"]) - 1 if run.network else None


def _arch_name(run: RunFiles) -> str:
    return str(options(run, "arch").get("name") or run.name)


def layers(run: RunFiles) -> str:
    """Input, layers and costs of the network; the options of a baseline."""
    if run.network is None:
        entry = options(run, "arch").get("baseline") or options(run, "arch").get("stacked")
        return f"Options: {_pairs(entry)}." if entry else ""
    texts = [f"{layer['type']} {layer['summary']}".strip() for layer in run.network["layers"]]
    return (
        f"Input {shape(run.network['input_shape'])} (channels last); {pluralize(len(texts), 'layer')}: "
        f"{'; '.join(texts)}. {count(run.network['parameters'])} parameters, {count(run.network['macs'])} "
        "multiply-adds for each case. Layer by layer: network.json."
    )


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())


def software(run: RunFiles) -> str:
    """Python and the packages, with versions."""
    environment = run.environment or {}
    packages = ", ".join(f"{name} {version}" for name, version in (environment.get("packages") or {}).items())
    python = f"Python {environment['python']}" if "python" in environment else ""
    text = ", ".join(filter(None, [python, packages]))
    return f"Computed with {text}." if text else ""


def hardware(run: RunFiles) -> str:
    """Processor, devices and operating system."""
    environment = run.environment or {}
    execution = environment.get("execution") or {}
    devices = word_list(execution["devices"]) if execution.get("devices") else ""
    cores = f"{environment['num_cores']} cores" if "num_cores" in environment else ""
    parts = [environment.get("processor"), cores, f"computed on {devices}" if devices else ""]
    text = ", ".join(filter(None, [*parts, environment.get("platform")]))
    return f"The machine: {text}." if text else ""


def initialization(run: RunFiles) -> str:
    """The origin of the initial weights."""
    if is_baseline(run.experiment or {}):
        return "The baseline has no initial weights."
    if is_stacked(run.experiment or {}):
        return ""
    if run.init is not None:
        rows = run.init["layers"]
        taken = sum(row["taken"] for row in rows)
        return (
            f"{taken} of {len(rows)} layers with weights were initialized with pretrained weights from "
            f"{run.init['file']} (SHA-256 {run.init['sha256']}); the others were initialized at random."
        )
    seed = options(run, "training").get("seed")
    return f"All weights were initialized at random (seed {seed}); no pretrained weights." if seed is not None else ""


def output(run: RunFiles) -> str:
    """The output of the model."""
    return f"The output is a probability for each of {len(run.classes)} classes, which sum to 1."


def input_text(run: RunFiles) -> str:
    """The input of the model."""
    return "The voxels of the image alone; no clinical data, and no features selected beforehand."


def prediction(run: RunFiles) -> str:
    """The calculation of predictions."""
    if is_baseline(run.experiment or {}):
        return "The predictions of all cases are in predictions.csv; a baseline has no model file."
    if is_stacked(run.experiment or {}):
        return "The predictions of the test cases are in predictions.csv; a combination has no model file."
    passes = test_time(run) or "One pass through the network for each case."
    return f"{passes} `archnet predict` applies it to new scans."


def test_time(run: RunFiles) -> str:
    """The test-time augmentation; empty without one."""
    if "views" not in run.metrics:
        return ""
    return (
        f"The probabilities of a case are the means over {run.metrics['views']} views of it (test-time augmentation "
        "with the flips and rotations by right angles of the training)."
    )


def model(run: RunFiles) -> str:
    """The availability of the model."""
    if is_baseline(run.experiment or {}):
        return "A baseline has no model file."
    if is_stacked(run.experiment or {}):
        return "A combination has no model file; the run of its network has one."
    return "The run folder holds the model (model.keras); `archnet export` writes it for Keras, TensorFlow and ONNX."


def code(run: RunFiles) -> str:
    """The code: archnet version, command and commit."""
    environment = run.environment or {}
    version = (environment.get("packages") or {}).get("archnet") or environment.get("archnet")
    git = environment.get("git") or {}
    commit = f" Commit of the working folder: {git['commit']}" if git.get("commit") else ""
    changed = " with uncommitted changes" if git.get("has_uncommitted_changes") else ""
    command = f" Command: {environment['command']}" if environment.get("command") else ""
    name = f"archnet {version}" if version else "archnet"
    return f"Code: {name} (MIT licence).{command}{'.' if command else ''}{commit}{changed}{'.' if commit else ''}"


def human_input(run: RunFiles) -> str:
    """Whether the input requires human judgement."""
    if case_kind(run) == "candidates":
        return f"None: the input is a crop around a listed {point_noun(run)} and requires no judgement by a reader."
    return "None: the input is computed from the image and requires no judgement by a reader."


def index_blinding(run: RunFiles) -> str:
    """The information about the test cases that was available to the model."""
    return "The model received images alone; labels of test cases were used after its predictions."


def indeterminate(run: RunFiles) -> str:
    """Whether there are indeterminate predictions."""
    return "None: every case received probabilities that sum to 1, and a class."


def poor_input(run: RunFiles) -> str:
    """The handling of poor input."""
    warnings = [finding for finding in recorded_findings(run.data) if finding.severity == "warning"]
    text = "`archnet predict` rejects non-CT input and warns of out-of-distribution scans."
    return text + (f" The data of this run had {pluralize(len(warnings), 'warning')}." if warnings else "")
