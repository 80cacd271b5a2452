import re
import sys

import pytest

from archnet.errors import RunError
from archnet.sweep.task_process import run_task

READ = "import sys, json; task = json.loads(sys.stdin.readline()); "


def command(program):
    return (sys.executable, "-c", READ + program)


def test_the_results_of_a_task_are_joined_up_to_its_end():
    program = "print(json.dumps({'twice': 2 * task['number']})); print(json.dumps({'ended': 'finished'}))"
    assert run_task({"number": 21}, command(program), "doubling failed") == {"twice": 42, "ended": "finished"}


def test_a_task_has_the_environment_that_it_is_given():
    program = "import os; print(json.dumps({'ended': 'finished', 'names': sorted(os.environ)}))"
    result = run_task({}, command(program), "listing failed", {"ONLY": "this"})
    assert "ONLY" in result["names"]
    assert "PATH" not in result["names"]


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("print(json.dumps({'ended': 'failed', 'reason': 'too large'}))", "too large"),
        ("sys.exit('out of luck')", "its process ended with code 1: out of luck"),
        ("sys.exit(3)", "its process ended with code 3: it printed nothing"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "its process was killed by SIGTERM"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "its process was killed by SIGKILL, for example because the system ran out of memory",
        ),
    ],
)
def test_a_failed_task_says_what_failed_and_why(program, reason):
    with pytest.raises(RunError, match=f"^measuring failed: {re.escape(reason)}$"):
        run_task({}, command(program), "measuring failed")
