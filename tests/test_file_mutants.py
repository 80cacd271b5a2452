"""Damaged copies of every JSON and csv file that archnet reads back: an error of archnet, or a right result."""

import json
import math
import random
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from archnet.data.attributes.attribute_table import read_attributes
from archnet.data.attributes.patients import read_patients
from archnet.data.candidates import read_candidates
from archnet.data.checks.duplicates.kept_pairs import FOLDER, recall_pairs
from archnet.data.checks.duplicates.near_duplicates import CopiedPair
from archnet.data.checks.scan_records import read_records
from archnet.data.dataset import Cases
from archnet.data.store import read_store_json
from archnet.errors import ArchnetError
from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.froc.lists import read_findings, read_marks, read_series
from archnet.evaluation.predictions import read_predictions
from archnet.evaluation.run_folder import read_history, read_json
from archnet.files.csv_rows import read_rows
from archnet.inference.trained_run import read_trained_run
from archnet.listing.tags import read_tags
from archnet.report.html.comparison_page import write_comparison
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run
from archnet.report.sentences.document_difference import difference_line
from archnet.runs.preparation.training_scans import read_training_scans
from archnet.spec.outputs.output_file import OUTPUT_FILES, make_validator
from archnet.spec.sweeps.sweep import Resources
from archnet.sweep.report.sweep_page import write_sweep_report
from archnet.sweep.results.leaderboard import read_leaderboard
from archnet.sweep.results.trials import read_sweep, read_trials
from archnet.sweep.run import read_evaluated_trials
from archnet.versus.plan.plan_file import read_durations
from long_tests import long_except
from mutants import mutate_bytes, mutate_csv, mutate_json, mutate_lines

NUM_MUTANTS = 48
MUTATIONS = {".json": (mutate_json, mutate_bytes), ".csv": (mutate_csv, mutate_bytes)}
POINTS = "seriesuid,coordX,coordY,coordZ"
PAIRS = {"version": 2, "pairs": [[0, 1, 0.991], [3, 7, 0.998]]}
VALUES = {
    "low": -1000.0,
    "high": 300.5,
    "dark": -850.0,
    "bright": 20.0,
    "air_share": 0.4,
    "tissue_share": 0.5,
    "padding": None,
}
RECORDS = [
    {"scan": number, "values": VALUES, "identity": {"series_uid": "1.2.3", "digest": "0a"}, "notes": [], "warnings": []}
    for number in range(3)
]
STORE = {
    "source": "luna16 in scans",
    "crops": 3,
    "scans": [{"path": "/scans/a.mhd", "rows": 3, "files": [["a.mhd", 325, 17], ["a.raw", 3612672, 18]]}],
    "lost": [{"scan": "/scans/b.mhd", "reason": "it is cut off", "num_cases": 2}],
}
CURVE = {"false_positives_per_scan": [0, 0.5, 4.25], "sensitivity": [0.0, 0.7, 1.0], "band": [[0.1, 0.2], [0.5, 0.9]]}
COMPARISON = {
    "classes": ["a", "b"],
    "positive": "b",
    "runs": [
        {
            "run": "net",
            "seeds": [0, 1],
            "metrics": {"n": 4, "auc": 0.5, "intervals": {"auc": [0.2, 0.7]}},
            "spread": {"auc": 0.1},
        }
    ],
}
INIT = {
    "weights": "/runs/flat",
    "file": "model.keras",
    "sha256": "ab" * 32,
    "layers": [{"place": "$.layers[0]", "layer": 'Conv2D "a"', "weights": "3 x 3 x 1 x 4", "taken": True, "note": "x"}],
}
PLAN = {
    **{"name": "cubes-versus-net", "arch": "net", "data": "npz", "forms": ["2d", "3d"], "match": ["none"]},
    **{"seeds": 2, "folds": None, "runs": 2, "runs_at_once": 2, "seconds": 61.5},
    "resources": {"cpus": 1, "gpus": 0},
    "variants": [
        {
            **{"name": "net", "form": "2D", "parameters": 924, "macs": 6060},
            "run": {
                **{"name": "net", "epochs": 6, "steps_per_epoch": 3},
                **{"step_seconds": 0.5, "start_seconds": 4.25, "seconds": 17.5},
            },
        }
    ],
}
CHANGES = {
    "previous": "../../edit/net",
    "differences": [
        {"place": "arch.layers[0].num_output", "reference": 8, "other": 24},
        {"place": "arch.layers[1]", "other": {"type": "BN"}},
    ],
}
TRIAL = {
    "state": "finished",
    "number": 0,
    "values": {"arch.layers[0].num_output": 4},
    "runs": {"net": {"state": "finished", "reason": None, "lost": 0, "began": 1795632660.5, "seconds": 0.25}},
    "reason": None,
    "arch": "net",
    "parameters": 924,
    "macs": 6060,
}


