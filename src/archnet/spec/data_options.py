"""The data of an experiment: options that belong to a data set, with its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archnet.files.strict_json import Problem
from archnet.spec.datasets import DATASETS, size_in_voxels
from archnet.spec.experiment import Data


def data_problems(options: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a document's options of its data, beyond its schema."""
    name = options.get("name", Data().name)
    spec = DATASETS[name]
    problems: list[Problem] = [
        (("data", key), f'the data set "{name}" has no option "{key}". Its options: {", ".join(sorted(spec.options))}.')
        for key in options
        if key not in spec.options
    ]
    for key in ("window_hu", "range"):
        limits = options.get(key)
        if isinstance(limits, list) and limits[0] >= limits[1]:
            problems.append((("data", key), f"expected [low, high] with low below high, got {limits}."))
    if options.get("crop_size_mm") is not None and not problems:
        problems += _physical_size_problems(options)
    if spec.is_file and not options.get("root"):
        remedy = f'"root", the path of the file; or use --data {name}:PATH.'
        problems.append((("data",), f'the data set "{name}" needs {remedy}'))
    return problems


def _physical_size_problems(options: Mapping[str, Any]) -> list[Problem]:
    path = ("data", "crop_size_mm")
    if options.get("spacing_mm") is None:
        return [(path, "needs spacing_mm: without it, crops of different scans would differ in shape.")]
    size, crop_size = list(size_in_voxels(options["crop_size_mm"], options["spacing_mm"])), options.get("crop_size")
    if crop_size not in (None, size):
        return [(path, f"gives {size} voxels at this spacing, but crop_size is {crop_size}. Leave one of the two out.")]
    return []


def parse_data(options: Mapping[str, Any]) -> Data:
    """The data that a document's options mean, with the defaults of the data set."""
    defaults = DATASETS[options.get("name", Data().name)].defaults
    merged = {**defaults, **drop_nulls(options)}
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in merged.items()}
    if "positive" in values:
        values["positive"] = str(values["positive"])
    if values.get("crop_size_mm"):
        values["crop_size"] = size_in_voxels(values["crop_size_mm"], values["spacing_mm"])
    return Data(**values)


def drop_nulls(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are not null, which stands for the default."""
    return {key: value for key, value in options.items() if value is not None}
