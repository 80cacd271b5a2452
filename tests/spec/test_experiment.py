"""Experiments: defaults, shorthand, overrides, and what is refused."""

import dataclasses
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from archnet.errors import DocumentError
from archnet.files.atomic import write_json
from archnet.files.documents.json_parser import MAX_DEPTH
from archnet.files.strict_json import Document, parse_document
from archnet.spec.augmentations import AUGMENTATIONS, RotatedCopies
from archnet.spec.datasets import DATASETS, command_arguments, size_in_voxels
from archnet.spec.experiment import (
    AUTO,
    Data,
    EarlyStopping,
    Evaluation,
    Freeze,
    Init,
    Mixup,
    Schedule,
    Split,
    Training,
)
from archnet.spec.overrides import APPEND, apply_override, parse_key, parse_override
from archnet.spec.resolve import (
    data_experiments,
    parse_experiments,
    read_arch_document,
    read_experiment_document,
    replace_data,
)
from archnet.spec.schema import read_schema
from archnet.spec.section_options import complete_data, complete_evaluation, complete_training

ROOT = Path(__file__).parents[2]
ARCH = {"name": "mine", "layers": [{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "T"}]}


def experiment_of(settings=(), **keys):
    document = Document(value={"archs": [ARCH], **keys}, source="mine.json")
    return parse_experiments(document, [parse_override(text) for text in settings])[0]


def message_of(settings=(), **keys):
    with pytest.raises(DocumentError) as caught:
        experiment_of(settings, **keys)
    return str(caught.value)


@pytest.mark.parametrize(
    "path",
    sorted(set((ROOT / "experiments").glob("*.json")) - set((ROOT / "experiments").glob("sweep_*.json"))),
    ids=lambda path: path.stem,
)
def test_every_shipped_experiment_reads_back_as_resolved(path):
    for experiment in parse_experiments(read_experiment_document([path])):
        document = Document(value=experiment.to_document(), source="resolved")
        assert parse_experiments(document) == (experiment,)


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        ("data", Data),
        ("split", Split),
        ("training", Training),
        ("evaluation", Evaluation),
        ("schedule", Schedule),
        ("early_stopping", EarlyStopping),
        ("mixup", Mixup),
        ("freeze", Freeze),
        *AUGMENTATIONS.items(),
    ],
)
def test_schema_and_dataclass_have_the_same_keys_and_defaults(section, kind):
    schema = read_schema("experiment")
    places = {**schema["properties"], **schema["properties"]["training"]["properties"], **schema["$defs"]}
    properties = {
        key: value for key, value in places[section]["properties"].items() if key != "type" or section == "schedule"
    }
    fields = {field.name: field for field in dataclasses.fields(kind) if field.name != "auto"}
    assert set(properties) == set(fields)
    assert set(AUTO) <= set(fields) or kind is not Training
    for key in fields:
        default = fields[key].default
        default = {"type": default.type} if isinstance(default, Schedule) else default
        default = list(default) if isinstance(default, tuple) else default
        is_auto = (kind is Training and key in AUTO) or key == "crop_size"
        assert properties[key]["default"] == ("auto" if is_auto else default), key


def test_options_with_an_automatic_choice_say_so_and_accept_the_word_auto_only():
    options = read_schema("experiment")["properties"]["training"]["properties"]
    assert {key for key, option in options.items() if "auto" in option.get("pattern", "")} == set(AUTO)
    for key in AUTO:
        assert '"auto"' in options[key]["description"], key
        assert experiment_of([f"training.{key}=auto"]).training == Training(auto=AUTO)
        assert 'or "auto", got "atuo". Did you mean "auto"?' in message_of([f"training.{key}=atuo"])


def test_a_given_option_is_not_left_to_the_data_and_the_rest_reads_back_as_left_to_it():
    experiment = experiment_of(["training.epochs=5", "training.ema=null", "training.augmentation=[]"])
    left = ("balance", "batch_size", "warmup_epochs", "batch_norm_momentum")
    assert experiment.training.auto == left
    document = experiment.to_document()
    training = document["training"]
    assert {key for key in training if training[key] == "auto"} == {*left, "soft_labels", "case_weights"}
    assert (training["epochs"], training["ema"], training["augmentation"]) == (5, None, [])
    assert parse_experiments(Document(value=document, source="again.json")) == (experiment,)


def test_defaults_are_filled_in_by_data_set():
    data = experiment_of(data={"name": "phantom"}).data
    assert (data.crop_size, data.negatives_per_positive, data.view) == ((64, 64, 10), 5, "slice")
    assert experiment_of(data={"name": "mosmed"}).data.crop_size == (128, 128, 64)


