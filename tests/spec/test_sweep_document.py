"""The sweep document: what it means, and that every problem of it is told at once with its place."""

import dataclasses
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from archnet.cli import app
from archnet.errors import DocumentError
from archnet.files.strict_json import Document, parse_document, read_document
from archnet.spec.schema import read_schema
from archnet.spec.sweeps.document import parse_sweep
from archnet.spec.sweeps.search_space import Choice, Range, grid_values, is_value
from archnet.spec.sweeps.sweep import Limits, Resources, Scheduler, Sweep
from archnet.spec.sweeps.sweep_size import max_probes
from small_sweeps import LAYERS, WIDTH, sweep_document

ROOT = Path(__file__).parents[2]
BASE = {"arch": {"name": "net", "layers": LAYERS}, "data": {"name": "phantom"}}


def sweep_of(trials=None, **keys):
    return parse_sweep(parse_document(json.dumps({"base": BASE, **keys}, indent=1), "mine.json"), trials=trials)


def message_of(**keys):
    with pytest.raises(DocumentError) as caught:
        sweep_of(**keys)
    return str(caught.value)


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("sweep_*.json")), ids=lambda path: path.stem)
def test_every_shipped_sweep_reads_back_as_resolved(path):
    sweep = parse_sweep(read_document(path))
    again = parse_sweep(Document(value=sweep.to_document(), source="resolved"))
    assert again.to_document() == sweep.to_document()
    values = {key: axis.probe_values()[0] for key, axis in sweep.space.items()}
    assert again.experiments(values)[0].to_document() == sweep.experiments(values)[0].to_document()


@pytest.mark.parametrize(
    ("place", "kind"), [((), Sweep), (("scheduler",), Scheduler), (("resources",), Resources), (("limits",), Limits)]
)
def test_schema_and_dataclass_have_the_same_keys_and_defaults(place, kind):
    schema = read_schema("sweep")
    for key in place:
        schema = schema["properties"][key]
    fields = {field.name: field for field in dataclasses.fields(kind)}
    assert set(schema["properties"]) - {"$schema", "description"} == set(fields) - {"archs"}
    plain = {name: field.default for name, field in fields.items() if field.default is not dataclasses.MISSING}
    for name in set(plain) - {"resources", "limits", "type"}:
        assert schema["properties"][name]["default"] == plain[name], name


def test_an_array_is_a_choice_and_an_object_a_range():
    space = {WIDTH: [2, 4], "training.learning_rate": {"type": "log_uniform", "low": 0.001, "high": 0.1}}
    sweep = sweep_of(space=space, search="random", trials=5)
    assert sweep.space == {
        WIDTH: Choice(values=(2, 4)),
        "training.learning_rate": Range(type="log_uniform", low=0.001, high=0.1),
    }
    assert sweep.num_trials == 5


def test_a_grid_has_all_combinations_unless_fewer_are_asked_for():
    space = {WIDTH: [2, 4, 8], "training.epochs": {"type": "integer", "low": 1, "high": 9, "step": 4}}
    assert sweep_of(space=space).num_trials == 9
    assert sweep_of(space=space, trials=4).num_trials == 4
    assert sweep_of(space=space, trials=100).num_trials == 9


def test_architectures_are_an_axis_and_keys_below_change_whichever_is_chosen():
    archs = [str(ROOT / "archs/archsm.json"), str(ROOT / "archs/arch3dsm.json")]
    sweep = sweep_of(space={"arch": archs, WIDTH: [6]})
    (flat,) = sweep.experiments({"arch": "archsm", WIDTH: 6})
    (deep,) = sweep.experiments({"arch": "arch3dsm", WIDTH: 6})
    assert (flat.arch.rank, deep.arch.rank) == (2, 3)
    assert flat.arch.layers[0].num_output == deep.arch.layers[0].num_output == 6
    assert (flat.data.view, deep.data.view) == ("slice", "volume")


