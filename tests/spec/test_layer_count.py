"""The limit on the layers of a network."""

from archnet.spec.layers.layer_count import num_written_layers, written_layers_problem

C = {"type": "C"}


def test_3000_written_layers_are_allowed_and_one_more_is_not():
    layers = [C] * 2_997 + [{"type": "RES", "layers": [C, 0]}]
    assert (num_written_layers(layers), written_layers_problem(layers, ("layers",))) == (3_000, None)
    problem = written_layers_problem([*layers, C], ("base", "layers"))
    assert problem.path == ("base", "layers")
    assert problem.message.startswith("3,001 layers are written here; a network has at most 3,000. ")
