import re
from dataclasses import replace

import pytest
from rich.console import Console

from archnet.report.wording import short_count
from archnet.spec.sweeps.sweep import Resources
from archnet.versus.plan import duration
from archnet.versus.plan.plan_file import plan_document
from archnet.versus.report.versus_table import hours_text, plan_line, plan_table, versus_table
from archnet.versus.results.versus_result import read_result
from versus_folders import durations_of, make_plan, write_versus

TITLE = "Frontier of cost and AUC, the cheapest first:"


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """A versus whose 3D network is better."""
    folder = tmp_path_factory.mktemp("versus")
    plan = make_plan(folder, forms=("2d", "3d"), seeds=2)
    return read_result(plan, write_versus(folder / "out", plan, {"net": 1.0, "net_3d": 3.5}))


@pytest.mark.parametrize(("seconds", "text"), [
    (3599, "59 min 59 s"), (3600, "1.0 hours"), (9.5 * 3600, "9.5 hours"), (36_000, "10 hours"),
])  # fmt: skip
def test_times_are_in_hours_from_one_hour_and_in_whole_hours_from_ten(seconds, text):
    assert hours_text(seconds) == text


def test_the_plan_is_a_table_of_its_networks_and_a_line_about_its_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(duration, "usable_cores", lambda: 4)
    plan = make_plan(tmp_path, forms=("2d", "3d"), seeds=2, folds=3, resources=Resources(cpus=2))
    document = plan_document(plan, durations_of(plan, seconds=1800.0))
    first, second = plan.variants
    lines = [re.split(r" {2,}", line.strip()) for line in printed(plan_table(plan, document))]
    assert [line for line in lines if line[0] in ("net", "net_3d")] == [
        ["net", "2D", "original", "x 1", f"{first.parameters:,}", short_count(first.macs), "30 min 0 s"],
        [
            "net_3d",
            "3D",
            "widths",
            f"x {second.factor:.3g}",
            f"{second.parameters:,}",
            short_count(second.macs),
            "30 min 0 s",
        ],
    ]
    runs = "12 runs (2 networks x 2 seeds x 3 folds)"
    end = "on this machine, estimated from a few training steps."
    assert lines[-1] == [f"{runs}, each of 1 epoch, 2 at once: about 3.0 hours {end}"]
    left = plan_line(plan, document, num_finished=5, seconds_left=7200.0)
    assert left == f"{runs}, 5 of them finished, each of 1 epoch, 2 at once: about 2.0 hours {end}"


def printed(renderable):
    console = Console(width=200)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get().splitlines()


@pytest.mark.slow
def test_the_frontier_is_a_line_that_begins_with_the_cheapest_network(result):
    assert f"{TITLE} net < net_3d" in printed(versus_table(result))


@pytest.mark.slow
def test_networks_without_auc_have_no_frontier(result):
    unknown = tuple(replace(one, auc=None, auc_interval=None, is_on_frontier=False) for one in result.variants)
    lines = printed(versus_table(replace(result, variants=unknown)))
    assert not any(line.startswith("Frontier") for line in lines)