def test_a_key_that_only_one_of_the_architectures_has_is_an_axis_all_the_same():
    archs = [{"name": "short", "layers": [LAYERS[0], LAYERS[3]]}, {"name": "long", "layers": LAYERS}]
    sweep = sweep_of(space={"arch": archs, "arch.layers[2].num_output": [5]})
    assert sweep.experiments({"arch": "long", "arch.layers[2].num_output": 5})[0].arch.layers[2].num_output == 5
    assert sweep_of(space={"arch": archs[::-1], "arch.layers[2].num_output": [5]}).num_trials == 2
    with pytest.raises(DocumentError, match=r"\$\.layers: has no \[2\]; the last is \[1\]\.$"):
        sweep.experiments({"arch": "short", "arch.layers[2].num_output": 5})


def test_keys_reach_into_branches_and_shortcuts():
    convolution = {"type": "C", "num_output": 4, "kernel_size": [3, 3]}
    residual = {"type": "RES", "layers": [convolution], "shortcut": [convolution]}
    layers = [{"type": "CAT", "branches": [[convolution], [convolution, residual]]}, {"type": "T"}]
    first, second = "arch.layers[0].branches[1][0].num_output", "arch.layers[0].branches[1][1].shortcut[0].kernel_size"
    sweep = sweep_of(space={"arch": [{"name": "net", "layers": layers}], first: [5, 6], second: [1]})
    (run,) = sweep.experiments({"arch": "net", first: 6, second: 1})
    changed, block = run.arch.layers[0].branches[1]
    assert (changed.num_output, block.shortcut[0].kernel_size) == (6, (1, 1))
    assert run.arch.layers[0].branches[0][0].num_output == 4


def test_folds_and_seeds_are_runs_of_one_trial():
    runs = sweep_of(space={}, folds=3, seeds=2).experiments({})
    assert [(run.split.fold, run.training.seed) for run in runs] == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]