def test_a_3d_network_sees_the_volume_and_a_2d_network_cannot():
    volume = {**ARCH, "rank": 3, "layers": [{"type": "C", "num_output": 4, "kernel_size": [3, 3, 3]}, {"type": "T"}]}
    both = parse_experiments(
        Document(
            value={"archs": [ARCH, {**volume, "name": "deep"}], "data": {"view": "slices-as-channels"}}, source="x"
        )
    )
    assert [experiment.data.view for experiment in both] == ["slices-as-channels", "volume"]
    assert "a 2D network needs slices, not volumes" in message_of(data={"view": "volume"})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"training": {"epoch": 3}},
            'mine.json $.training.epoch: unknown key "epoch". Did you mean "epochs"?',
        ),
        (
            {"training": {"optimizer": "Adamw"}},
            'mine.json $.training.optimizer: "Adamw" is not one of "adam", "adamw", "sgd", "rmsprop". Did you mean '
            '"adamw"?',
        ),
        (
            {"data": {"name": "phantom", "axes": "zyx"}},
            'mine.json $.data.axes: the data set "phantom" has no option "axes". Its options: allow, cases, '
            "crop_size, crop_size_mm, name, negatives_per_positive, positive, root, spacing_mm, view, window_hu.",
        ),
        (
            {"data": {"window_hu": [400, -1000]}},
            "mine.json $.data.window_hu: expected [low, high] with low below high, got [400, -1000].",
        ),
        (
            {"data": {"window_hu": [400, 400]}},
            "mine.json $.data.window_hu: expected [low, high] with low below high, got [400, 400].",
        ),
        (
            {"data": {"window_hu": [[-1350, 150], [240, -160]]}},
            "mine.json $.data.window_hu: expected [low, high] with low below high, got [240, -160].",
        ),
        (
            {"data": {"window_hu": [[-1350, 150], 240]}},
            "mine.json $.data.window_hu[1]: expected an array, got 240.",
        ),
        (
            {"data": {"window_hu": [[-1000, 400]] * 9}},
            "mine.json $.data.window_hu: expected an array of at most 8, got "
            "[[-1000, 400], [-1000, 400], [-1000, 400], [-1000, 400], ....",
        ),
        (
            {"data": {"window_hu": [[-1350, 150], [-160, 240]], "name": "npz", "root": "a.npz", "range": [0, 255]}},
            "mine.json $.data.window_hu: has 2 windows, but data.range sets the values of 0 and 1. Remove one of "
            "the two.",
        ),
        (
            {"data": {"name": "npz", "root": "a.npz", "channels": 3, "range": [[0, 1], [0, 2]]}},
            "mine.json $.data.range: has 2 pairs, but data.channels is 3. Give one pair for each channel, or one for "
            "all.",
        ),
        (
            {"data": {"channels": 2}},
            'mine.json $.data.channels: the data set "luna16" has no option "channels". Its options: allow, cases, '
            "crop_size, crop_size_mm, label_weights, name, negatives_per_positive, positive, readings, root, spacing_mm, "
            "task, undecided, view, window_hu.",
        ),
        (
            {"data": {"name": "phantom", "task": "malignancy"}},
            'mine.json $.data.task: the data set "phantom" has no readings of LIDC-IDRI. Use the data set "luna16", or '
            "remove this option.",
        ),
        (
            {"data": {"task": "malignacy"}},
            'mine.json $.data.task: "malignacy" is not one of "nodule", "malignancy". Did you mean "malignancy"?',
        ),
        (
            {"data": {"undecided": "soft"}},
            'mine.json $.data.undecided: applies only to the task "malignancy". Set data.task=malignancy, or remove '
            "this option.",
        ),
        (
            {"data": {"label_weights": "agreement", "task": "nodule"}},
            'mine.json $.data.label_weights: applies only to the task "malignancy". Set data.task=malignancy, or remove '
            "this option.",
        ),
        (
            {"data": {"task": "malignancy", "undecided": "soft"}, "training": {"soft_labels": False}},
            'mine.json $.training.soft_labels: is false, but data.undecided is "soft": undecided nodules have no other '
            "label. Remove one of the two.",
        ),
        (
            {"data": {"task": "malignancy", "label_weights": "agreement"}, "training": {"case_weights": False}},
            'mine.json $.training.case_weights: is false, but data.label_weights is "agreement": the weights would be '
            "ignored. Remove one of the two.",
        ),
        (
            {"data": {"task": "malignancy", "negatives_per_positive": 5}},
            'mine.json $.data.negatives_per_positive: the task "malignancy" keeps all nodules. Remove this option.',
        ),
        (
            {"data": {"task": "malignancy"}, "evaluation": {"keep_all_candidates": True}},
            'mine.json $.evaluation.keep_all_candidates: the task "malignancy" always keeps all nodules. Remove this option.',
        ),
        (
            {"data": {"crop_size_mm": [50, 50, 30]}},
            "mine.json $.data.crop_size_mm: needs spacing_mm: without it, crops of different scans would differ in "
            "shape.",
        ),
        (
            {"data": {"crop_size_mm": [50, 50, 30], "spacing_mm": [1, 1, 1], "crop_size": [64, 64, 10]}},
            "mine.json $.data.crop_size_mm: gives [50, 50, 30] voxels at this spacing, but crop_size is [64, 64, 10]. "
            "Remove one of the two.",
        ),
        (
            {"data": {"name": "npz"}},
            'mine.json $.data: the data set "npz" needs "root", the path of the file; or use --data npz:PATH.',
        ),
        (
            {"split": {"test": 0.6, "validation": 0.4}},
            "mine.json $.split: test and validation leave no training cases. Lower one of them.",
        ),
        (
            {"split": {"folds": 2, "validation": 0.5}},
            "mine.json $.split: test and validation leave no training cases. Lower one of them.",
        ),
        (
            {"split": {"folds": 5, "test": 0.2}},
            "mine.json $.split.test: with folds, each fold is the test set once, so there is no share. Remove it, or set "
            "it "
            "to null.",
        ),
        (
            {"split": {"fold": 3}},
            "mine.json $.split.fold: there are no folds to choose from. Set split.folds, such as 10.",
        ),
        (
            {"split": {"folds": 5, "fold": 5}},
            "mine.json $.split.fold: expected one of the 5 folds, 0 to 4, got 5.",
        ),
        (
            {"split": {"by": "official", "folds": 5}},
            "mine.json $.split.folds: there are 10 official folds, got 5. Remove it, or split by group.",
        ),
        (
            {"split": {"by": "own", "folds": 5}},
            'mine.json $.split: by "own" uses the sets that the data set defines, which have no folds. Remove folds and fold, '
            "or by.",
        ),
        (
            {"split": {"folds": 1}},
            "mine.json $.split.folds: expected at least 2, got 1.",
        ),
        (
            {"data": {"name": "mosmed"}, "evaluation": {"keep_all_candidates": True}},
            'mine.json $.evaluation.keep_all_candidates: the data set "mosmed" always keeps all its cases. Remove this option.',
        ),
        (
            {"training": {"augmentation": [{"type": "shift"}]}, "evaluation": {"tta": True}},
            "mine.json $.evaluation.tta: averages over the flips and rotations by right angles on which the network is "
            'trained, but training.augmentation has none for it. Add {"type": "flip"} to training.augmentation if flips '
            "do not change the classes, or remove this option.",
        ),
        (
            {"training": {"augmentation": [{"type": "flips"}]}},
            'mine.json $.training.augmentation[0].type: "flips" is not one of "rotated_copies", "right_angles", '
            '"flip", '
            '"rotate", "shift", "zoom", "intensity", "noise", "cutout". Did you mean "flip"?',
        ),
        (
            {"archs": [ARCH, ARCH]},
            'mine.json $.archs: two architectures are named "mine". Give each its own "name".',
        ),
        (
            {"archs": [ARCH, {**ARCH, "name": "Mine"}]},
            'mine.json $.archs: two architectures are named "mine" and "Mine", which are the same folder on Windows '
            "and "
            'macOS. Give each its own "name".',
        ),
        ({"arch": ARCH}, 'mine.json $.arch: both "arch" and "archs" are given. Keep one of them.'),
    ],
)
def test_what_cannot_be_meant_is_refused(keys, message):
    assert message_of(**keys) == message


