import json

import pytest

from archnet.evaluation.comparison.network_form import read_form


def layer(kind, *shape):
    return {"place": "$", "type": kind, "summary": "", "output_shape": shape, "parameters": 0, "macs": 0,
            "activation_bytes": 0}  # fmt: skip


def write(folder, shape, layers, experiment):
    totals = dict.fromkeys(("parameters", "macs", "activation_bytes", "batch_size", "parts", "training_bytes"), 0)
    network = {"input_shape": shape, "layers": layers, **totals, "micro_batch": 1, "memory_bytes": None}
    (folder / "network.json").write_text(json.dumps(network))
    (folder / "experiment.json").write_text(json.dumps(experiment))


@pytest.mark.parametrize(("shape", "layers", "view", "form"), [
    ([64, 64, 1], [layer("C", 64, 64, 16)], "slice", "2D"),
    ([64, 64, 10], [layer("C", 64, 64, 16)], "slices-as-channels", "2.5D"),
    ([64, 64, 10, 1], [layer("C", 64, 64, 10, 16)], "volume", "3D"),
    ([64, 64, 10, 1], [layer("P", 32, 32, 5, 1), layer("FC", 10)], "volume", "3D"),
    ([32, 32, 32, 1], [layer("C", 28, 28, 24), layer("VIEWS", 144)], "volume", "2.5D"),
    ([32, 32, 32, 1], [layer("C", 28, 28, 24), layer("VIEWS", 144), layer("C", 28, 28, 28, 8)], "volume", "3D"),
])  # fmt: skip
def test_the_form_of_a_network_follows_from_its_input_and_its_layers(tmp_path, shape, layers, view, form):
    write(tmp_path, shape, layers, {"data": {"name": "luna16", "view": view}})
    assert read_form(tmp_path) == form


def test_a_baseline_has_a_form_of_its_own_and_a_run_without_its_network_none(tmp_path):
    assert read_form(tmp_path) is None
    (tmp_path / "experiment.json").write_text('{"arch": {"name": "forest", "baseline": {}}}')
    assert read_form(tmp_path) == "baseline"