def test_all_problems_are_reported_together_with_their_locations():
    text = message_of(
        space={
            "arch.layers[0].num_outpt": [4],
            "training.learning_rate": {"type": "log_uniform", "low": -1, "high": 1},
            "training.epochs": [5, 0],
            "arch.layers[9].num_output": [4],
            "a b": [1],
        },
        search="tpe",
        limits={"memory": ""},
    )
    place = "mine.json:2 $.base"
    assert text.splitlines() == [
        f'mine.json:41 $.space.arch.layers[0].num_outpt[0]: {place} $.arch $.layers[0].num_outpt: unknown key '
        '"num_outpt". Did you mean "num_output"?',
        "mine.json:45 $.space.training.learning_rate.low: expected above 0, because values are uniform on a logarithmic scale, got -1.",
        f"mine.json:50 $.space.training.epochs[1]: {place} $.training.epochs: expected at least 1, got 0.",
        f"mine.json:53 $.space.arch.layers[9].num_output[0]: {place} $.arch $.layers: has no [9]; the last is [3].",
        'mine.json:55 $.space.a b: "a b" is not a valid key. Use a key such as training.epochs or arch.layers[0].num_output.',
        'mine.json:59 $.search: "tpe" needs the number of trials. Give "trials", such as 20.',
        'mine.json:61 $.limits.memory: "" is not a memory size. Use "4GB", "512MB", "2GiB" or a number of bytes.',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"space": {"training.l2": {"type": "uniform", "low": 0, "high": 1}}},
            '$.space.training.l2: a grid needs a finite number of values. Give them in an array, or set search to "random" '
            'or "tpe".',
        ),
        (
            {"space": {"training.l2": {"type": "uniform", "low": 1, "high": 1}}, "search": "random", "trials": 2},
            "$.space.training.l2: expected low below high, got 1 and 1.",
        ),
        (
            {"space": {WIDTH: {"type": "integer", "low": 1.5, "high": 3}}},
            "$.space.arch.layers[0].num_output.low: expected a whole number, got 1.5.",
        ),
        (
            {"space": {"training.l2": {"type": "uniform", "low": 0, "high": 1, "step": 1}}, "search": "random", "trials": 2},
            "$.space.training.l2.step: only whole numbers have steps. Remove it, or use the type integer.",
        ),
        (
            {"search": "random", "trials": 3},
            '$.search: "random" has nothing to sample: "space" is empty. Fill it, or remove "search".',
        ),
        (
            {"seeds": 2, "scheduler": {"type": "asha"}},
            "$.scheduler: trials with several folds or seeds are ranked by their mean, so they cannot be stopped "
            "early. Remove the scheduler, or folds and seeds.",
        ),
        (
            {"seeds": 2, "space": {"training.seed": [1, 2]}},
            '$.space.training.seed: "seeds" already varies this key. Remove one of the two.',
        ),
        ({"space": {"arch": ["nowhere.json"]}}, "$.space.arch[0]: nowhere.json: no such file."),
        (
            {"space": {"arch": [LAYERS, {"name": "arch1", "layers": LAYERS}]}},
            '$.space.arch[1]: there is another architecture named "arch1". Give each its own "name".',
        ),
        ({"space": {"arch": [7]}}, "$.space.arch[0]: expected the path of an architecture file, or an architecture."),
        ({"space": {"arch": [[{"type": "Q"}]]}}, "$.space.arch[0]: mine.json:41 $.space.arch[0] $.layers[0].type: "),
        ({"space": {"archs": [7]}}, '$.space.archs: the hyperparameter for architectures is called "arch".'),
        (
            {"space": {"arch": {"type": "uniform", "low": 0, "high": 1}}, "search": "random", "trials": 1},
            "$.space.arch: architectures are a choice. Give an array of files.",
        ),
        ({"base": "nowhere.json"}, "$.base: nowhere.json: no such file."),
        (
            {"base": {**BASE, "split": {"folds": 4}}},
            '$.base: has 4 folds. Remove split.folds there, and give "folds" here.',
        ),
        (
            {"base": {**BASE, "split": {"validation": 0}}, "space": {WIDTH: [3]}},
            "$.base: has no validation set to rank trials by. Set its split.validation, such as 0.1.",
        ),
        (
            {"base": {"archs": [LAYERS, {"name": "other", "layers": LAYERS}]}},
            '$.base: has 2 architectures (arch1, other). Make them a hyperparameter: "arch" in "space".',
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(keys, message):
    assert message in message_of(**keys).splitlines()[0]


def test_a_misspelt_key_is_reported_once_whatever_the_number_of_its_values():
    assert message_of(space={"training.learningrate": [0.1, 0.01, 0.001], WIDTH: [2]}).splitlines() == [
        'mine.json:40 $.space.training.learningrate: unknown key "learningrate". Did you mean "learning_rate"?'
    ]
    key = "arch.layers[0].num_outpt"
    (line,) = message_of(space={key: [4, 8, 16]}).splitlines()
    assert line == (
        f'mine.json:40 $.space.{key}: mine.json:2 $.base $.arch $.layers[0].num_outpt: unknown key "num_outpt". '
        'Did you mean "num_output"?'
    )


def test_a_misspelt_key_is_not_hidden_by_what_the_schema_refuses_elsewhere():
    text = message_of(space={"training.epoch": [1, 2]}, resources={"gpus": 1.5}, serch="grid")
    assert text.splitlines() == [
        'mine.json:40 $.space.training.epoch: unknown key "epoch". Did you mean "epochs"?',
        "mine.json:46 $.resources.gpus: expected a number from 0 to 1 or a whole number from 2 to 64, got 1.5.",
        'mine.json:48 $.serch: unknown key "serch". Did you mean "search"?',
    ]


@pytest.mark.parametrize("gpus", ["two", -1, 65, True, None])
def test_a_number_of_gpus_that_no_run_can_have_is_refused(gpus):
    value = json.dumps(gpus)
    expected = f"$.resources.gpus: expected a number from 0 to 1 or a whole number from 2 to 64, got {value}."
    assert expected in message_of(resources={"gpus": gpus})


def test_check_tells_a_sweep_from_an_experiment(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(sweep_document(tmp_path)))
    result = CliRunner().invoke(app, ["check", str(path)])
    assert result.output == f"{path}: valid: a sweep of 3 trials over {WIDTH}\n"


def test_the_root_of_a_base_starts_at_the_file_that_names_it(tmp_path, monkeypatch):
    base = {**BASE, "data": {"name": "npz", "root": "cubes.npz"}}
    (tmp_path / "bases").mkdir()
    (tmp_path / "bases/base.json").write_text(json.dumps(base))
    (tmp_path / "inline.json").write_text(json.dumps({"base": base, "space": {"training.seed": [0, 1]}}))
    (tmp_path / "named.json").write_text(json.dumps({"base": "bases/base.json", "space": {"training.seed": [0, 1]}}))
    monkeypatch.chdir(tmp_path / "bases")
    for name, root in (("inline", tmp_path / "cubes.npz"), ("named", tmp_path / "bases/cubes.npz")):
        sweep = parse_sweep(read_document(Path("..", f"{name}.json")))
        assert sweep.to_document()["base"]["data"]["root"] == str(root)
        assert sweep.experiments({"training.seed": 1})[0].data.root == str(root)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("training.init", "run", "/sweeps/run"),
        ("training.init", {"weights": "../run", "inflate": "centre"}, {"weights": "/run", "inflate": "centre"}),
        ("training.init.weights", "/other/run", "/other/run"),
        ("training", {"init": {"weights": "run"}}, {"init": {"weights": "/sweeps/run"}}),
        ("training.loss", "focal", "focal"),
    ],
)
def test_files_in_the_search_space_start_at_the_sweep(key, value, expected):
    document = {"base": BASE, "metric": "auc", "space": {key: [value]}}
    sweep = parse_sweep(parse_document(json.dumps(document), "/sweeps/mine.json"))
    assert sweep.space[key].values == (expected,)


