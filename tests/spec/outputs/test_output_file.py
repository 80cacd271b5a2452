"""The JSON files of run, sweep and store folders: each is held to its schema, and the message says where it breaks it."""

import json
import re

import pytest

from archnet.errors import ArchnetError, DataError, RunError
from archnet.evaluation.run_folder import read_history
from archnet.spec.outputs import output_file
from archnet.spec.outputs.output_file import CACHE_FILES, OUTPUT_FILES, parse_cache, read_cache, read_output
from archnet.spec.outputs.schema_parts import COUNT, NUMBER, TEXT, list_of, nullable, one_of, tuple_of
from schema_limits import grouped_limits

REMEDY = "Restore the file, or run the experiment again."
LAYER = {
    "place": "$.layers[0]",
    "type": "T",
    "summary": "2 classes linear",
    "output_shape": [2],
    "parameters": 10,
    "macs": 8,
    "activation_bytes": 8,
}
NETWORK = {
    "input_shape": [24, 24, 24, 1],
    "parameters": 1786,
    "macs": 25056,
    "activation_bytes": 58760,
    "batch_size": 16,
    "micro_batch": 16,
    "parts": 1,
    "training_bytes": 870057372,
    "memory_bytes": 16714199040,
    "layers": [LAYER],
}
UNCOUNTED = {**NETWORK, "layers": [{key: value for key, value in LAYER.items() if key != "parameters"}]}
UNSIZED = {**NETWORK, "input_shape": [None, 24, 24, 1]}
TRIAL = {"number": 0, "values": {}, "runs": {"net": {"state": "finished"}}}
FINDING = {"severity": "warning", "check": "copies", "message": "Two are equal.", "cases": ["a", "b"], "remedy": ""}
SET = {"n": 2, "threshold": 0.5, "confusion_matrix": [[1, 0], [0, 1]]}

DAMAGE = [
    ("data.json", {"notes": [], "lost": 10**30, "scans": None}, f":3 $.lost: expected an array, got 1{'0' * 30}. {REMEDY}"),
    ("data.json", {"notes": -1, "lost": [], "scans": None}, f":2 $.notes: expected an array, got -1. {REMEDY}"),
    ("data.json", {"lost": True}, f":2 $.lost: expected an array, got true. {REMEDY}"),
    ("data.json", {"findings": [{**FINDING, "cases": True}]}, f":7 $.findings[0].cases: expected an array, got true. {REMEDY}"),
    ("data.json", {"findings": [{**FINDING, "cases": ["a", 1]}]},
     f":9 $.findings[0].cases[1]: expected a string, got 1. {REMEDY}"),
    ("data.json", {"findings": [{**FINDING, "severity": "eror"}]},
     f':4 $.findings[0].severity: "eror" is not one of "error", "warning", "note". Did you mean "error"? {REMEDY}'),
    ("network.json", UNCOUNTED, f':17 $.layers[0]: the key "parameters" is missing. {REMEDY}'),
    ("network.json", UNSIZED, f":3 $.input_shape[0]: expected a whole number, got null. {REMEDY}"),
    ("network.json", {**NETWORK, "input_shape": ["24", "24", "1"]},
     f':3 $.input_shape[0]: expected a whole number, got "24". {REMEDY}'),
    ("network.json", {**NETWORK, "macs": 8.0}, f":9 $.macs: expected a whole number, got 8.0. {REMEDY}"),
    ("metrics.json", {"test": {**SET, "threshold": 1.5}}, f":4 $.test.threshold: expected at most 1, got 1.5. {REMEDY}"),
    ("metrics.json", {"test": {**SET, "auc": "high"}}, f":15 $.test.auc: expected a number or null or an object, got \"high\". {REMEDY}"),
    ("metrics.json", [1], f":1 $: expected an object, got [1]. {REMEDY}"),
    ("experiment.json", {"training": {"seed": "0"}}, f':3 $.training.seed: expected a whole number, got "0". {REMEDY}'),
    ("experiment.json", {"evaluation": {"bootstraps": True}}, f":3 $.evaluation.bootstraps: expected a whole number, got true. {REMEDY}"),
    ("environment.json", {"packages": []}, f":2 $.packages: expected an object, got []. {REMEDY}"),
    ("init.json", {"weights": "a", "file": "b", "sha256": "0" * 64, "layers": [{"taken": True}]},
     f':6 $.layers[0]: the key "place" is missing. {REMEDY}'),
    ("changes.json", {"previous": "edit", "differences": [{"reference": 8, "other": 24}]},
     f':4 $.differences[0]: the key "place" is missing. {REMEDY}'),
    ("tags.json", {"tags": "wide"},
     ':2 $.tags: expected an array, got "wide". Remove the file; archnet runs tag writes a new one.'),
    ("training_scans.json", {"scans": [], "cases": {"train": "abc"}}, f':4 $.cases.train: expected an array, got "abc". {REMEDY}'),
    ("curve.json", {"false_positives_per_scan": [0, 10**40], "sensitivity": [0.1], "band": None},
     f":4 $.false_positives_per_scan[1]: expected at most 1000000000000000, got 1{'0' * 40}. Regenerate it with `archnet report`."),
    ("manifest.json", {"format": 1, "files": []},
     ":3 $.files: expected an object, got []. Restore it, or remove it: the run is then read without a check of its "
     "files."),
    ("comparison.json", {"runs": [{}]}, ':3 $.runs[0]: the key "metrics" is missing. Regenerate it with `archnet report`.'),
    ("trial.json", {**TRIAL, "runs": {"net": {"state": "done"}}},
     ':6 $.runs.net.state: "done" is not one of "waiting", "running", "finished", "stopped", "failed". '
     "Remove its folder and run the sweep again with --resume."),
    ("sweep.json", {"at_once": "2"},
     ':2 $.at_once: expected a whole number or null, got "2". Restore the file, or start the sweep with a different --out.'),
    ("judged.json", {"trials": [True]},
     ":3 $.trials[0]: expected a whole number, got true. It lists the numbers of the trials that were evaluated on the test "
     "set. Restore the file."),
    ("plan.json", {"name": 1}, ':1 $: the key "arch" is missing. Restore the file, or start the comparison with a different --out.'),
    ("versus.json", {"name": 1}, ':1 $: the key "arch" is missing. Regenerate it with `archnet versus` and --resume.'),
    ("store.json", {"source": "x", "crops": 1, "scans": [], "lost": [{"scan": "a", "reason": "b", "num_casms": 2}]},
     ':9 $.lost[0].num_casms: unknown key "num_casms". Did you mean "num_cases"? Remove it with archnet data prune; the '
     "crops are then extracted again."),
    ("store.json", {"source": "x", "crops": 1, "scans": [{"path": "a", "files": [["a", 1]]}]},
     ":8 $.scans[0].files[0]: expected an array of at least 3, got [\"a\", 1]. Remove it with archnet data prune; the crops "
     "are then extracted again."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "document", "message"), DAMAGE)
