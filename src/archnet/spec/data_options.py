"""The data of an experiment: options that belong to a data set, with its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archnet.files.strict_json import Problem
from archnet.spec.datasets import DATASETS, size_in_voxels
from archnet.spec.experiment import Data


def data_problems(data: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a document's options of its data, beyond its schema."""
    name = data.get("name", Data().name)
    spec = DATASETS[name]
    problems: list[Problem] = [
        (("data", key), f'the data set "{name}" has no option "{key}". Its options: {", ".join(sorted(spec.options))}.')
        for key in data
        if key not in spec.options
    ]
    for key in ("window_hu", "range"):
        limits = data.get(key)
        if isinstance(limits, list) and limits[0] >= limits[1]:
            problems.append((("data", key), f"expected [low, high] with low below high, got {limits}."))
    if data.get("crop_size_mm") is not None and not problems:
        problems += _physical_size_problems(data)
    if name == "npz" and not data.get("root"):
        problems.append((("data",), 'the data set "npz" needs "root", the path of the file; or use --data npz:PATH.'))
    return problems


def _physical_size_problems(data: Mapping[str, Any]) -> list[Problem]:
    path = ("data", "crop_size_mm")
    if data.get("spacing_mm") is None:
        return [(path, "needs spacing_mm: without it, crops of different scans would differ in shape.")]
    size, given = list(size_in_voxels(data["crop_size_mm"], data["spacing_mm"])), data.get("crop_size")
    if given not in (None, size):
        return [(path, f"gives {size} voxels at this spacing, but crop_size is {given}. Leave one of the two out.")]
    return []


def data_from(given: Mapping[str, Any]) -> Data:
    """The data that a document's options mean, with the defaults of the data set."""
    defaults = DATASETS[given.get("name", Data().name)].defaults
    set_values = {**defaults, **_set(given)}
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in set_values.items()
    }
    if "positive" in values:
        values["positive"] = str(values["positive"])
    if values.get("crop_size_mm"):
        values["crop_size"] = size_in_voxels(values["crop_size_mm"], values["spacing_mm"])
    return Data(**values)


def _set(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are not null, which stands for the default."""
    return {key: value for key, value in given.items() if value is not None}