def test_the_command_line_changes_the_base_experiment_but_no_architecture():
    document = parse_document(json.dumps({"base": BASE, "space": {"training.seed": [0, 1]}}), "mine.json")
    sweep = parse_sweep(document, data="npz:other.npz", overrides=[(("training", "epochs"), 3)])
    (experiment,) = sweep.experiments({"training.seed": 1})
    assert (experiment.data.name, experiment.data.root) == ("npz", str(Path.cwd() / "other.npz"))
    assert (experiment.training.epochs, experiment.training.seed) == (3, 1)
    with pytest.raises(DocumentError, match=r'--set arch\.name: a sweep sets the architecture in "space" only\.'):
        parse_sweep(document, overrides=[(("arch", "name"), "other")])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {
                "space": {"arch.layers[0].num_output": {"type": "uniform", "low": 2, "high": 20}},
                "search": "random",
                "trials": 2,
            },
            "expected a whole number, got 8.875388",
        ),
        ({"space": {"training.seed": [2, 2, 4]}}, "expected different values, got [2, 2, 4]."),
        (
            {"space": {"split.seed": [1, 2]}},
            "trials on different cases cannot be compared. Make a sweep for each; folds and seeds repeat trials.",
        ),
        (
            {"space": {"data.negatives_per_positive": [1, 5]}},
            "trials on different cases cannot be compared. Make a sweep for each; folds and seeds repeat trials.",
        ),
        (
            {"space": {"data.positive": ["0", "1"]}, "metric": "recall"},
            "$.space.data.positive: the recall, precision and negatives of different positive classes cannot be "
            "compared. Make a sweep of each.",
        ),
        *(
            (
                {"space": {key: values}},
                'losses of different kinds cannot be compared. Use a different metric, such as "auc".',
            )
            for key, values in (
                ("training.loss", ["focal", "cross_entropy"]),
                ("training.soft_labels", [True, False]),
                ("training.case_weights", ["auto", False]),
                ("data.label_weights", ["equal", "agreement"]),
            )
        ),
    ],
)
def test_unsuitable_hyperparameters_are_reported(keys, message):
    assert message in message_of(**keys)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            {"training.epochs": list(range(1, 202))},
            "$.space.training.epochs: expected an array of at most 200, got [1, 2, 3, 4, 5,",
        ),
        (
            {"training.epochs": list(range(1, 152)), "training.batch_size": list(range(1, 151))},
            "$.space: the arrays hold 301 values; at most 300 are allowed. Use ranges of numbers.",
        ),
        (
            {
                "training.epochs": {"type": "integer", "low": 1, "high": 1_000},
                "training.batch_size": {"type": "integer", "low": 1, "high": 1_000},
            },
            '$.space: the grid has 1,000,000 combinations, more than 100,000 trials. Vary fewer values, give "trials", or set '
            'search to "random" or "tpe".',
        ),
        (
            {"training.seed": {"type": "integer", "low": -(10**30), "high": 10**30}},
            "$.space.training.seed.high: expected at most 1000000000000000, got 1000000000000000000000000000000.",
        ),
    ],
    ids=["array", "arrays", "grid", "range"],
)
def test_a_search_space_without_measure_is_refused(space, message):
    assert message in message_of(space=space)


