"""What the trials say together, and the pictures of it: the Pareto front, importance, values and curves."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import f_oneway

from archnet.report.figures.theme import LIGHT
from archnet.spec.sweeps.search_space import Choice, Range
from archnet.sweep.report.learning_figure import learning_figure
from archnet.sweep.report.parallel_figure import parallel_figure
from archnet.sweep.report.pareto_figure import pareto_figure
from archnet.sweep.results.analysis import importance, pareto_front, value_index
from archnet.sweep.results.leaderboard import Leaderboard, LeaderboardRow
from archnet.sweep.results.learning_curve import LearningCurve
from archnet.sweep.results.trials import Trial, TrialRun
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
            curves=(LearningCurve(values=tuple(course), best_index=len(course) - 1, seconds=5.0),),
        )
        for number, (one, course) in enumerate(zip(tried, values, strict=True))
    )
    return Leaderboard(sweep=sweep, rows=rows)


def texts_at(figure, place):
    """What stands along one axis of parallel coordinates."""
    return [text.get_text() for text in figure.axes[0].texts if int(text.get_position()[0]) == place]


def test_a_range_of_two_billion_values_is_not_listed(tmp_path):
    last = 2**31 - 1
    space = {"training.seed": {"type": "integer", "low": 0, "high": last}}
    sweep = small_sweep(tmp_path, space=space, search="random", trials=4)
    tried = [{"training.seed": seed} for seed in (0, 7, 2**30, last)]
    figure = parallel_figure(board_of(sweep, tried, [[0.1], [0.2], [0.3], [0.4]]), LIGHT)
    assert texts_at(figure, 0) == ["0", str(last)]
    assert [line.get_ydata()[0] for line in figure.axes[0].lines[:4]] == pytest.approx([0, 7 / last, 0.5, 1])
    assert importance(sweep.space["training.seed"], [7, 7, last, last], [0.1, 0.2, 0.8, 0.9]) > 0.8


def test_of_many_choices_some_are_named_evenly(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: list(range(1, 23))})
    figure = parallel_figure(board_of(sweep, [{WIDTH: 1}, {WIDTH: 22}], [[0.1], [0.2]]), LIGHT)
    assert texts_at(figure, 0) == ["1", "4", "7", "10", "13", "16", "19", "22"]


def test_of_a_range_the_ends_are_named(tmp_path):
    space = {DROP_OUT: {"type": "uniform", "low": 0, "high": 0.5}}
    sweep = small_sweep(tmp_path, space=space, search="random", trials=2)
    figure = parallel_figure(board_of(sweep, [{DROP_OUT: 0.25}, {DROP_OUT: 0.5}], [[0.1], [0.2]]), LIGHT)
    assert texts_at(figure, 0) == ["0", "0.5"]


def test_names_and_values_of_many_axes_stand_beside_each_other(tmp_path):
    keys = ("arch.layers[0].num_output", "arch.layers[2].num_output", "training.batch_size")
    space = {key: [4, 8] for key in keys} | {"training.learning_rate": [0.1, 0.2], "training.weight_decay": [0, 0.1]}
    sweep = small_sweep(tmp_path, space=space | {DROP_OUT: [0, 0.5]})
    tried = [{key: axis.values[k] for key, axis in sweep.space.items()} for k in (0, 1)]
    figure = parallel_figure(board_of(sweep, tried, [[0.1], [0.2]]), LIGHT)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_the_numbers_on_the_front_do_not_lie_on_each_other_and_a_hair_is_not_drawn_large(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: list(range(1, 41))})
    values = [[0.9 + 1e-5 * number] for number in range(40)]
    figure = pareto_figure(board_of(sweep, [{WIDTH: number + 1} for number in range(40)], values), LIGHT)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 40
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[:k])
    bottom, top = figure.axes[0].get_ylim()
    assert top - bottom == pytest.approx(0.005)
    assert figure.axes[0].yaxis.get_offset_text().get_text() == ""


def test_early_epochs_get_room_where_trials_were_ended_early(tmp_path):
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4]})
    tried, values = [{WIDTH: 2}, {WIDTH: 4}], [[0.1] * 27, [0.2] * 3]
    scales = {
        state: learning_figure(board_of(sweep, tried, values, state), LIGHT).axes[0].get_xscale()
        for state in ("finished", "stopped")
    }
    assert scales == {"finished": "linear", "stopped": "log"}
    figure = learning_figure(board_of(sweep, tried, values, "stopped"), LIGHT)
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["1", "2", "3", "5", "10", "20"]
