"""Small data sets for tests of the data checks, and an error that a check finds in them."""

import json

import numpy as np

from archnet.data.checks.findings import Finding

NET = {"name": "net", "rank": 2, "layers": [{"type": "T"}]}
COPIES = Finding(
    check="near_duplicates",
    severity="error",
    message="2 cases are copies of each other.",
    cases=("3", "8"),
    remedy="Remove one of each pair.",
)


def write_squares(path, count=60, groups=20, **arrays):
    """Noise, with a bright square in the cases of the second class; as many cases of each class, in groups."""
    y = np.arange(count) % 2
    x = np.random.default_rng(0).integers(0, 200, (count, 8, 8), dtype=np.uint8)
    x[y == 1, 3:5, 3:5] += 50
    np.savez(
        path, **{"x": x, "y": y, "group": np.arange(count) * groups // count, "classes": ["other", "nodule"], **arrays}
    )
    return path


def experiment_document(path, **keys):
    return {"archs": [NET], "data": {"name": "npz", "root": str(path)}, **keys}


def write_experiment(path, data, **keys):
    path.write_text(json.dumps(experiment_document(data, **keys)))
    return path


def find(monkeypatch, *findings):
    """Have a check find something in all data."""
    monkeypatch.setattr("archnet.runs.preparation.data_checks.find_small_sets", lambda *cases: iter(findings))
