"""The page of the data sets: what each is, what its folder holds, and the options that it takes."""

import json
from collections.abc import Iterator

from archnet.spec.datasets import COMMON_OPTIONS, DATASETS, DatasetSpec
from archnet.spec.schema import read_schema
from site_pages.schema_pages import page

_CASES = {
    "candidates": "crops around candidates",
    "whole scans": "whole scans, resized",
    "arrays": "arrays that are already cut",
}


def dataset_page() -> str:
    """Every data set by its name."""
    return page(
        [
            "# Data sets",
            "`--data NAME` or the key [`data.name`](experiment.md#data.name) chooses one. Data are searched in\n"
            "`--root`, in `$ARCHNET_DATA/NAME` and in the user data folder, in this order. [Data](../guide/data.md)\n"
            "describes checks, splits, attributes and malignancy labels.",
            *[block for name, spec in DATASETS.items() for block in _blocks(name, spec)],
            "## Options of every data set { #common-options }",
            "\n".join(_option(name) for name in _ordered(COMMON_OPTIONS)),
        ]
    )


def _blocks(name: str, spec: DatasetSpec) -> Iterator[str]:
    yield f"## `{name}` {{ #{name} }}"
    yield f"{spec.description[0].upper()}{spec.description[1:]}."
    facts = [f"Cases: {_CASES[spec.cases]}.", f"{'File' if spec.is_file else 'Folder'}: {spec.layout}."]
    if spec.published:
        facts.append(f"Download: `archnet data fetch {name}`.")
    yield "\n".join(f"- {fact}" for fact in facts)
    yield f"Options beside the [common ones](#common-options), with the defaults of `{name}`:"
    yield "\n".join(_option(key, value) for key, value in spec.defaults.items())


def _option(name: str, *default: object) -> str:
    """One line of a list; without a default where it is the same for all data sets."""
    value = f": default `{json.dumps(default[0])}`" if default else ""
    return f"- [`data.{name}`](experiment.md#data.{name}){value}"


def _ordered(names: frozenset[str]) -> list[str]:
    """Options in the order of the schema."""
    return [key for key in read_schema("experiment")["properties"]["data"]["properties"] if key in names]
