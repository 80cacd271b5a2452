"""In a notebook: the panel by itself, and a notebook that is executed from top to bottom in a Jupyter kernel."""

import logging
import os
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from archnet.api import console
from archnet.api.display import show_progress
from archnet.api.notebook import NotebookPanel, show_in_notebook
from archnet.files.progress import no_progress
from archnet.files.training_position import RunStart, TrainingPosition
from command_line import ROOT

HOSTILE = "<img src=x onerror=alert(1)>"


class Screen:
    """Fake of IPython's display that records each output and its updates."""

    def __init__(self, monkeypatch):
        self.shown = []
        module = ModuleType("IPython.display")
        module.display = self.display
        monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
        monkeypatch.setitem(sys.modules, "IPython.display", module)

    def display(self, content, *, raw, display_id):
        assert raw
        assert display_id
        self.shown.append([content])
        return self

    def update(self, content, *, raw):
        assert raw
        self.shown[-1].append(content)


@pytest.fixture
def screen(monkeypatch):
    return Screen(monkeypatch)


def test_a_bar_moves_in_place_from_nothing_to_all(screen):
    panel = NotebookPanel()
    assert list(panel.progress(iter("abc"), "Cropping", 3)) == ["a", "b", "c"]
    (frames,) = screen.shown
    assert frames[0]["text/plain"] == "Cropping 0/3"
    assert frames[-1]["text/plain"].startswith("Cropping 3/3")
    assert '<progress value="3" max="3" aria-label="Cropping"></progress>' in frames[-1]["text/html"]


def test_a_bar_is_drawn_at_its_ends_and_between_them_at_intervals(screen, monkeypatch):
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr("archnet.api.notebook.time", SimpleNamespace(monotonic=lambda: now.seconds))
    monkeypatch.setattr("archnet.api.notebook.SECONDS_BETWEEN_FRAMES", 0.125)

    def items(count):
        for number in range(count):
            now.seconds += 0.0625
            yield number

    panel = NotebookPanel()
    assert list(panel.progress(items(5), "Cropping", 5)) == [0, 1, 2, 3, 4]
    assert list(panel.progress(items(1), "Reading", 1)) == [0]
    (frames,) = screen.shown
    assert [frame["text/plain"] for frame in frames] == [
        "Cropping 0/5",
        "Cropping 2/5  16.0/s",
        "Cropping 4/5  16.0/s",
        "Cropping 5/5  16.0/s",
        "Reading 0/1",
        "Reading 1/1  16.0/s",
    ]


def test_a_panel_has_no_bar_before_the_first_one(screen):
    panel = NotebookPanel()
    panel.add_line("a message", is_warning=False)
    assert (panel.to_text(), panel.to_html().count("<progress")) == ("a message", 0)
    assert NotebookPanel(description="Cropping", total=3).to_text() == "Cropping 0/3"


def test_the_bar_of_a_training_names_the_run_and_the_member(screen):
    panel = NotebookPanel(position=TrainingPosition(clock=lambda: 0.0))
    panel.on_run(RunStart(name="net", number=2, num_runs=3, num_epochs=4, num_members=2))
    panel.on_member(2)
    panel.on_step(1, 1, 2, {"loss": 0.5})
    assert screen.shown[-1][-1]["text/plain"].startswith("net (2 of 3)  member 2/2  epoch 1/4 1/2")


def test_a_training_shows_its_epochs_below_the_bar(screen):
    panel = NotebookPanel(position=TrainingPosition(clock=lambda: 0.0))
    for step in (1, 2):
        panel.on_step(1, step, 2, {"loss": 0.5, "recall": 0.25})
    panel.on_epoch({"epoch": 1, "seconds": 6.2, "train_loss": 0.41, "train_recall": 0.8})
    assert "<b>" not in screen.shown[-1][-1]["text/html"]
    text = screen.shown[-1][-1]["text/plain"]
    assert text == "epoch 1 2/2  loss 0.5000  recall 0.250\nepoch 1  6.2 s  train loss 0.4100 recall 0.800"


def test_warnings_are_shown_once_and_no_name_breaks_the_panel(screen):
    with show_in_notebook() as panel:
        for _ in range(2):
            logging.getLogger("archnet").warning("no such scan: %s", HOSTILE)
        list(panel.progress([1], HOSTILE, 1))
    html = screen.shown[-1][-1]["text/html"]
    assert html.count("&lt;img") == 3  # the bar, its name for screen readers, the warning
    assert "<img" not in html
    assert "<b>Warning: no such scan: " in html
    assert len(panel.lines) == 1
    assert logging.getLogger("archnet").handlers == []


