"""The training options of an experiment: "auto", the optimizer's defaults, and the objects inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archnet.files.strict_json import Problem
from archnet.spec.augmentations import AUGMENTATIONS, Augmentation
from archnet.spec.experiment import AUTO, EarlyStopping, Schedule, Training
from archnet.spec.memory import parse_bytes
from archnet.spec.optimizers import DEFAULT_OPTIMIZER, OPTIMIZERS


def training_problems(options: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a document's training options, beyond its schema."""
    try:
        parse_bytes(0 if options.get("memory") is None else options["memory"])
    except ValueError as error:
        return [(("training", "memory"), str(error))]
    return []


def parse_training(options: Mapping[str, Any]) -> Training:
    """The training options that a document means, with the defaults of its optimizer.

    Args:
        options: Options without problems; one of `AUTO` that is missing means "auto".
    """
    auto = tuple(key for key in AUTO if options.get(key, "auto") == "auto")
    given = {key: value for key, value in options.items() if key not in auto}
    values = {**OPTIMIZERS[given.get("optimizer", DEFAULT_OPTIMIZER)].defaults(), **given}
    if "schedule" in given:
        values["schedule"] = Schedule(**given["schedule"])
    if given.get("early_stopping") is not None:
        values["early_stopping"] = EarlyStopping(**given["early_stopping"])
    if "augmentation" in given:
        values["augmentation"] = tuple(map(_parse_augmentation, given["augmentation"]))
    return Training(auto=auto, **values)


def _parse_augmentation(document: Mapping[str, Any]) -> Augmentation:
    parameters = {key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}
    return AUGMENTATIONS[str(parameters.pop("type"))](**parameters)
