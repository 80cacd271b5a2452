"""Schemas of the JSON files in sweep folders and crop stores."""

from __future__ import annotations

from typing import Final

from archnet.spec.outputs.schema_parts import (
    ANYTHING,
    COUNT,
    NUMBER,
    TEXT,
    list_of,
    map_of,
    nullable,
    one_of,
    record_of,
    tuple_of,
)

_TRIAL_RUN: Final = {
    **record_of(
        {"state": one_of("waiting", "running", "finished", "stopped", "failed")},
        {"reason": nullable(TEXT), "lost": COUNT, "began": nullable(NUMBER), "seconds": nullable(NUMBER)},
    ),
    "additionalProperties": False,
}

TRIAL: Final = {
    **record_of(
        {"number": COUNT, "values": map_of(ANYTHING), "runs": map_of(_TRIAL_RUN)},
        {
            "state": TEXT,
            "reason": nullable(TEXT),
            "arch": nullable(TEXT),
            "parameters": nullable({**COUNT, "minimum": 1}),
            "macs": nullable({**COUNT, "minimum": 1}),
        },
    ),
    "additionalProperties": False,
}
"""Only the version that wrote it resumes a sweep, so other keys are damage."""

SWEEP: Final = record_of(
    {},
    {"search": TEXT, "at_once": nullable(COUNT), "base": record_of({}, {"data": record_of({})})},
)
"""The keys that readers use besides `parse_sweep`, which checks the document in full."""

EVALUATED_TRIALS: Final = record_of({"trials": list_of(COUNT)})

_SCAN_FILE: Final = {**tuple_of(ANYTHING, 3), "prefixItems": [TEXT, COUNT, COUNT], "items": False}

STORE: Final = record_of(
    {
        "source": TEXT,
        "crops": COUNT,
        "scans": list_of(record_of({"path": TEXT, "files": list_of(_SCAN_FILE)})),
    },
    {"lost": list_of({**record_of({"scan": TEXT, "reason": TEXT, "num_cases": COUNT}), "additionalProperties": False})},
)

COPIED_PAIRS: Final = record_of(
    {
        "version": COUNT,
        "pairs": list_of({**tuple_of(ANYTHING, 3), "prefixItems": [COUNT, COUNT, NUMBER], "items": False}),
    }
)

SCAN_RECORD: Final = record_of(
    {
        "scan": COUNT,
        "values": record_of(
            {
                **dict.fromkeys(("low", "high", "dark", "bright", "air_share", "tissue_share"), NUMBER),
                "padding": nullable(NUMBER),
            }
        ),
        "identity": record_of({"series_uid": nullable(TEXT), "digest": TEXT}),
        "notes": list_of(TEXT),
        "warnings": list_of(TEXT),
    }
)
