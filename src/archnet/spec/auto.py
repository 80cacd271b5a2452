"""Resolve `"auto"`: options that are chosen automatically from the data, by the rules of `auto_rules`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from archnet.spec.augmentations import Augmentation
from archnet.spec.auto_rules import AUTO_RULES, TrainingSet
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import AUTO, Experiment, Training

AUTO_SPLIT: Final = "split.by"
"""Dotted key of the option of the split that is chosen automatically."""


def resolve_auto(experiment: Experiment, training_set: TrainingSet) -> Experiment:
    """Replace each "auto" by its value for a training set; explicit options do not change.

    Args:
        experiment: An experiment with one split or fold.
        training_set: Its training set.
    """
    training, reasons = experiment.training, dict(experiment.auto_reasons)
    for name in (key for key in AUTO if key in experiment.training.auto):
        value, reason = AUTO_RULES[name](replace(experiment, training=training), training_set)
        training = replace(training, **{name: value})
        reasons[f"training.{name}"] = f"{value_text(value)}: {reason}"
    return replace(experiment, training=replace(training, auto=()), auto_reasons=_in_order(reasons))


def refresh_reasons(experiment: Experiment, training_set: TrainingSet) -> Experiment:
    """Update the reasons for a different training set; an option loses its reason if the rule gives a different value.

    Options that were measured on the cases are not measured again: their values and reasons do not change.
    """
    measured = {key: why for key, why in experiment.auto_reasons.items() if is_measured(experiment, key)}
    keys = [key for key in experiment.auto_reasons if key not in measured]
    names = tuple(name for section, name in map(_split_key, keys) if section == "training")
    if not names:
        return experiment
    fresh = resolve_auto(replace(experiment, training=replace(experiment.training, auto=names)), training_set)
    reasons = {**fresh.auto_reasons, **measured}
    return replace(experiment, auto_reasons=_in_order(valid_reasons(reasons, experiment.training, experiment.split.by)))


def is_measured(experiment: Experiment, key: str) -> bool:
    """Whether an option, given by its dotted key, depends on measurements of voxels."""
    spec = DATASETS[experiment.data.name]
    return key == "training.augmentation" and spec.cases == "arrays" and not spec.symmetry


def _in_order(reasons: Mapping[str, str]) -> dict[str, str]:
    """Sort the reasons in the order in which the options are chosen."""
    keys = [f"training.{name}" for name in AUTO]
    return {key: reasons[key] for key in [*(key for key in reasons if key not in keys), *keys] if key in reasons}


def restore_auto(document: Mapping[str, Any], sections: Collection[str] = ("split", "training")) -> dict[str, Any]:
    """Restore "auto" for every option of a resolved document that was chosen automatically, and remove the reasons.

    Args:
        document: Document of an experiment.
        sections: The sections to change.
    """
    restored = {key: value for key, value in document.items() if key != "picked"}
    for section, name in map(_split_key, document.get("picked") or {}):
        if section in sections:
            restored[section] = {**restored.get(section, {}), name: "auto"}
    return restored


def reuse_auto_values(document: Mapping[str, Any], previous: Mapping[str, Any]) -> dict[str, Any]:
    """Replace training options that are "auto" by the values in an earlier resolved document."""
    training, previous_training = document["training"], previous.get("training", {})
    names = (name for section, name in map(_split_key, previous.get("picked", {})) if section == "training")
    values = {
        name: previous_training[name] for name in names if training.get(name) == "auto" and name in previous_training
    }
    return {**document, "training": {**training, **values}}


def valid_reasons(reasons: Mapping[str, str], training: Training, split_by: str) -> dict[str, str]:
    """Select the reasons whose options still have the chosen values."""
    values = {f"training.{name}": value_text(getattr(training, name)) for name in AUTO if name not in training.auto}
    values[AUTO_SPLIT] = split_by
    return {key: why for key, why in reasons.items() if key in values and why.startswith(f"{values[key]}: ")}


def describe_auto(experiment: Experiment) -> list[str]:
    """Describe the automatic choices: a line for the split with its reason, and one for the training."""
    names = [name for section, name in map(_split_key, experiment.auto_reasons) if section == "training"]
    values = [f"{name} {_short_value_text(getattr(experiment.training, name))}" for name in names]
    reason = experiment.auto_reasons.get(AUTO_SPLIT)
    return [
        *([f"split by {reason}."] if reason else []),
        *([f"chosen automatically (reasons in experiment.json): {', '.join(values)}."] if values else []),
    ]


def _split_key(key: str) -> tuple[str, str]:
    """The section and the option of a dotted key."""
    section, _, name = key.partition(".")
    return section, name


def value_text(value: Any) -> str:
    """Format the value of an option; a whole number has the same text as an integer and as a float.

    >>> from archnet.spec.augmentations import RightAngles, Shift
    >>> value_text((RightAngles(), Shift(height=3, width=2))), value_text(1.0), value_text(None)
    ('right_angles, shift height 3 width 2 depth 0', '1', 'none')
    """
    if isinstance(value, tuple):
        return ", ".join(map(_augmentation_text, value)) or "none"
    return "none" if value is None else value if isinstance(value, str) else f"{value:g}"


def _short_value_text(value: Any) -> str:
    """Format the value of an option, with only the names of augmentations."""
    return " + ".join(entry.name for entry in value) or "none" if isinstance(value, tuple) else value_text(value)


def _augmentation_text(augmentation: Augmentation) -> str:
    parameters = (f"{key} {_parameter_text(value)}" for key, value in asdict(augmentation).items())
    return " ".join([augmentation.name, *parameters])


def _parameter_text(value: Any) -> str:
    return f"({', '.join(map(value_text, value))})" if isinstance(value, tuple) else value_text(value)