class Steps:
    def __init__(self):
        self.calls = []

    def on_step(self, *arguments):
        self.calls.append(arguments)

    def on_epoch(self, row):
        self.calls.append(row)


@pytest.mark.parametrize(
    ("option", "is_notebook", "is_terminal", "shows"),
    [
        (None, False, False, None),
        (None, False, True, "console"),
        (None, True, False, "notebook"),
        (True, False, False, "console"),
        (True, True, False, "notebook"),
        (False, True, True, None),
    ],
)
def test_progress_is_shown_where_somebody_looks(monkeypatch, screen, option, is_notebook, is_terminal, shows):
    class Console:
        is_jupyter = is_notebook
        width = 80

        def print(self, *texts, **options):
            printed.append(texts)

    printed, steps = [], Steps()
    monkeypatch.setattr(Console, "is_terminal", is_terminal, raising=False)
    monkeypatch.setattr(console, "stderr", Console())
    monkeypatch.setattr(console, "_progress_bar", lambda: console.Progress(disable=True))
    row = {"epoch": 1, "seconds": 1.0}
    with show_progress(option, steps) as display:
        display.callback.on_step(1, 1, 2, {})
        display.callback.on_epoch(row)
        logging.getLogger("archnet").warning("hot")
    assert steps.calls == [(1, 1, 2, {}), row]
    assert bool(printed) == (shows == "console")
    assert bool(screen.shown) == (shows == "notebook")
    assert (display.progress is no_progress) == (shows is None)


def test_a_function_that_shows_progress_is_used_unchanged():
    def wraps(items, description, total):
        return items

    with show_progress(wraps) as display:
        assert display.progress is wraps
        assert display.callback is None


CELLS = [
    "import archnet\narch = archnet.load_arch('net.json')\narch",
    "arch.build((8, 8)).count_params()",
    "settings = {'training.epochs': 2, 'evaluation.bootstraps': 10, 'split.by': 'candidate'}\n"
    "run = archnet.run(arch, data='npz:cases.npz', settings=settings, out='out', baseline=True)\nrun",
    "archnet.compare('out')",
    "archnet.load_data('npz:cases.npz').images.shape, run.history['epoch'], run.model.input_shape",
    "archnet.load_run('nowhere')",
]


@pytest.mark.slow
def test_a_notebook_shows_bars_warnings_and_tables_and_no_start_up_notes(tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    labels = np.arange(40) % 2
    values = np.random.default_rng(0).random((40, 8, 8)) / 2 + labels[:, None, None] / 2
    np.savez(tmp_path / "cases.npz", x=values.astype(np.float32), y=labels)
    (tmp_path / "net.json").write_text('{"name": "net", "rank": 2, "layers": [{"type": "GAP"}, {"type": "T"}]}')
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    inherited = {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    client = NotebookClient(
        notebook, timeout=300, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}, kernel_name="python3"
    )
    client.execute(
        env=inherited | {"PYTHONPATH": str(ROOT / "src")}
    )  # under pytest a kernel shows no descriptor's output
    arch, model, run, comparison, data, mistake = (cell.outputs for cell in notebook.cells)
    everything = [*arch, *model, *run, *comparison, *data]
    assert [output for output in everything if output.output_type in ("stream", "error")] == []
    assert "<strong>net, input 64x64x1</strong>" in arch[-1].data["text/html"]
    assert model[-1].data["text/plain"] == "4"
    panel = run[0].data
    assert '<progress value="' in panel["text/html"]
    assert "net  epoch 2/2  " in panel["text/plain"]
    assert panel["text/plain"].splitlines()[1] == "Reading the npz data"
    assert panel["text/plain"].splitlines()[2].startswith("Keras ")
    assert panel["text/plain"].splitlines()[3] == "training out/net"
    assert "<b>Warning: split.by &quot;candidate&quot;" in panel["text/html"]
    assert [output.output_type for output in run] == ["display_data", "execute_result"]
    assert "Confusion matrix, test set" in run[1].data["text/html"]
    assert "<th" in comparison[-1].data["text/html"]
    assert "random_forest" in comparison[-1].data["text/html"]
    assert data[-1].data["text/plain"].startswith("((40, 8, 8), array([1., 2.]), (None, 8, 8, 1))")
    assert mistake[-1].ename == "RunError"
    assert mistake[-1].evalue == "nowhere: no such folder. Name a run folder, as `archnet run` printed it."
    assert mistake[-1].traceback == [f"RunError: {mistake[-1].evalue}"]