def test_few_values_of_a_large_network_stand_for_all():
    layers = [*[{"type": "C", "num_output": 4, "kernel_size": [3, 3]}] * 300, {"type": "T"}]
    sweep = parse_sweep(
        Document(
            value={
                "base": {"archs": [{"layers": layers}], "data": {"name": "phantom"}},
                "space": {"arch.layers[0].num_output": list(range(1, 101))},
            },
            source="mine.json",
        )
    )
    assert max_probes(sweep) == 6
    assert max_probes(dataclasses.replace(sweep, space=dict.fromkeys("abcdefg", Choice(values=(1,))))) == 1
    assert max_probes(sweep_of(space={WIDTH: [2, 4]})) == 500  # of four layers, each 2,000 at most
    assert max_probes(sweep_of(space={WIDTH: [2, 4], "training.seed": [1, 2]})) == 250
    short = {"name": "short", "layers": [LAYERS[0], LAYERS[0], LAYERS[3]]}
    assert max_probes(sweep_of(space={"arch": [short]})) == 666


@pytest.mark.parametrize(("epochs", "batches", "is_allowed"), [(1000, 100, True), (9091, 11, False)])
def test_a_grid_has_at_most_100000_trials(epochs, batches, is_allowed):
    space = {
        "training.epochs": {"type": "integer", "low": 1, "high": epochs},
        "training.batch_size": {"type": "integer", "low": 1, "high": batches},
    }
    if is_allowed:
        assert sweep_of(space=space).num_trials == epochs * batches
    else:
        assert f"{epochs * batches:,} combinations, more than 100,000 trials" in message_of(space=space)


def test_of_more_hyperparameters_than_a_sweep_can_have_100_are_checked():
    with pytest.raises(DocumentError) as caught:
        sweep_of(space={f"training.epoch{number}": [1] for number in range(102)})
    assert sum("unknown key" in problem.message for problem in caught.value.problems) == 100


@pytest.mark.parametrize(
    ("place", "keys"),
    [
        ("scheduler", {"training": {"members": 2}, "space": {WIDTH: [4, 8]}}),
        ("space", {"space": {"training.members": [1, 2]}}),
    ],
)
def test_the_members_of_an_ensemble_cannot_be_stopped_by_the_first_epochs(place, keys):
    base = {**BASE, "training": keys.pop("training", {})}
    message = message_of(base=base, scheduler={"type": "asha"}, **keys)
    assert f"$.{place}" in message
    assert "the members of an ensemble are trained one after the other, so a trial cannot be stopped early" in message