def test_a_document_without_architectures_is_refused():
    with pytest.raises(DocumentError, match=re.escape('x $: the key "archs" is missing.')):
        parse_experiments(Document(value={"data": {"name": "phantom"}}, source="x"))


def test_set_overrides_any_key_and_makes_objects_on_the_way():
    experiment = experiment_of(
        ["training.epochs=5", "training.early_stopping.patience=3", "arch.layers[0].num_output=8", "name=other"]
    )
    assert experiment.training.epochs == 5
    assert experiment.training.early_stopping == EarlyStopping(patience=3)
    assert experiment.arch.layers[0].num_output == 8
    assert experiment.name == "other"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.epochs", '--set "training.epochs": expected KEY=VALUE, such as --set training.epochs=5.'),
        (
            "training..x=1",
            '"training..x" is not a valid key. Use a key such as training.epochs or arch.layers[0].num_output.',
        ),
        (
            "training.schedule.decay_steps=50",
            'mine.json $.training.schedule.decay_steps: needs "type" as well.',
        ),
        ("training.epochs=many", 'mine.json $.training.epochs: expected a whole number or "auto", got "many".'),
        ("arch.layers[2].num_output=1", "mine.json $.archs[0] $.layers: has no [2]; the last is [1]."),
        (
            "arch.layers.num_output=1",
            'mine.json $.archs[0] $.layers: is an array and has no "num_output". Give an index, such as [0].',
        ),
        ("arch.layers[0].num_output.x=1", "mine.json $.archs[0] $.layers[0].num_output: is 4, which has no x."),
        ("data.classes[0]=1", "mine.json $.data.classes: is {}, which has no [0]."),
        ("trainig.epochs=1", 'mine.json $.trainig: unknown key "trainig". Did you mean "training"?'),
    ],
)
def test_a_setting_that_fits_nowhere_is_refused(setting, message):
    assert message_of([setting]) == message


@pytest.mark.parametrize("key", ["", "training.", "[0]", "[0].x", "training.epochs]"])
def test_a_key_begins_with_a_name_and_ends_with_a_step(key):
    with pytest.raises(DocumentError, match=f"^{re.escape(json.dumps(key))} is not a valid key"):
        parse_key(key)


def test_a_key_has_at_most_as_many_steps_as_a_document_has_levels():
    assert parse_key(".".join("a" * MAX_DEPTH)) == ("a",) * MAX_DEPTH
    with pytest.raises(DocumentError, match="is not a valid key"):
        parse_key(".".join("a" * (MAX_DEPTH + 1)))


def test_an_empty_array_has_no_entry_to_set():
    with pytest.raises(DocumentError, match=re.escape("mine.json $.a: has no [0]; it is empty.")):
        apply_override(Document(value={"a": []}, source="mine.json"), ("a", 0), 1)


def test_keys_reach_into_nested_layers():
    assert parse_key("arch.layers[2].layers[0].kernel_size[1]") == (
        *("arch", "layers", 2, "layers", 0, "kernel_size", 1),
    )


def test_other_data_keep_the_options_that_they_have_and_drop_the_rest():
    document = read_experiment_document([ROOT / "experiments/luna16_seed_protocol.json"])
    changed, dropped = replace_data(document, "npz:some/file.npz")
    assert dropped == ["crop_size", "negatives_per_positive"]
    data = parse_experiments(changed)[0].data
    assert (data.name, data.root, data.window_hu) == ("npz", str(Path.cwd() / "some/file.npz"), (-1000, 400))


