import re
from dataclasses import replace

import numpy as np
import pytest

from archnet.errors import DocumentError, RunError
from archnet.spec.cost import network_cost
from archnet.spec.sweeps.sweep import Resources
from archnet.versus.plan import duration, variants
from archnet.versus.plan.duration import runs_at_once, total_seconds
from archnet.versus.plan.versus_plan import VersusOptions, plan_versus
from plain_training import PLAIN
from small_sweeps import LAYERS
from versus_folders import durations_of, make_plan, versus_experiments

THREE_D = {"archs": [{"name": "deep", "rank": 3, "layers": [{**LAYERS[0], "kernel_size": 3}, *LAYERS[2:]]}]}


def test_the_original_is_trained_once_and_each_twin_once_for_each_match(tmp_path):
    plan = make_plan(tmp_path, matches=("none", "macs"), forms=("2d", "3d"), seeds=3)
    names = [(variant.name, variant.form, variant.matches) for variant in plan.variants]
    assert names[0] == ("net", "2d", ("none", "macs"))
    assert names[1:] == [("net_3d", "3d", ("none",)), ("net_3d_macs", "3d", ("macs",))]
    assert [variant.is_original for variant in plan.variants] == [True, False, False]
    assert plan.num_runs == 9


def test_twins_that_two_matches_make_alike_are_one_variant(tmp_path, monkeypatch):
    make_twin = variants.make_twin
    monkeypatch.setattr(
        variants,
        "make_twin",
        lambda arch, rank, match, **options: make_twin(arch, rank, **options),
    )
    plan = make_plan(tmp_path, matches=("none", "macs", "parameters"), forms=("2d", "3d"))
    assert [(one.name, one.matches) for one in plan.variants[1:]] == [("net_3d", ("none", "macs", "parameters"))]


def test_a_3d_original_is_compared_with_its_2d_twins(tmp_path):
    plan = make_plan(tmp_path, experiment=THREE_D, forms=("2d", "3d"))
    assert [(one.name, one.form_text, one.is_original) for one in plan.variants] == [
        ("deep_2d", "2D", False),
        ("deep", "3D", True),
    ]


def test_all_variants_share_cases_and_training_and_each_has_the_view_of_its_form(tmp_path):
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=2, folds=3)
    runs = {variant.name: plan.sweep.experiments({"arch": variant.name}) for variant in plan.variants}
    assert {name: len(experiments) for name, experiments in runs.items()} == {"net": 6, "net_3d": 6}
    assert [one.split for one in runs["net"]] == [one.split for one in runs["net_3d"]]
    assert [one.training for one in runs["net"]] == [one.training for one in runs["net_3d"]]
    assert {name: experiments[0].data.view for name, experiments in runs.items()} == {
        "net": "slice",
        "net_3d": "volume",
    }
    assert [plan.experiment_of(variant) for variant in plan.variants] == [one[0] for one in runs.values()]
    assert [(one.split.fold, one.training.seed) for one in runs["net"]] == [(f, s) for s in range(2) for f in range(3)]


def test_the_costs_of_variants_are_those_of_their_networks_on_the_data(tmp_path):
    for variant in make_plan(tmp_path, forms=("2d", "3d")).variants:
        shape = (12, 12, 4)[: variant.arch.rank]
        cost = network_cost(variant.arch.plan(shape, 2))
        assert (variant.parameters, variant.macs) == (cost.num_parameters, cost.num_macs)


def test_a_twin_has_the_factor_and_the_notes_with_which_it_was_made(tmp_path):
    plan = make_plan(tmp_path, matches=("none", "macs"), forms=("2d", "3d"))
    original, *twins = plan.variants
    assert (original.factor, original.notes) == (1.0, ())
    shape = {"input_shape": (12, 12, 4), "num_classes": 2}
    made = [variants.make_twin(original.arch, 3, match=match, **shape) for match in ("none", "macs")]
    assert [(one.factor, one.notes) for one in twins] == [(one.factor, one.notes) for one in made]
    assert made[1].factor != 1