@pytest.mark.parametrize(
    ("source", "name", "problem"),
    [
        ("nul.json", {}, '"nul" is the name of a device on Windows. Rename it.'),
        ("mine.json", {"name": "con.v2"}, '"con.v2" is the name of a device on Windows. Rename it.'),
        ("mine.json", {"name": "a."}, '"a." ends in a dot, which Windows drops. Remove it.'),
    ],
)
def test_a_name_that_no_folder_can_have_is_refused(source, name, problem):
    document = Document(value={"base": BASE, "space": {"training.epochs": [1]}, **name}, source=source)
    with pytest.raises(DocumentError) as caught:
        parse_sweep(document)
    assert str(caught.value) == f"{source} $.name: {problem}"


def test_the_layers_of_all_architectures_of_a_search_space_are_counted_together():
    archs = [{"name": name, "layers": [{"type": "BN"}] * 999 + [{"type": "T"}]} for name in "abcd"]
    base = {"data": {"name": "phantom"}}
    with pytest.raises(DocumentError) as caught:
        parse_sweep(Document(value={"base": base, "space": {"arch": archs}}, source="mine.json"))
    assert str(caught.value).startswith(
        "mine.json $.space.arch: 4,000 layers are written here; a network has at most 3,000. "
    )
    with pytest.raises(DocumentError) as caught:
        parse_sweep(
            Document(value={"base": base, "space": {"arch": [3, *archs[:2], [{"type": "T"}]]}}, source="mine.json")
        )
    assert "layers are written" not in str(caught.value)


def test_arrays_of_the_maximum_number_of_values_are_allowed():
    values = {"training.epochs": list(range(1, 151)), "training.batch_size": list(range(1, 151))}
    assert sweep_of(space=values, trials=2).num_trials == 2


@pytest.mark.parametrize(
    ("hyperparameter", "values", "others"),
    [
        (Choice(values=(1, "a", None, [2, 3])), [1, "a", None, [2, 3]], [True, 1.0, "b", [2], 2]),
        (Range(type="integer", low=8, high=25, step=8), [8, 16, 24], [0, 25, 32, 9, 8.0, True, "8"]),
        (Range(type="integer", low=0, high=1), [0, 1], [True, False, 2, -1]),
        (Range(type="uniform", low=0, high=1), [0.5, 0, 7, "a"], []),
    ],
)
def test_what_is_a_value_of_a_hyperparameter(hyperparameter, values, others):
    assert [is_value(hyperparameter, value) for value in values] == [True] * len(values)
    assert [is_value(hyperparameter, value) for value in others] == [False] * len(others)
    if others:
        assert list(grid_values(hyperparameter)) == values
    else:
        assert grid_values(hyperparameter) is None


@pytest.mark.parametrize(
    ("limits", "search", "problem"),
    [
        ({"type": "integer", "low": 3, "high": 3}, "grid", ": expected low below high, got 3 and 3."),
        ({"type": "integer", "low": 4, "high": 3}, "grid", ": expected low below high, got 4 and 3."),
        ({"type": "integer", "low": 1.5, "high": 3}, "grid", ".low: expected a whole number, got 1.5."),
        ({"type": "integer", "low": 1, "high": 3.5}, "grid", ".high: expected a whole number, got 3.5."),
        (
            {"type": "log_uniform", "low": 0, "high": 3},
            "random",
            ".low: expected above 0, because values are uniform on a logarithmic scale, got 0.",
        ),
        (
            {"type": "uniform", "low": 0.5, "high": 3, "step": 1},
            "random",
            ".step: only whole numbers have steps. Remove it, or use the type integer.",
        ),
        (
            {"type": "uniform", "low": 0.5, "high": 3},
            "grid",
            ': a grid needs a finite number of values. Give them in an array, or set search to "random" or "tpe".',
        ),
    ],
)
def test_a_range_whose_keys_contradict_each_other_is_refused(limits, search, problem):
    space = {"training.learning_rate": limits}
    document = {"base": BASE, "space": space, "search": search, **({} if search == "grid" else {"trials": 2})}
    with pytest.raises(DocumentError) as caught:
        parse_sweep(Document(value=document, source="mine.json"))
    assert f"mine.json $.space.training.learning_rate{problem}" in str(caught.value).splitlines()
