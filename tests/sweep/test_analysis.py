"""What the trials say together, and the pictures of it: the Pareto front, importance, values and curves."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import f_oneway

from archnet.report.figures.svg import text_width
from archnet.spec.sweeps.search_space import Choice, Range
from archnet.sweep.report.axis_labels import logarithmic_axis
from archnet.sweep.report.importance_drawing import importance_drawing
from archnet.sweep.report.learning_drawing import learning_drawing
from archnet.sweep.report.parallel_drawing import parallel_drawing
from archnet.sweep.report.pareto_drawing import pareto_drawing
from archnet.sweep.results.analysis import importance, pareto_front, value_index
from archnet.sweep.results.leaderboard import Leaderboard, LeaderboardRow
from archnet.sweep.results.learning_curve import LearningCurve
from archnet.sweep.results.trials import Trial, TrialRun
from drawings import dots, lines, parts, texts
from small_sweeps import DROP_OUT, WIDTH, small_sweep


def test_none_on_the_pareto_front_is_beaten_and_all_others_are():
    generator = np.random.default_rng(0)
    costs, losses = generator.integers(0, 20, 60).tolist(), generator.integers(0, 20, 60).tolist()

    def is_beaten(k):
        return any(
            costs[j] <= costs[k] and losses[j] <= losses[k] and (costs[j], losses[j]) != (costs[k], losses[k])
            for j in range(60)
        )

    front = {(costs[k], losses[k]) for k in pareto_front(costs, losses)}
    assert front == {(costs[k], losses[k]) for k in range(60) if not is_beaten(k)}
    assert pareto_front([2, 1, 1], [0.5, 0.5, 0.6]) == [1]


def test_importance_is_what_the_f_statistic_of_scipy_says():
    generator = np.random.default_rng(0)
    tried = [number % 3 for number in range(30)]
    values = [value + generator.normal(0, 1) for value in tried]
    f = f_oneway(
        *([value for value, group in zip(values, tried, strict=True) if group == k] for k in range(3))
    ).statistic
    share = importance(Choice(values=(0, 1, 2)), tried, values)
    assert share == pytest.approx((f - 1) * 2 / (f * 2 + 27))


def test_an_axis_that_does_nothing_is_of_no_importance_and_one_value_tells_nothing():
    generator = np.random.default_rng(1)
    axis = Range(type="uniform", low=0, high=1)
    tried, noise = generator.random(200).tolist(), generator.random(200).tolist()
    assert importance(axis, tried, noise) < 0.05
    assert importance(axis, tried, tried) > 0.9
    assert importance(Choice(values=(1, 2)), [1] * 5, [0.1, 0.2, 0.3, 0.4, 0.5]) is None
    assert importance(Choice(values=(1, 2)), [1, 2], [0.1, 0.2]) is None


def test_equal_numbers_are_in_one_group_whatever_the_order_of_the_trials():
    axis = Range(type="integer", low=1, high=100)
    tried = [10] * 5 + [20] * 5 + [30] * 5 + [40] * 5 + [50]
    values = (np.array(tried) + np.random.default_rng(2).normal(0, 9, 21)).tolist()
    orders = [np.random.default_rng(seed).permutation(21) for seed in range(5)]
    shares = {importance(axis, [tried[k] for k in order], [values[k] for k in order]).__round__(9) for order in orders}
    assert len(shares) == 1
    assert importance(axis, tried, [float(value) for value in tried]) > 0.9


def test_false_is_not_zero_and_true_is_not_one():
    assert [value_index((0, False, 1, True, "1", [1]), value) for value in (False, True, [1])] == [1, 3, 5]
    share = importance(Choice(values=(0, False)), [0, 0, False, False], [0.1, 0.2, 0.8, 0.9])
    assert share == pytest.approx(
        (f_oneway([0.1, 0.2], [0.8, 0.9]).statistic - 1) / (f_oneway([0.1, 0.2], [0.8, 0.9]).statistic + 2)
    )


def board_of(sweep, tried, values, state="finished"):
    """A leaderboard of trials with given values of the axes, and the metric after each epoch."""
    rows = tuple(
        LeaderboardRow(
            trial=Trial(
                number=number,
                values=one,
                runs={"net": TrialRun(state=state)},
                arch="net",
                parameters=100 * (number + 1),
                macs=1000,
            ),
            value=course[-1],
            spread=None,
            seconds=5.0,
            epochs=len(course),
            metrics=(),
            curves=(
                LearningCurve(
                    column="validation_auc",
                    values=tuple(course),
                    best_index=len(course) - 1,
                    seconds=5.0,
                    kept_values=(course[-1],),
                    num_epochs=len(course),
                ),
            ),
        )
        for number, (one, course) in enumerate(zip(tried, values, strict=True))
    )
    return Leaderboard(sweep=sweep, rows=rows)


def labels_of(drawing):
    """Each text with its position and its approximate box: left, right, top and bottom in pixels."""
    shares = {"middle": (0.5, 0.5), "end": (1, 0), None: (0, 1)}
    for part in parts(drawing, "text"):
        x, y, width = float(part.get("x")), float(part.get("y")), text_width(part.text)
        before, after = shares[part.get("text-anchor")]
        yield part.text, (x - before * width, x + after * width, y - 9, y + 2)


def values_at(drawing, place):
    """The labels of one axis of parallel coordinates, from the bottom up."""
    axes = [line for line in lines(drawing) if len(line) == 2 and line[0][0] == line[1][0]]
    left = axes[place][0][0] + 6
    found = [(bottom, text) for text, (start, _, _, bottom) in labels_of(drawing) if start == pytest.approx(left)]
    return [text for _, text in sorted(found, reverse=True)]


def overlaps(one, other):
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def test_a_range_of_two_billion_values_is_not_listed(tmp_path):
    last = 2**31 - 1
    space = {"training.seed": {"type": "integer", "low": 0, "high": last}}
    sweep = small_sweep(tmp_path, space=space, search="random", trials=4)
    tried = [{"training.seed": seed} for seed in (0, 7, 2**30, last)]
    drawing = parallel_drawing(board_of(sweep, tried, [[0.1], [0.2], [0.3], [0.4]]), "alt")
    assert values_at(drawing, 0) == ["0", str(last)]
    *trials, first_axis, _ = lines(drawing)
    (_, bottom), (_, top) = first_axis
    heights = [(bottom - line[0][1]) / (bottom - top) for line in trials]
    assert heights == pytest.approx([0, 7 / last, 0.5, 1], abs=1e-3)
    assert importance(sweep.space["training.seed"], [7, 7, last, last], [0.1, 0.2, 0.8, 0.9]) > 0.8


def test_of_many_choices_some_are_named_evenly(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: list(range(1, 23))})
    drawing = parallel_drawing(board_of(sweep, [{WIDTH: 1}, {WIDTH: 22}], [[0.1], [0.2]]), "alt")
    assert values_at(drawing, 0) == ["1", "4", "7", "10", "13", "16", "19", "22"]


def test_of_a_range_the_ends_are_named(tmp_path):
    space = {DROP_OUT: {"type": "uniform", "low": 0, "high": 0.5}}
    sweep = small_sweep(tmp_path, space=space, search="random", trials=2)
    drawing = parallel_drawing(board_of(sweep, [{DROP_OUT: 0.25}, {DROP_OUT: 0.5}], [[0.1], [0.2]]), "alt")
    assert values_at(drawing, 0) == ["0", "0.5"]


def test_the_lines_of_trials_do_not_cross_the_values_of_an_axis(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: [1, 2]})
    drawing = parallel_drawing(board_of(sweep, [{WIDTH: 1}, {WIDTH: 2}], [[0.1], [0.2]]), "alt")
    values = [box for text, box in labels_of(drawing) if text in {"1", "2"}]
    assert len(values) == 2
    sides = ("x", "y", "width", "height")
    grounds = [[float(part.get(side)) for side in sides] for part in parts(drawing, "rect") if part.get("x")]
    for left, right, top, bottom in values:
        assert any(x <= left and right <= x + w and y <= top and bottom <= y + h for x, y, w, h in grounds)


def test_names_and_values_of_many_axes_are_next_to_each_other(tmp_path):
    keys = ("arch.layers[0].num_output", "arch.layers[2].num_output", "training.batch_size")
    space = {key: [4, 8] for key in keys} | {"training.learning_rate": [0.1, 0.2], "training.weight_decay": [0, 0.1]}
    sweep = small_sweep(tmp_path, space=space | {DROP_OUT: [0, 0.5]})
    tried = [{key: axis.values[k] for key, axis in sweep.space.items()} for k in (0, 1)]
    drawing = parallel_drawing(board_of(sweep, tried, [[0.1], [0.2]]), "alt")
    boxes = [box for _, box in labels_of(drawing)]
    assert len(boxes) > 20
    assert not any(overlaps(one, other) for k, one in enumerate(boxes) for other in boxes[:k])
    assert all(0 <= left < right <= drawing.width and bottom <= drawing.height for left, right, _, bottom in boxes)


def test_the_numbers_on_the_front_do_not_lie_on_each_other_and_a_hair_is_not_drawn_large(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: list(range(1, 41))})
    values = [[0.9 + 1e-5 * number] for number in range(40)]
    drawing = pareto_drawing(board_of(sweep, [{WIDTH: number + 1} for number in range(40)], values), "alt")
    panel = [(text, box) for text, box in labels_of(drawing) if box[0] < 330]
    numbers = [(int(text), box) for text, box in panel if text.isdigit() and int(text) < 40 and box[3] < 264]
    assert [number for number, _ in numbers] == list(range(40))
    boxes = [box for _, box in numbers]
    assert not any(overlaps(one, other) for k, one in enumerate(boxes) for other in boxes[:k])
    heights = [y for x, y in dots(drawing)[:40]]
    assert max(heights) - min(heights) == pytest.approx(240 * 39e-5 / 0.005, abs=0.2)


def test_a_logarithmic_axis_says_so_and_marks_the_values_between_its_labels():
    axis = logarithmic_axis("parameters", 90, 2100, (1, 5))
    assert axis.full_label == "parameters (log scale)"
    assert [value for value, _ in axis.ticks] == [100, 500, 1000]
    assert axis.minor_ticks == (90, 200, 300, 400, 600, 700, 800, 900, 2000)


def test_the_best_losses_are_at_the_top(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4]}, metric="loss")
    drawing = pareto_drawing(board_of(sweep, [{WIDTH: 2}, {WIDTH: 4}], [[0.9], [0.2]]), "alt")
    (_, worse), (_, better) = dots(drawing)[:2]
    assert better < worse


def test_importance_is_drawn_as_bars_the_longest_first():
    drawing = importance_drawing([("width", 0.2), ("seed", None), ("rate", 0.6)], "alt")
    widths = [float(part.get("width")) for part in parts(drawing, "rect")[1:]]
    assert widths[0] == pytest.approx(3 * widths[1], rel=0.01)
    assert widths[2] == 0
    names = [text for text in texts(drawing) if text in ("width", "seed", "rate")]
    assert names == ["rate", "width", "seed"]
    assert {"60%", "20%", "too few trials"} <= set(texts(drawing))


def test_early_epochs_get_room_where_trials_were_ended_early(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4]})
    tried, values = [{WIDTH: 2}, {WIDTH: 4}], [[0.1] * 26 + [0.3], [0.2, 0.1, 0.2]]
    drawings = {
        state: learning_drawing(board_of(sweep, tried, values, state), "alt") for state in ("finished", "stopped")
    }
    shares = {}
    for state, drawing in drawings.items():
        short, long = sorted(lines(drawing), key=lambda line: line[-1][0])
        shares[state] = (short[-1][0] - short[0][0]) / (long[-1][0] - long[0][0])
    assert shares == pytest.approx({"finished": 2 / 26, "stopped": np.log(3) / np.log(27)}, abs=1e-3)
    assert {"1", "2", "3", "5", "10", "20"} <= set(texts(drawings["stopped"]))


def test_one_trial_that_was_ended_early_is_enough_for_a_logarithmic_axis(tmp_path):
    board = board_of(small_sweep(tmp_path), [{WIDTH: 2}, {WIDTH: 4}], [[0.1] * 30, [0.2] * 3])
    mixed = replace(board, rows=(board.rows[0], replace(board.rows[1], trial=stopped(board.rows[1].trial))))
    ticks = [set(texts(learning_drawing(one, "alt"))) & {"2", "3", "10", "20"} for one in (board, mixed)]
    assert ticks[1] == {"2", "3", "10", "20"} > ticks[0]


def stopped(trial):
    return replace(trial, runs={name: TrialRun(state="stopped") for name in trial.runs})


def test_an_undefined_metric_leaves_a_gap_in_a_learning_curve(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: [2]})
    course = [0.1, 0.2, float("nan"), 0.2, 0.3, float("nan")]
    drawing = learning_drawing(board_of(sweep, [{WIDTH: 2}], [course], "stopped"), "alt")
    (path,) = [part.get("d") for part in parts(drawing, "path") if "L" in part.get("d")]
    assert path.count("M") == 2
    assert dots(drawing) == []
    assert "nan" not in drawing.to_file()


@pytest.mark.parametrize(
    ("tried", "groups"),
    [
        ([1] * 9 + [2, 2, 3, 3, 4, 4], [0] * 9 + [1, 1, 2, 2, 3, 3]),  # four numbers are their own groups
        ([1, 2, 3, 4, 5] * 4, [0, 1, 1, 2, 3] * 4),  # five are grouped by the middle of their ranks
        ([10, 20, 30, 40, 50, 60, 70, 80], [0, 0, 1, 1, 2, 2, 3, 3]),
    ],
)
def test_numbers_of_an_integer_range_are_grouped_by_rank_from_the_fifth_on(tried, groups):
    values = np.random.default_rng(5).normal(size=len(tried))
    f = f_oneway(*(values[np.array(groups) == group] for group in range(4))).statistic
    expected = max(0, (f - 1) * 3 / (f * 3 + len(tried) - 4))
    assert importance(Range(type="integer", low=1, high=80), tried, values) == pytest.approx(expected)
    assert expected > 0


def test_a_logarithmic_range_is_drawn_by_its_exponents(tmp_path):
    rate = "training.learning_rate"
    sweep = small_sweep(
        tmp_path, space={rate: {"type": "log_uniform", "low": 1e-4, "high": 1e-2}}, search="random", trials=3
    )
    board = board_of(sweep, [{rate: 1e-4}, {rate: 1e-3}, {rate: 1e-2}], [[0.5], [0.6], [0.7]])
    *trials, first_axis, _ = lines(parallel_drawing(board, "alt"))
    (_, bottom), (_, top) = first_axis
    heights = [(bottom - line[0][1]) / (bottom - top) for line in trials]
    assert heights == pytest.approx([0, 0.5, 1], abs=1e-3)
