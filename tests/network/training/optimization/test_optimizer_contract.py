"""Every optimizer and schedule keeps the contract between its description, its Keras class and the schema."""

from typing import get_args

import keras
import numpy as np
import pytest

from archnet.files.strict_json import Document
from archnet.network.training.optimization.optimizers import OPTIMIZER_RULES, build_optimizer
from archnet.network.training.optimization.schedules import SCHEDULE_RULES, learning_rate
from archnet.spec.experiment import Schedule, Training
from archnet.spec.optimizers import DEFAULT_OPTIMIZER, OPTIMIZERS, SCHEDULES, OptimizerName, ScheduleName
from archnet.spec.resolve import parse_experiments
from archnet.spec.schema import read_schema
from plain_training import plain

optimizer_names = pytest.mark.parametrize("name", OPTIMIZERS)
schedule_names = pytest.mark.parametrize("name", SCHEDULES)


def options_of(key):
    return read_schema("experiment")["properties"]["training"]["properties"][key]


def training_of(**options):
    net = {"name": "net", "rank": 2, "layers": [{"type": "T"}]}
    return parse_experiments(Document(value={"archs": [net], "training": options}, source="test"))[0].training


def test_the_tables_and_the_schema_hold_the_same_optimizers():
    assert list(OPTIMIZERS) == list(OPTIMIZER_RULES) == list(get_args(OptimizerName))
    assert list(OPTIMIZERS) == options_of("optimizer")["enum"]
    assert options_of("optimizer")["default"] == DEFAULT_OPTIMIZER


def test_the_tables_and_the_schema_hold_the_same_schedules():
    assert list(SCHEDULES) == list(SCHEDULE_RULES) == list(get_args(ScheduleName))
    assert list(SCHEDULES) == options_of("schedule")["properties"]["type"]["enum"]
    assert {option for options in SCHEDULES.values() for option in options} == set(
        options_of("schedule")["properties"]
    ) - {"type"}


@optimizer_names
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_an_optimizer_keeps_as_many_variables_for_each_weight_as_declared(name, momentum):
    weights = [keras.Variable(np.ones(shape, np.float32)) for shape in ((7, 5), (3,))]
    made = build_optimizer(plain(optimizer=name, momentum=momentum), 10)
    made.build(weights)
    for weight in weights:
        slots = [variable for variable in made.variables if variable.shape == weight.shape]
        assert len(slots) == OPTIMIZERS[name].slots(momentum)


@optimizer_names
def test_an_optimizer_has_momentum_if_declared_and_moves_weights(name):
    made = build_optimizer(plain(optimizer=name, momentum=0.5), 10)
    assert (getattr(made, "momentum", None) == 0.5) == OPTIMIZERS[name].has_momentum
    assert OPTIMIZERS[name].has_momentum or not OPTIMIZERS[name].momentum
    weight = keras.Variable(np.ones(3, np.float32))
    made.build([weight])
    made.apply([np.ones(3, np.float32)], [weight])
    assert (keras.ops.convert_to_numpy(weight) < 1).all()


@optimizer_names
def test_an_optimizers_defaults_are_those_of_a_document_and_of_the_schema(name):
    training = training_of(optimizer=name)
    assert {key: getattr(training, key) for key in OPTIMIZERS[name].defaults()} == OPTIMIZERS[name].defaults()
    if name == DEFAULT_OPTIMIZER:
        assert training.learning_rate == Training().learning_rate == options_of("learning_rate")["default"]
    else:
        assert f"{OPTIMIZERS[name].learning_rate:g}" in options_of("learning_rate")["description"]
        assert name in options_of("learning_rate")["description"]


@schedule_names
def test_a_schedule_starts_at_the_learning_rate_and_only_its_own_options_matter(name):
    values = {"decay_rate": 0.5, "decay_steps": 7, "staircase": True}

    def rate(step, **options):
        rates = learning_rate(plain(learning_rate=0.1, schedule=Schedule(type=name, **options)), 10)
        return float(rates if isinstance(rates, float) else rates(step))

    assert rate(0) == pytest.approx(0.1)
    for option, value in values.items():
        given = {"decay_steps": 7, option: value} if option != "decay_steps" else {option: value}
        before = {key: number for key, number in given.items() if key != option}
        assert (rate(10, **given) != rate(10, **before)) == (option in SCHEDULES[name]), option


@schedule_names
@pytest.mark.parametrize("warmup_epochs", [1, 2.5])
def test_a_schedule_behind_a_warm_up_is_the_one_of_the_epochs_that_are_left(name, warmup_epochs):
    schedule = Schedule(type=name, decay_rate=0.5, decay_steps=7)
    num_steps = round(10 * warmup_epochs)
    joined = learning_rate(plain(learning_rate=0.1, schedule=schedule, epochs=5, warmup_epochs=warmup_epochs), 10)
    alone = learning_rate(plain(learning_rate=0.1, schedule=schedule, epochs=50 - num_steps), 1)
    rates = [float(joined(step)) for step in range(51)]
    assert rates[:num_steps] == pytest.approx([0.1 * (step + 1) / (num_steps + 1) for step in range(num_steps)])
    later = [alone if isinstance(alone, float) else float(alone(step)) for step in range(51 - num_steps)]
    assert rates[num_steps:] == pytest.approx(later, abs=1e-8)
    assert rates[num_steps] == pytest.approx(0.1)
    assert name == "constant" or rates[-1] < rates[-10] < rates[num_steps]


@schedule_names
def test_a_warm_up_that_takes_all_steps_leaves_one_to_the_schedule(name):
    joined = learning_rate(plain(learning_rate=0.1, schedule=Schedule(type=name), epochs=2, warmup_epochs=2), 10)
    assert [float(joined(step)) for step in (0, 19, 20)] == pytest.approx([0.1 / 21, 0.1 * 20 / 21, 0.1])


def test_without_a_warm_up_step_the_schedule_is_used_alone():
    assert learning_rate(plain(learning_rate=0.1, warmup_epochs=0.04), 10) == 0.1
    assert float(learning_rate(plain(learning_rate=0.1, warmup_epochs=0.06), 10)(0)) == pytest.approx(0.05)
