"""The expected optimism of the best trial, from the validation predictions of all ranked trials."""

import json
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from scipy.special import softmax
from typer.testing import CliRunner

from archnet.cli import app
from archnet.evaluation.predictions import Predictions, write_predictions
from archnet.files.atomic import write_json
from archnet.sweep.report.choice_wording import cautions
from archnet.sweep.report.status_table import sweep_table
from archnet.sweep.results.choice_optimism import _run_values, choice_optimism
from archnet.sweep.results.leaderboard import read_leaderboard
from archnet.sweep.results.trials import SWEEP_FILE
from small_sweeps import WIDTH, make_schedule, small_sweep, write_run

NUM_TRIALS = 4


def predictions_of(seed, classes, signal, num_groups=40):
    """Three validation cases of each group, and a training case."""
    rng = np.random.default_rng(seed)
    count = 4 * num_groups
    y_true = np.random.default_rng(99).integers(len(classes), size=count)
    logits = rng.normal(size=(count, len(classes))) + signal * np.eye(len(classes))[y_true]
    return Predictions(
        cases=np.arange(count).astype(np.str_),
        groups=np.repeat(np.arange(num_groups), 4).astype(np.str_),
        sets=np.tile(["train", "validation", "validation", "validation"], num_groups),
        y_true=y_true,
        probabilities=softmax(logits, axis=1),
        classes=classes,
    )


def make_board(folder, metric="auc", classes=("a", "b"), signals=(0.5,) * NUM_TRIALS):
    """A finished sweep whose trials are equally good where they have the same signal."""
    sweep = small_sweep(folder, metric=metric, space={WIDTH: [2, 4, 8, 16]})
    write_json(folder / SWEEP_FILE, sweep.to_document())
    schedule = make_schedule(sweep, folder)
    for k in range(NUM_TRIALS):
        job = schedule.next_job()
        schedule.mark_running(job)
        write_run(folder, job, [0.5 + k / 100])
        run = folder / "trials" / f"{job.number:03}" / job.run
        history = (run / "history.csv").read_text().replace("validation_auc", f"validation_{metric}")
        (run / "history.csv").write_text(history)
        (run / "metrics.json").write_text(json.dumps({"positive": classes[-1], "classes": list(classes)}))
        write_predictions(run / "predictions.csv", predictions_of(k, classes, signals[k]))
        schedule.finish_job(job, "finished", None)
    return read_leaderboard(sweep, folder)


@pytest.mark.parametrize("metric", ["auc", "mcc", "recall", "accuracy", "average_precision", "loss"])
def test_equally_good_trials_are_chosen_by_chance(metric, tmp_path):
    optimism = choice_optimism(make_board(tmp_path, metric), tmp_path)
    assert 0.001 < optimism < 0.15


def test_a_trial_far_ahead_is_not_chosen_by_chance(tmp_path):
    optimism = choice_optimism(make_board(tmp_path, signals=(3.0, 0.1, 0.1, 0.1)), tmp_path)
    assert optimism == pytest.approx(0, abs=0.01)


def test_of_more_classes_the_macro_mean_is_perturbed(tmp_path):
    assert 0 < choice_optimism(make_board(tmp_path, classes=("a", "b", "c")), tmp_path) < 0.1


def test_without_predictions_or_with_other_patients_there_is_no_estimate(tmp_path):
    board = make_board(tmp_path)
    path = tmp_path / "trials/002/net/predictions.csv"
    write_predictions(path, predictions_of(2, ("a", "b"), 0.5, num_groups=39))
    assert choice_optimism(board, tmp_path) is None
    path.unlink()
    assert choice_optimism(board, tmp_path) is None


def test_the_terminal_the_json_and_the_page_say_how_optimistic_the_choice_is(tmp_path):
    board = make_board(tmp_path)
    optimism = choice_optimism(board, tmp_path)
    console = Console(width=100, file=StringIO())
    console.print(sweep_table(board, is_running=False, optimism=optimism))
    line = f"trial 3 was chosen among 4 trials; expected optimism +{optimism:.3f}"
    assert line in console.file.getvalue().splitlines()
    assert cautions(board, [], optimism) == [
        f"The best of 4 trials was selected by validation AUC (ROC), which is therefore optimistic, by an expected "
        f"{optimism:.3f}. The test set was not used for the selection."
    ]
    result = CliRunner().invoke(app, ["sweep", "status", str(tmp_path), "--json"])
    assert json.loads(result.stdout)["optimism"] == optimism


def test_a_loss_is_expected_to_be_too_low(tmp_path):
    console = Console(width=100, file=StringIO())
    console.print(sweep_table(make_board(tmp_path, "loss"), is_running=False, optimism=0.02))
    assert "expected optimism \N{MINUS SIGN}0.020" in console.file.getvalue()


@pytest.mark.parametrize("has_soft", [True, False])
def test_the_loss_in_halves_is_the_weighted_one_of_the_soft_labels(has_soft):
    part = predictions_of(1, ("a", "b", "c"), 0.5).select("validation")
    rng = np.random.default_rng(0)
    soft, weight = rng.dirichlet([1.0] * 3, len(part.cases)), rng.uniform(0.2, 2, len(part.cases))
    part = replace(part, soft=soft if has_soft else None, weight=weight)
    sides = rng.integers(0, 2, (5, len(part.cases))).astype(float)
    losses = -((soft if has_soft else np.eye(3)[part.y_true]) * np.log(part.probabilities)).sum(axis=1)
    expected = [np.average(losses, weights=side * weight) for side in sides]
    assert _run_values(part, sides, "b", "loss") == pytest.approx(expected)
