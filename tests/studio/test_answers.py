"""Answers about texts agree with the commands that compute the same, and offsets are those of JavaScript."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from archnet.files.documents.json_parser import parse_tolerantly
from archnet.spec.analysis.analyze import Analysis, AnalysisOptions, analyze
from archnet.spec.analysis.diagnostics import Diagnostic
from archnet.spec.analysis.suggestions import Completion, Hover, Symbol
from archnet.spec.analysis.text_ranges import Fix, TextEdit, TextRange
from archnet.studio.answers.experiment_answers import NUM_STEPS
from archnet.studio.answers.utf16_offsets import Utf16Offsets
from command_line import ROOT, invoked
from finished_runs import write_cubes
from studio_client import StudioClient

RES2D = (ROOT / "archs/res2d.json").read_text(encoding="utf-8")


@pytest.fixture
def studio(tmp_path):
    with StudioClient(tmp_path) as client:
        yield client


def ask(studio, question, **values):
    answer = studio.post(f"/api/{question}", json={"path": "mine.json", **values})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(studio, question, **values):
    answer = studio.post(f"/api/{question}", json={"path": "mine.json", **values})
    return answer.status_code, answer.json()["error"]


TEXT = '{"\U0001f600": "\U0001f9e0", "x": 1}'


@pytest.fixture
def analysis(monkeypatch):
    """An analysis of `TEXT` whose every part has offsets behind characters of two code units."""
    place = TextRange(TEXT.index('"x"'), TEXT.index('"x"') + 3)
    edit = TextEdit(place, '"y"')

    class Known(Analysis):
        def complete(self, offset):
            return (Completion(label=str(offset), kind="key", edit=edit, other_edits=(edit,)),)

        def hover(self, offset):
            return Hover(range=place, markdown=str(offset))

        def symbols(self):
            inner = Symbol(name="inner", detail="", range=place, selection_range=place)
            return (
                Symbol(
                    name="outer", detail="", range=TextRange(0, len(TEXT)), selection_range=place, children=(inner,)
                ),
            )

        def format(self):
            return (edit,)

    problem = Diagnostic(range=place, severity="hint", message="m", path=("x",), fixes=(Fix(title="t", edits=(edit,)),))
    known = Known(
        text=TEXT, source="mine.json", kind="experiment", root=parse_tolerantly(TEXT)[0], diagnostics=(problem,)
    )
    monkeypatch.setattr("archnet.studio.answers.document_answers.analyze", lambda *arguments: known)
    return known


def units(text):
    return text.encode("utf-16-le")


def cut(start, end):
    return units(TEXT)[2 * start : 2 * end].decode("utf-16-le")


def test_all_offsets_count_utf16_code_units(studio, analysis):
    answer = ask(studio, "analysis", text=TEXT)
    (problem,) = answer["diagnostics"]
    ((outer),) = answer["symbols"]
    (fix,) = problem["fixes"]
    (offer,) = ask(studio, "completion", text=TEXT, offset=0)["completions"]
    hover = ask(studio, "hover", text=TEXT, offset=0)["hover"]
    (edit,) = ask(studio, "format", text=TEXT)["edits"]
    ranges = [problem, *fix["edits"], *outer["children"], offer["edit"], *offer["other_edits"], hover, edit]
    assert [cut(one["start"], one["end"]) for one in ranges] == ['"x"'] * 7
    assert cut(outer["start"], outer["end"]) == TEXT
    assert cut(outer["selection_start"], outer["selection_end"]) == '"x"'
    assert (answer["kind"], answer["is_valid"], problem["path"]) == ("experiment", True, "$.x")


@pytest.mark.parametrize("number", range(12))
def test_an_offset_of_a_request_is_that_of_the_page(studio, analysis, number):
    at = len(units(TEXT[:number])) // 2
    assert ask(studio, "hover", text=TEXT, offset=at)["hover"]["markdown"] == str(number)
    assert ask(studio, "completion", text=TEXT, offset=at)["completions"][0]["label"] == str(number)


@pytest.mark.parametrize("text", ["", "abc", "a\U0001f600b\U0001f600\U0001f600", "é\uffff", "\U00010000" * 5])
def test_offsets_are_converted_there_and_back(text):
    offsets = Utf16Offsets(text)
    for offset in range(len(text) + 1):
        assert offsets.to_utf16(offset) == len(units(text[:offset])) // 2
        assert offsets.from_utf16(offsets.to_utf16(offset)) == offset
    assert offsets.from_utf16(10**9) == len(text)


def test_options_of_the_analysis_arrive(studio, monkeypatch, tmp_path):
    given = []

    def analyze(text, source, options):
        given.append(
            (text, source, options, options.read_text(tmp_path / "other.json"), options.read_text(tmp_path / "x.json"))
        )
        return Analysis(text=text, source=source, kind="arch", root=parse_tolerantly(text)[0])

    monkeypatch.setattr("archnet.studio.answers.document_answers.analyze", analyze)
    ask(
        studio, "analysis", text="{", input_shape=[8, 8, 4.0], num_classes=3, batch_size=5, budget_bytes=10**9,
        spacing_mm=[0.7, 0.7, 2.5], open_files={"other.json": "unsaved"},
    )  # fmt: skip
    ((text, source, options, unsaved, closed),) = given
    assert (text, source) == ("{", str(tmp_path / "mine.json"))
    assert (options.input_shape, options.num_classes, options.batch_size) == ((8, 8, 4), 3, 5)
    assert (options.budget_bytes, options.spacing_mm) == (10**9, (0.7, 0.7, 2.5))
    assert (unsaved, closed) == ("unsaved", None)
    assert isinstance(options.input_shape[2], int)


def test_an_analysis_without_options_has_those_of_the_defaults(studio, monkeypatch, tmp_path):
    given = []

    def analyze(text, source, options):
        given.append((options, options.read_text(tmp_path / "other.json")))
        return Analysis(text=text, source=source, kind="arch", root=parse_tolerantly(text)[0])

    monkeypatch.setattr("archnet.studio.answers.document_answers.analyze", analyze)
    ask(studio, "analysis", text="{")
    ((options, unsaved),) = given
    assert (options.input_shape, options.num_classes, options.batch_size) == (None, 2, 64)
    assert (options.budget_bytes, options.spacing_mm, unsaved) == (None, None, None)


@pytest.mark.parametrize(("shape", "is_refused"), [([8, 8, 4], True), ([8, 8], False), (None, False)])
def test_a_spacing_needs_a_number_for_each_axis_of_the_input(studio, shape, is_refused):
    values = {"text": "[", "spacing_mm": [0.7, 0.7], **({"input_shape": shape} if shape else {})}
    answer = studio.post("/api/analysis", json={"path": "mine.json", **values})
    assert answer.status_code == (400 if is_refused else 200)
    if is_refused:
        assert answer.json() == {"error": "$.spacing_mm: expected one number per axis of input_shape."}


def test_an_analysis_has_the_facts_of_the_network(studio):
    layers = [{"type": "C", "num_output": 4, "kernel_size": 3}, {"type": "GAP"}, {"type": "T"}]
    text = json.dumps({"name": "\U0001f600", "rank": 2, "layers": layers, "input_shape": [8, 6]}, ensure_ascii=False)
    text = text.replace("\U0001f600", "net").replace('"net"', '"net", "description": "\U0001f600"')
    answer = ask(studio, "analysis", text=text, spacing_mm=[0.5, 0.7], num_classes=3, batch_size=4, budget_bytes=10**10)
    network = answer["network"]
    facts = analyze(
        text, "mine.json", AnalysisOptions(spacing_mm=(0.5, 0.7), num_classes=3, batch_size=4, budget_bytes=10**10)
    ).network
    assert (network["name"], network["rank"], network["input_shape"]) == ("net", 2, [8, 6, 1])
    assert (network["is_input_assumed"], network["is_complete"]) == (False, True)
    assert network["num_parameters"] == 40 + 5 * 3 == sum(layer["num_parameters"] for layer in network["layers"])
    assert network["num_macs"] == 8 * 6 * 9 * 4 + 4 * 3
    assert network["memory"] == {
        "batch_size": 4,
        "micro_batch_size": 4,
        "peak_bytes": facts.memory.peak_bytes,
        "budget_bytes": 10**10,
    }
    first, *_, last = network["layers"]
    assert cut_of(text, first["start"], first["end"]) == json.dumps(layers[0])
    del first["start"], first["end"]
    assert first == {
        "path": "$.layers[0]",
        "type": "C",
        "summary": "4 3x3",
        "input_shape": [8, 6, 1],
        "output_shape": [8, 6, 4],
        "num_parameters": 40,
        "num_macs": 1728,
        "memory_bytes": facts.layers[0].memory_bytes,
        "receptive_field": [3, 3],
        "receptive_field_mm": pytest.approx([1.5, 2.1]),
    }
    assert (last["path"], last["output_shape"], last["receptive_field"]) == ("$.layers[2]", [3], None)
    assert ask(studio, "analysis", text="{")["network"] is None
    without = ask(studio, "analysis", text=text)["network"]["layers"][0]
    assert without["receptive_field_mm"] is None


def cut_of(text, start, end):
    return units(text)[2 * start : 2 * end].decode("utf-16-le")


@pytest.mark.parametrize("shape", [[201, 200, 100], [256, 256, 62]])
def test_a_crop_of_too_many_voxels_is_not_drawn(studio, shape):
    answer = studio.post("/api/crop", json={"input_shape": shape})
    assert (answer.status_code, answer.json()) == (
        422,
        {"error": "$.input_shape: crops of more than 4,000,000 voxels are not drawn. Use a smaller input."},
    )


def test_a_drawing_is_that_of_the_report_with_the_path_of_each_layer(studio):
    drawing = ask(studio, "drawing", text=RES2D)
    blocks = [block for row in drawing["rows"] for block in row["blocks"]]
    shown = json.loads(invoked("show", ROOT / "archs/res2d.json", "--json").stdout)
    places = {re.sub(r" #\d+", "", layer["place"]) for layer in shown["layers"]}
    assert {block["place"] for block in blocks} == {None, *places}
    assert sum(block["parameters"] for block in blocks) == shown["parameters"]
    assert [note["text"] for row in drawing["rows"] for note in row["notes"]]
    assert len(ask(studio, "drawing", text=RES2D, columns=3)["rows"]) > len(drawing["rows"])
    assert refusal(studio, "drawing", text="{")[0] == 422


@pytest.mark.parametrize("match", ["none", "macs"])
def test_a_twin_is_that_of_the_command(studio, tmp_path, match):
    answer = ask(studio, "twin", text=RES2D, form="3d", input_shape=[64, 64, 10], match=match)
    (tmp_path / "res2d.json").write_text(RES2D)
    options = ("--rank", "3", "--input", "64x64x10", "--match", match)
    done = json.loads(invoked("twin", tmp_path / "res2d.json", *options, "--json").stdout)
    assert json.loads(answer["text"]) == done["arch"]
    assert {key: answer[key] for key in answer if key != "text"} == {key: done[key] for key in answer if key != "text"}
    assert refusal(studio, "twin", text=RES2D, form="2d") == (
        422,
        f"{tmp_path / 'mine.json'}: this network is already 2D. Use rank 2.5 or 3.",
    )


def test_an_experiment_is_resolved_as_a_run_would(studio, tmp_path):
    write_cubes(tmp_path / "cubes.npz")
    arch = {"name": "flat", "rank": 2, "layers": [{"type": "GAP"}, {"type": "T"}]}
    text = json.dumps(
        {"archs": [arch], "data": {"name": "npz", "root": "cubes.npz"}, "training": {"epochs": 7, "augmentation": []}}
    )
    answer = ask(studio, "experiment", text=text)
    assert answer["data"]["cases"] == 60
    assert answer["data"]["groups"] == 20
    assert sum(part["cases"] for part in answer["sets"].values()) == 60
    assert set(answer["sets"]) == {"train", "validation", "test"}
    (run,) = answer["runs"]
    assert (run["name"], run["epochs"], answer["problem"]) == ("flat", 7, None)
    auto = {entry["key"]: entry for entry in run["auto"]}
    assert auto["training.batch_size"]["value"] == str(run["batch_size"]) == "16"
    assert auto["training.batch_size"]["reason"]
    assert "training.epochs" not in auto
    assert auto["split.by"]["value"] == "group"
    changed = ask(studio, "experiment", text=text, settings={"training.batch_size": 5})
    assert changed["runs"][0]["batch_size"] == 5


def test_an_experiment_whose_cases_cannot_be_split_has_no_sets(studio, tmp_path):
    write_cubes(tmp_path / "cubes.npz")
    arch = {"name": "flat", "rank": 2, "layers": [{"type": "GAP"}, {"type": "T"}]}
    data = {"name": "npz", "root": "cubes.npz"}
    answer = ask(studio, "experiment", text=json.dumps({"archs": [arch], "data": data, "split": {"folds": 30}}))
    assert answer["problem"]
    assert (answer["split"], answer["split_reason"], answer["sets"]) == ({}, None, {})
    assert answer["expected_recall"] is None
    assert [(run["epochs"], run["batch_size"]) for run in answer["runs"]] == [(0, 0)] * 30


def test_an_architecture_is_resolved_on_a_data_set(studio, tmp_path):
    write_cubes(tmp_path / "cubes.npz")
    text = json.dumps({"name": "flat", "rank": 2, "layers": [{"type": "GAP"}, {"type": "T"}]})
    answer = ask(studio, "experiment", text=text, data=f"npz:{tmp_path / 'cubes.npz'}")
    assert [run["arch"] for run in answer["runs"]] == ["flat"]


def test_data_that_are_missing_are_named_with_the_command_that_fetches_them(studio, tmp_path):
    status, error = refusal(studio, "experiment", text=RES2D, data="luna16", root=str(tmp_path / "none"))
    assert status == 422
    assert error.startswith(f"{tmp_path / 'none'}: there is no such folder.")
    assert error.endswith(f"or fetch it: archnet data fetch luna16 --root {tmp_path / 'none'}.")


def test_a_sweep_is_no_experiment(studio, tmp_path):
    text = (ROOT / "experiments/sweep_width.json").read_text(encoding="utf-8")
    for question in ("experiment", "duration"):
        assert refusal(studio, question, text=text) == (
            422,
            f"{tmp_path / 'mine.json'}: this is a sweep, not an experiment. Choose an experiment or an architecture.",
        )


def test_the_duration_of_an_experiment_is_measured_once_for_each_architecture(studio, monkeypatch):
    tasks = []

    def measure(task, command, failure):
        tasks.append((task, command, failure))
        seconds = {"flat": 10.0, "deep": 7.5}[task["experiment"]["arch"]["name"]]
        return {"epochs": 3, "steps_per_epoch": 5, "step_seconds": 0.5, "seconds": seconds, "ended": "finished"}

    monkeypatch.setattr("archnet.sweep.task_process.run_task", measure)
    archs = [{"name": name, "rank": 2, "layers": [{"type": "GAP"}, {"type": "T"}]} for name in ("flat", "deep")]
    text = json.dumps({"archs": archs, "data": {"name": "phantom"}, "split": {"folds": 3}})
    measured = {"num_runs": 3, "epochs": 3, "steps_per_epoch": 5, "step_seconds": 0.5}
    assert ask(studio, "duration", text=text) == {
        "seconds": 52.5,
        "archs": [{"arch": "flat", "seconds": 10.0, **measured}, {"arch": "deep", "seconds": 7.5, **measured}],
    }
    assert [(task["task"], task["steps"], failure) for task, _, failure in tasks] == [
        ("time", NUM_STEPS, "flat cannot be trained here"),
        ("time", NUM_STEPS, "deep cannot be trained here"),
    ]


def test_values_of_a_sweep_that_do_not_fit_together_are_a_problem_of_their_trial(studio):
    layers = [{"type": "C", "num_output": 2, "kernel_size": 1, "padding": "valid"}] * 2
    base = {
        "arch": {"name": "net", "rank": 2, "input_shape": [8, 8], "layers": [*layers, {"type": "T"}]},
        "data": {"name": "phantom"},
    }
    space = {f"arch.layers[{index}].kernel_size": [1, 5] for index in range(2)}
    text = json.dumps({"base": base, "space": space, "limits": {"max_parameters": 300}})
    trials = ask(studio, "sweep", text=text)["trials"]
    assert [trial["arch"] for trial in trials] == ["net", "net", "net", None]
    assert (trials[3]["parameters"], trials[3]["macs"]) == (None, None)
    assert "does not fit its input (4, 4" in trials[3]["problem"]
    # two convolutions with biases, and the two classes of the flattened output
    assert trials[0]["parameters"] == 4 + 6 + (8 * 8 * 2 + 1) * 2
    assert trials[0]["macs"] == 8 * 8 * 2 + 8 * 8 * 4 + 8 * 8 * 2 * 2
    assert [trial["problem"] for trial in trials[:3]] == [None, None, None]
    small = ask(studio, "sweep", text=json.dumps({"base": base, "space": space, "limits": {"max_macs": 640}}))
    assert [trial["problem"] for trial in small["trials"][:1]] == [None]
    both = {"max_macs": 639, "max_parameters": 267}
    small = ask(studio, "sweep", text=json.dumps({"base": base, "space": space, "limits": both}))
    assert small["trials"][0]["problem"] == "limits.max_parameters is 267; limits.max_macs is 639"


def test_a_sweep_proposes_ten_trials_unless_asked_for_others(studio):
    base = {
        "arch": {"name": "flat", "rank": 2, "layers": [{"type": "GAP"}, {"type": "T"}]},
        "data": {"name": "phantom"},
    }
    document = {"base": base, "space": {"training.epochs": list(range(1, 13))}, "folds": 3, "seeds": 2}
    answer = ask(studio, "sweep", text=json.dumps(document))
    assert (len(answer["trials"]), answer["num_trials"], answer["runs_per_trial"]) == (10, 12, 6)
    assert len(ask(studio, "sweep", text=json.dumps(document), count=50)["trials"]) == 12
    assert [trial["number"] for trial in answer["trials"]] == list(range(10))


def test_a_sweep_proposes_the_trials_that_it_would_run(studio):
    text = (ROOT / "experiments/sweep_width.json").read_text(encoding="utf-8")
    answer = studio.post("/api/sweep", json={"path": "shipped:sweep_width", "text": text, "count": 3}).json()
    assert (answer["num_trials"], answer["search"], answer["depends_on_results"]) == (12, "grid", False)
    assert [list(trial["values"].values()) for trial in answer["trials"]] == [
        ["archsm", 4, 8],
        ["archsm", 4, 32],
        ["archsm", 8, 8],
    ]
    assert [trial["parameters"] for trial in answer["trials"]] == [85884, 96372, 86212]
    assert refusal(studio, "sweep", text="{}")[0] == 422


def test_trials_of_tpe_that_depend_on_results_are_not_guessed(studio):
    base = {
        "archs": [{"name": "flat", "rank": 2, "layers": [{"type": "GAP"}, {"type": "T"}]}],
        "data": {"name": "phantom"},
    }
    space = {"training.learning_rate": {"type": "log_uniform", "low": 0.001, "high": 0.1}}
    limits = {"max_parameters": 1}
    text = json.dumps({"base": base, "space": space, "search": "tpe", "trials": 30, "limits": limits})
    answer = ask(studio, "sweep", text=text, count=20)
    assert (len(answer["trials"]), answer["depends_on_results"]) == (10, True)
    assert {trial["problem"] for trial in answer["trials"]} == {"limits.max_parameters is 1"}
    assert answer["runs_per_trial"] == 1


def test_a_crop_of_a_data_set_is_its_first_positive_case(studio, tmp_path, monkeypatch):
    write_cubes(tmp_path / "cubes.npz")
    monkeypatch.setattr("archnet.studio.answers.crop_answers.MAX_VOXELS", 600)
    assert "error" in ask_crop(studio, input_shape=[201, 3])
    answer = ask_crop(studio, input_shape=[10, 10, 6], data=f"npz:{tmp_path / 'cubes.npz'}")
    assert (answer["case"], answer["class"], answer["shape"], answer["spacing_mm"]) == ("1", "1", [10, 10, 6], None)
    with np.load(tmp_path / "cubes.npz") as arrays:
        case = arrays["x"][1]
    drawn = np.stack([pixels(part) for part in answer["slices"]], axis=-1)
    assert np.corrcoef(drawn.ravel(), case.ravel())[0, 1] > 0.999


@pytest.mark.slow
def test_a_phantom_is_drawn_where_there_are_no_data(studio):
    answer = ask_crop(studio, input_shape=[32, 24, 5])
    assert (answer["source"], answer["class"], answer["shape"]) == ("phantom", "nodule", [32, 24, 5])
    assert len(answer["spacing_mm"]) == 3
    assert pixels(answer["slices"][2]).shape == (32, 24)
    assert pixels(answer["slices"][2]).std() > 10
    assert ask_crop(studio, input_shape=[32, 24])["shape"] == [32, 24, 1]


def ask_crop(studio, **values):
    return studio.post("/api/crop", json=values).json()


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))