def test_a_relative_root_starts_at_its_file_and_one_of_the_command_line_at_the_working_directory(tmp_path, monkeypatch):
    write_json(tmp_path / "study/mine.json", {"archs": [ARCH], "data": {"name": "npz", "root": "../cubes.npz"}})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    document = read_experiment_document([Path("../study/mine.json")])
    (own,) = parse_experiments(document)
    assert own.data.root == own.to_document()["data"]["root"] == str(tmp_path / "cubes.npz")
    for setting in ("data.root=cubes.npz", 'data={"name": "npz", "root": "./cubes.npz"}'):
        (set_root,) = parse_experiments(document, [parse_override(setting)])
        assert set_root.data.root == str(tmp_path / "elsewhere/cubes.npz")
    (absolute,) = parse_experiments(document, [parse_override("data.root=/data/cubes.npz")])
    assert absolute.data.root == "/data/cubes.npz"
    (document_alone,) = parse_experiments(replace(document, source="the experiment"))
    assert document_alone.data.root == str(tmp_path / "cubes.npz")


def test_a_relative_root_is_sought_in_the_working_directory_if_only_that_has_it(tmp_path, monkeypatch):
    write_json(tmp_path / "runs/cubes/net/experiment.json", {"archs": [ARCH], "data": {"name": "npz", "root": "x.npz"}})
    (tmp_path / "x.npz").touch()
    monkeypatch.chdir(tmp_path)
    document = read_experiment_document(["runs/cubes/net/experiment.json"])
    assert parse_experiments(document)[0].data.root == str(tmp_path / "x.npz")
    (tmp_path / "runs/cubes/net/x.npz").touch()
    assert parse_experiments(document)[0].data.root == str(tmp_path / "runs/cubes/net/x.npz")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "phantm",
            f'--data: unknown data set "phantm". Did you mean "phantom"? Known: {", ".join(DATASETS)}.',
        ),
        ("npz", "--data npz needs its file: --data npz:PATH."),
        ("luna16:/data", "--data luna16: use --root /data to name its folder."),
    ],
)
def test_unknown_data_are_refused(name, message):
    with pytest.raises(DocumentError, match=f"^{re.escape(message)}$"):
        data_experiments(name)


@pytest.mark.parametrize(
    ("old", "name", "new", "dropped"),
    [
        (
            {"name": "luna16", "root": "/x", "positive": "nodule", "cases": "a.csv"},
            "luna16",
            {"name": "luna16", "root": "/x", "positive": "nodule", "cases": "a.csv"},
            [],
        ),
        (
            {"name": "luna16", "root": "/x", "positive": "nodule", "cases": "a.csv", "window_hu": [0, 1]},
            "phantom",
            {"name": "phantom", "window_hu": [0, 1]},
            ["cases", "positive"],
        ),
        (
            {"name": "npz", "root": "/x.npz", "positive": "1", "cases": "a.csv", "channels": 2},
            "npz:/y.npz",
            {"name": "npz", "root": "/y.npz", "positive": "1", "channels": 2},
            ["cases"],
        ),
        ({"name": "luna16", "task": "malignancy"}, "mosmed", {"name": "mosmed"}, ["task"]),
        ({"name": "luna16"}, "luna16", {"name": "luna16"}, []),
        ({}, "phantom", {"name": "phantom"}, []),
    ],
)
def test_the_root_and_the_choice_of_cases_stay_only_with_the_same_data(old, name, new, dropped):
    document = Document(value={"archs": [ARCH], "data": old}, source="mine.json")
    changed, ignored = replace_data(document, name)
    assert (changed.value["data"], ignored) == (new, dropped)
    assert document.value["data"] == old


def test_an_experiment_in_the_place_of_an_architecture_is_refused(tmp_path):
    for content in ({"archs": ["archsm"]}, {"arch": ARCH}):
        path = tmp_path / "mine.json"
        path.write_text(json.dumps(content))
        message = (
            f'{path}: expected an architecture (a list of layers, or an object with "layers"). This is an experiment; '
            "use one of its architectures."
        )
        with pytest.raises(DocumentError, match=f"^{re.escape(message)}$"):
            read_arch_document(path)
    for content in (ARCH, ARCH["layers"], {"name": "x"}):
        path.write_text(json.dumps(content))
        assert read_arch_document(path).value == content


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"data": {"allow": ["a", "b"]}}),
        ({"data": {"allow": None}}, {"data": {"allow": ["a", "b"]}}),
        ({"data": {"allow": ["b", "c"]}}, {"data": {"allow": ["b", "c", "a"]}}),
        ({"data": {"allow": "x"}}, {"data": {"allow": "x"}}),
        ({"data": {"allow": {"x": 1}}}, {"data": {"allow": {"x": 1}}}),
    ],
)
def test_entries_are_appended_once_and_only_to_an_array(before, after):
    document = Document(value=before, source="mine.json")
    assert apply_override(document, ("data", "allow", APPEND), ["a", "b", "a"]).value == after


def test_a_value_for_the_whole_document_replaces_it():
    document = Document(value={"a": 1}, source="mine.json", lines={("a",): 3})
    changed = apply_override(document, (), {"b": 2})
    assert (changed.value, changed.lines, changed.source) == ({"b": 2}, {}, "mine.json")


def test_an_override_forgets_the_lines_of_what_it_replaces_only():
    lines = {("a",): 1, ("a", "b"): 2, ("c",): 3}
    document = Document(value={"a": {"b": 1}, "c": 2}, source="mine.json", lines=lines)
    assert apply_override(document, ("a",), {"b": 3}).lines == {("c",): 3}
    assert apply_override(document, ("a", "b"), 3).lines == {("a",): 1, ("c",): 3}


