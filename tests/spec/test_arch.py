"""Architectures: the published facts, every problem at once with its place, and what an architecture means."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from archnet.errors import DocumentError
from archnet.files.strict_json import Document, parse_document, read_document
from archnet.network.build.network import build
from archnet.spec.arch import complete_arch, load_arch, parse_arch
from archnet.spec.cost import network_cost, network_summary
from archnet.spec.layers import LAYERS
from archnet.spec.memory import estimate_memory, plan_micro_batches
from archnet.spec.schema import read_schema, schema_problems

ARCHS = Path(__file__).parents[2] / "archs"
T = {"type": "T"}
C = {"type": "C", "num_output": 4, "kernel_size": [3, 3]}

PUBLISHED = {
    "archsm": ((64, 64), 99_948),
    "arch": ((64, 64), 663_228),
    "arch3dsm": ((64, 64, 10), 196_108),
    "arch3d": ((64, 64, 10), 1_269_052),
    "ct3d": ((128, 128, 64), 1_352_897),
}


def arch_of(layers, **keys):
    return parse_arch(Document(value={**keys, "layers": layers} if keys else layers, source="mine.json"))


def message_of(layers, **keys):
    with pytest.raises(DocumentError) as caught:
        arch_of(layers, **keys).plan()
    return str(caught.value)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_parameter_counts_are_met_and_keras_agrees(name):
    shape, num_parameters = PUBLISHED[name]
    arch = load_arch(ARCHS / f"{name}.json")
    assert network_cost(arch.plan(shape)).num_parameters == num_parameters
    assert build(arch, shape).count_params() == num_parameters


def test_the_published_activation_memory_is_met():
    # "its activations at batch 300 need 8.8 GB": why the wide 3D network never ran.
    cost = network_cost(load_arch(ARCHS / "arch3d.json").plan((64, 64, 10)))
    assert round(300 * cost.activation_bytes / 1e9, 1) == 8.8


SHIPPED = sorted(ARCHS.rglob("*.json"))
BY_SIZE = [pytest.param(path, marks=() if path.parent == ARCHS else pytest.mark.long, id=path.stem) for path in SHIPPED]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_architecture_validates_and_reads_back(path):
    document = read_document(path)
    schema = document.value.get("$schema")
    assert schema is None or (path.parent / schema).is_file()
    arch = parse_arch(document)
    assert arch.name == path.stem
    assert not arch.warnings()
    again = parse_arch(Document(value=arch.to_document(), source="again"))
    assert again == arch


@pytest.mark.parametrize("path", BY_SIZE)
def test_every_shipped_architecture_builds_with_the_parameters_that_are_shown(path):
    arch = load_arch(path)
    assert build(arch).count_params() == network_cost(arch.plan()).num_parameters


def test_all_problems_of_a_file_are_reported_together_with_their_lines():
    text = """{"layers": [
  {"type": "C", "num_output": 16, "kernel": [3, 3], "kernel_size": 3},
  {"type": "Conv"},
  {"type": "FC", "num_output": 0, "activation": "relux"},
  {"type": "C", "num_output": 16, "kernel_size": [3, 3, 3], "drop_out": 100},
  {"type": "T"},
  {"type": "P", "pool": "maximum", "kernel_size": [3, 3]}
]}"""
    with pytest.raises(DocumentError) as caught:
        parse_arch(parse_document(text, "mine.json"))
    known = ", ".join(f'"{name}"' for name in LAYERS)
    assert str(caught.value).splitlines() == [
        'mine.json:2 $.layers[0].kernel: unknown key "kernel". Did you mean "kernel_size"?',
        f'mine.json:3 $.layers[1].type: "Conv" is not one of {known}. Use "C" for a convolution.',
        "mine.json:4 $.layers[2].num_output: expected at least 1, got 0.",
        'mine.json:4 $.layers[2].activation: "relux" is not one of null, "relu", "tanh", "sigmoid", "leaky_relu", "elu", '
        '"selu", "gelu", "silu", "softplus", "relu6", "hard_sigmoid", "hard_silu". Did you mean "relu"?',
        "mine.json:5 $.layers[3].drop_out: expected below 100, got 100.",
        "mine.json:5 $.layers[3]: C needs spatial axes, but FC at $.layers[2] has flattened them. Move it earlier.",
        "mine.json:6 $.layers[4]: T must be the last layer, but 1 more follow.",
        'mine.json:7 $.layers[5].pool: "maximum" is not one of "max", "avg". Did you mean "max"?',
        "mine.json:7 $.layers[5]: P needs spatial axes, but FC at $.layers[2] has flattened them. Move it earlier.",
        "mine.json:7 $.layers[5].kernel_size: this is 2D, but $.layers[3].kernel_size is 3D. Use one rank throughout.",
    ]


REFUSED = {
    "T missing": ([C], 'mine.json $: the layer T is missing. End the list with {"type": "T"}.'),
    "T doubled": ([C, T, T], "mine.json $[2]: this is another T, after the one at $[1]. Keep only the last one."),
    "T not last": ([T, C], "mine.json $[0]: T must be the last layer, but 1 more follow."),
    "T in REP": (
        [C, {"type": "REP", "times": 2, "layers": [T]}, T],
        "mine.json $[1].layers[0]: T is not allowed in REP. Move it out.",
    ),
    "FC in REP in RES": (
        [{"type": "RES", "layers": [{"type": "REP", "times": 1, "layers": [{"type": "FC", "num_output": 2}]}]}, C, T],
        "mine.json $[0].layers[0].layers[0]: FC is not allowed in RES. Move it out.\n"
        "mine.json $[1]: C needs spatial axes, but FC at $[0].layers[0].layers[0] has flattened them. Move it earlier.",
    ),
    "FC before C": (
        [C, {"type": "FC", "num_output": 4}, C, T],
        "mine.json $[2]: C needs spatial axes, but FC at $[1] has flattened them. Move it earlier.",
    ),
    "RES after GAP": (
        [C, {"type": "GAP"}, {"type": "RES", "layers": [{"type": "BN"}]}, T],
        "mine.json $[2]: RES needs spatial axes, but GAP at $[1] has flattened them. Move it earlier.",
    ),
    "GAP repeated": (
        [C, {"type": "REP", "times": 2, "layers": [{"type": "GAP"}]}, T],
        "mine.json $[1].layers[0]: GAP needs spatial axes, but its input (4,) is flat. Move it before the first FC or GAP.",
    ),
    "no rank": (
        [{"type": "FC", "num_output": 3}, T],
        "mine.json $: no array of sizes determines whether this is a 2D or 3D network. "
        'Write {"rank": 2, "layers": [...]} or {"rank": 3, "layers": [...]} instead of the array alone.',
    ),
    "ranks mixed": (
        [C, {**C, "stride": [1, 1, 1]}, T],
        "mine.json $[1].stride: this is 3D, but $[0].kernel_size is 2D. Use one rank throughout.",
    ),
    "shape gone": (
        [{**C, "kernel_size": [65, 3], "padding": "valid"}, T],
        'mine.json $[0]: C "valid" with kernel (65, 3) does not fit its input (64, 64). '
        "Remove a pooling or enlarge the crop.",
    ),
    "stride and dilation": (
        [{**C, "stride": [2, 1], "dilation": [1, 2]}, T],
        "mine.json $[0]: C stride 2x1 and dilation 1x2 cannot both be above 1. Set one of them to 1.",
    ),
    "shapes that cannot meet": (
        [{"type": "RES", "layers": [{**C, "padding": "valid"}]}, T],
        "mine.json $[0]: RES the inner layers change (64, 64, 1) to (62, 62, 4), but a shortcut with their strides gives "
        '(64, 64, 4). Use "same" padding inside, or strides that divide the input.',
    ),
    "crop too large": (
        [{"type": "P", "pool": "max", "kernel_size": 2}, {"type": "CROP", "size": [32, 33]}, T],
        "mine.json $[1]: CROP size 32x33 is larger than its input (32, 32). "
        "Make it smaller, or crop before the layers that shrink the input.",
    ),
    "crop without size": (
        [C, {"type": "CROP"}, T],
        'mine.json $[1]: the key "size" is missing. '
        "Description: Size of the crop along each axis, in voxels; one number means every axis.",
    ),
    "crop behind GMP": (
        [C, {"type": "GMP"}, {"type": "CROP", "size": 3}, T],
        "mine.json $[2]: CROP needs spatial axes, but GMP at $[1] has flattened them. Move it earlier.",
    ),
    "drop_out below 0": (
        [{**C, "drop_out": -1}, T],
        "mine.json $[0].drop_out: expected at least 0, got -1.",
    ),
    "too many layers": (
        [{"type": "REP", "times": 1000, "layers": [{"type": "REP", "times": 1000, "layers": [C]}]}, T],
        "mine.json $[0]: REP makes 1,000,000 of the 1,000,001 layers that the network would have; at most 3,000 are "
        'allowed. Lower its "times".',
    ),
    "no layers": ([], "mine.json $: expected an array of at least 1, got []."),
    "a number": ([C, 3, T], "mine.json $[1]: expected an object, got 3."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_impossible_network_is_refused_with_place_and_remedy(case):
    layers, message = REFUSED[case]
    assert sorted(message_of(layers).splitlines()) == sorted(message.splitlines())


def test_an_architecture_that_is_not_an_array_or_object_is_refused():
    with pytest.raises(DocumentError, match=re.escape("mine.json $: expected an object or an array, got 3.")):
        parse_arch(Document(value=3, source="mine.json"))


VIEWS = {"type": "VIEWS", "planes": "slices"}


@pytest.mark.parametrize(
    ("layers", "keys", "place", "sizes"),
    [
        ([C, T], {"input_shape": [8]}, "$.input_shape", [8]),
        ([C, T], {"input_shape": [8] * 4}, "$.input_shape", [8] * 4),
        ([C, {**C, "stride": [2]}, T], {"rank": 2}, "$.layers[1].stride", [2]),
        ([C, {**C, "stride": [2] * 4}, T], {"rank": 2}, "$.layers[1].stride", [2] * 4),
        ([{**VIEWS, "layers": [{**C, "stride": [2]}]}, T], {"rank": 3}, "$.layers[0].layers[0].stride", [2]),
        ([{**VIEWS, "layers": [{**C, "stride": [2] * 4}]}, T], {"rank": 3}, "$.layers[0].layers[0].stride", [2] * 4),
    ],
)
def test_an_array_of_1_or_4_sizes_says_nothing_about_the_rank(layers, keys, place, sizes):
    limit = "least 2" if len(sizes) < 2 else "most 3"
    assert message_of(layers, **keys) == f"mine.json {place}: expected an array of at {limit}, got {sizes}."


@pytest.mark.parametrize("rank", [1, 4])
def test_a_rank_that_does_not_exist_is_one_problem(rank):
    assert message_of([C, T], rank=rank) == f"mine.json $.rank: {rank} is not one of 2, 3."


def test_sigmoid_is_refused_for_more_than_two_classes():
    arch = arch_of([C, {"type": "T", "activation": "sigmoid"}])
    message = 'mine.json $[1]: T "sigmoid" is for two classes, but the data have 3. Use "softmax".'
    with pytest.raises(DocumentError, match=re.escape(message)):
        arch.plan((8, 8), 3)


def test_an_input_of_another_rank_is_refused():
    with pytest.raises(DocumentError, match=re.escape("a 2D network does not accept the input 8x8x8x8.")):
        arch_of([C, T]).plan((8, 8, 8, 8))


@pytest.mark.parametrize(
    ("kernel_size", "input_shape", "full_shape"),
    [([3, 3], (8, 7), (8, 7, 3)), ([3, 3, 3], (8, 7, 6), (8, 7, 6, 3)), ([3, 3], (8, 7, 3), (8, 7, 3))],
)
def test_channels_are_those_of_the_input(kernel_size, input_shape, full_shape):
    arch = arch_of([{**C, "kernel_size": kernel_size}, T], name="mine", channels=3)
    plan = arch.plan(input_shape)
    assert plan[0].input_shape == full_shape
    assert sum(row.num_parameters for row in plan) == arch.build(input_shape).count_params()
    assert parse_arch(Document(value=arch.to_document(), source="resolved")) == arch
    assert arch.to_document()["channels"] == 3


def test_one_channel_is_the_default_and_is_not_written_so_that_old_documents_stay_as_they_were():
    assert arch_of([C, T], name="mine", channels=1) == arch_of([C, T], name="mine")
    assert "channels" not in arch_of([C, T], name="mine", channels=1).to_document()


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        (0, "mine.json $.channels: expected at least 1, got 0."),
        (65, "mine.json $.channels: expected at most 64, got 65."),
        ([3], "mine.json $.channels: expected a whole number, got [3]."),
    ],
)
def test_impossible_numbers_of_channels_are_refused(channels, message):
    assert message_of([C, T], name="mine", channels=channels) == message


def test_an_input_of_another_number_of_channels_is_refused():
    with pytest.raises(DocumentError) as caught:
        arch_of([C, T], name="mine", channels=3).plan((16, 16, 2))
    assert str(caught.value) == (
        "mine.json: the input 16x16x2 has 2 channels, but the architecture has channels 3. Give the spatial sizes "
        "alone, such as 16x16."
    )


def test_a_share_given_as_drop_out_is_warned_about():
    arch = arch_of([{**C, "drop_out": 0.25}, T])
    assert arch.warnings() == [
        "mine.json $[0].drop_out: drop_out is a percentage: 0.25 drops 0.25% of the values. Did you mean 25?"
    ]


@pytest.mark.parametrize("drop_out", [0, 1, 1.5])
def test_a_percentage_of_at_least_1_is_no_share(drop_out):
    assert not arch_of([{**C, "drop_out": drop_out}, T]).warnings()


def test_keys_that_change_nothing_next_to_the_others_are_warned_about():
    norm = {"norm": "batch", "groups": 4}
    inner = {"type": "RES", "layers": [{**C, "norm": norm}], "norm": {**norm, "norm": "layer"}}
    arch = arch_of([{"type": "SE", "ratio": 2, "num_output": 3}, inner, {"type": "NORM", **norm}, T])
    remedy = 'Remove it, or set the norm to "group".'
    assert arch.warnings() == [
        'mine.json $[0].ratio: this has no effect, because "num_output" sets the number of units. Remove one of them.',
        f'mine.json $[1].norm.groups: this has no effect with "layer". {remedy}',
        f'mine.json $[1].layers[0].norm.groups: this has no effect with "batch". {remedy}',
        f'mine.json $[2].groups: this has no effect with "batch". {remedy}',
    ]
    groups_used = {"type": "NORM", "norm": "group", "groups": 4}
    assert not arch_of([groups_used, {"type": "SE", "ratio": 4}, T], rank=2).warnings()


def test_a_plain_number_spreads_over_the_axes_and_rank_may_be_said():
    layers = [{"type": "C", "num_output": 4, "kernel_size": 3}, T]
    assert arch_of(layers, rank=3).layers[0].kernel_size == (3, 3, 3)
    assert arch_of(layers, rank=2).layers[0].kernel_size == (3, 3)


def test_a_repetition_has_fresh_weights_each_time():
    repeated = arch_of([{"type": "REP", "times": 3, "layers": [C]}, T])
    expand_repeats = arch_of([C, C, C, T])
    assert network_cost(repeated.plan()) == network_cost(expand_repeats.plan())
    assert build(repeated, (8, 8)).count_params() == build(expand_repeats, (8, 8)).count_params()
    places = [
        row["place"]
        for row in network_summary(repeated.plan(), plan_micro_batches(estimate_memory(repeated.plan()), 1))["layers"]
    ]
    inner = "$.layers[0].layers[0]"
    assert places == [f"{inner} #1", f"{inner} #2", f"{inner} #3", "$.layers[1]"]


def test_an_ensemble_has_the_costs_of_all_its_networks_and_a_summary_of_one():
    plan = arch_of([C, T]).plan()
    one, two = network_cost(plan), network_cost(plan, 2)
    assert one.num_parameters == (9 * 1 + 1) * 4 + (64 * 64 * 4 + 1) * 2
    assert one.num_macs == 64 * 64 * 4 * 9 + 64 * 64 * 4 * 2
    assert (two.num_parameters, two.num_macs) == (2 * one.num_parameters, 2 * one.num_macs)
    assert two.activation_bytes == one.activation_bytes  # the networks are trained one after the other
    micro_batch = plan_micro_batches(estimate_memory(plan), 1)
    summary = network_summary(plan, micro_batch)
    assert "members" not in summary
    assert network_summary(plan, micro_batch, 1) == summary
    assert network_summary(plan, micro_batch, 2) == {**summary, "members": 2}


def test_schema_and_dataclasses_have_the_same_keys_and_defaults():
    from dataclasses import MISSING, fields

    definitions = read_schema("arch")["$defs"]
    for name, kind in LAYERS.items():
        entries = definitions[name]["properties"].items()
        properties = {k: v for k, v in entries if k not in ("type", "description") and not v.get("deprecated")}
        own = {item.name: item for item in fields(kind) if item.metadata.get("in_document", True)}
        assert set(properties) == set(own), name
        for key, item in own.items():
            default = item.metadata.get("default") if item.default is MISSING else item.default
            assert properties[key].get("default") == default, (name, key)
        required = set(definitions[name]["required"]) - {"type"}
        from_other_fields = {key for key, item in own.items() if item.metadata.get("default_field")}
        assert required == {key for key in own if "default" not in properties[key]} - from_other_fields, name


@pytest.mark.parametrize("input_shape", [[32, 32], [32, 32, 8]])
def test_the_input_shape_alone_says_the_rank(input_shape):
    plain = {"type": "C", "num_output": 4, "kernel_size": 3}
    arch = parse_arch(Document(value={"input_shape": input_shape, "layers": [plain, T]}, source="mine.json"))
    assert arch.rank == len(input_shape)


def test_every_example_in_the_schema_is_valid():
    definitions = read_schema("arch")["$defs"]
    for name in LAYERS:
        for example in definitions[name]["examples"]:
            layers = [example] if name == "T" else [example, T]
            assert not schema_problems(Document(value=layers, source="example"), "arch"), name


def nested(kind, depth, inner, **keys):
    """Layers inside `depth` layers of one type."""
    return inner if depth == 0 else [{"type": kind, **keys, "layers": nested(kind, depth - 1, inner, **keys)}]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [*nested("RES", 2, nested("REP", 13, [C], times=2)), T],
            "mine.json $[0].layers[0].layers[0].layers[0]: REP makes 4,096 of the 8,195 layers that the network would have; "
            'at most 3,000 are allowed. Lower its "times".',
        ),
        (
            [{"type": "REP", "times": 1000, "layers": [C]}, {"type": "REP", "times": 700, "layers": [C, C, C]}, T],
            "mine.json $[1]: REP makes 2,100 of the 3,101 layers that the network would have; at most 3,000 are allowed. "
            'Lower its "times".',
        ),
        (
            [{"type": "REP", "times": 1000, "layers": [C] * 3}, {"type": "REP", "times": 600, "layers": [C] * 6}, T],
            "mine.json $[1]: REP makes 3,600 of the 6,601 layers that the network would have; at most 3,000 are allowed. "
            'Lower its "times".',
        ),
        (
            [*nested("REP", 20, [C], times=1000), T],
            "mine.json "
            + "$[0]"
            + ".layers[0]" * 18
            + ': REP makes 1,000,000 of the 1e+60 layers that the network would have; at most 3,000 are allowed. Lower its "times".',
        ),
        (
            [{"type": "REP", "times": 1, "layers": [C] * 1000}] * 3 + [T],
            "mine.json $: 3,004 layers are written here; a network has at most 3,000. Is this a data file? "
            'Use "REP" with "times" to repeat layers.',
        ),
    ],
    ids=["nested", "together", "at the limit", "astronomical", "written"],
)
def test_too_many_layers_are_counted_before_they_are_planned(layers, message):
    assert message_of(layers) == message


def test_the_most_layers_that_are_possible_are_planned():
    layers = [{"type": "REP", "times": 999, "layers": [{"type": "RES", "layers": [C, C]}]}, C, C, T]
    assert len(arch_of(layers).plan()) == 3_000


def test_blocks_inside_blocks_are_planned_once_a_level():
    # Each block asks for the shapes of its inner ones; asked anew at every level, 30 levels would take 2**30 answers.
    block = C
    for width in range(30):
        block = {"type": "RES", "layers": [block, {**C, "num_output": 5 + width}]}
    plan = arch_of([block, T]).plan()
    assert [row.type for row in plan].count("RES") == 30
    assert plan[-1].input_shape == (64, 64, 34)


def test_costs_of_blocks_inside_repetitions_are_those_of_keras():
    arch = arch_of([{"type": "REP", "times": 3, "layers": [{"type": "RES", "layers": [C, {**C, "num_output": 5}]}]}, T])
    assert network_cost(arch.plan()).num_parameters == build(arch).count_params()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (
            "abc\n",
            'expected letters, digits, ".", "_" and "-", with a letter or a digit first, got "abc\\n": "\\n" is not allowed.',
        ),
        ("aux", '"aux" is the name of a device on Windows. Rename it.'),
    ],
)
def test_a_name_that_cannot_be_a_folder_is_refused(name, problem):
    assert message_of([C, T], name=name) == f"mine.json $.name: {problem}"


def test_a_file_whose_name_is_a_device_needs_another_name():
    with pytest.raises(DocumentError, match=re.escape('nul.json $.name: "nul" is the name of a device on Windows.')):
        parse_arch(Document(value=[C, T], source="nul.json"))


@pytest.mark.parametrize("kind", [["C"], {}, None, 1, True, "\ud800"])
def test_a_type_of_another_json_type_is_refused_behind_a_flat_layer(kind):
    lines = message_of([{"type": "FC", "num_output": 3}, {"type": kind}, T], rank=2).split("\n")
    assert all(line.startswith("mine.json $.layers[1].type: ") for line in lines)


def test_a_lone_surrogate_from_python_is_refused():
    message = (
        'mine.json $.description: "a\\udc80" contains U+DC80, a lone surrogate, which is not a character. '
        "Remove it, or write the complete pair."
    )
    assert message_of([C, T], description="a\udc80") == message


def test_an_old_architecture_is_completed_and_an_invalid_one_left_as_it_is():
    old = {"name": "mine", "rank": 2, "layers": [C, T]}
    assert complete_arch(old) == arch_of([C, T], name="mine", rank=2).to_document()
    invalid = {"layers": [{"type": "of_a_newer_version"}]}
    assert complete_arch(invalid) is invalid


def test_layers_without_t_have_no_plan():
    arch = arch_of([C, T])
    with pytest.raises(DocumentError, match=r"^mine\.json: the last layer must be T\.$"):
        replace(arch, layers=arch.layers[:-1]).plan()
