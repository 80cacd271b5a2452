"""Why the phantom exists: only depth tells its nodules from vessels, so a 3D network must beat its 2D twin.

Small twins learn it in seconds; `archnet run experiments/phantom_2d_vs_3d.json` trains the published ones.
"""

import pytest

import archnet
from archnet.phantom.layouts import Phantom, generate_phantom
from plain_training import PLAIN


def twin(name, rank):
    convolution = {"type": "C", "kernel_size": [3] * rank, "activation": "relu"}
    pooling = {"type": "P", "pool": "max", "kernel_size": [2] * rank}
    layers = [{**convolution, "num_output": 8}, pooling, {**convolution, "num_output": 16}, pooling,
              {**convolution, "num_output": 16}, {"type": "GAP"}, {"type": "FC", "num_output": 16, "activation": "relu"},
              {"type": "T"}]  # fmt: skip
    return {"name": name, "layers": layers}


@pytest.mark.long
def test_the_3d_network_beats_its_2d_twin_on_the_phantom(tmp_path):
    generate_phantom(tmp_path / "phantom", Phantom(num_scans=24))
    document = {
        "archs": [twin("flat", 2), twin("deep", 3)],
        "data": {"name": "luna16", "root": str(tmp_path / "phantom"), "crop_size": [20, 20, 8]},
        "training": {**PLAIN, "epochs": 16, "learning_rate": 0.004},
        "evaluation": {"bootstraps": 10},
    }
    flat, deep = (
        run.metrics["test"] for run in archnet.run_all(archnet.load_experiments(document), out=tmp_path / "out")
    )
    assert 0.65 <= flat["auc"] <= 0.9
    assert deep["auc"] >= flat["auc"] + 0.05
    assert deep["recall"] > flat["recall"]