def json_lines(values):
    return "".join(f"{json.dumps(value)}\n" for value in values)


TABLE = Cases(
    ids=np.arange(9).astype(np.str_), groups=np.arange(9).astype(np.str_), labels=np.arange(9) % 2, classes=("a", "b")
)
LISTS = {
    "candidates.csv": f"{POINTS},class\n" + "".join(f"1.2.{k},{k}.5,-2,3e1,{k % 2}\n" for k in range(9)),
    "annotations.csv": f"{POINTS},diameter_mm\n" + "".join(f"1.2.{k},{k}.5,-2,3,4.25\n" for k in range(5)),
    "submission.csv": f"{POINTS},probability\n" + "".join(f"1.2.{k},{k}.5,-2,3,0.{k}5\n" for k in range(5)),
    "seriesuids.csv": "".join(f"1.2.{k}\n" for k in range(9)),
    "patients.csv": "seriesuid,patient\n" + "".join(f"1.2.{k},P-{k // 2}\n" for k in range(9)),
    "cases.csv": "case,mm,site\n" + "".join(f"{k},{k}.5,{'AB'[k % 2]}\n" for k in range(9)),
    "store.json": json.dumps(STORE, indent=1),
    "curve.json": json.dumps(CURVE, indent=2),
    "comparison.json": json.dumps(COMPARISON, indent=2),
    "judged.json": json.dumps({"trials": [0, 2]}),
    "init.json": json.dumps(INIT, indent=2),
    "plan.json": json.dumps(PLAN, indent=2),
    "changes.json": json.dumps(CHANGES, indent=2),
    "tags.json": json.dumps({"tags": ["wide", "paper"], "note": "twice the width"}, indent=2),
    "scans.jsonl": json_lines(RECORDS),
}
MUTANT_PLAN = SimpleNamespace(
    variants=[SimpleNamespace(name="net")], options=SimpleNamespace(resources=Resources(cpus=1, gpus=0))
)
READERS = {
    "candidates.csv": read_candidates,
    "annotations.csv": read_findings,
    "submission.csv": read_marks,
    "seriesuids.csv": read_series,
    "patients.csv": lambda path: read_patients(path, {f"1.2.{k}" for k in range(9)}),
    "cases.csv": lambda path: read_attributes(path, TABLE),
    "store.json": lambda path: read_store_json(path.parent),
    "curve.json": read_json,
    "comparison.json": read_json,
    "judged.json": lambda path: read_evaluated_trials(path.parent),
    "init.json": read_json,
    "plan.json": lambda path: read_durations(path.parent, MUTANT_PLAN),
    "changes.json": lambda path: [difference_line(one) for one in read_json(path)["differences"]] or ["none"],
    "tags.json": lambda path: read_tags(path.parent),
    "scans.jsonl": read_records,
}
"""How archnet reads each file of `LISTS`."""

RUN_READERS = {
    "experiment.json": lambda path: read_json(path),
    "metrics.json": lambda path: read_json(path),
    "network.json": lambda path: read_json(path),
    "data.json": lambda path: read_json(path),
    "environment.json": lambda path: read_json(path),
    "training_scans.json": lambda path: read_training_scans(path.parent),
    "history.csv": read_history,
    "predictions.csv": read_predictions,
    "split.csv": lambda path: list(read_rows(path, ["case", "group", "label", "set"])),
}
"""How archnet reads each file of a run folder."""


def result_of(read, *arguments):
    """What a reader gives; null if it refuses the file. Any error but archnet's own fails the test."""
    message = ""
    try:
        return read(*arguments)
    except ArchnetError as error:
        message = str(error)
    assert 20 < len(message) < 10_000
    return None


def damage(path, read, count=NUM_MUTANTS, seed=0):
    """Read many damaged copies of a file in its place; the results of those that were accepted, with their texts."""
    content = path.read_bytes()
    accepted = []
    mutations = MUTATIONS.get(path.suffix, (mutate_lines, mutate_bytes))
    for number in range(count):
        mutant = mutations[number % 2](random.Random(f"{path.name} {seed} {number}"), content)
        path.write_bytes(mutant)
        result = result_of(read, path)
        if result is not None:
            accepted.append((mutant, result))
    path.write_bytes(content)
    return accepted


def numbers(value):
    """All numbers in a value."""
    if isinstance(value, float | int):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else []
    return [number for part in parts for number in numbers(part)]


