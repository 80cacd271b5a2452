"""Every code block of the documentation and of the README is run, or is on the list below with its reason.

Trainings take one epoch, sweeps run in this process and not on Ray, and generated data sets are small.
"""

import re
import shutil
import sys
from collections import Counter

import pytest

from code_blocks import PageRunner, blocks_of
from command_line import ROOT
from page_data import PageData
from small_sweeps import SerialRunner

sys.path.append(str(ROOT / "docs"))
from site_pages import generated_pages

NOT_RUN = {
    "README.md": ["the tests themselves"],
    "guide/commands.md": ["a server"],
    "guide/data.md": ["needs the scans of LIDC-IDRI"],
    "results/experiments.md": ["hours of simulation, or data that are not public"] * 10,
    "project/contributing.md": ["for developers"] * 2,
}
"""The reasons of the blocks that are not run, by page."""

PAGES = {
    "README.md": (ROOT / "README.md").read_text(encoding="utf-8"),
    **{
        path.relative_to(ROOT / "docs/pages").as_posix(): path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "docs/pages").rglob("*.md"))
    },
    **generated_pages(),
}
BLOCKS = {name: blocks for name, text in PAGES.items() if (blocks := blocks_of(name, text))}

SHORTER = (
    (r"training\.epochs(\"?)(=|: )\d+", r"training.epochs\1\g<2>1"),
    (r"--seeds \d+", "--seeds 2"),
    (r"--folds \d+", "--folds 2"),
    (r"--trials \d+", "--trials 2"),
    (r"--match none,macs,parameters", "--match none,macs"),
    (r"--replications \d+", "--replications 2"),
)
"""Patterns in blocks, and what makes them cheap."""


@pytest.fixture(scope="session")
def page_data(shared_folder):
    return PageData(shared_folder / "page_data")


@pytest.fixture
def runner(page_data, tmp_path, monkeypatch):
    """A runner in a folder with the repository's documents, of which the experiments take one epoch."""
    for name in ("archs", "schemas", "experiments"):
        (tmp_path / name).symlink_to(ROOT / name) if name != "experiments" else (tmp_path / name).mkdir()
    for path in (ROOT / "experiments").iterdir():
        if path.suffix == ".json":
            (tmp_path / "experiments" / path.name).write_text(_shorter_document(path.read_text(encoding="utf-8")))
        elif path.is_dir() and path.name != "__pycache__":
            (tmp_path / "experiments" / path.name).symlink_to(path)
        elif path.suffix == ".py":
            shutil.copy(path, tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    (home / "phantom").symlink_to(page_data.luna16)
    monkeypatch.setenv("ARCHNET_DATA", str(home))
    _shorten_product(monkeypatch)

    def prepare(text, folder):
        for pattern, shorter in SHORTER:
            text = re.sub(pattern, shorter, text)
        for name, stands_for in (("/data/LUNA16", page_data.luna16), ("/data/MosMed", page_data.mosmed)):
            if name in text:
                text = text.replace(name, str(stands_for))
        page_data.add_files(text, folder)
        return text

    return PageRunner(folder=tmp_path, prepare=prepare)


def _shorter_document(text):
    text = re.sub(r'"epochs": \d+', '"epochs": 1', text)
    return re.sub(r'"trials": \d+', '"trials": 2', text)


def _shorten_product(monkeypatch):
    """Trainings take one epoch unless they say otherwise, and sweeps run one after the other."""
    from archnet.spec.auto_rules import AUTO_RULES
    from archnet.sweep import ray_session

    monkeypatch.setitem(AUTO_RULES, "epochs", lambda *_: (1, "shortened by the test"))
    monkeypatch.setattr(ray_session, "SessionRunner", lambda **_: SerialRunner())


def test_the_blocks_that_are_not_run_are_those_of_the_list():
    found = {name: [block.reason for block in blocks if block.reason] for name, blocks in BLOCKS.items()}
    assert {name: reasons for name, reasons in found.items() if reasons} == NOT_RUN


def test_every_block_has_a_language_that_is_run_or_compared():
    counts = Counter(block.language for blocks in BLOCKS.values() for block in blocks)
    assert set(counts) <= {"sh", "python", "json", "csv", "text", "console"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, blocks in BLOCKS.items() if any(not block.reason for block in blocks)])
def test_the_blocks_of_a_page_run(name, runner, capsys):
    blocks = [block for block in BLOCKS[name] if not block.reason]
    for block in blocks:
        runner.run(block)
    with capsys.disabled():
        print(f"\n{name}: {len(blocks)} of {len(BLOCKS[name])} code blocks run")
