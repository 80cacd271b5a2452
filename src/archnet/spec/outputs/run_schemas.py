"""Schemas of the JSON files in run folders and experiment folders."""

from __future__ import annotations

from typing import Final

from archnet.spec.experiment import SETS
from archnet.spec.metrics import EVALUATED_METRICS
from archnet.spec.outputs.decision_schema import DECISION
from archnet.spec.outputs.schema_parts import (
    BOOLEAN,
    COUNT,
    NUMBER,
    SHARE,
    TEXT,
    Schema,
    list_of,
    map_of,
    nullable,
    one_of,
    record_of,
    tuple_of,
)

_AMOUNT: Final[Schema] = {**NUMBER, "minimum": 0}
_SCORE: Final[Schema] = {"type": ["number", "null"], "minimum": -1, "maximum": 1}
_INTERVAL: Final = nullable(tuple_of({"type": "number", "minimum": -1, "maximum": 1}, 2))

_ENTRY: Final[Schema] = {
    **_SCORE,
    "type": ["number", "null", "object"],
    "required": ["macro", "per_class"],
    "properties": {"macro": _SCORE, "per_class": map_of(_SCORE)},
}
"""A metric: a number, or for more than two classes the mean and the number of each class."""

_INTERVAL_ENTRY: Final[Schema] = {
    **_INTERVAL,
    "type": ["array", "null", "object"],
    "required": ["macro", "per_class"],
    "properties": {"macro": _INTERVAL, "per_class": map_of(_INTERVAL)},
}

_RESULTS: Final = {
    **dict.fromkeys(EVALUATED_METRICS, _ENTRY),
    "intervals": map_of(_INTERVAL_ENTRY),
    "n": _AMOUNT,
}
_MATRIX: Final = list_of(list_of(_AMOUNT, 2), 2)

_POINT: Final = record_of({"threshold": SHARE}, {**_RESULTS, "confusion_matrix": _MATRIX})
_POINTS: Final[Schema] = {
    **map_of(_POINT),
    "properties": {"recall": {**_POINT, "required": ["threshold", "wanted"], "properties": {"wanted": SHARE}}},
}

_BIN: Final = record_of({"n": COUNT, "probability": SHARE, "share": SHARE, "interval": _INTERVAL})
_RELIABILITY: Final = {
    "brier": NUMBER,
    "expected_calibration_error": NUMBER,
    "bins": list_of(_BIN, 1),
    "intervals": map_of(nullable(tuple_of({"type": "number", "minimum": 0, "maximum": 2}, 2))),
}
_YARDSTICK: Final = {
    "labels": one_of("soft"),
    "error_if_calibrated": record_of({"mean": NUMBER, "percentile_95": NUMBER}),
}
"""`labels` is absent with hard labels; older versions and soft labels have no error of the calibrated model."""
_CALIBRATION: Final = record_of(
    _RELIABILITY, {**_YARDSTICK, "scaled": record_of({"temperature": NUMBER, **_RELIABILITY}, _YARDSTICK)}
)

_NUM_RATES: Final = 7
"""False positives per scan at which LUNA16 states the sensitivity."""

_FROC_NUMBERS: Final = record_of(
    {
        "cpm": _SCORE,
        "sensitivities": tuple_of(_SCORE, _NUM_RATES),
        "intervals": record_of({"cpm": _INTERVAL, "sensitivities": tuple_of(_INTERVAL, _NUM_RATES)}),
    },
    dict.fromkeys(("num_scans", "num_nodules", "num_marks"), COUNT),
)
_FROC_STRATUM: Final[Schema] = {
    **_FROC_NUMBERS,
    "required": ["name", "num_nodules", *_FROC_NUMBERS["required"]],
    "properties": {"name": TEXT, "is_small": BOOLEAN, **_FROC_NUMBERS["properties"]},
}
_FROC_RESULTS: Final[Schema] = {
    **_FROC_NUMBERS,
    "properties": {**_FROC_NUMBERS["properties"], "by_diameter": list_of(_FROC_STRATUM)},
}

_MEASURES: Final = ("recall", "macro_recall", "accuracy")
"""Metric of strata; older runs with more than two classes contain the accuracy."""