@pytest.mark.parametrize("name", LISTS)
def test_damaged_lists_and_documents_end_in_an_error_or_a_right_result(tmp_path, name):
    path = tmp_path / name
    path.write_text(LISTS[name], encoding="utf-8")
    assert result_of(READERS[name], path)
    accepted = damage(path, READERS[name])
    assert len(accepted) < NUM_MUTANTS or name == "scans.jsonl"  # a damaged line is skipped
    for content, result in accepted if name in ("curve.json", "comparison.json", "init.json") else []:
        assert result == json.loads(content.decode("utf-8-sig"))


@pytest.fixture
def run(finished_runs, tmp_path):
    """A run without the record of its files, as an older archnet left it."""
    shutil.copytree(finished_runs / "out", tmp_path / "out")
    for path in tmp_path.glob("out/*/manifest.json"):
        path.unlink()
    return tmp_path / "out/deep"


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN_READERS)
def test_damaged_files_of_a_run_end_in_an_error_or_a_right_result(run, name):
    assert result_of(RUN_READERS[name], run / name) is not None
    accepted = damage(run / name, RUN_READERS[name])
    assert len(accepted) < NUM_MUTANTS
    for content, result in accepted:
        if name.endswith(".json"):
            assert make_validator(OUTPUT_FILES[name].schema).is_valid(json.loads(content.decode("utf-8-sig")))
        if name.endswith(".json") and name != "training_scans.json":
            assert result == json.loads(content.decode("utf-8-sig"))
        if name == "history.csv":
            assert not any(map(math.isinf, numbers(result)))
        if name == "predictions.csv":
            np.testing.assert_allclose(result.probabilities.sum(axis=1), 1, atol=0.011)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN_READERS)
def test_what_reads_a_damaged_run_reports_it_right_or_refuses_it(run, name):
    damage(run / name, lambda path: read_trained_run(path.parent), count=NUM_MUTANTS)
    damage(run / name, lambda path: write_report(read_run(path.parent)), count=3)


@pytest.mark.slow
@pytest.mark.parametrize("name", long_except({"metrics.json", "predictions.csv"}, RUN_READERS))
def test_many_damaged_files_of_a_run_are_reported_and_compared_right_or_refused(run, name):
    other = run.with_name("flat")

    def report_and_compare(path):
        write_report(read_run(path.parent))
        compare([path.parent, other])
        return write_comparison(run.parent, [path.parent, other], lambda pool: [])

    damage(run / name, report_and_compare, seed=1)


@pytest.fixture
def sweep_folder(finished_runs, tmp_path):
    """A sweep with one trial."""
    folder = tmp_path / "sweep"
    trial = folder / "trials/000"
    shutil.copytree(finished_runs / "out/deep", trial / "net")
    sweep = {
        "base": {**json.loads((finished_runs / "out/experiment.json").read_text()), "arch": TINY, "name": "cubes"},
        "space": {"arch.layers[0].num_output": [2, 4]},
        "metric": "auc",
    }
    (folder / "sweep.json").write_text(json.dumps(sweep, indent=2))
    (folder / "judged.json").write_text('{"trials": [0]}')
    (trial / "trial.json").write_text(json.dumps(TRIAL, indent=2))
    return folder


TINY = {
    "name": "net",
    "layers": [{"type": "C", "num_output": 2, "kernel_size": [3, 3]}, {"type": "GAP"}, {"type": "T"}],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["sweep.json", "judged.json", "trials/000/trial.json", "trials/000/net/history.csv", "trials/000/net/metrics.json"],
)
def test_damaged_files_of_a_sweep_end_in_an_error_or_a_right_result(sweep_folder, name):
    def report(_path):
        sweep = read_sweep(sweep_folder)
        read_trials(sweep_folder)
        board = read_leaderboard(sweep, sweep_folder)
        return write_sweep_report(board, sweep_folder, read_evaluated_trials(sweep_folder))

    assert result_of(report, None)
    damage(sweep_folder / name, report)


def test_damaged_pairs_are_searched_again(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHNET_STORE", str(tmp_path))
    digests = np.arange(64, dtype=np.uint8).reshape(8, 8).view("V8")[:, 0]
    found = (CopiedPair(first=2, second=5, correlation=0.999),)

    def recall(_path=None):
        return recall_pairs(digests, np.arange(8), lambda: found)

    assert recall() == found
    (path,) = (tmp_path / FOLDER).iterdir()
    path.write_text(json.dumps(PAIRS))
    kept = tuple(CopiedPair(first=first, second=second, correlation=r) for first, second, r in PAIRS["pairs"])
    assert recall() == kept
    for _, pairs in damage(path, recall):
        assert pairs == found or all(0 <= pair.first < pair.second < 8 for pair in pairs)
