"""Every code block of the documentation and of the README is run, or is on the list below with its reason.

`_cheaper_document`, `_make_cheap`, `SHORTER` and `page_data.py` are all that is different from what a reader runs.
"""

import os
import re
import shutil
from collections import Counter, defaultdict

import pytest

import code_blocks
from archnet.data import recipe
from archnet.phantom import layouts
from archnet.spec.experiment import Evaluation
from code_blocks import HangingError, PageRunner, blocks_of, parse_block, parse_examples
from command_line import ROOT
from long_tests import long_except
from page_data import PageData
from site_pages import generated_pages
from small_sweeps import SerialRunner
from versus_folders import FakeRunner, durations_of

NOT_RUN = {
    "README.md": ["the tests themselves", "serves a page until Ctrl-C"],
    "guide/commands.md": ["a server"],
    "guide/data.md": ["needs the scans of LIDC-IDRI"],
    "how-to/cross-validation.md": ["trains 6 networks"],
    "how-to/editors.md": [
        "installs an extension",
        "settings of VS Code",
        "configuration of Neovim",
        "settings of LSP4IJ",
        "configuration of Emacs",
        "configuration of Emacs",
    ],
    "how-to/gpus-and-clusters.md": ["needs a Ray cluster", "needs a batch system"],
    "how-to/malignancy.md": ["needs LUNA16"],
    "how-to/offline.md": ["downloads packages"],
    "how-to/starting-weights.md": ["downloads ImageNet weights"],
    "how-to/studio.md": ["a server", "needs a second machine"],
    "how-to/uninstall.md": ["asks on the terminal", "removes the package under test"],
    "tutorials/2d-3d.md": ["trains 20 networks"],
    "tutorials/luna16.md": ["downloads LUNA16"],
    "tutorials/mosmed.md": ["downloads MosMed", "100 epochs"],
    "results/experiments.md": ["hours of simulation, or data that are not public"] * 18,
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

LONG_PAGES = {
    "coming-from.md",
    "explanation/auto.md",
    "guide/commands.md",
    "guide/comparisons.md",
    "guide/data.md",
    "guide/predictions.md",
    "guide/sweeps.md",
    "guide/versus.md",
    "results/index.md",
    "how-to/cross-validation.md",
    "how-to/edit-and-run-again.md",
    "how-to/gpus-and-clusters.md",
    "how-to/memory.md",
    "how-to/notebooks.md",
    "how-to/own-npz.md",
    "how-to/reproduce.md",
    "how-to/resume.md",
    "how-to/share-a-model.md",
    "how-to/soft-labels.md",
    "how-to/starting-weights.md",
    "start.md",
    "tutorials/2d-3d.md",
    "tutorials/luna16.md",
    "tutorials/mosmed.md",
    "tutorials/own-nifti.md",
    "tutorials/report.md",
    "tutorials/sweep.md",
}
"""Pages that take 5 s to a minute of trainings whose commands are also on other pages. CI only parses their blocks."""

HELP_PAGE = "reference/command-line.md"
"""Its examples are parsed and not run."""

SHORTER = (
    (r"training\.epochs(\"?)(=|: )\d+", r"training.epochs\1\g<2>1"),
    (r"--seeds \d+", "--seeds 2"),
    (r"(archnet versus .*)--folds \d+", r"\1"),
    (r"--trials \d+", "--trials 2"),
    (r"--scans [1-9]\d\b", "--scans 8"),
    (r"archnet data phantom (?!.*--scans)", r"\g<0>--scans 8 "),
    (r"archnet sweep experiments/\S+", r"\g<0> --trials 2"),
    (r"--match none,macs,parameters", "--match none,macs"),
    (r"archnet run (archs/)?ct3d(\.json)?", r"\g<0> --set 'data.crop_size=[48,48,48]'"),
    (r"archnet run (?=[^\n]*--data phantom\b)", r"\g<0>--set 'data.crop_size=[32,32,10]' "),
)
"""Patterns in blocks, and what makes them cheap."""


@pytest.fixture(scope="session")
def page_data(shared_folder):
    return PageData(shared_folder / "page_data")


@pytest.fixture
def runner(page_data, tmp_path, monkeypatch):
    """A runner in a folder with the repository's documents, made cheap."""
    for path in [*ROOT.glob("archs/**/*.json"), *ROOT.glob("experiments/*.json"), *ROOT.glob("schemas/*.json")]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(_cheaper_document(path) if "schemas" not in copy.parts else path.read_text(encoding="utf-8"))
    for path in ROOT.glob("experiments/*.py"):
        shutil.copy(path, tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    for name, folder in (("phantom", page_data.luna16), ("luna16", page_data.luna16), ("mosmed", page_data.mosmed)):
        (home / name).symlink_to(folder)
    monkeypatch.setenv("ARCHNET_DATA", str(home))
    monkeypatch.setenv("HOME", str(home))
    _make_cheap(monkeypatch)
    monkeypatch.setattr(layouts, "write_phantom", page_data.copy_phantom)

    def cheaper(text):
        for pattern, shorter in SHORTER:
            text = re.sub(pattern, shorter, text)
        for name, stands_for in (("/data/LUNA16", page_data.luna16), ("/data/MosMed", page_data.mosmed)):
            if name in text:
                text = text.replace(name, str(stands_for))
        return text.replace("--at=-100.6,67.3,-231.8", f"--at={page_data.point}")

    return PageRunner(folder=tmp_path, cheaper=cheaper, add_files=page_data.add_files)


def _cheaper_document(path):
    """One epoch, two trials, small whole scans."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'"epochs": \d+', '"epochs": 1', text)
    text = re.sub(r'"trials": \d+', '"trials": 2', text)
    return re.sub(r'"crop_size": \[128, 128, 64\]', '"crop_size": [48, 48, 48]', text)


def _make_cheap(monkeypatch):
    """Trainings take one epoch and intervals 10 bootstraps unless a setting says otherwise.

    Sweeps do without Ray, `versus` without training.
    """
    from archnet.spec.auto_rules import AUTO_RULES
    from archnet.sweep import ray_session
    from archnet.versus import run_versus
    from archnet.versus.plan import duration

    def fake_versus(plan, folder, document, *, runner, **options):
        return run_for_real(plan, folder, document, runner=FakeRunner(plan, defaultdict(lambda: 1.0)), **options)

    run_for_real = run_versus.run_versus
    monkeypatch.setattr(run_versus, "run_versus", fake_versus)
    monkeypatch.setattr(duration, "measure_durations", lambda plan, **_: durations_of(plan))
    monkeypatch.setitem(AUTO_RULES, "epochs", lambda *_: (1, "shortened by the test"))
    monkeypatch.setitem(Evaluation.__init__.__kwdefaults__, "bootstraps", 10)
    monkeypatch.setattr(ray_session, "SessionRunner", lambda **_: SerialRunner())
    monkeypatch.setattr(recipe, "absolute_path", os.path.relpath)  # the same scans have the same crops in all pages


def test_the_blocks_that_are_not_run_are_those_of_the_list():
    found = {name: [block.reason for block in blocks if block.reason] for name, blocks in BLOCKS.items()}
    assert {name: reasons for name, reasons in found.items() if reasons} == NOT_RUN
    code = [block for blocks in BLOCKS.values() for block in blocks if block.language not in ("text", "console")]
    num_left_out = sum(bool(block.reason) for block in code)
    num_parsed = sum(block.language == "sh" for block in BLOCKS[HELP_PAGE])
    num_run = len(code) - num_left_out - num_parsed
    print(f"{len(code)} code blocks: {num_run} run, {num_parsed} parsed, {num_left_out} on the list")


def test_every_block_has_a_language_that_is_run_or_compared():
    counts = Counter(block.language for blocks in BLOCKS.values() for block in blocks if not block.reason)
    assert set(counts) <= {"sh", "python", "json", "csv", "text", "console"}


def test_the_examples_of_help_texts_have_options_that_exist():
    examples = [block for block in BLOCKS[HELP_PAGE] if block.language == "sh"]
    assert len(examples) > 10
    for block in examples:
        parse_examples(block)


@pytest.mark.parametrize("name", [name for name in BLOCKS if name != HELP_PAGE])
def test_the_blocks_of_a_page_are_valid(name):
    for block in BLOCKS[name]:
        parse_block(block)


@pytest.mark.parametrize(("language", "text"), [("sh", "sleep 900"), ("python", "import time; time.sleep(900)")])
def test_a_block_that_hangs_is_ended_with_its_location(language, text, tmp_path, monkeypatch):
    monkeypatch.setattr(code_blocks, "BLOCK_SECONDS", 0.1)
    (block,) = blocks_of("page.md", f"```{language}\n{text}\n```\n")
    runner = PageRunner(folder=tmp_path, cheaper=str, add_files=lambda *_: None)
    with pytest.raises(HangingError, match=r"^page\.md:1: not finished after 0\.1 s$"):
        runner.run(block)


RUN_PAGES = [name for name, blocks in BLOCKS.items() if name != HELP_PAGE and any(not block.reason for block in blocks)]


@pytest.mark.slow
@pytest.mark.parametrize("name", long_except(set(RUN_PAGES) - LONG_PAGES, RUN_PAGES))
def test_the_blocks_of_a_page_run(name, runner):
    for block in BLOCKS[name]:
        runner.run(block)