@pytest.mark.parametrize(
    ("name", "root", "text"),
    [
        ("luna16", None, "luna16"),
        ("phantom", "a b", "phantom --root 'a b'"),
        ("npz", "a b.npz", "'npz:a b.npz'"),
        ("npz", None, "npz"),
    ],
)
def test_a_data_set_as_arguments_of_a_command(name, root, text):
    assert command_arguments(name, root) == text


def test_the_data_sets_and_the_defaults_of_their_options():
    crops = {"crop_size": (64, 64, 10), "spacing_mm": None, "crop_size_mm": None, "negatives_per_positive": 5}
    readings = {"task": "nodule", "readings": None, "undecided": "leave_out", "label_weights": "equal"}
    volumes = {"crop_size": (128, 128, 64), "series": None}
    arrays = {"channels": 1, "range": "auto", "axes": "hwd", "classes": None}
    assert {name: spec.defaults for name, spec in DATASETS.items()} == {
        "luna16": crops | readings,
        "phantom": crops,
        "mosmed": volumes,
        "folder": volumes,
        "npz": arrays,
    }
    assert [name for name, spec in DATASETS.items() if spec.is_file] == ["npz"]
    assert DATASETS["luna16"].subsets == tuple(range(10))
    assert [name for name, spec in DATASETS.items() if spec.subsets] == ["luna16"]
    optional = [file.target for file in DATASETS["luna16"].published if file.is_optional]
    assert optional == ["candidates_V2.csv", "evaluationScript"]


@pytest.mark.parametrize(
    ("split", "is_refused"),
    [
        ({"test": 0.5, "validation": 0.5}, True),
        ({"test": 0.5, "validation": 0.49}, False),
        ({"folds": 2, "validation": 0.5}, True),
        ({"folds": 3, "validation": 0.6}, False),
        ({"folds": 3, "fold": 3}, True),
        ({"folds": 3, "fold": 2}, False),
        ({"test": 0.9}, True),
        ({"validation": 0.8}, True),
    ],
)
def test_a_split_leaves_training_cases_and_a_fold_exists(split, is_refused):
    if is_refused:
        assert re.search(
            r"test and validation leave no training cases|expected one of the 3 folds, 0 to 2, got 3",
            message_of(split=split),
        )
    else:
        experiment_of(split=split)


def test_the_seeds_of_all_members_are_32_bit_numbers():
    most = 2**31 // 4 - 1
    assert experiment_of(training={"members": 4, "seed": most}).training.seed == most
    assert message_of(training={"members": 4, "seed": most + 1}).startswith(
        "mine.json $.training.seed: the 4 members have the seeds from 2,147,483,648 on, and a seed is at most 2,147,483,647."
    )


def test_a_seed_that_is_just_too_large_for_its_members_is_refused():
    seed = (2**31 + 1) // 3 - 1  # the last member has the seed 3 * seed + 2
    assert 3 * seed + 2 == 2**31
    assert "the 3 members have the seeds from" in message_of(training={"members": 3, "seed": seed})


def test_members_are_trainings_of_one_network_each():
    training = experiment_of(training={"members": 3, "seed": 2, "epochs": 7}).training
    assert training.member_trainings() == tuple(replace(training, members=1, seed=seed) for seed in (6, 7, 8))


def test_a_thousand_runs_are_allowed():
    archs = [{**ARCH, "name": f"net{number}"} for number in range(10)]
    document = {"archs": archs, "split": {"folds": 100}}
    assert len(parse_experiments(Document(value=document, source="mine.json"))) == 1000
    document["split"] = {"folds": 101}
    with pytest.raises(DocumentError) as caught:
        parse_experiments(Document(value=document, source="mine.json"))
    assert "10 architectures with 101 folds are 1,010 runs; an experiment has at most 1,000." in str(caught.value)


def test_options_of_earlier_versions_are_completed_and_unknown_data_left_as_they_are():
    gone = {"name": "gone", "root": "x"}
    assert complete_data(gone) == gone
    assert complete_data(gone) is not gone
    assert complete_data({}) == {}
    known = complete_data({"name": "npz", "root": "a.npz", "channels": 3})
    assert set(known) == {"name", *DATASETS["npz"].options} - {"view"} | {"root"}
    assert (known["root"], known["channels"], known["axes"], known["range"]) == ("a.npz", 3, "hwd", "auto")
    assert complete_training({"mixup": {"alpha": 1}, "members": 4}) == {
        "soft_labels": "auto",
        "case_weights": "auto",
        "mixup": {"alpha": 1},
        "members": 4,
    }
    assert complete_evaluation({"tta": True}) == {"tta": True}


@pytest.mark.parametrize(
    ("augmentation", "is_refused"),
    [
        ([], True),
        ([{"type": "shift"}], True),
        ([{"type": "flip"}], False),
        ([{"type": "right_angles"}], False),
        ([{"type": "rotated_copies", "angles": [180], "of": "all"}], False),
        ([{"type": "rotated_copies"}], True),
        ([{"type": "flip", "axes": ["depth"]}], True),
        ("auto", False),
    ],
)
def test_averaging_over_symmetries_needs_those_of_the_training_or_their_automatic_choice(augmentation, is_refused):
    document = {"training": {"augmentation": augmentation}, "evaluation": {"tta": True}}
    if is_refused:
        assert message_of(**document).startswith("mine.json $.evaluation.tta: averages over the flips and rotations")
    else:
        assert experiment_of(**document).evaluation.tta