def test_the_folds_of_an_experiment_are_those_of_its_versus(tmp_path):
    plan = make_plan(tmp_path, experiment={"split": {"folds": 3, "test": None}}, forms=("2d", "3d"), seeds=1)
    assert (plan.options.folds, plan.num_runs) == (3, 6)


def test_data_without_depth_are_refused(tmp_path):
    y = np.arange(60) % 2
    np.savez(tmp_path / "flat.npz", x=np.zeros((60, 12, 12), np.uint8), y=y)
    experiments = versus_experiments(tmp_path, data={"name": "npz", "root": str(tmp_path / "flat.npz")})
    message = (
        "net: the cases are single slices of 12x12, so 2.5D and 3D twins have no depth to use. Use data with "
        "volumes, or compare widths on these data with archnet sweep."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        plan_versus(experiments, VersusOptions())


@pytest.mark.parametrize(
    ("experiment", "options", "message"),
    [
        (
            THREE_D,
            {"forms": ("2d", "2.5d")},
            "--forms 2d,2.5d: deep is 3D, and its twins are compared with it. Add 3d.",
        ),
        (
            {"archs": [{"name": name, "layers": LAYERS} for name in ("one", "two")]},
            {},
            "versus expects one architecture, but got 2 architectures: one, two. Name one of them.",
        ),
    ],
)
def test_what_no_versus_can_compare_is_refused(tmp_path, experiment, options, message):
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        make_plan(tmp_path, experiment=experiment, **options)


@pytest.mark.parametrize(("form", "match", "end"), [
    ("3d", "macs", "its 3D twin at the same cost cannot be made: no. Leave 3d out of --forms or macs out of --match."),
    ("2.5d", "none",
     "its 2.5D twin at the same widths cannot be made: no. Leave 2.5d out of --forms or none out of --match."),
])  # fmt: skip
def test_a_twin_that_cannot_be_made_is_refused_with_the_options_to_change(tmp_path, monkeypatch, form, match, end):
    def refuse(arch, rank, **options):
        raise DocumentError("no.")

    monkeypatch.setattr(variants, "make_twin", refuse)
    with pytest.raises(RunError, match=f"^{re.escape(f'net: {end}')}$"):
        make_plan(tmp_path, forms=("2d", form), matches=(match,))


def test_the_cost_of_an_ensemble_is_that_of_all_members(tmp_path):
    options = {"forms": ("2d", "3d")}
    one = make_plan(tmp_path, **options)
    three = make_plan(
        tmp_path, experiment={"training": {**PLAIN, "epochs": 1, "learning_rate": 0.01, "members": 3}}, **options
    )
    for single, ensemble in zip(one.variants, three.variants, strict=True):
        assert (ensemble.macs, ensemble.parameters) == (3 * single.macs, 3 * single.parameters)


def test_slices_as_channels_are_refused(tmp_path):
    experiments = versus_experiments(tmp_path)
    data = {"name": "npz", "root": str(tmp_path / "cubes.npz"), "view": "slices-as-channels"}
    experiments = versus_experiments(tmp_path, data=data)
    message = (
        'data.view is "slices-as-channels", but the 2D form uses the central slice, and its 2.5D form is '
        "made by VIEWS. Remove data.view."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        plan_versus(experiments, VersusOptions())


def test_the_expected_time_is_that_of_all_runs_shared_by_those_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(duration, "usable_cores", lambda: 4)
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=4, resources=Resources(cpus=2))
    durations = durations_of(plan, seconds=100.0)
    assert runs_at_once(plan.options.resources) == 2
    assert total_seconds(plan, durations) == 400.0
    assert total_seconds(plan, durations, num_finished=6) == 100.0
    assert total_seconds(plan, durations, num_finished=8) == 0.0
    unequal = [replace(one, seconds=seconds) for one, seconds in zip(durations, (100.0, 300.0), strict=True)]
    assert total_seconds(plan, unequal) == 800.0
    assert total_seconds(plan, unequal, num_finished=7) == 300.0
    assert runs_at_once(Resources(cpus=1, gpus=0.5)) == 2
    assert runs_at_once(Resources(cpus=8)) == 1