def test_a_value_that_breaks_the_schema_is_named_with_line_path_and_remedy(tmp_path, name, document, message):
    path = tmp_path / name
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}{message}')}$"):
        read_output(path)


def test_each_kind_of_file_has_such_a_message():
    assert {name for name, _, _ in DAMAGE} == set(OUTPUT_FILES)


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("data.json", {"notes": ["7 candidates are left out."], "lost": [], "scans": None}),
        ("data.json", {"findings": [FINDING], "lost": [], "scans": None, "of_a_newer_version": 1}),
        ("network.json", NETWORK),
        ("metrics.json", {"classes": ["a", "b"], "positive": "b", "test": SET, "of_a_newer_version": {}}),
        ("experiment.json", {"picked": {"split.by": "group: the data have groups"}, "training": {"seed": 10**12}}),
        ("trial.json", TRIAL),
    ],
)
def test_older_and_newer_documents_are_read(tmp_path, name, document):
    path = tmp_path / name
    path.write_text(json.dumps(document), encoding="utf-8")
    assert read_output(path) == document


@pytest.mark.parametrize("name", [*OUTPUT_FILES, *CACHE_FILES])
def test_the_quick_check_knows_the_keywords_of_each_kind(name):
    assert output_file._quick_check(name)("text") is False


def test_a_valid_file_needs_no_jsonschema(monkeypatch):
    monkeypatch.setattr(output_file, "_validator", None)
    for name, document in (("network.json", NETWORK), ("trial.json", TRIAL), ("metrics.json", {"test": SET})):
        assert list(output_file.schema_violations(document, name)) == []


def test_what_is_not_json_or_too_large_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "metrics.json"
    for content, message in {
        b'{\n"a":'
        + b"9" * 5000: f":2: the number {'9' * 40}… (5,000 characters) is beyond the range of a double. {REMEDY}",
        b"[" * 100_000: f": nested more than 100 levels deep. {REMEDY}",
        b"\xff": f":1: not UTF-8 text. {REMEDY}",
        b" " * 16_000_001: f": larger than 16 MB, the limit for this file. {REMEDY}",
    }.items():
        path.write_bytes(content)
        with pytest.raises(DataError, match=f"^{re.escape(f'{path}{message}')}$"):
            read_output(path)


