"""What is picked from the data: the rules, who wins, and that a run tells it and can be made again."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import archnet
from archnet.cli import app
from archnet.data import open_dataset
from archnet.errors import RunError
from archnet.evaluation.comparison.pools import read_pools
from archnet.files.strict_json import Document
from archnet.network.build.network import build
from archnet.network.examples import UNLABELLED, Examples
from archnet.network.training.batches import TrainingBatches, epoch_samples
from archnet.network.training.dropout import CaseKeys
from archnet.network.training.training_twin import build_training_twin
from archnet.runs.planning.network_plan import plan_network
from archnet.runs.preparation import resolve_auto_from_data
from archnet.spec import auto_rules
from archnet.spec.arch import parse_arch
from archnet.spec.augmentations import (
    AUGMENTATIONS,
    Flip,
    Intensity,
    RightAngles,
    Rotate,
    RotatedCopies,
    Shift,
    shape_problem,
)
from archnet.spec.auto import (
    describe_auto,
    refresh_reasons,
    resolve_auto,
    restore_auto,
    reuse_auto_values,
    value_text,
)
from archnet.spec.auto_rules import AUTO_RULES, Symmetry, TrainingSet, possible_flips
from archnet.spec.experiment import AUTO, Split, Training
from archnet.spec.memory import estimate_memory, gigabytes_text
from archnet.spec.overrides import parse_override
from archnet.spec.resolve import allow_override, parse_experiments, replace_data
from archnet.spec.sampling import samples_per_class
from archnet.spec.schema import read_schema, schema_problems
from archnet.spec.sweeps.document import parse_sweep
from archnet.sweep.feasibility import TrialPlanner
from plain_training import plain
from small_sweeps import WIDTH, small_sweep

ALL_AXES = ("height", "width", "depth")
FLAT = {"name": "flat", "rank": 2, "layers": [{"type": "T"}]}
DEEP = {"name": "deep", "rank": 3, "layers": [{"type": "T"}]}
NET = {
    "name": "net",
    "layers": [
        {"type": "C", "num_output": 4, "kernel_size": [3, 3, 3], "activation": "relu", "batch_norm": True},
        {"type": "GAP"},
        {"type": "T"},
    ],
}
COMMAND = CliRunner()


def asked(net=DEEP, data="npz", **training):
    root = {"root": "some.npz"} if data == "npz" else {}
    document = {"archs": [net], "data": {"name": data, **root}, "training": training}
    return parse_experiments(Document(value=document, source="mine.json"))[0]


ANY_WAY = Symmetry(reason="crops have no fixed orientation")


def picks_of(counts, shape, net=DEEP, data="npz", positive=1, symmetry=ANY_WAY, **training):
    known = TrainingSet(counts=counts, shape=shape, positive=positive, symmetry=symmetry)
    return resolve_auto(asked(net, data, **training), known)


def values_of(training):
    return tuple(getattr(training, name) for name in AUTO if name != "augmentation")


@pytest.mark.parametrize(
    ("counts", "shape", "values", "augmentation"),
    [
        pytest.param(
            *((150, 150), (28, 28, 28), ("none", 16, 100, 1, 0.9947, 0.979)),
            (RightAngles(), Flip(axes=ALL_AXES), Shift(height=2, width=2, depth=2), Intensity()),
            id="300 cubes, 1:1",
        ),
        pytest.param(
            *((500, 200), (64, 64, 12), (1.5, 32, 100, 1, 0.9955, 0.982)),
            (RightAngles(), Flip(axes=ALL_AXES), Shift(height=3, width=3, depth=1), Intensity()),
            id="700 flat cubes, 5:2",
        ),
        pytest.param(
            *((9975, 25), (50, 40), (1.5, 64, 23, 1, 0.9972, 0.989)),
            (Flip(axes=ALL_AXES[:2]), Shift(height=3, width=2), Intensity()),
            id="10,000 slices, not square, 1:400",
        ),
        pytest.param(
            *((400, 300, 300), (8, 8, 1), ("none", 32, 100, 1, 0.9969, 0.988)),
            (RightAngles(), Flip(axes=ALL_AXES[:2]), Intensity()),
            id="1,000 tiny images of three classes",
        ),
        pytest.param(
            *((500_000, 1_300), (64, 64, 10), (1.5, 64, 10, 0.5, 0.9999, 0.99)),
            (RightAngles(), Flip(axes=ALL_AXES), Shift(height=3, width=3, depth=1), Intensity()),
            id="half a million crops",
        ),
        pytest.param(
            *((25, 24), (20, 20), ("none", 17, 100, 1, 0.9667, 0.9)),
            (RightAngles(), Flip(axes=ALL_AXES[:2]), Shift(height=1, width=1), Intensity()),
            id="49 slices, whose last batch would hold one",
        ),
        pytest.param(
            *((4, 4), (16, 16, 16), ("none", 8, 100, 1, 0.9, 0.9)),
            (RightAngles(), Flip(axes=ALL_AXES), Shift(height=1, width=1, depth=1), Intensity()),
            id="eight cases",
        ),
    ],
)
def test_the_rules(counts, shape, values, augmentation):
    training = picks_of(counts, shape, DEEP if len(shape) == 3 else FLAT).training
    assert values_of(training) == values
    assert training.augmentation == augmentation
    assert (training.optimizer, training.learning_rate, training.weight_decay) == ("adamw", 0.002, 0.01)
    assert (training.schedule.type, training.best_metric, training.auto) == ("cosine", None, ())


def test_the_schema_states_the_rules():
    options = read_schema("experiment")["properties"]["training"]["properties"]
    (few, small), (more, medium) = auto_rules.BATCH_SIZES
    for name, rule in {
        "batch_size": f'"auto": {small} below {few:,} training cases, {medium} below {more:,}, otherwise '
        f"{auto_rules.LARGE_BATCH};",
        "epochs": f'"auto": the number that gives {auto_rules.TARGET_STEPS:,} steps, at least %d and at most %d.'
        % auto_rules.EPOCH_RANGE,
        "balance": f'"auto": {auto_rules.MAX_CLASS_RATIO:g} if the largest class has more than '
        f"{auto_rules.MAX_CLASS_RATIO:g} times",
        "augmentation": f"shift by {auto_rules.SHIFT_FRACTION:.0%} of each side but at most "
        f"{auto_rules.MAX_SHIFT} voxels",
        "ema": f"null below {auto_rules.MIN_EMA_STEPS} steps",
        "batch_norm_momentum": f"a fortieth of all steps (1 - {1 / auto_rules.BATCH_NORM_FRACTION:g} / steps)",
    }.items():
        assert rule in options[name]["description"], name


def test_each_pick_has_its_reason():
    assert picks_of((4740, 945), (50, 50), FLAT).auto_reasons == {
        "training.batch_size": "64: 2,000 training cases or more (5,685)",
        "training.balance": "1.5: the largest class has more than 1.5 times as many cases as the smallest (4,740 and 945)",
        "training.augmentation": "right_angles, flip axes (height, width), shift height 3 width 3 depth 0, intensity "
        "scale (0.9, 1.1) shift (-0.05, 0.05): crops have no fixed orientation",
        "training.epochs": "40: for 3,500 steps at 89 per epoch",
        "training.warmup_epochs": "1: a twentieth of 40 epochs, at most 1",
        "training.ema": "0.9972: an average over a tenth of all 3,560 steps",
        "training.batch_norm_momentum": "0.989: moving statistics over a fortieth of all 3,560 steps, 10 to 100 steps",
    }
    for counts, text in (((25, 1), "11"), ((48, 2), "10"), ((45, 2), None)):  # 0.4 * (25 + 1), 0.4 * (48 + 2) / 2, 9.5
        balance = picks_of(counts, (9, 9), FLAT).auto_reasons["training.balance"]
        assert ("sampled about" in balance) == (text is not None)
        assert text is None or balance.endswith(f"whose cases are each sampled about {text} times per epoch")
    rare = picks_of((9975, 25), (50, 40), FLAT).auto_reasons["training.balance"]
    assert rare.endswith("smallest (9,975 and 25), whose cases are each sampled about 160 times per epoch")
    even = picks_of((17, 16), (9, 9), FLAT).auto_reasons["training.batch_size"]
    assert even == "17: fewer than 600 training cases (33), increased from 16 to avoid a small last batch"
    few, many = picks_of((3, 4), (9, 8), FLAT).auto_reasons, picks_of((50_000, 50_000), (9, 9), FLAT).auto_reasons
    assert few["training.batch_size"] == "7: all training cases at once (7)"
    assert (
        few["training.balance"]
        == "none: the largest class has no more than 1.5 times as many cases as the smallest (4 and 3)"
    )
    assert few["training.epochs"] == "100: for 3,500 steps at 1 per epoch, at most 100 epochs"
    assert few["training.ema"] == "0.9: an average over a tenth of all 100 steps"
    assert picks_of((3, 4), (9, 8), FLAT, epochs=40).auto_reasons["training.ema"] == "none: fewer than 100 steps (40)"
    assert few["training.augmentation"].endswith(
        ": crops have no fixed orientation; slices that are not square are not rotated"
    )
    assert many["training.epochs"] == "10: for 3,500 steps at 1,563 per epoch, at least 10 epochs"


@pytest.mark.parametrize(
    ("num_cases", "batch_size", "reason"),
    [
        (1, 1, "all training cases at once (1)"),
        (15, 15, "all training cases at once (15)"),
        (16, 16, "all training cases at once (16)"),
        (20, 16, "fewer than 600 training cases (20)"),
        (599, 16, "fewer than 600 training cases (599)"),
        (600, 32, "fewer than 2,000 training cases (600)"),
        (1999, 32, "fewer than 2,000 training cases (1,999)"),
        (2000, 64, "2,000 training cases or more (2,000)"),  # the last batch is just a quarter
        (2049, 65, "2,000 training cases or more (2,049), increased from 64 to avoid a small last batch"),
    ],
)
def test_the_batch_size_at_the_limits_of_its_rule(num_cases, batch_size, reason):
    experiment = picks_of((num_cases // 2, num_cases - num_cases // 2), (9, 9), FLAT)
    assert experiment.training.batch_size == batch_size
    assert experiment.auto_reasons["training.batch_size"].partition(": ")[2] == reason


@pytest.mark.parametrize(
    ("counts", "key", "value"),
    [
        ((300, 200), "balance", "none"),
        ((301, 200), "balance", 1.5),
        ((8, 8), "ema", 0.9),
        ((50_000, 50_000), "epochs", 10),
        ((2_000_000, 2_000_000), "ema", 0.9999),
    ],
)
def test_the_other_rules_at_their_limits(counts, key, value):
    assert getattr(picks_of(counts, (9, 9), FLAT).training, key) == value


@pytest.mark.parametrize(("epochs", "ema"), [(99, None), (100, 0.9)])
def test_weights_are_averaged_from_a_hundred_steps_on(epochs, ema):
    assert picks_of((8, 8), (9, 9), FLAT, epochs=epochs).training.ema == ema


@pytest.mark.parametrize(("epochs", "warmup_epochs"), [(19, 0.95), (20, 1), (21, 1)])
def test_the_warm_up_is_a_twentieth_of_the_epochs_up_to_one(epochs, warmup_epochs):
    assert picks_of((8, 8), (9, 9), FLAT, epochs=epochs).training.warmup_epochs == warmup_epochs


def test_a_2d_network_is_not_moved_along_what_it_does_not_see():
    training = picks_of((150, 150), (28, 28, 28), FLAT).training
    assert training.augmentation == (RightAngles(), Flip(), Shift(height=2, width=2), Intensity())


@pytest.mark.parametrize("data", ["mosmed", "folder"])
def test_whole_scans_stay_as_patients_lie(data):
    experiment = picks_of((80, 80), (128, 128, 64), data=data)
    assert experiment.training.augmentation == (
        Rotate(degrees=(-10, -5, 0, 5, 10)),
        Shift(height=3, width=3, depth=3),
        Intensity(),
    )
    why = experiment.auto_reasons["training.augmentation"]
    assert why.endswith(": whole scans have a left and a right side")


@pytest.mark.parametrize("data", ["luna16", "phantom"])
def test_crops_around_candidates_lie_any_way_whatever_a_trial_says(data):
    one_sided = Symmetry(axes=(), right_angles=False, reason="a trial")
    experiment = picks_of((80, 80), (64, 64, 10), data=data, symmetry=one_sided)
    assert experiment.training.augmentation[:2] == (RightAngles(), Flip(axes=ALL_AXES))
    assert experiment.auto_reasons["training.augmentation"].endswith(": crops have no fixed orientation")


def test_arrays_are_flipped_and_turned_as_far_as_their_classes_allow():
    right = Symmetry(axes=("height", "depth"), right_angles=False, reason="flips along width change the classes")
    experiment = picks_of((80, 80), (50, 50, 50), symmetry=right)
    shift = Shift(height=3, width=3, depth=3)
    assert experiment.training.augmentation == (Flip(axes=("height", "depth")), shift, Intensity())
    why = experiment.auto_reasons["training.augmentation"]
    assert why.endswith(": flips along width change the classes")
    flat = picks_of((80, 80), (50, 50, 50), FLAT, symmetry=replace(right, right_angles=True))
    assert flat.training.augmentation[:2] == (RightAngles(), Flip(axes=("height",)))
    unknown = picks_of((80, 80), (50, 50, 50), symmetry=None)
    assert unknown.training.augmentation == (shift, Intensity())
    assert unknown.auto_reasons["training.augmentation"].endswith(": it is unknown whether flips change the classes")


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((2, 2, 2), ALL_AXES), ((8, 1, 8), ("height", "depth")), ((2, 8, 1), ("height", "width")), ((1, 8), ("width",))],
)
def test_a_case_is_flipped_along_the_axes_with_more_than_one_voxel(shape, axes):
    assert possible_flips(shape) == axes


def test_the_second_class_is_positive_unless_another_one_is():
    known = TrainingSet(counts=(90, 10), shape=(9, 9))
    options = {"augmentation": [{"type": "rotated_copies"}], "balance": "none", "batch_size": 10}
    experiment = resolve_auto(asked(FLAT, **options), known)
    assert "at 13 per epoch" in experiment.auto_reasons["training.epochs"]  # 90 + 4 * 10 samples


def test_what_was_measured_stays_with_its_reason_and_is_not_measured_again():
    experiment = picks_of((900, 100), (28, 28), FLAT)
    again = refresh_reasons(experiment, TrainingSet(counts=(90, 10), shape=(28, 28)))
    key = "training.augmentation"
    assert again.auto_reasons[key] == experiment.auto_reasons[key]
    assert list(again.auto_reasons)[:2] == ["training.balance", key]
    assert "training.batch_size" not in again.auto_reasons


def test_what_is_given_is_never_overridden_and_the_rest_follows_it():
    copies = [{"type": "rotated_copies"}]
    experiment = picks_of((900, 100), (28, 28), FLAT, batch_size=10, augmentation=copies, balance="none", ema=None)
    training = experiment.training
    assert (training.batch_size, training.balance, training.ema) == (10, "none", None)
    assert training.augmentation == (RotatedCopies(),)
    assert set(experiment.auto_reasons) == {
        f"training.{key}" for key in ("epochs", "warmup_epochs", "batch_norm_momentum")
    }
    assert experiment.auto_reasons["training.epochs"] == "27: for 3,500 steps at 130 per epoch"
    assert picks_of((900, 100), (28, 28), epochs=4).training.warmup_epochs == 0.2


def test_nothing_is_left_to_pick_twice():
    experiment = picks_of((900, 100), (28, 28), FLAT)
    assert resolve_auto(experiment, TrainingSet(counts=(9, 9), shape=(5, 5))) == experiment
    assert set(AUTO_RULES) == set(AUTO) < {field.name for field in fields(Training)}


COUNTS = st.lists(st.integers(0, 60), min_size=2, max_size=4) | st.lists(st.integers(1, 10**7), min_size=2, max_size=4)
SHAPES = st.lists(st.integers(1, 200), min_size=2, max_size=3)


@pytest.mark.slow
@given(
    counts=COUNTS, shape=SHAPES, rank=st.sampled_from([FLAT, DEEP]), data=st.sampled_from(["npz", "luna16", "mosmed"])
)
def test_automatic_choices_fit_the_schema_and_the_cases_and_read_back(counts, shape, rank, data):
    net = FLAT if len(shape) == 2 else rank
    experiment = picks_of(tuple(counts), tuple(shape), net, data)
    assert shape_problem(experiment.training.augmentation, tuple(shape)) is None
    document = Document(value=experiment.to_document(), source="resolved.json")
    assert schema_problems(document, "experiment") == []
    assert parse_experiments(document) == (experiment,)
    assert set(experiment.auto_reasons) == {f"training.{name}" for name in AUTO}


@given(counts=st.lists(st.integers(1, 3000), min_size=2, max_size=3))
def test_no_epoch_ends_with_a_small_batch(counts):
    training = picks_of(tuple(counts), (9, 9), FLAT).training
    drawn, size = sum(samples_per_class(counts, training.balance)), training.batch_size
    assert drawn % size == 0 or drawn % size >= size / 4
    assert size <= 80


@settings(max_examples=60)
@given(
    counts=st.lists(st.integers(1, 90), min_size=2, max_size=4),
    batch_size=st.integers(1, 40),
    balance=st.sampled_from(["auto", "none", "weights", "oversample", 1.5, 3]),
    copied=st.sampled_from([None, "positive", "all"]),
    num_unlabelled=st.integers(0, 20),
)
def test_the_steps_that_picks_count_with_are_those_that_are_made(counts, batch_size, balance, copied, num_unlabelled):
    augmentation = [{"type": "rotated_copies", "of": copied}] if copied else []
    options = {"batch_size": batch_size, "balance": balance, "augmentation": augmentation}
    known = TrainingSet(counts=tuple(counts), shape=(6, 6), symmetry=ANY_WAY, num_unlabelled=num_unlabelled)
    experiment = resolve_auto(asked(FLAT, **options), known)
    labels = np.repeat([*range(len(counts)), UNLABELLED], [*counts, num_unlabelled])
    examples = Examples(images=np.zeros((len(labels), 1, 1, 1)), rows=np.arange(len(labels)), labels=labels)
    entries = epoch_samples(examples, experiment.training, 1)
    steps = TrainingBatches(
        examples=examples, samples=entries, training=experiment.training, num_classes=2
    ).steps_per_epoch
    assert f"at {steps:,} per epoch" in experiment.auto_reasons["training.epochs"]
    trained = TrainingBatches(
        examples=examples, samples=entries, training=replace(experiment.training, balance="none"), num_classes=2
    )
    assert trained.steps_per_epoch == -(-len(entries.rows) // experiment.training.batch_size)


def test_a_reason_goes_with_the_value_that_it_was_the_reason_of():
    document = Document(value=picks_of((900, 100), (28, 28), FLAT).to_document(), source="resolved.json")
    reasons = document.value["picked"]

    def left(*texts):
        return dict(parse_experiments(document, [parse_override(text) for text in texts])[0].auto_reasons)

    assert left("training.seed=1") == left() == reasons
    edited = {**document.value, "training": {**document.value["training"], "epochs": 7}}
    other = parse_experiments(replace(document, value=edited))[0]
    assert dict(other.auto_reasons) == {key: why for key, why in reasons.items() if key != "training.epochs"}
    moved = parse_experiments(replace_data(replace(document, value=edited), "phantom")[0])[0]
    assert (moved.auto_reasons, moved.training.epochs) == ({}, 7)
    assert set(moved.training.auto) == set(AUTO) - {"epochs"}


def test_automatic_choices_are_renewed_if_a_setting_that_they_depend_on_changes():
    document = Document(value=picks_of((900, 100), (28, 28), FLAT).to_document(), source="resolved.json")

    def auto(*texts):
        experiment = parse_experiments(document, [parse_override(text) for text in texts])[0]
        assert not experiment.auto_reasons or not experiment.training.auto
        return set(experiment.training.auto)

    assert auto() == auto("training.seed=1") == auto("training.learning_rate=0.1") == set()
    assert auto('data.allow=["patients"]') == auto("data.cases=cases.csv") == set()
    (allowed,) = parse_experiments(document, allow_override(["patients"]))
    assert (allowed.training.auto, allowed.data.allow) == ((), ("patients",))
    assert auto("split.test=0.3") == auto("data.root=other.npz") == auto("training.ema=auto") == set(AUTO)
    assert auto("training.epochs=7") == set(AUTO) - {"epochs"}


def test_options_are_auto_again_even_if_their_section_is_missing():
    chosen = {"training.epochs": "40: why", "training.ema": "0.9: why", "split.by": "own: why"}
    assert restore_auto({"name": "net", "picked": chosen}) == {
        "name": "net",
        "training": {"epochs": "auto", "ema": "auto"},
        "split": {"by": "auto"},
    }
    training = {"epochs": 40, "l2": 0.1}
    assert restore_auto(
        {"training": training, "picked": {"training.epochs": "40: why", "split.by": "own: why"}}, ["training"]
    ) == {"training": {"epochs": "auto", "l2": 0.1}}
    for nothing_chosen in ({"training": training}, {"training": training, "picked": None}):
        assert restore_auto(nothing_chosen) == {"training": training}


def test_options_that_are_auto_take_the_values_that_an_earlier_document_chose():
    document = {"training": {"epochs": "auto", "ema": "auto", "batch_size": "auto", "l2": 0.1}}
    chosen = {"training.epochs": "40: why", "training.batch_size": "16: why", "training.l2": "1: why", "split.by": "x"}
    previous = {"training": {"epochs": 40, "ema": 0.9, "l2": 1}, "picked": chosen}
    assert reuse_auto_values(document, previous) == {"training": {**document["training"], "epochs": 40}}
    for without_choices in ({}, {"training": previous["training"]}, {"picked": chosen}):
        assert reuse_auto_values(document, without_choices) == document


@pytest.mark.parametrize(
    ("optimizer", "values"),
    [
        ("adamw", (0.002, 0, 0.01)),
        ("adam", (0.001, 0, None)),
        ("rmsprop", (0.001, 0, None)),
        ("sgd", (0.01, 0.9, None)),
    ],
)
def test_each_optimizer_has_its_usual_options_unless_they_are_given(optimizer, values):
    training = asked(optimizer=optimizer).training
    assert (training.learning_rate, training.momentum, training.weight_decay) == values
    given = asked(optimizer=optimizer, learning_rate=0.5, momentum=0.1, weight_decay=0.3)
    assert (given.training.learning_rate, given.training.momentum, given.training.weight_decay) == (0.5, 0.1, 0.3)
    plain = Document(value=asked(optimizer=optimizer, momentum=0, weight_decay=None).to_document(), source="a")
    assert parse_experiments(plain)[0].training.momentum == 0


def test_values_are_shortened():
    assert value_text((*(kind() for kind in AUGMENTATIONS.values()),)).startswith(
        "rotated_copies angles (90, 180, 270)"
    )
    assert [value_text(value) for value in (1.0, 1, 0.989, None, "none", ())] == [
        "1",
        "1",
        "0.989",
        "none",
        "none",
        "none",
    ]


def test_the_momentum_of_batch_norm_is_obeyed_in_training():
    images = np.random.default_rng(0).random((6, 4, 4, 4, 1), np.float32)
    batch_means = []
    for momentum in (0.9, 0.25):
        network = build(
            parse_arch(Document(value=NET["layers"], source="net")), (4, 4, 4), batch_norm_momentum=momentum
        )
        twin = build_training_twin(network, CaseKeys())
        twin(images, training=True)
        (layer,) = [layer for layer in twin.layers if "batch_norm" in layer.name]
        batch_means.append(np.asarray(layer.moving_mean) / (1 - momentum))
    np.testing.assert_allclose(*batch_means, rtol=1e-4)
    assert (np.abs(batch_means[0]) > 0.01).all()


def test_the_choice_of_the_split_is_kept_with_its_reason_until_the_data_or_the_split_change():
    resolved_document = resolved_split("own: the data have their own training, validation and test sets")
    document = Document(value=resolved_document, source="resolved.json")

    def split_of(*texts):
        experiment = parse_experiments(document, [parse_override(text) for text in texts])[0]
        return experiment.split.by, experiment.auto_reasons.get("split.by")

    assert split_of() == split_of("training.seed=1") == ("own", resolved_document["picked"]["split.by"])
    assert split_of("split.seed=1") == split_of("data.root=other.npz") == ("auto", None)
    assert split_of("split.by=candidate") == ("candidate", None)
    edited = replace(document, value={**resolved_document, "split": {"by": "group"}})
    assert "split.by" not in parse_experiments(edited)[0].auto_reasons
    (moved,) = parse_experiments(replace_data(document, "phantom")[0])
    assert moved.split.by == "auto"
    assert parse_experiments(Document(value={**asked().to_document(), "split": {"by": "group"}}, source="x"))[
        0
    ].split == Split(by="group")


def resolved_split(reason):
    experiment = picks_of((900, 100), (28, 28), FLAT)
    split = replace(experiment.split, by=reason.split(":")[0])
    return replace(experiment, split=split, auto_reasons={"split.by": reason, **experiment.auto_reasons}).to_document()


def test_the_split_has_a_line_of_its_own_with_its_reason():
    (experiment,) = parse_experiments(
        Document(value=resolved_split("own: the data bring sets"), source="resolved.json")
    )
    split_line, training_line = describe_auto(experiment)
    assert split_line == "split by own: the data bring sets."
    assert training_line.startswith("chosen automatically (reasons in experiment.json): balance 1.5, augmentation ")
    assert describe_auto(replace(experiment, auto_reasons={"split.by": "own: why"})) == ["split by own: why."]
    assert describe_auto(replace(experiment, auto_reasons={})) == []


@pytest.fixture
def own_sets(tmp_path):
    """40 slices from 20 scans, with training and test sets."""
    y = np.arange(40) // 2 % 2
    x = np.random.default_rng(0).integers(0, 90, (40, 6, 6), dtype=np.uint8)
    split = np.where(np.arange(40) < 28, "train", "test")
    np.savez(tmp_path / "own.npz", x=x, y=y, group=np.repeat(np.arange(20), 2), split=split)
    return tmp_path / "own.npz"


def test_how_the_cases_are_split_is_chosen_from_the_data_and_kept(own_sets, caplog):
    document = {"archs": [FLAT], "data": {"name": "npz", "root": str(own_sets)}}
    (experiment,) = parse_experiments(Document(value=document, source="mine.json"))
    dataset = open_dataset(experiment.data)
    chosen = resolve_auto_from_data(experiment, dataset)
    assert chosen.split.by == "own_test"
    assert chosen.auto_reasons["split.by"] == (
        "own_test: the data have their own training and test sets; the validation set is drawn from the training "
        "cases: "
        "cases of one group stay together (20 groups)"
    )
    (again,) = parse_experiments(Document(value=chosen.to_document(), source="resolved.json"))
    assert resolve_auto_from_data(again, dataset) == again
    assert not caplog.messages
    given = replace(experiment, split=Split(by="group"))
    assert "split.by" not in resolve_auto_from_data(given, dataset).auto_reasons
    dataset.cases = replace(dataset.cases, own_sets=np.resize(["train", "validation", "test"], 40))
    kept = resolve_auto_from_data(replace(again, training=plain()), dataset)
    assert kept.split.by == "own_test"
    assert "split.by" not in kept.auto_reasons
    assert caplog.messages[0] == (
        'kept, although "auto" would now choose different values: split.by. Set them to "auto" to choose again.'
    )


@pytest.fixture
def cubes(tmp_path):
    """40 cubes of 8x8x6 from 20 scans, one positive of four."""
    generator = np.random.default_rng(0)
    y = (np.arange(40) % 4 == 0).astype(np.int64)
    x = generator.integers(0, 90, (40, 8, 8, 6), dtype=np.uint8)
    x[y == 1, 2:6, 2:6, 1:5] += 120
    np.savez(tmp_path / "cubes.npz", x=x, y=y, group=np.repeat(np.arange(20), 2))
    (tmp_path / "net.json").write_text(json.dumps(NET))
    return tmp_path / "cubes.npz"


def on(cubes, **keys):
    return {"archs": [NET], "data": {"name": "npz", "root": str(cubes)}, "evaluation": {"bootstraps": 10}, **keys}


def resolved(folder):
    return json.loads((folder / "experiment.json").read_text())


@pytest.mark.slow
def test_a_run_without_options_reports_what_was_chosen_and_why_and_its_record_repeats_the_run(cubes, tmp_path):
    arguments = ["run", tmp_path / "net.json", "--data", f"npz:{cubes}", "--out", tmp_path / "out"]
    done = COMMAND.invoke(app, [*map(str, arguments), "--set", "evaluation.bootstraps=10"])
    assert done.exit_code == 0, done.output
    line = (
        "chosen automatically (reasons in experiment.json): balance 1.5, augmentation intensity, batch_size 16, "
        "epochs 100, warmup_epochs 1, ema 0.95, batch_norm_momentum 0.9."
    )
    assert done.stderr.count(line) == 1
    split_line = "split by group: the data have no sets of their own; cases of one group stay together (20 groups)."
    assert done.stderr.count(split_line) == 1
    run = tmp_path / "out/net"
    assert line in (run / "log.txt").read_text()
    document = resolved(run)
    kept = {key for key, value in document["training"].items() if value == "auto"}
    assert kept == {"soft_labels", "case_weights"}  # data.json says whether the data have any
    assert document["picked"]["training.batch_size"] == "16: fewer than 600 training cases (28)"
    assert document["picked"]["training.batch_size"] in (run / "report.html").read_text()
    assert len((run / "history.csv").read_text().splitlines()) == 1 + 100
    (again,) = archnet.load_experiments(run / "experiment.json")
    assert resolve_auto_from_data(again, open_dataset(again.data)).to_document() == document


class Interrupts:
    def __init__(self, epoch=2):
        self.epoch = epoch

    def on_step(self, epoch, step, num_steps, logs):
        if (epoch, step) == (self.epoch, 2):
            raise InterruptedError

    def on_epoch(self, row):
        pass


@pytest.mark.long
def test_a_resumed_run_has_the_same_automatic_choices_and_a_different_value_is_refused(cubes, tmp_path, monkeypatch):
    def wanted(**training):
        return archnet.load_experiments(on(cubes, training={"epochs": 4, **training}))

    whole = archnet.run_all(wanted(), out=tmp_path / "whole")[0]
    with pytest.raises(InterruptedError):
        archnet.run_all(wanted(), out=tmp_path / "out", callback=Interrupts())
    assert resolved(tmp_path / "out/net")["picked"] == resolved(whole.folder)["picked"]
    with pytest.raises(RunError, match=r"holds a run with different settings: training\.batch_size 16 -> 8"):
        archnet.run_all(wanted(batch_size=8), out=tmp_path / "out", resume=True)
    monkeypatch.setattr(auto_rules, "BATCH_SIZES", ((600, 4),))
    with pytest.raises(RunError, match=r"holds a run with different settings: training\.epochs 4 -> "):
        archnet.run_all(archnet.load_experiments(on(cubes)), out=tmp_path / "out", resume=True)
    with pytest.raises(InterruptedError):
        archnet.run_all(wanted(), out=tmp_path / "out", callback=Interrupts(3), resume=True)
    run = archnet.run_all(wanted(), out=tmp_path / "out", resume=True)[0]
    assert (run.folder / "predictions.csv").read_bytes() == (whole.folder / "predictions.csv").read_bytes()
    assert resolved(run.folder) == resolved(whole.folder)
    archnet.run_all(wanted(), out=tmp_path / "out", resume=True)


def test_an_experiment_without_automatic_choices_has_no_reasons_to_renew():
    experiment = asked()
    assert refresh_reasons(experiment, TrainingSet(counts=(9, 9), shape=(8, 8, 8))) is experiment


@pytest.mark.long
def test_automatic_choices_for_other_cases_are_kept_with_a_warning(cubes, tmp_path, caplog):
    run = archnet.run(on(cubes, training={"epochs": 1}), out=tmp_path / "out")
    with np.load(cubes) as data:
        x, y = data["x"], data["y"]
    np.savez(cubes, x=x[:20], y=y[:20])
    caplog.clear()
    again = archnet.run(run.folder / "experiment.json", out=tmp_path / "again")
    assert resolved(again.folder)["training"] == resolved(run.folder)["training"]
    first, second = resolved(run.folder)["picked"], resolved(again.folder)["picked"]
    assert set(second) == set(first) - {"training.batch_size"}
    assert second["training.balance"] != first["training.balance"]
    assert (
        'kept, although "auto" would now choose different values: training.batch_size. '
        'Set them to "auto" to choose again.'
    ) in caplog.messages


@pytest.mark.long
def test_automatic_choices_of_each_fold_use_its_own_training_set_and_folds_are_pooled(cubes, tmp_path):
    with np.load(cubes) as arrays:
        held = dict(arrays)
    held["group"] = np.array([0] * 25 + list(range(1, 16)))
    np.savez(cubes, **held)
    training = {"epochs": 8, "batch_size": 1, "balance": "none", "batch_norm_momentum": 0.5}
    folds = archnet.load_experiments(on(cubes, training=training, split={"folds": 2, "validation": 0}))
    runs = archnet.run_all(folds, out=tmp_path / "out")
    documents = [resolved(run.folder) for run in runs]
    counts = [len(run.predictions.select("train").cases) for run in runs]
    assert [resolve_auto_from_data(fold, open_dataset(fold.data)).to_document() for fold in folds] == documents
    assert counts[0] != counts[1]
    (layer,) = [layer for layer in runs[0].model.layers[2].layers if "batch_norm" in layer.name]
    assert layer.momentum == 0.5
    for document, count in zip(documents, counts, strict=True):
        ema = document["training"]["ema"]
        assert document["picked"]["training.ema"] == f"{ema}: an average over a tenth of all {8 * count} steps"
    assert documents[0]["training"]["ema"] != documents[1]["training"]["ema"]
    (pool,) = read_pools([run.folder for run in runs], "test")
    assert pool.folds == (0, 1)
    assert "picked" not in pool.document


def test_a_sweep_plans_each_trial_with_its_automatic_choices(tmp_path):
    given = {"training": {"batch_size": 512}}
    told = {}
    for name, base in {"left to the data": {"training": {}}, "given": given}.items():
        sweep = small_sweep(tmp_path, limits={"memory": "1kB"})
        value = {**sweep.base.value, **base}
        trial = TrialPlanner(sweep=replace(sweep, base=replace(sweep.base, value=value))).plan_trial(0, {WIDTH: 512})
        told[name] = trial.reason
    document = Document(value={**sweep.base.value, "training": {}}, source="x")
    (experiment,) = parse_experiments(document, [parse_override(f"{WIDTH}=512")])
    dataset = open_dataset(experiment.data)
    training = resolve_auto_from_data(experiment, dataset).training
    peak = estimate_memory(plan_network(experiment, dataset), training).peak_bytes(16)
    assert training.batch_size == 16
    assert told["left to the data"] == f"training is predicted to take {gigabytes_text(peak)}, but limits.memory is 1kB"
    assert told["given"] != told["left to the data"]


def test_a_sweep_renews_automatic_choices_if_the_command_line_changes_the_data():
    resolved_base = picks_of((900, 100), (28, 28), FLAT).to_document()
    document = Document(value={"base": resolved_base, "space": {"training.learning_rate": [0.1]}}, source="sweep.json")

    def left(data=None, **settings):
        sweep = parse_sweep(
            document, data=data, overrides=[(("training", key), value) for key, value in settings.items()]
        )
        (trial,) = sweep.experiments({"training.learning_rate": 0.1})
        return set(trial.training.auto)

    assert left() == left(seed=3) == set()
    assert left(epochs=3) == set(AUTO) - {"epochs"}
    assert left(data="npz:other.npz") == set(AUTO)
