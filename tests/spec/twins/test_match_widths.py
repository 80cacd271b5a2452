"""Widths with which a twin costs as much as its original."""

from pathlib import Path

import pytest

from archnet.spec.arch import load_arch
from archnet.spec.layers.planned_layer import count_macs, count_parameters
from archnet.spec.twins.match_widths import TOLERANCE, WidthMatch, match_widths
from archnet.spec.twins.twin_network import make_twin
from archnet.spec.twins.widths import plan_widths

ARCHS = Path(__file__).parents[3] / "archs"


def convolution(num_output, kernel_size=3, **keys):
    return {"type": "C", "num_output": num_output, "kernel_size": kernel_size} | keys


def arch_of(*layers, shape=(16, 16, 8)):
    return load_arch({"name": "mine", "input_shape": list(shape), "layers": [*layers, {"type": "T"}]})


def matched(arch, measure, target):
    plan = plan_widths(arch, 2)
    found = match_widths(plan, measure, target)
    return found, plan.documents(found.widths)


def widths(layers):
    return [layer["num_output"] for layer in layers if "num_output" in layer]


def test_widths_that_already_agree_are_kept():
    arch = arch_of(convolution(10), {"type": "GAP"})
    found, layers = matched(arch, count_parameters, round(count_parameters(arch.plan()) * 1.03))
    assert (found.factor, found.moved, widths(layers), found.agrees) == (1.0, (), [10], True)


@pytest.mark.parametrize(("difference", "agrees"), [(0.03, True), (-0.03, True), (0.0301, False), (-0.0301, False)])
def test_networks_agree_within_3_percent(difference, agrees):
    assert WidthMatch(widths=(), factor=1.0, difference=difference).agrees == agrees


def test_a_factor_can_be_larger_than_10():
    arch = arch_of(convolution(8), {"type": "GAP"})
    target = count_parameters(arch_of(convolution(96), {"type": "GAP"}).plan())
    found, layers = matched(arch, count_parameters, target)
    assert (found.factor, widths(layers), found.difference) == (12.0, [96], 0)


def test_one_factor_scales_all_widths_to_multiples_of_4_and_has_few_digits():
    arch = arch_of(convolution(40), convolution(80), {"type": "GAP"})
    target = count_parameters(arch_of(convolution(24), convolution(48), {"type": "GAP"}).plan())
    found, layers = matched(arch, count_parameters, target)
    assert (found.factor, widths(layers), found.difference) == (0.6, [24, 48], 0)


def test_individual_widths_change_by_one_step_where_no_factor_is_close_enough():
    arch = arch_of(convolution(8), convolution(16), convolution(16), {"type": "GAP"})
    target = count_macs(arch_of(convolution(8), convolution(20), convolution(16), {"type": "GAP"}).plan())
    found, layers = matched(arch, count_macs, target)
    assert (found.factor, found.moved, widths(layers), found.difference) == (1.13, (2,), [8, 20, 16], 0)


def test_widths_are_multiples_of_1_where_multiples_of_4_fail():
    arch = arch_of(convolution(16), {"type": "GAP"})
    target = count_parameters(arch_of(convolution(5), {"type": "GAP"}).plan())
    found, layers = matched(arch, count_parameters, target)
    assert (found.factor, widths(layers), found.difference) == (0.3, [5], 0)


def test_steps_of_opposite_signs_agree_where_none_of_one_sign_does():
    twin = make_twin(load_arch(ARCHS / "archsm.json"), 3, input_shape=(32, 32, 32), match="macs")
    assert (twin.factor, twin.agrees, round(twin.macs / twin.original_macs - 1, 4)) == (0.09, True, -0.015)
    assert twin.notes[0] == (
        "Widths that differ by one step from the scaled value: $.layers[2].num_output, $.layers[0].num_output."
    )


def test_the_closest_network_is_the_result_where_none_agrees():
    arch = arch_of(convolution(4), {"type": "GAP"})
    sizes = {width: count_parameters(arch_of(convolution(width), {"type": "GAP"}).plan()) for width in (1, 2)}
    found, layers = matched(arch, count_parameters, round(0.6 * sizes[1] + 0.4 * sizes[2]))
    assert (widths(layers), found.agrees) == ([1], False)
    assert found.difference == pytest.approx(sizes[1] / round(0.6 * sizes[1] + 0.4 * sizes[2]) - 1)


@pytest.mark.parametrize(
    "block",
    [
        [convolution(48), convolution(48, groups=6), {"type": "ATT", "heads": 6}],
        [convolution(48, norm={"norm": "group", "groups": 16}), convolution(96, norm={"norm": "group", "groups": 16})],
        [convolution(32), {"type": "RES", "layers": [convolution(64), convolution(32)]}],
        [
            convolution(24),
            {"type": "RES", "layers": [{"type": "CAT", "branches": [[convolution(10)], [convolution(14)]]}]},
        ],
        [
            {"type": "CAT", "branches": [[convolution(10)], [convolution(14)]]},
            convolution(24, groups="depthwise"),
        ],
        [convolution(24), convolution(48, groups="depthwise"), {"type": "SE", "num_output": 6}],
        [{"type": "ADD", "branches": [[convolution(20)], [convolution(20, 1)]]}],
    ],
    ids=["heads", "norm groups", "identity", "identity over a sum", "depthwise after a sum", "multiplier", "addition"],
)
@pytest.mark.parametrize("share", [0.45, 1.9])
@pytest.mark.parametrize("measure", [count_parameters, count_macs])
def test_other_widths_keep_groups_heads_and_shortcuts(block, share, measure):
    stride = {"type": "P", "pool": "max", "kernel_size": 2}
    arch = arch_of(stride, *block, {"type": "GAP"}, {"type": "FC", "num_output": 20})
    plan = plan_widths(arch, 2)
    found, layers = matched(arch, measure, round(share * measure(arch.plan())))
    rows = load_arch(arch.document.value | {"layers": layers}).plan()
    assert [row.layer.skip_text(row.input_shape) for row in rows] == [
        row.layer.skip_text(row.input_shape) for row in arch.plan()
    ]
    assert found.widths != plan.values
    assert len(set(found.moved)) == len(found.moved)
    assert abs(found.difference) < 0.25
    assert measure(rows) == pytest.approx(round(share * measure(arch.plan())) * (1 + found.difference))