def test_a_missing_file_and_a_folder_in_its_place_are_distinguished(tmp_path):
    message = f"{tmp_path / 'metrics.json'}: no such file. Finish the run, or name a different run folder."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        read_output(tmp_path / "metrics.json")
    (tmp_path / "data.json").mkdir()
    message = f"{tmp_path / 'data.json'}: cannot be read: Is a directory. Check its permissions."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read_output(tmp_path / "data.json")


def test_a_damaged_cache_is_absent(tmp_path):
    good = {"version": 1, "pairs": [[0, 1, 0.99]]}
    path = tmp_path / "pairs.json"
    assert read_cache(path, "copies") is None
    for document, expected in ((good, good), ({**good, "pairs": [[0, 1]]}, None), ([], None)):
        path.write_text(json.dumps(document))
        assert read_cache(path, "copies") == expected
    assert [parse_cache(b"[" * 9999, kind) for kind in CACHE_FILES] == [None, None, None]


HISTORY = "epoch,seconds,train_loss\n1,0.5,0.7\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ": is empty."),
        (b"\x93noise", " line 1, column 1: not UTF-8 text."),
        (HISTORY.replace("0.7", "0.6\x00").encode(), " line 2: not a csv table (a null character)."),
        (HISTORY.encode().replace(b"0.7", b"0.\xff"), " line 2, column 3: not UTF-8 text."),
        (HISTORY.replace("1,", '1,"').encode(), " line 2: not a csv table (unexpected end of data)."),
        (f'{HISTORY}2,"{"9" * 200_000}",1\n'.encode(), " line 3: not a csv table (field larger than field limit (131072))."),
        (b"epoch,seconds,epoch\n1,1,1\n", ' line 1: the column "epoch" occurs twice.'),
        (b"epoch,train_loss\n1,0.5\n", ' line 1: the column "seconds" is missing.'),
        (f"{HISTORY}2,0.5\n".encode(), " line 3: 2 fields, but the header has 3."),
        (f"{HISTORY}2,0.5,inf\n".encode(), ' line 3: train_loss is "inf", not a finite number.'),
        (f"{HISTORY}2,,0.5\n".encode(), ' line 3: seconds is "", not a finite number.'),
        (f"{HISTORY}2,0.5,0_69\n".encode(), ' line 3: train_loss is "0_69", not a number.'),
        (f"{HISTORY}2,0.5,1e999\n".encode(), ' line 3: train_loss is "1e999", not a finite number.'),
    ],
)  # fmt: skip
def test_a_damaged_history_is_refused_with_line_and_column(tmp_path, content, message):
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    with pytest.raises(ArchnetError, match=f"^{re.escape(f'{path}{message} {REMEDY}')}$"):
        read_history(path)


def test_a_problem_in_a_very_large_file_has_no_line(tmp_path):
    path = tmp_path / "tags.json"
    text = '{"note": "a",\n"tags": 3}'
    for size, place in ((1_000_000, ":2 $.tags"), (1_000_001, " $.tags")):
        path.write_text(text.replace('"a"', f'"{"a" * (size - len(text) + 1)}"'))
        with pytest.raises(DataError) as caught:
            read_output(path)
        assert str(caught.value).startswith(f"{path}{place}: expected an array, got 3. ")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (nullable(TEXT), {"type": ["string", "null"]}),
        (nullable(one_of("a", "b")), {"enum": ["a", "b", None]}),
        (
            nullable(NUMBER),
            {"type": ["number", "null"], "minimum": -1_000_000_000_000_000, "maximum": 1_000_000_000_000_000},
        ),
        (COUNT, {"type": "integer", "minimum": 0, "maximum": 9_223_372_036_854_775_807}),
        (list_of(TEXT), {"type": "array", "items": TEXT, "minItems": 0}),
        (list_of(TEXT, 1, 2), {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 2}),
        (tuple_of(TEXT, 3), {"type": "array", "items": TEXT, "minItems": 3, "maxItems": 3}),
    ],
)
def test_the_parts_of_a_schema(schema, expected):
    assert schema == expected


