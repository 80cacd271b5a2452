"""One run of a sweep in a process of its own: `python -m archnet.sweep.trial_process`.

The order comes as one line of JSON on standard input, which stays open as long as somebody waits for the answer: when
it closes, the process ends. Answers are lines of JSON on standard output; whatever else is printed goes to stderr.
Where a scheduler may end the run, the next epoch begins when a further line has come in.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

from filelock import FileLock

from archnet.errors import ArchnetError
from archnet.evaluation.run_folder import read_history
from archnet.files.strict_json import Document
from archnet.runs.artifacts import write_history
from archnet.runs.folder import run_name
from archnet.spec.resolve import parse_experiments

LOCK_SECONDS: Final = 120
"""How long a process waits for one that works at the same run, such as one whose sweep was killed a moment ago."""

Tell = Callable[[Mapping[str, Any]], None]


def main() -> None:
    """Does what the order says, and tells how it ended."""
    answers = _answers()
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_listen, daemon=True).start()

    def tell(answer: Mapping[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        TASKS[order["task"]](order, tell)
        tell({"ended": "finished"})
    except ArchnetError as error:
        tell({"ended": "failed", "reason": str(error)})
    except Exception as error:
        traceback.print_exc()
        tell({"ended": "failed", "reason": f"a bug in archnet: {type(error).__name__}: {error}"})


def _answers() -> TextIO:
    """Standard output for answers alone; what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


_ALLOWED: Final = threading.Semaphore(0)
"""Epochs that may begin."""


def _listen() -> None:
    """Counts the lines that come in, and ends the process with its input."""
    for _ in sys.stdin:
        _ALLOWED.release()
    os._exit(1)


def run_order(
    document: Mapping[str, Any], folder: Path, metric: str, judged: Sequence[str], *, asks: bool, device: str | None
) -> dict[str, Any]:
    """What makes the process train.

    Args:
        document: A resolved experiment.
        folder: The trial's.
        metric: Whose validation value is told after each epoch.
        judged: The sets that the network is judged on.
        asks: After each epoch it waits for leave to go on.
        device: What trains; see `run_all`.
    """
    options = {"metric": metric, "judged": list(judged), "asks": asks, "device": device}
    return {"task": "run", "experiment": document, "folder": str(folder), **options}


def judge_order(run: Path) -> dict[str, Any]:
    """What makes the process judge a finished run on all its sets."""
    return {"task": "judge", "folder": str(run)}


def _run(order: Mapping[str, Any], tell: Tell) -> None:
    from archnet.runs.runner import run_part

    (experiment,) = parse_experiments(Document(value=order["experiment"], source="experiment.json"))
    folder = Path(order["folder"])
    name = run_name(experiment)
    with FileLock(folder / f".{name}.lock", timeout=LOCK_SECONDS):
        watcher = _Teller(folder / name / "history.csv", order["metric"], tell, asks=order["asks"])
        run_part(experiment, folder, watcher=watcher, judged=order["judged"], device=order["device"])


def _judge(order: Mapping[str, Any], tell: Tell) -> None:
    from archnet.runs.evaluation import judge

    judge(Path(order["folder"]))


TASKS: Final[Mapping[str, Callable[[Mapping[str, Any], Tell], None]]] = {"run": _run, "judge": _judge}


class _Teller:
    """A watcher that keeps history.csv as it grows, and tells the metric of each epoch."""

    def __init__(self, history: Path, metric: str, tell: Tell, *, asks: bool) -> None:
        self.history = history
        self.key = f"validation_{metric}"
        self.tell = tell
        self.asks = asks
        columns = read_history(history)
        self.rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def on_step(self, epoch: int, step: int, num_steps: int, logs: dict[str, float]) -> None:
        """Nothing is told of a step."""

    def on_epoch(self, row: dict[str, float]) -> None:
        """Keeps and tells the row; one that was kept before is not kept twice."""
        self.rows = [*(known for known in self.rows if known["epoch"] < row["epoch"]), row]
        write_history(self.history, self.rows)
        self.tell({"epoch": int(row["epoch"]), "value": row.get(self.key)})
        if self.asks:
            _ALLOWED.acquire()


if __name__ == "__main__":
    main()
