"""Schemas of the JSON files in sweep folders, versus folders and crop stores."""

from __future__ import annotations

from typing import Final

from archnet.spec.outputs.schema_parts import (
    ANYTHING,
    BOOLEAN,
    COUNT,
    NUMBER,
    SHARE,
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
"""Unknown keys are not allowed, because only the version that started a sweep can resume it."""

SWEEP: Final = record_of(
    {},
    {"search": TEXT, "at_once": nullable(COUNT), "base": record_of({}, {"data": record_of({})})},
)
"""The keys that readers other than `parse_sweep`, which fully validates the document, use."""

EVALUATED_TRIALS: Final = record_of({"trials": list_of(COUNT)})

_VERSUS_RUN: Final = record_of(
    {
        "name": TEXT,
        **dict.fromkeys(("epochs", "steps_per_epoch"), COUNT),
        **dict.fromkeys(("step_seconds", "start_seconds", "seconds"), NUMBER),
    }
)

PLAN: Final = record_of(
    {
        **dict.fromkeys(("name", "arch", "data"), TEXT),
        **dict.fromkeys(("forms", "match"), list_of(TEXT, 1)),
        **dict.fromkeys(("seeds", "runs", "runs_at_once"), COUNT),
        "folds": nullable(COUNT),
        "seconds": NUMBER,
        "variants": list_of(
            record_of({"name": TEXT, "form": TEXT, "parameters": COUNT, "macs": COUNT, "run": _VERSUS_RUN}), 1
        ),
    },
    {"resources": record_of({"cpus": NUMBER, "gpus": NUMBER})},
)
"""Schema of the plan of a versus."""

_SPREAD: Final = record_of({**dict.fromkeys(("mean", "low", "high"), NUMBER), "deviation": nullable(NUMBER)})
_VERSUS_VARIANT: Final = record_of(
    {
        "name": TEXT,
        "form": TEXT,
        "matches": list_of(TEXT, 1),
        "parameters": COUNT,
        "macs": COUNT,
        "seeds": list_of(COUNT),
        "auc": nullable(SHARE),
        "auc_interval": nullable(tuple_of(SHARE, 2)),
        "costs": map_of(nullable(NUMBER)),
        "threshold": nullable(record_of({"rule": TEXT, "thresholds": _SPREAD, "false_positive_rates": _SPREAD})),
        "is_on_frontier": BOOLEAN,
    }
)
_QUESTION: Final = record_of(
    {
        **dict.fromkeys(("match", "question", "sentence", "badge"), TEXT),
        "further": list_of(TEXT),
        "verdict": nullable(record_of({"sides": list_of(record_of({})), "conclusions": list_of(record_of({}))})),
        "paired": list_of(record_of({"reference": TEXT, "other": TEXT, "differences": map_of(record_of({}))})),
        "noninferiority": list_of(record_of({"tested": TEXT, "against": TEXT, "margin": SHARE})),
    }
)

VERSUS: Final = record_of(
    {
        **dict.fromkeys(("name", "arch", "data", "uncertainty"), TEXT),
        "forms": list_of(TEXT, 2),
        "seeds": COUNT,
        "folds": nullable(COUNT),
        "questions": list_of(_QUESTION, 1),
        "cautions": list_of(TEXT),
        "variants": list_of(_VERSUS_VARIANT),
        "frontier": list_of(TEXT),
        "failures": list_of(record_of(dict.fromkeys(("variant", "run", "reason"), TEXT))),
    }
)

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
