"""`archnet sweep`: failed runs that are repeated, and what is printed while trials end."""

import io
import json

import pytest
from rich.console import Console

from archnet.api import console
from archnet.cli.sweep import show_progress
from archnet.sweep import run as sweep_run
from archnet.sweep.results.leaderboard import read_leaderboard
from archnet.sweep.results.trials import Trial, TrialRun, write_trial
from command_line import invoked
from small_sweeps import WIDTH, small_sweep, sweep_document


@pytest.fixture
def calls(monkeypatch):
    """The calls of the functions that reset and run a sweep, which do nothing."""
    found = []
    monkeypatch.setattr(sweep_run, "reset_failed_runs", lambda folder: found.append(("reset", folder)))

    def run(sweep, folder, *, resume, runner, **_):
        found.append(("run", folder, resume, runner.address, sweep.num_trials))
        return read_leaderboard(sweep, folder)

    monkeypatch.setattr(sweep_run, "run_sweep", run)
    return found


@pytest.mark.parametrize(
    ("options", "is_retried", "rest"),
    [
        ([], False, (False, None, 3)),
        (["--resume"], False, (True, None, 3)),
        (["--resume", "--retry", "--address", "auto", "--trials", "2"], True, (True, "auto", 2)),
    ],
)
def test_failed_runs_are_reset_before_a_sweep_is_resumed_if_that_is_asked_for(
    calls, tmp_path, options, is_retried, rest
):
    out = tmp_path / "out"
    keys = {"search": "random", "trials": 3}
    (tmp_path / "small.json").write_text(json.dumps(sweep_document(tmp_path, **keys)))
    done = invoked("sweep", tmp_path / "small.json", "--out", out, "--json", *options)
    assert calls == [*([("reset", out)] if is_retried else []), ("run", out, *rest)]
    assert done.exit_code == 1  # no trial has finished
    assert (json.loads(done.stdout)["folder"], json.loads(done.stdout)["is_under_way"]) == (str(out), False)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_trials_are_shown_in_a_table_on_a_terminal_and_line_by_line_elsewhere(is_terminal, tmp_path, monkeypatch):
    stderr = Console(file=io.StringIO(), force_terminal=is_terminal, width=100, color_system=None)
    monkeypatch.setattr(console, "stderr", stderr)
    runs = {"net": TrialRun(state="failed", reason="the loss is nan")}
    trial = Trial(number=7, values={WIDTH: 2}, runs=runs, arch="net", parameters=1, macs=1)
    write_trial(tmp_path, trial)
    with show_progress(small_sweep(tmp_path), tmp_path) as on_trial_end:
        on_trial_end(trial)
    text = stderr.file.getvalue()
    assert "the loss is nan" in text
    assert (len(text.splitlines()) > 1) == is_terminal
    assert text.endswith("\x1b[1A\x1b[2K") == is_terminal  # the table is removed in the end
