"""Schema of the experiment.json of a run folder."""

from __future__ import annotations

from typing import Final

from archnet.spec.outputs.schema_parts import COUNT, NUMBER, TEXT, Schema, list_of, map_of, nullable, record_of
from archnet.spec.schema import read_schema


def _build_schema() -> Schema:
    """Value types of the experiment schema; keys are optional, other keys are allowed, and seeds have no limit."""
    language = read_schema("experiment")
    sections = {
        name: {"type": "object", "properties": {**language["properties"][name]["properties"], "seed": COUNT}}
        for name in ("data", "split", "training", "evaluation")
    }
    arch = {
        "name": TEXT,
        "description": TEXT,
        "rank": nullable(COUNT),
        "layers": list_of(record_of({"type": TEXT})),
        "baseline": record_of({}),
        "stacked": record_of({"network": TEXT, "baseline": TEXT, "C": NUMBER, "fitted_on": TEXT}),
    }
    texts = {"name": TEXT, "description": TEXT, "picked": map_of(TEXT)}
    return {**record_of({}, {**texts, "arch": record_of({}, arch), **sections}), "$defs": language["$defs"]}


EXPERIMENT_FILE: Final = _build_schema()
"""The keys that readers of a run folder use; `parse_experiments` fully validates a document before it is run again."""
