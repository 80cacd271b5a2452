"""Receptive fields of every layer, compared with the voxels that each output really depends on, in Boolean arrays."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archnet.spec.arch import load_arch
from archnet.spec.layers.receptive_fields import receptive_fields


def identity(shape):
    """Which voxel depends on which: (*shape, *shape), each on itself."""
    return np.eye(int(np.prod(shape)), dtype=bool).reshape(*shape, *shape)


def sizes_of(layer, key, rank, default=1):
    value = layer.get(key, default)
    return [value] * rank if isinstance(value, int) else value


def window(layer, depends, rank, kernel, stride, dilation):
    """What a sliding window depends on: the union over its taps, padding excluded."""
    lengths, outputs, befores = depends.shape[:rank], [], []
    for length, size, step, gap in zip(lengths, kernel, stride, dilation, strict=True):
        extent = (size - 1) * gap + 1
        padding = layer.get("padding", "same")
        if padding == "same":
            outputs.append(-(-length // step))
            befores.append(max((outputs[-1] - 1) * step + extent - length, 0) // 2)
        else:
            befores.append(0 if padding == "valid" else padding)
            outputs.append((length + 2 * befores[-1] - extent) // step + 1)
    result = np.zeros((*outputs, *depends.shape[rank:]), bool)
    for place in product(*map(range, outputs)):
        for tap in product(*map(range, kernel)):
            axes = zip(place, tap, stride, dilation, befores, strict=True)
            at = tuple(p * s + t * d - b for p, t, s, d, b in axes)
            if all(0 <= index < length for index, length in zip(at, lengths, strict=True)):
                result[place] |= depends[at]
    return result


def everything(depends, rank):
    """Each output depends on what all inputs depend on."""
    return np.broadcast_to(depends.any(axis=tuple(range(rank))), depends.shape)


def after(layer, depends, rank, path, found):
    """What the output of a layer depends on; `found` collects that of each layer, by path."""
    kind = layer["type"]
    if kind in ("C", "P"):
        kernel = sizes_of(layer, "kernel_size", rank)
        stride = sizes_of(layer, "stride", rank, kernel if kind == "P" else 1)
        result = window(layer, depends, rank, kernel, stride, sizes_of(layer, "dilation", rank))
        result = everything(result, rank) if layer.get("norm") in ("group", "instance") else result
    elif kind in ("SE", "CBAM", "ATT"):
        result = everything(depends, rank)
    elif kind == "CROP":
        sizes = sizes_of(layer, "size", rank)
        starts = [length // 2 - size // 2 for length, size in zip(depends.shape, sizes, strict=False)]
        result = depends[tuple(slice(start, start + size) for start, size in zip(starts, sizes, strict=True))]
    elif kind in ("CAT", "ADD"):
        branches = enumerate(layer["branches"])
        result = union(chain(each, depends, rank, (*path, "branches", number), found) for number, each in branches)
    elif kind == "RES":
        result = residual(layer, depends, rank, path, found)
    elif kind == "REP":
        result = depends
        for _ in range(layer["times"]):
            result = chain(layer["layers"], result, rank, (*path, "layers"), found)
    elif kind == "DENSE":
        result = depends
        for _ in range(layer["times"]):
            result = result | chain(layer["layers"], result, rank, (*path, "layers"), found)
    else:
        result = depends
    found[path] = result
    return result


def residual(layer, depends, rank, path, found):
    """What a residual block depends on: the inner layers, and its shortcut or every voxel that their strides keep."""
    inner = chain(layer["layers"], depends, rank, (*path, "layers"), found)
    if "shortcut" in layer:
        return inner | chain(layer["shortcut"], depends, rank, (*path, "shortcut"), found)
    steps = [-(-a // b) for a, b in zip(depends.shape[:rank], inner.shape[:rank], strict=True)]
    result = inner | window({}, depends, rank, [1] * rank, steps, [1] * rank)
    return everything(result, rank) if layer.get("norm") in ("group", "instance") else result


def union(results):
    return np.logical_or.reduce(list(results))


def chain(layers, depends, rank, path, found):
    for number, layer in enumerate(layers):
        depends = after(layer, depends, rank, (*path, number), found)
    return depends


def largest_fields(depends, rank):
    """The size of the largest part of the input on which an output depends, along each axis."""
    masks = depends.reshape(-1, *depends.shape[rank:])
    sizes = []
    for axis in range(1, masks.ndim):
        others = tuple(other for other in range(1, masks.ndim) if other != axis)
        used = masks.any(axis=others)
        indices = [np.flatnonzero(row) for row in used]
        sizes.append(max(int(row[-1] - row[0] + 1) for row in indices if row.size))
    return tuple(sizes)


def fields_of(layers, shape):
    """The receptive fields that archnet states, by path; of repetitions the last."""
    arch = load_arch({"rank": len(shape), "layers": [*layers, {"type": "T"}]})
    fields = receptive_fields(arch.layers[:-1], ("layers",), (*shape, 1))
    return {field.planned.path: field.receptive_field for field in fields}


def true_fields(layers, shape):
    found = {}
    chain(layers, identity(shape), len(shape), ("layers",), found)
    return {path: largest_fields(depends, len(shape)) for path, depends in found.items()}


C = {"type": "C", "num_output": 2}
NETWORKS = {
    "strides and dilations": [
        {**C, "kernel_size": [3, 5], "stride": [2, 1]},
        {**C, "kernel_size": [3, 1], "dilation": [2, 1], "padding": "valid"},
        {"type": "P", "pool": "max", "kernel_size": [2, 3], "stride": [2, 1]},
        {**C, "kernel_size": [2, 2]},
    ],
    "branches of different fields": [
        {**C, "kernel_size": 3},
        {
            "type": "CAT",
            "branches": [[{**C, "kernel_size": [5, 1]}, {"type": "BN"}], [], [{**C, "kernel_size": [1, 3]}]],
        },
        {**C, "kernel_size": 2, "padding": "valid"},
    ],
    "an addition": [
        {"type": "ADD", "branches": [[{**C, "kernel_size": 4}], [{**C, "kernel_size": 3}, {**C, "kernel_size": 3}]]}
    ],
    "residual blocks with a projection": [
        {
            "type": "RES",
            "layers": [{**C, "kernel_size": 3, "stride": 2}, {**C, "kernel_size": 3}],
        },
        {"type": "RES", "layers": [{**C, "kernel_size": [3, 1]}]},
    ],
    "residual blocks with a shortcut of a larger field": [
        {"type": "RES", "layers": [{**C, "kernel_size": 3}], "shortcut": [{**C, "kernel_size": [5, 1]}]},
    ],
    "norms of voxels": [
        {**C, "kernel_size": 3, "norm": "batch"},
        {"type": "NORM", "norm": "layer"},
        {"type": "RES", "layers": [{**C, "num_output": 3, "kernel_size": 3, "norm": "layer"}], "norm": "batch"},
        {"type": "BN"},
    ],
    "the norm of a projection": [
        {"type": "RES", "layers": [{**C, "num_output": 3, "kernel_size": 3}], "norm": "instance"},
    ],
    "repetitions": [
        {"type": "REP", "times": 2, "layers": [{**C, "kernel_size": 3}, {"type": "P", "pool": "avg", "kernel_size": 2}]}
    ],
    "dense blocks": [
        {"type": "DENSE", "times": 3, "layers": [{**C, "kernel_size": [3, 1]}, {**C, "kernel_size": [1, 3]}]}
    ],
    "attention after a crop": [
        {**C, "kernel_size": 3, "padding": "valid"},
        {"type": "CROP", "size": [4, 6]},
        {"type": "SE", "ratio": 1},
        {**C, "kernel_size": 3, "padding": "valid"},
    ],
    "attention in one branch": [
        {
            "type": "CAT",
            "branches": [
                [{"type": "CROP", "size": 6}, {"type": "CBAM", "ratio": 1, "kernel_size": 3}],
                [{"type": "CROP", "size": 6}],
            ],
        },
        {**C, "kernel_size": 3},
    ],
    "a norm over the map": [{**C, "kernel_size": 3, "norm": "instance"}, {"type": "ACT", "activation": "relu"}],
    "a transformer": [{**C, "kernel_size": 4, "stride": 4, "num_output": 4}, {"type": "ATT"}],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_has_the_receptive_field_that_boolean_arrays_show(name):
    layers, shape = NETWORKS[name], (24, 20)
    assert fields_of(layers, shape) == true_fields(layers, shape)


def test_a_field_that_is_larger_than_the_input_includes_the_padding():
    assert fields_of([{**C, "kernel_size": 5}, {**C, "kernel_size": 5}], (6, 6)) == {
        ("layers", 0): (5, 5),
        ("layers", 1): (9, 9),
    }


WINDOWS = st.builds(
    lambda kind, kernel, stride, padding: {**kind, "kernel_size": kernel, "stride": stride, "padding": padding},
    st.sampled_from([C, {"type": "P", "pool": "max"}]),
    st.lists(st.integers(1, 3), min_size=2, max_size=2),
    st.lists(st.integers(1, 2), min_size=2, max_size=2),
    st.sampled_from(["same", "valid"]),
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(WINDOWS, min_size=1, max_size=3))
def test_chains_of_windows_have_the_receptive_fields_that_boolean_arrays_show(layers):
    shape = (30, 26)
    fields = fields_of(layers, shape)
    assert fields == true_fields(layers, shape)


def test_3d_layers_have_three_sizes():
    layers = [{**C, "kernel_size": [3, 3, 1]}, {"type": "P", "pool": "max", "kernel_size": [1, 2, 2]}]
    assert fields_of(layers, (6, 6, 4)) == true_fields(layers, (6, 6, 4))


@pytest.mark.parametrize("planes", ["axial", "orthogonal", "slices"])
def test_layers_on_planes_see_one_slice_of_the_volume(planes):
    inner = [{**C, "kernel_size": 3}, {**C, "kernel_size": 3, "stride": 2}, {"type": "SE", "ratio": 1}, {"type": "GAP"}]
    before = {**C, "kernel_size": [3, 3, 2], "stride": [1, 1, 2]}
    views = {"type": "VIEWS", "planes": planes, "layers": inner}
    assert fields_of([views], (8, 8, 8)) == {
        ("layers", 0, "layers", 0): (3, 3, 1),
        ("layers", 0, "layers", 1): (5, 5, 1),
        ("layers", 0, "layers", 2): (8, 8, 1),
        ("layers", 0, "layers", 3): None,
        ("layers", 0): None,
    }
    assert fields_of([before, {**views, "planes": "slices"}], (8, 8, 8)) == {
        ("layers", 0): (3, 3, 2),
        ("layers", 1, "layers", 0): (5, 5, 2),
        ("layers", 1, "layers", 1): (7, 7, 2),
        ("layers", 1, "layers", 2): (8, 8, 2),
        ("layers", 1, "layers", 3): None,
        ("layers", 1): None,
    }


def test_a_layer_that_does_not_fit_ends_the_fields_with_an_error():
    arch = load_arch(
        {"rank": 2, "layers": [{**C, "kernel_size": 3}, {**C, "kernel_size": 9, "padding": "valid"}, {"type": "T"}]}
    )
    fields = receptive_fields(arch.layers, ("layers",), (8, 8, 1))
    assert next(fields).receptive_field == (3, 3)
    with pytest.raises(ValueError, match="does not fit its input"):
        next(fields)