def test_averaging_over_symmetries_needs_some_for_every_architecture():
    volume = {"name": "deep", "rank": 3, "layers": [{"type": "T"}]}
    options = {"training": {"augmentation": [{"type": "flip", "axes": ["depth"]}]}, "evaluation": {"tta": True}}
    (experiment,) = parse_experiments(Document(value={"archs": [volume], **options}, source="mine.json"))
    assert experiment.evaluation.tta
    assert "$.evaluation.tta: averages over the flips" in message_of(archs=[volume, ARCH], **options)


def test_the_published_protocol_is_pinned():
    experiment = parse_experiments(read_experiment_document([ROOT / "experiments/luna16_seed_protocol.json"]))[0]
    assert experiment.split == Split(by="candidate", test=0.2, validation=0, seed=42)
    training = experiment.training
    assert (training.batch_size, training.epochs, training.learning_rate, training.l2) == (300, 30, 1e-3, 1e-3)
    assert training.augmentation == (RotatedCopies(angles=(90, 180, 270), of="positive"),)
    assert training.best_metric is None
    assert experiment.warnings() == [
        'split.by "candidate": candidates near one nodule can be in both training and test set, so results are '
        'optimistic. "group" keeps each scan in one set.'
    ]


def test_mixup_is_an_object_with_defaults_or_off():
    assert experiment_of([]).training.mixup is None
    assert experiment_of(["training.mixup=null"]).training.mixup is None
    assert experiment_of(["training.mixup={}"]).training.mixup == Mixup(alpha=0.2, within_class=False)
    experiment = experiment_of(["training.mixup.alpha=1", "training.mixup.within_class=true"])
    assert experiment.training.mixup == Mixup(alpha=1, within_class=True)
    assert experiment.to_document()["training"]["mixup"] == {"alpha": 1, "within_class": True}
    with pytest.raises(DocumentError, match=re.escape("$.training.mixup.alpha: expected at least 0.01, got -1")):
        experiment_of(["training.mixup.alpha=-1"])


def test_the_tutorial_is_pinned():
    experiment = parse_experiments(read_experiment_document([ROOT / "experiments/mosmed_tutorial.json"]))[0]
    assert (experiment.split.validation, experiment.split.test) == (0.3, 0)
    training = experiment.training
    assert (training.batch_size, training.epochs, training.learning_rate) == (2, 100, 1e-4)
    assert training.schedule == Schedule(type="exponential", decay_rate=0.96, decay_steps=100_000, staircase=True)
    assert training.early_stopping == EarlyStopping(metric="accuracy", patience=15)
    assert training.best_metric == "loss"


def test_architectures_and_experiments_are_not_mixed():
    paths = [ROOT / "archs/archsm.json", ROOT / "experiments/mosmed_tutorial.json"]
    with pytest.raises(DocumentError, match="Give one experiment file alone, or architectures only"):
        read_experiment_document(paths)


def test_an_architecture_file_is_read_once(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"layers": ARCH["layers"]}))
    document, _ = replace_data(read_experiment_document([path]), "phantom")
    path.unlink()
    (experiment,) = parse_experiments(document)
    assert (experiment.arch.name, experiment.arch.document.source) == ("mine", str(path))
    assert experiment.arch.document.lines


def test_a_shorthand_is_named_after_its_data_and_an_unusual_split():
    def name_of(settings):
        return parse_experiments(
            replace_data(read_experiment_document([ROOT / "archs/archsm.json"]), "phantom")[0],
            [parse_override(text) for text in settings],
        )[0].name

    assert name_of([]) == "phantom"
    assert name_of(["split.seed=1", "split.by=candidate"]) == "phantom-candidate-split1"
    assert name_of(["split.folds=5", "split.fold=2"]) == "phantom-folds5"
    assert name_of(["split.by=official"]) == "phantom-official"
    document = parse_document(json.dumps({"archs": [ARCH]}), "folder/my_study.json")
    assert parse_experiments(document)[0].name == "my_study"


def test_folds_become_one_experiment_each_architecture_by_architecture():
    document = Document(value={"archs": [ARCH, {**ARCH, "name": "other"}], "split": {"folds": 3}}, source="x")
    experiments = parse_experiments(document)
    found = [(experiment.arch.name, experiment.split.fold) for experiment in experiments]
    assert found == [("mine", 0), ("mine", 1), ("mine", 2), ("other", 0), ("other", 1), ("other", 2)]
    assert {experiment.split.folds for experiment in experiments} == {3}


@pytest.mark.parametrize("split", [{"by": "official"}, {"by": "official", "folds": 10}, {"folds": 10, "test": None}])
def test_a_resolved_fold_has_no_share_for_its_test_set_and_reads_back_unchanged(split):
    document = Document(value={"archs": [ARCH], "split": split}, source="x")
    experiments = parse_experiments(document)
    by = split.get("by", "auto")
    assert [one.split for one in experiments] == [Split(by=by, test=None, folds=10, fold=fold) for fold in range(10)]
    resolved = experiments[4].to_document()
    assert resolved["split"] == {"by": by, "test": None, "validation": 0.1, "seed": 42, "folds": 10, "fold": 4}
    assert parse_experiments(Document(value=resolved, source="resolved")) == (experiments[4],)


def test_one_fold_can_be_chosen():
    assert experiment_of(["split.by=official", "split.fold=9"]).split == Split(
        by="official", test=None, folds=10, fold=9
    )


def test_a_split_without_folds_has_the_default_share_where_null_is_written():
    assert experiment_of(["split.test=null"]).split == Split()


def test_candidates_can_all_be_kept_for_testing():
    keep = {"keep_all_candidates": True}
    assert experiment_of(data={"name": "phantom"}, evaluation=keep).evaluation.keep_all_candidates
    mosmed = experiment_of(data={"name": "mosmed"}, evaluation={"keep_all_candidates": False})
    assert mosmed.evaluation == Evaluation()