LIMITS = {
    "metrics.json": {
        "maxItems 2": (
            "accuracy auc cpm interval intervals{} losses macro macro_recall per_class{} recall sensitivities[]"
        ),
        "maxItems 7": "sensitivities",
        "maxItems 99": "act_on_all high low net_benefit thresholds",
        "maximum 1": (
            "accuracy accuracy[] auc auc[] average_precision cpm cpm[] difference f1 interval[] intervals{}[] macro "
            "macro[] macro_recall macro_recall[] max_false_positive_rate mcc other p p_holm per_class{} per_class{}[] "
            "precision prevalence probability recall recall[] reference sensitivities[] sensitivities[][] sensitivity "
            "share specificity threshold thresholds[] value wanted"
        ),
        "maximum 2": "intervals{}[]",
        "minItems 1": "bins networks predictive_values",
        "minItems 2": (
            "accuracy auc classes confusion_matrix confusion_matrix[] cpm interval intervals{} losses macro "
            "macro_recall members per_class{} recall sensitivities[] strata"
        ),
        "minItems 7": "sensitivities",
        "minItems 99": "act_on_all high low net_benefit thresholds",
        "minimum -1": (
            "accuracy accuracy[] auc auc[] average_precision cpm cpm[] difference f1 interval[] intervals{}[] macro "
            "macro[] macro_recall macro_recall[] mcc other per_class{} per_class{}[] precision recall recall[] "
            "reference sensitivities[] sensitivities[][] specificity"
        ),
        "minimum 2": "views",
    },
    "network.json": {
        "maxItems 4": "input_shape",
        "minItems 1": "layers output_shape",
        "minItems 3": "input_shape",
        "minimum 1": "members micro_batch planes times",
    },
    "data.json": {
        "maxItems 2": "mean_hu size_mm spacing_mm",
        "maxItems 3": "size_mm[] spacing_mm[]",
        "maximum 1": "mean_largest_share",
        "minItems 2": "mean_hu size_mm spacing_mm",
        "minItems 3": "size_mm[] spacing_mm[]",
    },
    "training_scans.json": {
        "minItems 1": "sets",
    },
    "manifest.json": {
        "const 1": "format",
        "minItems 1": "edited",
    },
    "environment.json": {
        "minimum 1": "micro_batch",
    },
    "curve.json": {
        "maxItems 2": "band[]",
        "minItems 1": "false_positives_per_scan sensitivity",
        "minItems 2": "band[]",
    },
    "comparison.json": {
        "maxItems 2": "accuracy auc cpm interval intervals{} macro macro_recall per_class{} recall sensitivities[]",
        "maxItems 7": "sensitivities",
        "maximum 1": (
            "accuracy accuracy[] auc auc[] average_precision cpm cpm[] difference f1 interval[] intervals{}[] macro "
            "macro[] macro_recall macro_recall[] mcc other p p_holm per_class{} per_class{}[] precision recall "
            "recall[] reference sensitivities[] sensitivities[][] specificity spread spread{}"
        ),
        "minItems 1": "networks of_seeds",
        "minItems 2": (
            "accuracy auc classes cpm interval intervals{} macro macro_recall per_class{} recall sensitivities[] strata"
        ),
        "minItems 7": "sensitivities",
        "minimum -1": (
            "accuracy accuracy[] auc auc[] average_precision cpm cpm[] difference f1 interval[] intervals{}[] macro "
            "macro[] macro_recall macro_recall[] mcc other per_class{} per_class{}[] precision recall recall[] "
            "reference sensitivities[] sensitivities[][] specificity spread spread{}"
        ),
    },
    "trial.json": {
        "additionalProperties False": "$ runs{}",
        "minimum 1": "macs parameters",
    },
    "plan.json": {
        "minItems 1": "forms match variants",
    },
    "versus.json": {
        "maxItems 2": "auc_interval",
        "maximum 1": "auc auc_interval[] margin",
        "minItems 1": "matches questions",
        "minItems 2": "auc_interval forms",
    },
    "store.json": {
        "additionalProperties False": "lost[]",
        "items False": "files[]",
        "maxItems 3": "files[]",
        "minItems 3": "files[]",
    },
    "copies": {
        "items False": "pairs[]",
        "maxItems 3": "pairs[]",
        "minItems 3": "pairs[]",
    },
}
"""The names of the values with each limit, by file; limits of every count and every number are left out."""


@pytest.mark.parametrize("name", [name for name in (*OUTPUT_FILES, *CACHE_FILES) if name != "experiment.json"])
def test_the_limits_of_the_values_of_each_file(name):
    schema = (OUTPUT_FILES | CACHE_FILES)[name].schema
    assert grouped_limits(schema) == LIMITS.get(name, {})


def test_files_with_a_line_for_each_case_are_larger_than_others_and_may_name_scans_by_bytes():
    files = OUTPUT_FILES | CACHE_FILES
    large = ["data.json", "training_scans.json", "curve.json", "store.json", "copies"]
    assert {name: file.max_bytes for name, file in files.items()} == dict.fromkeys(files, 16_000_000) | dict.fromkeys(
        large, 256_000_000
    )
    assert [name for name, file in files.items() if file.allows_surrogates] == ["store.json"]