def test_scaled_widths_are_multiples_of_heads_and_groups():
    arch = arch_of(convolution(48), {"type": "ATT", "heads": 6}, convolution(40), {"type": "GAP"}, shape=(8, 8, 2))
    assert plan_widths(arch, 2).scale(0.6, 4) == (24, 24)
    assert plan_widths(arch, 2).scale(0.6, 1) == (30, 24)
    assert plan_widths(arch, 2).scale(0.01, 4) == (12, 4)
    assert plan_widths(arch, 2).step((24, 24), (0, 1), -4) == (12, 20)
    assert plan_widths(arch, 2).step((24, 24), (0,), 1) == (30, 24)


def test_groups_divide_the_channels_before_and_after_them_only():
    arch = arch_of(convolution(48), convolution(40, groups=8), convolution(10), {"type": "GAP"})
    assert plan_widths(arch, 2).divisors == (8, 8, 1)
    arch = arch_of(
        {"type": "P", "pool": "max", "kernel_size": 1}, convolution(6), {"type": "NORM", "norm": "group", "groups": 2}
    )
    assert plan_widths(arch, 2).divisors == (2,)


@pytest.mark.parametrize(
    ("widths", "is_possible"),
    [
        ((2, 4), True),
        ((0, 0), False),
        ((32_768, 65_536), True),
        ((32_769, 65_538), False),
        ((8, 8), False),
        ((4, 8), True),
    ],
)
def test_other_widths_are_those_of_the_schema_and_keep_the_multiplier_of_depthwise_filters(widths, is_possible):
    plan = plan_widths(arch_of(convolution(8, 1), convolution(16, 1, groups="depthwise"), {"type": "GAP"}), 2)
    assert (plan.plan(widths) is not None) == is_possible
    plan = plan_widths(arch_of(convolution(8), {"type": "GAP"}), 2)
    assert [plan.plan((width,)) is None for width in (0, 1, 65_536, 65_537)] == [True, False, False, True]


def test_a_network_without_widths_is_its_own_match():
    found, _ = matched(arch_of({"type": "GAP"}), count_parameters, 100)
    assert (found.factor, found.widths, found.agrees) == (1.0, (), False)


def test_a_twin_that_matches_says_by_which_factor_and_is_named_after_the_match():
    twin = make_twin(
        arch_of(convolution(16), {"type": "GAP"}, shape=(16, 16)), 3, input_shape=(16, 16, 8), match="parameters"
    )
    assert twin.arch.name == "mine_3d_parameters"
    assert twin.arch.description == "3D twin of mine. Its widths are scaled by 0.4 to come closest to the parameters."
    assert (twin.factor, twin.agrees, twin.original_parameters, twin.parameters) == (0.4, False, 194, 182)
    assert twin.notes == (
        "No common factor of the widths, with single steps, matches the parameters of the original within 3%. This twin "
        "is the closest found, with 6.2% fewer.",
    )
    assert abs(twin.parameters_difference) > TOLERANCE


def test_a_twin_names_the_widths_that_deviate_from_the_factor():
    layers = convolution(16), convolution(16), {"type": "GAP"}, {"type": "FC", "num_output": 10}
    twin = make_twin(arch_of(*layers, shape=(16, 16)), 3, input_shape=(16, 16, 10), match="macs")
    assert widths(twin.arch.document.value["layers"]) == [3, 2, 2]
    assert (twin.factor, twin.agrees) == (0.2, True)
    assert twin.notes == ("Widths that differ by one step from the scaled value: $.layers[1].num_output.",)
    assert twin.arch.description == (
        "3D twin of mine. Its widths are scaled by 0.2 and individual widths changed by one step to match the "
        "multiply-adds."
    )


def test_a_twin_whose_widths_agree_already_says_so():
    layers = convolution(64, 1), convolution(64, 1), {"type": "GAP"}
    twin = make_twin(arch_of(*layers, shape=(16, 16)), 3, input_shape=(16, 16, 8), match="parameters")
    assert (twin.factor, twin.parameters) == (1.0, twin.original_parameters)
    assert twin.arch.description == "3D twin of mine. Its widths need no change to match the parameters."


@pytest.mark.parametrize(("depth", "more"), [(8, "689.2%"), (2, "98.5%")])
def test_a_twin_without_widths_does_not_claim_a_match(depth, more):
    twin = make_twin(arch_of(shape=(8, 8)), 3, input_shape=(8, 8, depth), match="parameters")
    assert (twin.parameters, twin.original_parameters, twin.agrees) == (128 * depth + 2, 130, False)
    assert twin.arch.description == "3D twin of mine. It has no widths to scale."
    assert twin.notes == (
        f"The network has no widths to scale to the parameters of the original. This twin has {more} more.",
    )
