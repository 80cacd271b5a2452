"""What the searcher records when a run ends."""

from types import SimpleNamespace

import pytest

pytest.importorskip("ray")

from archnet.sweep.schedule import Job
from archnet.sweep.searcher import JobSearcher

JOB = Job(number=0, run="net")
DIED = "its worker died, see /tmp/ray/session_latest/logs"


@pytest.mark.parametrize(
    ("is_session_alive", "result", "error", "record"),
    [
        (True, {"epoch": 2, "ended": "finished"}, False, (JOB, "finished", None)),
        (True, {"epoch": 2, "ended": "failed", "reason": "the loss is nan"}, False, (JOB, "failed", "the loss is nan")),
        (True, {"epoch": 2, "ended": "interrupted", "reason": "it was killed"}, False, (JOB, None, "it was killed")),
        (True, None, True, (JOB, None, DIED)),
        (False, None, True, None),
    ],
)
def test_a_lost_run_counts_unless_the_whole_session_is_lost(is_session_alive, result, error, record):
    records = []
    schedule = SimpleNamespace(
        sweep=SimpleNamespace(metric="auc"),
        next_job=lambda: JOB,
        finish_job=lambda *arguments: records.append(arguments),
    )
    searcher = JobSearcher(schedule, lambda schedule, job: {}, lambda: is_session_alive)
    searcher.suggest("a")
    searcher.on_trial_complete("a", result, error)
    assert records == ([] if record is None else [record])


def test_a_killed_process_is_interrupted_and_another_end_is_a_failure(tmp_path):
    from archnet.sweep.supervisor import Supervisor

    supervisor = SimpleNamespace(errors=tmp_path / "net.txt", process=SimpleNamespace(wait=lambda: code))
    supervisor.errors.write_text("Segmentation fault, in so many words\n")
    results = {}
    for code in (3, -11, -9, -15):
        results[code] = tuple(Supervisor._exit_result(supervisor).values())
    assert results == {
        3: ("failed", "its process ended with code 3: Segmentation fault, in so many words"),
        -11: ("failed", "its process was killed by SIGSEGV"),
        -9: ("interrupted", "its process was killed by SIGKILL, for example because the system ran out of memory"),
        -15: ("interrupted", "its process was killed by SIGTERM"),
    }