def test_whole_numbers_may_be_written_as_floats():
    experiment = experiment_of(["training.epochs=5.0", "split.seed=1e1"], data={"crop_size": [32.0, 32, 6]})
    assert (
        repr((experiment.training.epochs, experiment.split.seed, experiment.data.crop_size)) == "(5, 10, (32, 32, 6))"
    )


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_endless_numbers_are_refused_from_the_command_line_too(value):
    shown = {"NaN": "nan"}.get(value, "inf")
    message = f"--set training.learning_rate: {shown} is not a JSON value. Use finite numbers, text, lists or mappings."
    assert message_of([f"training.learning_rate={value}"]) == message


def test_a_whole_architecture_can_be_set_and_a_wrong_one_is_refused():
    assert (
        experiment_of(['arch=[{"type": "C", "num_output": 9, "kernel_size": [3, 3]}, {"type": "T"}]'])
        .arch.layers[0]
        .num_output
        == 9
    )
    assert message_of(["arch=5"]) == "mine.json $.archs[0] $: expected an object or an array, got 5."


def test_an_inline_architecture_without_a_name_is_named_by_its_place():
    document = Document(value={"archs": [ARCH["layers"], {"layers": ARCH["layers"]}]}, source="mine.json")
    assert [experiment.arch.name for experiment in parse_experiments(document)] == ["arch1", "arch2"]


def test_a_class_may_be_named_by_its_number():
    assert experiment_of(["data.positive=1"]).data.positive == "1"


def test_early_stopping_without_a_validation_set_is_warned_about():
    experiment = experiment_of(["split.validation=0", "training.early_stopping.patience=3"])
    assert experiment.warnings() == [
        "training.early_stopping: there is no validation set to monitor, so training runs to its last epoch."
    ]
    own = experiment_of(["split.by=own", "split.validation=0", "training.early_stopping.patience=3"])
    assert not own.warnings()  # the data set may define a validation set
    assert not experiment_of(["split.validation=0"]).warnings()


@pytest.mark.parametrize(
    ("size_mm", "spacing_mm", "expected"),
    [
        ((44.8, 44.8, 25.0), (0.7, 0.7, 2.5), (64, 64, 10)),
        ((10.0, 20.0, 30.0), (2.0, 1.0, 3.0), (10, 10, 10)),
        ((1.05, 1.75, 0.1), (0.7, 0.7, 5.0), (2, 3, 1)),
    ],
)
def test_a_size_in_millimetres_is_the_nearest_number_of_voxels_ties_up_and_at_least_one(size_mm, spacing_mm, expected):
    assert size_in_voxels(size_mm, spacing_mm) == expected


def test_a_crop_size_in_millimetres_becomes_voxels_and_the_resolved_document_reads_back():
    data = {"name": "phantom", "spacing_mm": [0.7, 0.7, 2.5], "crop_size_mm": [45, 45, 25]}
    (experiment,) = parse_experiments(Document(value={"archs": [ARCH], "data": data}, source="mine.json"))
    assert experiment.data.crop_size == (64, 64, 10)
    again = parse_experiments(Document(value=experiment.to_document(), source="again.json"))
    assert again == (experiment,)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            f"training.epochs={'9' * 5_000}",
            "--set training.epochs: the value is nested too deeply or holds a number with too many digits.",
        ),
        (
            f"training.epochs={'[' * 100_000}",
            "--set training.epochs: the value is nested too deeply or holds a number with too many digits.",
        ),
        (
            f"training.epochs={'[' * 100}{']' * 100}",
            "--set training.epochs: nested more than 64 levels deep. Does it contain itself?",
        ),
        (
            f"arch.layers[{'9' * 5_000}]=1",
            f'"arch.layers[{"9" * 44}... is not a valid key. Use a key such as training.epochs or arch.layers[0].num_output.',
        ),
        (
            f"a{'.a' * 100_000}=1",
            f'"{"a." * 28}... is not a valid key. Use a key such as training.epochs or arch.layers[0].num_output.',
        ),
        (
            "description=\udc80",
            'mine.json $.description: "\\udc80" contains U+DC80, a lone surrogate, which is not a character. '
            "Remove it, or write the complete pair.",
        ),
        (
            f"training.memory={'9' * 400}GB",
            'mine.json $.training.memory: "99999999999999999999..." is a number of 400 characters, '
            "more memory than any machine has.",
        ),
        (
            'training={"members": 20, "seed": 2000000000}',
            "mine.json $.training.seed: the 20 members have the seeds from 40,000,000,000 on, and a seed is at most "
            "2,147,483,647. Use a smaller seed.",
        ),
        ("training.members=21", "mine.json $.training.members: expected at most 20, got 21."),
        ("training.optimizer=adam\n", 'mine.json $.training.optimizer: "adam\\n" is not one of "adam"'),
        ("training.epochs=auto\n", 'mine.json $.training.epochs: expected a whole number or "auto", got "auto\\n".'),
        ("name=nul", 'mine.json $.name: "nul" is the name of a device on Windows. Rename it.'),
    ],
    ids=lambda text: text[:30],
)
def test_settings_without_measure_are_refused_in_a_few_words(setting, message):
    assert message in message_of([setting])


