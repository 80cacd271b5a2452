"""Run tests on a changed copy of the repository in new processes, for `mutation_score.py`.

Each is forked from a process that has imported TensorFlow and the other packages, but nothing of archnet. Requires a
Unix system.
"""

import importlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from line_tests import PACKAGE, ROOT
from mutations import Mutation

PRELOADED = ("tensorflow", "keras", "scipy.ndimage", "sklearn.metrics", "matplotlib.figure", "SimpleITK", "nibabel")


class Selection:
    """A pytest plugin that selects tests and records the first failure."""

    def __init__(self, tests: Sequence[str], failure: Path) -> None:
        self.places = {test: number for number, test in enumerate(tests)}
        self.failure = failure

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Select and order the tests."""
        items[:] = sorted((item for item in items if item.nodeid in self.places), key=lambda i: self.places[i.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a failure."""
        if report.failed and not self.failure.exists():
            self.failure.write_text(report.nodeid)


def run_tests(copy: Path, tests: Sequence[str]) -> None:
    """Run tests in a copy of the repository, in this process, which ends with them."""
    os.setsid()
    log = os.open(copy / "pytest.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.chdir(copy)
    sys.path[:0] = [str(copy / "src")]
    os.environ["PYTHONPATH"] = str(copy / "src")
    os.environ["PYTHONDONTWRITEBYTECODE"], sys.dont_write_bytecode = (
        "1",
        True,
    )  # do not read the bytecode of the old module
    options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", f"--basetemp={copy}/temporary"]
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    os._exit(pytest.main([*options, *files], plugins=[Selection(tests, copy / "failure")]))


@dataclass(slots=True)
class Job:
    """A test run of a mutant or of the unchanged code.

    Attributes:
        mutation: The mutation; None for the unchanged code.
        stages: Remaining groups of tests.
        limits_s: Time limit of each group.
        copy: Copy of the repository.
        outcome: Test that failed, "timeout" or "import"; empty if all passed.
    """

    mutation: Mutation | None
    stages: list[list[str]]
    limits_s: list[float]
    copy: Path
    process: int = 0
    started: float = field(default_factory=time.monotonic)
    deadline: float = 0.0
    outcome: str = ""

    def begin_stage(self) -> None:
        """Fork a process for the next group of tests."""
        tests = self.stages.pop(0)
        self.deadline = time.monotonic() + self.limits_s.pop(0)
        self.process = os.fork()
        if not self.process:
            try:
                run_tests(self.copy, tests)
            finally:
                os._exit(70)

    def is_done(self) -> bool:
        """Poll the process; start the next group of tests if one has passed."""
        ended, status = os.waitpid(self.process, os.WNOHANG)
        if not ended and time.monotonic() < self.deadline:
            return False
        with suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)
        if not ended:
            os.waitpid(self.process, 0)
            self.outcome = "timeout"
        elif os.waitstatus_to_exitcode(status) not in (0, 5):
            failure = self.copy / "failure"
            self.outcome = failure.read_text() if failure.exists() else "import"
        if self.outcome or not self.stages:
            return True
        self.begin_stage()
        return False


class Laboratory:
    """Copies of the repository, and the processes that run tests in them.

    Attributes:
        folder: Where the copies are made.
        sources: The unchanged modules.
    """

    def __init__(self, folder: Path, sources: dict[str, str]) -> None:
        self.folder, self.sources, self.num_copies = folder, sources, 0
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in names.splitlines():
            if (ROOT / name).is_file() and not name.startswith("experiments/pictures"):
                (folder / "original" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / "original" / name)
        subprocess.run([sys.executable, "-m", "compileall", "-q", folder / "original/src"], check=True)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        for name in PRELOADED:
            importlib.import_module(name)

    def start(self, mutation: Mutation | None, stages: list[list[str]], limits_s: list[float]) -> Job:
        """Run tests on a mutant, or on the unchanged code."""
        self.num_copies += 1
        copy = self.folder / str(self.num_copies)
        shutil.copytree(self.folder / "original", copy)
        if mutation:
            path = copy / PACKAGE.relative_to(ROOT) / mutation.file
            path.write_text(mutation.apply(self.sources[mutation.file]), "utf-8")
            for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
                compiled.unlink()
        job = Job(mutation=mutation, stages=stages, limits_s=limits_s, copy=copy)
        job.begin_stage()
        return job

    def fails_unchanged(self, test: str, limit_s: float) -> bool:
        """Whether a test also fails on the unchanged code in such a process."""
        job = self.start(None, [[test]], [limit_s])
        while not job.is_done():
            time.sleep(0.05)
        shutil.rmtree(job.copy, ignore_errors=True)
        return bool(job.outcome)
