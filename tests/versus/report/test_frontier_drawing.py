from dataclasses import replace

import pytest

from archnet.report.figures.panel import Panel, linear_axis
from archnet.sweep.report.pareto_drawing import cost_axis
from archnet.versus.report.frontier_drawing import FrontierPoint, frontier_drawing, spread_costs
from drawings import lines, outline, parts, texts


def point(number, cost, value, *, is_on_frontier=True, interval=(0.7, 0.9)):
    return FrontierPoint(
        number=number,
        label=f"net{number} (2D)",
        place=0,
        cost=cost,
        value=value,
        interval=interval,
        is_on_frontier=is_on_frontier,
    )


def test_the_text_of_the_frontier_has_its_numbers_and_its_order():
    drawing = frontier_drawing(
        [point(1, 8e6, 0.85), point(2, 1e6, 0.8), point(3, 9e6, 0.7, is_on_frontier=False, interval=None)],
        "test AUC (ROC)",
    )
    assert drawing.alt == (
        "test AUC (ROC) against multiply-adds per case: net1 (2D) 0.850 (0.700 to 0.900) at 8 M; net2 (2D) 0.800 "
        "(0.700 to 0.900) at 1 M; net3 (2D) 0.700 at 9 M. On the frontier: net2 (2D), net1 (2D)."
    )
    assert drawing.narrow is not None


def test_networks_of_about_the_same_cost_are_drawn_side_by_side_around_it():
    points = [point(1, 1.00e6, 0.8), point(2, 1.01e6, 0.8), point(3, 0.99e6, 0.8), point(4, 30e6, 0.9)]
    costs = [one.cost for one in points]
    panel = Panel(left=0, top=0, width=600, height=100, x=cost_axis("", costs), y=linear_axis("", [0.7, 0.9]))
    spread = spread_costs(points, panel)
    lefts = {one.number: panel.points(one.cost, one.value)[0, 0] for one in spread}
    assert [lefts[1] - lefts[3], lefts[2] - lefts[1]] == pytest.approx([18, 18], abs=0.2)
    assert lefts[1] == pytest.approx(panel.points(1e6, 0.8)[0, 0], abs=0.5)
    assert lefts[4] == pytest.approx(panel.points(30e6, 0.9)[0, 0], abs=0.2)


def test_a_network_is_a_numbered_dot_with_its_interval_filled_on_the_frontier():
    points = [point(1, 1e6, 0.8), point(2, 8e6, 0.85), point(3, 9e6, 0.7, is_on_frontier=False, interval=None)]
    drawing = frontier_drawing(points, "test AUC (ROC)")
    marks = parts(drawing, "circle")
    shown, legend = marks[:3], marks[3:]
    assert len(legend) == 3
    for own in (shown, legend):
        assert [mark.get("fill") == mark.get("stroke") for mark in own] == [True, True, False]
    upright = [line for line in lines(drawing) if len(line) == 2 and line[0][0] == line[1][0]]
    columns = [float(mark.get("cx")) for mark in shown]
    intervals = {x: sorted((line[0][1], line[1][1])) for x in columns[:2] for line in upright if line[0][0] == x}
    assert set(intervals) == set(columns[:2])
    for mark, x in zip(shown[:2], columns, strict=False):
        top, bottom = intervals[x]
        assert top < float(mark.get("cy")) < bottom
    assert not any(line[0][0] == columns[2] for line in upright)
    numbers = {part.text: part for part in parts(drawing, "text") if part.text in ("1", "2", "3")}
    assert float(numbers["1"].get("y")) == pytest.approx(intervals[columns[0]][0] - 8, abs=0.2)
    assert float(numbers["3"].get("y")) == pytest.approx(float(shown[2].get("cy")) - 8, abs=0.2)
    assert [text for text in texts(drawing) if "(2D)" in text] == ["1  net1 (2D)", "2  net2 (2D)", "3  net3 (2D)"]


def test_one_network_on_the_frontier_has_no_line():
    def num_stairs(points):
        return sum(len(line) > 2 for line in lines(frontier_drawing(points, "AUC")))

    points = [point(1, 1e6, 0.8), point(2, 8e6, 0.7, is_on_frontier=False)]
    assert num_stairs([*points, point(3, 9e6, 0.85)]) == num_stairs(points) + 1


def test_the_layout_of_the_frontier():
    points = [point(1, 1e6, 0.8), replace(point(2, 4e6, 0.75, is_on_frontier=False, interval=None), place=1)]
    assert outline(frontier_drawing(points, "AUC")) == [
        "drawing 760 x 364",
        "path M124.6 22V272 stroke=var(--line) fill=none",
        "text 124.6 289 font-size=12 fill=var(--faint) text-anchor=middle '1 M'",
        "path M402 22V272 stroke=var(--line) fill=none",
        "text 402 289 font-size=12 fill=var(--faint) text-anchor=middle '2 M'",
        "path M82.4 272v4 stroke=var(--faint) fill=none",
        "path M564.3 272v4 stroke=var(--faint) fill=none",
        "path M679.4 272v4 stroke=var(--faint) fill=none",
        "path M58 247.8H746 stroke=var(--line) fill=none",
        "text 52 251.8 font-size=12 fill=var(--faint) text-anchor=end '0.70'",
        "path M58 197.4H746 stroke=var(--line) fill=none",
        "text 52 201.4 font-size=12 fill=var(--faint) text-anchor=end '0.75'",
        "path M58 147H746 stroke=var(--line) fill=none",
        "text 52 151 font-size=12 fill=var(--faint) text-anchor=end '0.80'",
        "path M58 96.6H746 stroke=var(--line) fill=none",
        "text 52 100.6 font-size=12 fill=var(--faint) text-anchor=end '0.85'",
        "path M58 46.2H746 stroke=var(--line) fill=none",
        "text 52 50.2 font-size=12 fill=var(--faint) text-anchor=end '0.90'",
        "text 402 310 font-size=13 fill=var(--ink) text-anchor=middle 'multiply-adds per case (log scale)'",
        "text 0 0 font-size=13 fill=var(--ink) text-anchor=middle transform=translate(13.2 147) rotate(-90) 'AUC'",
        "path M124.6 247.8L124.6 46.2 stroke=var(--s0) fill=none stroke-width=2.4 stroke-linejoin=round",
        "circle cx=124.6 cy=147 r=5 fill=var(--s0) stroke=var(--s0) stroke-width=2",
        "text 124.6 38.2 font-size=12 fill=var(--ink) text-anchor=middle font-weight=600 paint-order=stroke stroke=var(--paper) stroke-width=4 '1'",
        "circle cx=679.4 cy=197.4 r=5 fill=var(--paper) stroke=var(--s1) stroke-width=2",
        "text 679.4 189.4 font-size=12 fill=var(--ink) text-anchor=middle font-weight=600 paint-order=stroke stroke=var(--paper) stroke-width=4 '2'",
        "circle cx=64 cy=332 r=5 fill=var(--s0) stroke=var(--s0) stroke-width=2",
        "text 76 336 font-size=12 fill=var(--ink) '1  net1 (2D)'",
        "circle cx=64 cy=350 r=5 fill=var(--paper) stroke=var(--s1) stroke-width=2",
        "text 76 354 font-size=12 fill=var(--ink) '2  net2 (2D)'",
    ]