def test_too_many_runs_are_refused():
    archs = [{"name": f"n{index}", "rank": 2, "layers": [{"type": "T"}]} for index in range(11)]
    message = (
        "mine.json $.split.folds: 11 architectures with 100 folds are 1,100 runs; an experiment has at most 1,000. "
        "Lower split.folds, or use several experiments."
    )
    assert message_of(archs=archs, split={"folds": 100}) == message


def test_the_layers_of_a_single_inline_architecture_are_counted():
    for arch in ({"layers": [{"type": "T"}] * 3_001}, [{"type": "T"}] * 3_001):
        with pytest.raises(DocumentError, match=re.escape("mine.json $.arch: 3,001 layers are written here")):
            parse_experiments(Document(value={"arch": arch}, source="mine.json"))


def test_the_layers_of_all_inline_architectures_are_counted_together():
    archs = [{"name": f"n{index}", "rank": 2, "layers": [{"type": "T"}] * 400} for index in range(8)]
    message = (
        "mine.json $.archs: 3,200 layers are written here; a network has at most 3,000. Is this a data file? "
        'Use "REP" with "times" to repeat layers.'
    )
    assert message_of(archs=archs) == message


def test_a_crop_of_too_many_voxels_is_refused():
    data = {"name": "phantom", "crop_size_mm": [1000, 10, 10], "spacing_mm": [5e-324, 0.1, 1]}
    message = (
        "mine.json $.data.crop_size_mm: gives more than 4,096 voxels at this spacing. Lower it, or raise spacing_mm."
    )
    assert message_of(data=data) == message
    assert message_of(data={**data, "crop_size_mm": [512.125, 10, 10], "spacing_mm": [0.125, 0.125, 1]}) == message
    experiment = experiment_of(data={**data, "crop_size_mm": [512, 10, 10], "spacing_mm": [0.125, 0.125, 1]})
    assert experiment.data.crop_size == (4096, 80, 10)


@pytest.mark.parametrize(
    ("text", "init"),
    [
        ("null", None),
        ("runs/flat", Init(weights="runs/flat")),
        ('{"weights": "a.keras", "inflate": "centre"}', Init(weights="a.keras", inflate="centre")),
    ],
)
def test_starting_weights_are_a_path_or_a_path_with_options(text, init, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    experiment = experiment_of([f"training.init={text}"])
    expected = init and replace(init, weights=str(tmp_path / init.weights))
    assert experiment.training.init == expected
    assert parse_experiments(Document(value=experiment.to_document(), source="again.json")) == (experiment,)


def test_a_relative_path_of_starting_weights_starts_at_the_document(tmp_path):
    path = tmp_path / "x" / "mine.json"
    path.parent.mkdir()
    for init in ("a.keras", {"weights": "a.keras"}):
        write_json(path, {"archs": [ARCH], "training": {"init": init}})
        (experiment,) = parse_experiments(read_experiment_document([path]))
        assert experiment.training.init == Init(weights=str(path.parent / "a.keras"))


@pytest.mark.parametrize(
    ("text", "freeze"),
    [
        ("null", None),
        ("all", Freeze()),
        ("all but T", Freeze()),
        ("[0]", Freeze(layers=(0,))),
        ('{"epochs": 5}', Freeze(epochs=5)),
        ('{"layers": [0], "epochs": 5}', Freeze(layers=(0,), epochs=5)),
    ],
)
def test_frozen_layers_are_indices_or_all_but_t(text, freeze):
    experiment = experiment_of([f"training.freeze={text}"])
    assert experiment.training.freeze == freeze
    assert parse_experiments(Document(value=experiment.to_document(), source="again.json")) == (experiment,)


@pytest.mark.parametrize(
    ("freeze", "reason"),
    [
        ([1], "layer 1 is T, which is always trainable"),
        ([0, 7], "there is no layer 7"),
        ({"layers": [2]}, "there is no layer 2"),
    ],
)
def test_layers_that_cannot_be_frozen_are_named(freeze, reason):
    assert message_of(training={"freeze": freeze}) == (
        f'mine.json $.training.freeze: {reason}; the others of "mine" are 0 to 0. "all" freezes all but T.'
    )


def test_frozen_layers_without_initial_weights_trigger_a_warning():
    text = (
        "training.freeze: without training.init, the frozen layers keep random weights. Set training.init to "
        "pretrained weights."
    )
    assert text in experiment_of(["training.freeze=all"]).warnings()
    assert text not in experiment_of(["training.freeze=all", "training.init=a.keras"]).warnings()


def test_frozen_layers_that_are_thawed_after_the_last_epoch_are_warned_about():
    frozen = ["training.init=a.keras", "training.epochs=5"]
    assert experiment_of([*frozen, 'training.freeze={"epochs": 5}']).warnings() == [
        "training.freeze.epochs: the layers are unfrozen after 5 epochs, but training.epochs is 5, so they are never trained. "
        "Lower it, or remove it to freeze them permanently."
    ]
    assert not experiment_of([*frozen, 'training.freeze={"epochs": 4}']).warnings()


def test_a_word_that_freezes_nothing_is_refused_with_the_words_that_do():
    assert message_of(["training.freeze=most"]) == (
        'mine.json $.training.freeze: expected an array or an object or null or "all" or "all but T", got "most".'
    )


def test_the_description_of_an_experiment_is_kept_in_its_runs_and_changes_nothing():
    value = {"name": "a", "description": "Only depth tells.", "arch": ARCH, "data": {"name": "phantom"}}
    described, plain = (
        parse_experiments(Document(value=value | extra, source="x.json"))[0] for extra in ({}, {"description": ""})
    )
    assert described.to_document() == {**plain.to_document(), "description": "Only depth tells."}
    assert "description" not in plain.to_document()
