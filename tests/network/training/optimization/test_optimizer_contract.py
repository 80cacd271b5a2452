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
def test_an_optimizers_defaults_are_those_of_a_document_and_the_schema_tells_them(name):
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