_STRATUM_RESULTS: Final = record_of(
    {"intervals": record_of({}, dict.fromkeys((*_MEASURES, "auc"), _INTERVAL))},
    {"run": TEXT, **dict.fromkeys((*_MEASURES, "auc"), _SCORE)},
)
_STRATUM_DIFFERENCE: Final = record_of(
    {
        **dict.fromkeys(("reference", "other", "difference"), _SCORE),
        "interval": nullable(tuple_of(NUMBER, 2)),
        **dict.fromkeys(("p", "p_holm"), nullable(SHARE)),
    }
)
_STRATUM_PAIR: Final = record_of({"reference": TEXT, "other": TEXT, "differences": map_of(_STRATUM_DIFFERENCE)})
_STRATUM: Final = record_of(
    {
        "name": TEXT,
        **dict.fromkeys(("n", "positives", "groups"), COUNT),
        "is_small": BOOLEAN,
        "networks": list_of(_STRATUM_RESULTS, 1),
    },
    {"paired": list_of(_STRATUM_PAIR)},
)
_STRATA: Final = record_of(
    {
        "measure": one_of(*_MEASURES),
        "columns": list_of(record_of({"name": TEXT, "is_of_positives": BOOLEAN, "strata": list_of(_STRATUM, 2)})),
    },
    {"set": one_of(*SETS)},
)
"""Results by attribute of the cases, such as the diameter of a nodule or the scanner."""

_COSTS: Final = dict.fromkeys(
    ("parameters", "macs", "peak_memory_bytes", "train_seconds", "samples_per_second"),
    nullable(_AMOUNT),
)

_SET: Final = record_of(
    {"n": _AMOUNT, "threshold": nullable(SHARE), "confusion_matrix": _MATRIX},
    {**_RESULTS, "groups": COUNT, "operating_points": _POINTS, "calibration": _CALIBRATION, "decision": DECISION},
)
"""Files of older versions may lack metrics; `archnet report` adds them."""

_COLLAPSE: Final = record_of(
    {"reason": one_of("diverged", "constant", "one_class")}, {"class": TEXT, "losses": tuple_of(nullable(NUMBER), 2)}
)

_MEMBER: Final = record_of(
    {"seed": COUNT}, dict.fromkeys(("validation", "test"), record_of({}, dict.fromkeys(EVALUATED_METRICS, _ENTRY)))
)
"""The results of one network of an ensemble alone."""

METRICS_FILE: Final = record_of(
    {},
    {
        "positive": TEXT,
        "classes": list_of(TEXT, 2),
        **dict.fromkeys(SETS, _SET),
        "collapsed": _COLLAPSE,
        "froc": _FROC_RESULTS,
        "strata": _STRATA,
        "members": list_of(_MEMBER, 2),
        "views": {**COUNT, "minimum": 2},
        **_COSTS,
    },
)

_POSITIVE: Final[Schema] = {**COUNT, "minimum": 1}

_LAYER: Final = record_of(
    {
        "place": TEXT,
        "type": TEXT,
        "summary": TEXT,
        "output_shape": list_of(COUNT, 1),
        "parameters": COUNT,
        "macs": COUNT,
        "activation_bytes": COUNT,
    },
    {"lanes": list_of(TEXT), "skip": TEXT, "times": _POSITIVE, "planes": _POSITIVE},
)

NETWORK: Final = record_of(
    {
        "input_shape": list_of(COUNT, 3, 4),
        "parameters": COUNT,
        "macs": COUNT,
        "activation_bytes": COUNT,
        "layers": list_of(_LAYER, 1),
        "batch_size": COUNT,
        "micro_batch": _POSITIVE,
        "parts": COUNT,
        "training_bytes": COUNT,
        "memory_bytes": nullable(COUNT),
    },
    {"members": _POSITIVE},
)
"""The network; of an ensemble, one of its members."""

_SHA256: Final[Schema] = {"type": "string", "pattern": r"^[0-9a-f]{64}$(?!\n)"}
_POINT_MM: Final = tuple_of(NUMBER, 3)
_FINDING: Final = record_of(
    {"severity": one_of("error", "warning", "note"), "check": TEXT, "message": TEXT},
    {"cases": list_of(TEXT), "remedy": TEXT},
)

