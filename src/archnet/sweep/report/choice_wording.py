"""Wording of a sweep's report: the headline, the cautions, and the note on the use of the test set."""

from __future__ import annotations

from pathlib import Path

from archnet.errors import pluralize
from archnet.report.sentences.run_cautions import collapse_text
from archnet.report.wording import bounds, decimals, word_list
from archnet.sweep.report.axis_labels import metric_label
from archnet.sweep.report.best_trial_table import best_estimates, read_comparison
from archnet.sweep.report.status_table import value_text
from archnet.sweep.results.hyperparameter_text import hyperparameter_names, hyperparameter_text
from archnet.sweep.results.leaderboard import Leaderboard


def headline(board: Leaderboard, folder: Path) -> str:
    """The result of the sweep in one or two sentences."""
    best, sweep = board.best, board.sweep
    if best is None:
        reason = board.missing_best_reason()
        return reason[0].upper() + reason[1:]
    value = f"{metric_label(board)} of {value_text(best)}"
    if not sweep.has_search_space:
        description = f"{pluralize(len(best.trial.runs), 'run')} of {best.trial.arch} with {value}."
        comparison = read_comparison(folder, best)
        return f"{description} On all test cases together: {comparison['sentence']}" if comparison else description
    description = ", ".join(
        f"{name} {hyperparameter_text(best.trial.values[key])}"
        for name, key in zip(hyperparameter_names(list(sweep.space)), sweep.space, strict=True)
    )
    return f"Trial {best.trial.number}, {choice_text(board)}, has a {value}{_test_text(board, folder)}: {description}."


def choice_text(board: Leaderboard) -> str:
    """The number of trials from which the best one was chosen."""
    num_ranked = sum(row.is_ranked for row in board.rows)
    return f"chosen among {num_ranked} trials" if num_ranked > 1 else "the only one that can be ranked"


def _test_text(board: Leaderboard, folder: Path) -> str:
    """The best trial's metric on the test set, if it is known."""
    estimate = best_estimates(folder, board.best, board.sweep.metric).get("test") if board.best else None
    if estimate is None:
        return ""
    ends = bounds(estimate.interval)
    return f" and a test {board.metric_label} of {decimals(estimate.value)}" + (f" (95% CI {ends})" if ends else "")


def cautions(board: Leaderboard, evaluated_trials: list[int], optimism: float | None = None) -> list[str]:
    """Cautions: collapsed runs, selection on the validation set, and repeated use of the test set.

    Args:
        board: The leaderboard of the sweep.
        evaluated_trials: The numbers of the trials evaluated on the test set, in order.
        optimism: Result of `choice_optimism`.
    """
    ranked = sum(row.is_ranked for row in board.rows)
    sentences = _collapse_sentences(board)
    has_test = _has_test(board, evaluated_trials)
    if board.sweep.has_search_space and ranked > 1:
        sentences.append(
            f"The best of {ranked} trials was selected by validation {board.metric_label}, which is therefore "
            f"optimistic{_by_how_much(optimism)}." + (f" {_test_set_role(board)}" if has_test else "")
        )
    if len(evaluated_trials) > 1 and board.sweep.has_search_space and has_test:
        sentences.append(
            f"The sweep was resumed after a test-set evaluation; trials {', '.join(map(str, evaluated_trials))} were "
            "evaluated on it in turn. The test results do not come from a single evaluation."
        )
    return sentences


def _collapse_sentences(board: Leaderboard) -> list[str]:
    """Cautions about collapsed runs of the best trial and of other trials."""
    best = board.best
    own = [one["collapsed"] for one in best.metrics if "collapsed" in one] if best else []
    others = [
        str(row.trial.number)
        for row in board.rows
        if row is not best and any("collapsed" in one for one in row.metrics)
    ]
    texts = [f"The best trial: {text}" for text in dict.fromkeys(map(collapse_text, own))]
    if others:
        noun = "Trial" if len(others) == 1 else "Trials"
        texts.append(
            f"{noun} {word_list(others)}: every case is predicted as one class, or the training diverged, in at least "
            "one run."
        )
    return texts


def _by_how_much(optimism: float | None) -> str:
    return "" if optimism is None else f", by an expected {decimals(optimism)}"


def _test_set_role(board: Leaderboard) -> str:
    """Whether test cases influenced the selection. In folds they do: each is a validation case of other folds."""
    if not board.sweep.folds:
        return "The test set was not used for the selection."
    return (
        "Test cases of one fold influenced the selection in other folds (the cross-validation is not nested), so the "
        "pooled test results are slightly optimistic."
    )


def _has_test(board: Leaderboard, evaluated_trials: list[int]) -> bool:
    """Whether there is a test set, as far as known: an evaluated trial has test metrics."""
    return not evaluated_trials or board.best is None or any("test" in metrics for metrics in board.best.metrics)


def test_set_note(board: Leaderboard, evaluated_trials: list[int]) -> str:
    """The number of uses of the test set, and the trials evaluated on it."""
    if not _has_test(board, evaluated_trials):
        return "There is no test set."
    if not board.sweep.has_search_space:
        return "No selection took place: every run was evaluated on its test set once."
    if not evaluated_trials:
        return "The test set has not been evaluated."
    is_single = len(evaluated_trials) == 1
    trials = f"trial{'s' * (not is_single)} {', '.join(map(str, evaluated_trials))}"
    times = "once" if is_single else f"{len(evaluated_trials)} times"
    if board.sweep.folds:
        return (
            f"Each fold's test cases were evaluated {times}, for {trials}, but in other folds they influenced the "
            "selection."
        )
    after = ", after the selection" if is_single else ""
    return f"The test set was evaluated {times}, for {trials}{after}."
