"""The top of a run's page: headline, recall bar, facts, kept epoch and cautions."""

from __future__ import annotations

from typing import Any

from archnet.evaluation.kept_epoch import training_ends
from archnet.evaluation.metric_entry import Estimate, class_estimate, macro_estimate
from archnet.report.figures.svg import colour
from archnet.report.run_files import RunFiles
from archnet.report.sentences.amounts import positive_cases
from archnet.report.sentences.run_cautions import cautions
from archnet.report.sentences.run_headline import headline
from archnet.report.sentences.training_sentence import training_sentences
from archnet.report.verdict.provenance import provenance
from archnet.report.verdict.recall_bars import NARROW, WIDE, Bar, recall_bars
from archnet.report.verdict.verdict_section import Fact, case_facts, group_facts
from archnet.report.wording import SET_NAMES, percent, reported_set


def run_section(run: RunFiles) -> dict[str, Any]:
    """The values of the template "verdict.html" for a single run."""
    name = reported_set(run.sets)
    ends = training_ends(run.history, run.experiment)
    title = f"{SET_NAMES[name].capitalize()} set, with 95% intervals"
    bars = _bars(run, name)
    return {
        "sentence": headline(run),
        "others": [],
        "notes": training_sentences(ends),
        "badge": "",
        "kind": "",
        "bars_title": title,
        "bars": recall_bars(title, bars, WIDE, narrow=recall_bars(title, bars, NARROW)) if bars else None,
        "facts": _facts(run, name),
        "cautions": cautions(run),
        "origin": provenance(run.folder, [run.folder]),
        "copies": None,
    }


def _bars(run: RunFiles, name: str) -> list[Bar]:
    """The recall of the positive class; for more than two classes, accuracy and macro recall."""
    metrics, positive = run.metrics[name], run.classes[run.positive]
    if len(run.classes) == 2:
        recall = class_estimate(metrics, "recall", positive)
        entries = {f"recall of {positive_cases(positive)}": recall}
    else:
        accuracy = Estimate(metrics["accuracy"], metrics["intervals"]["accuracy"])
        entries = {"accuracy": accuracy, "macro recall": macro_estimate(metrics, "recall")}
    return [
        Bar(
            label=label,
            text=percent(entry.value),
            value=entry.value,
            interval=entry.interval,
            hue=colour(name),
        )
        for label, entry in entries.items()
        if entry.value is not None
    ]


def _facts(run: RunFiles, name: str) -> list[Fact]:
    part = run.predictions.select(name)
    num_positives = int((part.y_true == run.positive).sum())
    num_scans = ((run.data or {}).get("num_scans") or {}).get(name)
    return [
        *group_facts(len(set(part.groups.tolist())), num_scans),
        *case_facts(len(part.cases), num_positives, run.classes[run.positive], len(run.classes)),
        *([(f"{run.metrics['views']} views", "averaged for each case")] if "views" in run.metrics else []),
        *_training_facts(run),
    ]


def _training_facts(run: RunFiles) -> list[Fact]:
    ends = training_ends(run.history, run.experiment)
    if len(ends) > 1:
        return [(str(len(ends)), "networks, averaged")]
    return [(f"epoch {end.kept_epoch} of {end.num_epochs}", "weights kept") for end in ends]