DATA: Final = record_of(
    {},
    {
        "digest": _SHA256,
        "geometry": _SHA256,
        "num_scans": map_of(COUNT),
        "flow": map_of(record_of(dict.fromkeys(("found", "not_drawn", "lost"), COUNT))),
        "findings": list_of(_FINDING),
        "notes": list_of(TEXT),
        "lost": list_of(record_of({"scan": TEXT, "reason": TEXT, "num_cases": COUNT})),
        "scans": nullable(
            record_of(
                {
                    "count": COUNT,
                    "spacing_mm": tuple_of(_POINT_MM, 2),
                    "size_mm": tuple_of(_POINT_MM, 2),
                    "mean_hu": tuple_of(NUMBER, 2),
                }
            )
        ),
        "soft_labels": record_of({"soft": COUNT, "mean_largest_share": SHARE, "mean_entropy_bits": NUMBER}),
        "case_weights": record_of(dict.fromkeys(("least", "largest", "effective_cases"), NUMBER)),
    },
)
"""Version 0.1.0 wrote "notes" instead of "findings"."""

TRAINING_SCANS: Final = record_of(
    {
        "scans": list_of(
            record_of({"series_uid": nullable(TEXT), "digest": TEXT, "sets": list_of(one_of("train", "validation"), 1)})
        ),
        "cases": map_of(list_of(TEXT)),
    }
)

ENVIRONMENT: Final = record_of(
    {},
    {
        **dict.fromkeys(("started", "command", "python", "platform", "processor"), TEXT),
        "git": nullable(record_of({"commit": TEXT, "has_uncommitted_changes": BOOLEAN})),
        "packages": map_of(TEXT),
        "execution": record_of(
            {}, {"backend": TEXT, "devices": list_of(TEXT), "precision": TEXT, "micro_batch": _POSITIVE}
        ),
    },
)

MANIFEST_FORMAT: Final = 1

_DAY: Final[Schema] = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$(?!\n)"}
_FILE_RECORD: Final = record_of(
    {"size": COUNT, "sha256": _SHA256}, {"edited": list_of(record_of({"date": _DAY, "sha256": _SHA256}), 1)}
)

INIT: Final = record_of(
    {"weights": TEXT, "file": TEXT, "sha256": _SHA256},
    {"layers": list_of(record_of({"place": TEXT, "layer": TEXT, "weights": TEXT, "taken": BOOLEAN, "note": TEXT}))},
)
"""Origin of the initial weights."""

MANIFEST: Final = record_of(
    {"format": {"const": MANIFEST_FORMAT}, "files": map_of(_FILE_RECORD)},
    {"removed": map_of(_DAY), "recorded": _DAY, "rewriting": map_of(list_of(_SHA256))},
)
"""The files of a run by name; "edited" and "removed" are changes that the user accepted."""

CHANGES: Final = record_of({"previous": TEXT, "differences": list_of(record_of({"place": TEXT}))})
"""The run with whose settings an experiment was run before, and the settings that differ."""

TAGS: Final = record_of({}, {"tags": list_of(TEXT), "note": TEXT})
"""The tags and the note of a run."""

RESERVATION: Final = record_of({}, {"name": TEXT, "runs": map_of(record_of({}))})
"""The experiment whose runs a process makes in a folder."""

_CURVE: Final = record_of(
    {
        "false_positives_per_scan": list_of(NUMBER, 1),
        "sensitivity": list_of(NUMBER, 1),
        "band": nullable(list_of(tuple_of(NUMBER, 2))),
    }
)
FROC_CURVE: Final[Schema] = {
    **_CURVE,
    "properties": {**_CURVE["properties"], "by_diameter": map_of(_CURVE)},
}

_COMPARISON_ROW: Final = record_of(
    {"metrics": record_of({}, _RESULTS), "spread": nullable(map_of(_ENTRY))},
    {
        "run": TEXT,
        "folders": list_of(TEXT),
        "seeds": list_of(COUNT),
        "folds": list_of(COUNT),
        "of_seeds": list_of(record_of({})),
    },
)

COMPARISON: Final = record_of(
    {"runs": list_of(_COMPARISON_ROW)},
    {
        "classes": list_of(TEXT, 2),
        "positive": TEXT,
        "set": TEXT,
        "sentence": TEXT,
        "cautions": list_of(TEXT),
        "verdict": record_of(
            {}, {"badge": TEXT, "sides": list_of(record_of({})), "conclusions": list_of(record_of({}))}
        ),
        "paired": list_of(record_of({})),
        "strata": _STRATA,
        "froc": map_of(
            record_of(
                {"cpm": _SCORE, "spread": _SCORE, "of_seeds": list_of(_FROC_RESULTS, 1)},
                {
                    "interval": _INTERVAL,
                    "difference": record_of({}),
                    "difference_by_diameter": list_of(
                        record_of({"name": TEXT, "is_small": BOOLEAN, "cpm": _STRATUM_DIFFERENCE})
                    ),
                },
            )
        ),
    },
)
