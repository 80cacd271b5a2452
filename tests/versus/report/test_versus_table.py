from dataclasses import replace

import pytest
from rich.console import Console

from archnet.versus.report.versus_table import hours_text, versus_table
from archnet.versus.results.versus_result import read_result
from versus_folders import make_plan, write_versus

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


def printed(result):
    console = Console(width=200)
    with console.capture() as capture:
        console.print(versus_table(result))
    return capture.get().splitlines()


@pytest.mark.slow
def test_the_frontier_is_a_line_that_begins_with_the_cheapest_network(result):
    assert f"{TITLE} net < net_3d" in printed(result)


@pytest.mark.slow
def test_networks_without_auc_have_no_frontier(result):
    unknown = tuple(replace(one, auc=None, auc_interval=None, is_on_frontier=False) for one in result.variants)
    lines = printed(replace(result, variants=unknown))
    assert not any(line.startswith("Frontier") for line in lines)
