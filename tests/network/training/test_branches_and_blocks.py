"""Networks with branches and blocks in training: micro-batches, resuming, other precisions."""

import keras
import numpy as np
import pytest

from archnet.network.training.dropout import CaseKeys
from archnet.network.training.training_twin import build_training_twin
from archnet.spec.augmentations import Flip
from long_tests import long_except
from plain_training import plain
from small_training import are_equal, bright_and_dark, built, fit, killed_and_resumed

CONVOLUTION = {"type": "C", "num_output": 4, "kernel_size": 3, "activation": "relu", "drop_out": 10}


def network_of_blocks(rank=2, norm="layer"):
    """Every block, with dropout of values inside and of whole paths."""
    half = {**CONVOLUTION, "stride": [2] * rank}
    layers = [
        {"type": "CAT", "branches": [[CONVOLUTION, CONVOLUTION], [CONVOLUTION], []]},
        {"type": "RES", "layers": [{"type": "NORM", "norm": norm}, half], "drop_path": 30, "layer_scale": 0.5},
        {"type": "RES", "layers": [CONVOLUTION], "shortcut": [], "drop_path": 20, "activation": "relu"},
        {"type": "DENSE", "times": 2, "layers": [CONVOLUTION]},
        {"type": "ADD", "branches": [[CONVOLUTION, {"type": "GAP"}], [CONVOLUTION, {"type": "GAP"}]]},
        {"type": "T"},
    ]
    return built(layers, rank, 2, seed=0)


@pytest.mark.long
@pytest.mark.parametrize("rank", long_except({2}, [2, 3]))
def test_micro_batches_do_not_change_the_weights(rank):
    training = plain(optimizer="sgd", momentum=0.9, learning_rate=0.05, epochs=1, batch_size=16, l2=0.01, clip_norm=0.3)
    examples = bright_and_dark(35, rank)
    whole, rows = fit(training, network_of_blocks(rank), examples)
    parts, other_rows = fit(training, network_of_blocks(rank), examples, micro_batch=5)
    for weight, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        assert np.abs(weight - other).max() < 1e-5
    for row, other in zip(rows, other_rows, strict=True):
        assert row["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)
    start = network_of_blocks(rank).get_weights()
    assert not any(np.array_equal(weight, first) for weight, first in zip(whole.get_weights(), start, strict=True))


@pytest.mark.long
def test_an_interrupted_training_ends_with_the_same_bits(tmp_path):
    training, examples = plain(epochs=2, batch_size=8, ema=0.9, augmentation=(Flip(),)), bright_and_dark(27)

    def fitted(**options):
        return fit(training, network_of_blocks(norm="batch"), examples, **options)[0]

    whole, resumed = killed_and_resumed(fitted, tmp_path, step=6)
    assert are_equal(resumed.get_weights(), whole.get_weights())


@pytest.mark.slow
@pytest.mark.parametrize("rank", [2, 3])
def test_bfloat16_agrees_with_float32(rank):
    network, keys = network_of_blocks(rank), CaseKeys()
    images = np.random.default_rng(0).random((6, *network.input_shape[1:]), np.float32)
    keys.batch = np.arange(6, dtype=np.uint32)
    exact, rough = (
        keras.ops.convert_to_numpy(build_training_twin(network, keys, precision)(images, training=True))
        for precision in ("float32", "bfloat16")
    )
    np.testing.assert_allclose(rough, exact, atol=0.05 * np.abs(exact).max())
