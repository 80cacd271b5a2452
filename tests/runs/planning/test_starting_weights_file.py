"""init.json: where the weights of each layer come from, and what is logged of it."""

import json
import logging
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from archnet.errors import RunError
from archnet.network.weights.transfer import LayerOrigin
from archnet.runs.planning.starting_weights import layer_text, write_starting_weights
from archnet.spec.experiment import Freeze

INIT = SimpleNamespace(weights="runs/source")


def origin(layer, note, *, is_taken=True):
    return LayerOrigin(layer=layer, kind="Conv2D", weights=f"3 x {layer}", is_taken=is_taken, note=note)


ORIGINS = (
    origin("c", 'Conv2D "x"'),
    origin("b", "the file ends here", is_taken=False),
    origin("a", 'Conv2D "y"'),
)


def setup_of(origins=ORIGINS, sha256="ab" * 32, init=INIT):
    initial = origins and SimpleNamespace(file=Path("runs/source/model.keras"), sha256=sha256, origins=origins)
    network = SimpleNamespace(layer_names=(("b", "a"), (), ("c",)))
    return SimpleNamespace(initial=initial, training=SimpleNamespace(init=init), network=network)


def experiment_of(freeze=None):
    return SimpleNamespace(training=SimpleNamespace(freeze=freeze), arch=SimpleNamespace(layers=[1, 2, 3]))


def row(place, layer, note, taken):
    return {"place": place, "layer": "Conv2D", "weights": f"3 x {layer}", "taken": taken, "note": note}


def test_the_file_lists_the_layers_in_the_order_of_the_architecture(tmp_path):
    write_starting_weights(tmp_path, setup_of(), experiment_of())
    assert json.loads((tmp_path / "init.json").read_text()) == {
        "weights": "runs/source",
        "file": "model.keras",
        "sha256": "ab" * 32,
        "layers": [
            row("$.layers[0]", "b", "the file ends here", False),
            row("$.layers[0]", "a", 'Conv2D "y"', True),
            row("$.layers[2]", "c", 'Conv2D "x"', True),
        ],
    }


def test_the_log_counts_layers_and_names_those_that_are_new(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        write_starting_weights(tmp_path, setup_of(), experiment_of())
    assert caplog.messages == [
        "initial weights: 2 of 3 layers transferred from runs/source",
        "  $.layers[0] 1 of 2 transferred; new: the file ends here",
        '  $.layers[2] transferred: Conv2D "x"',
        "$.layers[0] Conv2D 3 x b new: the file ends here",
        '$.layers[0] Conv2D 3 x a transferred: Conv2D "y"',
        '$.layers[2] Conv2D 3 x c transferred: Conv2D "x"',
    ]
    names = [record.name for record in caplog.records]
    assert names == ["archnet.init"] * 3 + ["archnet"] * 3


@pytest.mark.parametrize(("layers", "is_warned"), [([0], True), ([1, 2], False), (None, False)])
def test_frozen_layers_with_random_weights_are_warned_of(tmp_path, caplog, layers, is_warned):
    freeze = None if layers is None else Freeze(layers=tuple(layers))
    write_starting_weights(tmp_path, setup_of(), experiment_of(freeze))
    text = "training.freeze: 1 of the frozen layers have random weights; the first is $.layers[0]: the file ends here"
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == [text] * is_warned


def test_a_run_without_initial_weights_has_no_file(tmp_path):
    for setup in (setup_of(origins=None), setup_of(init=None)):
        (tmp_path / "init.json").write_text("{}")
        write_starting_weights(tmp_path, setup, experiment_of())
        assert not (tmp_path / "init.json").exists()
        write_starting_weights(tmp_path, setup, experiment_of())


def test_all_members_start_from_the_same_file(tmp_path):
    write_starting_weights(tmp_path, setup_of(), experiment_of())
    before = (tmp_path / "init.json").read_bytes()
    write_starting_weights(tmp_path, setup_of(), experiment_of(), is_first=False)
    write_starting_weights(tmp_path, setup_of(origins=None), experiment_of(), is_first=False)
    text = (
        "training.init: runs/source: changed since the first member of this run was trained, so the members would start "
        "from different weights. Restore the file, or remove the run folder to start over."
    )
    with pytest.raises(RunError, match=f"^{re.escape(text)}$"):
        write_starting_weights(tmp_path, setup_of(sha256="cd" * 32), experiment_of(), is_first=False)
    assert (tmp_path / "init.json").read_bytes() == before
    (tmp_path / "init.json").unlink()
    with pytest.raises(RunError, match="changed since the first member"):
        write_starting_weights(tmp_path, setup_of(), experiment_of(), is_first=False)


@pytest.mark.parametrize(
    ("taken", "text"),
    [
        ([True], "transferred: note 0"),
        ([True, True], "transferred: note 0"),
        ([False], "new: note 0"),
        ([False, False], "new: note 0"),
        ([False, True, True], "2 of 3 transferred; new: note 0"),
    ],
)
def test_the_origin_of_a_layer_in_one_line(taken, text):
    assert layer_text([{"taken": state, "note": f"note {number}"} for number, state in enumerate(taken)]) == text
