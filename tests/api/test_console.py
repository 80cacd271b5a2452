"""What the consoles print: names verbatim, without markup and control characters, in a readable width."""

import io
import logging
import re
from types import SimpleNamespace

import pytest
from rich.live import Live
from rich.table import Table
from rich.text import Text

from archnet.api import console
from archnet.api.console import PlainConsole, TrainingDisplay, print_message
from archnet.files.training_position import RunStart
from archnet.runs.log import CallbackList, LoggingCallback, announce_run

HOSTILE = "\x1b]0;owned\x07[red]a[/]\x9b2J\u202e:smile:"
ESCAPED = r"\x1b]0;owned\x07[red]a[/]\x9b2J\u202e:smile:"


@pytest.fixture
def printed(monkeypatch):
    """A console and the text that it prints."""
    monkeypatch.setenv("COLUMNS", "120")
    out = PlainConsole()
    out.file = io.StringIO()
    return out


def every(seconds):
    """A clock that moves on by some seconds whenever it is read."""
    times = iter(range(0, 100_000, seconds))
    return lambda: float(next(times))


def steps_shown(display):
    """The display after two steps, which are the first of four epochs."""
    start = RunStart(name="net", number=2, num_runs=3, num_epochs=4, later_work=1)
    announce_run(CallbackList([LoggingCallback(), display]), start)
    for step in (1, 2):
        display.on_step(1, step, 2, {"loss": 0.5, "macro_recall": 0.25})
    return display


def test_a_text_is_printed_without_markup_and_control_characters(printed):
    printed.print(HOSTILE)
    printed.print(Text("\x1b[2J"), "[/]", style="yellow")
    assert printed.file.getvalue() == f"{ESCAPED}\n\\x1b[2J [/]\n"


def test_the_bar_of_a_training_names_the_run_and_its_time_left(printed, monkeypatch):
    monkeypatch.setattr(console, "stderr", printed)
    monkeypatch.setenv("TERM", "xterm")
    printed._force_terminal = printed.is_interactive = True
    with console.show_training() as display:
        assert not display.bar.live.is_started
        display.clock = display.position.clock = every(5)
        (task,) = steps_shown(display).bar.tasks
        assert display.bar.live.is_started
        assert (task.description, task.completed, task.total) == ("net (2 of 3)  epoch 1/4", 2, 2)
        assert task.fields["note"] == "30 s left  all runs 2 min  loss 0.5000  macro recall 0.250"
        display.on_step(2, 1, 5, {})
        assert (task.description, task.completed, task.total) == ("net (2 of 3)  epoch 2/4", 1, 5)
    assert not display.bar.live.is_started
    assert "net (2 of 3)  epoch 2/4" in printed.file.getvalue()
    assert printed.file.getvalue().endswith("\x1b[2K")  # the bar is erased


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        ("66", "30 s left"),
        ("67", "30 s left  all runs 2 min"),
        ("79", "30 s left  all runs 2 min"),
        ("80", "30 s left  all runs 2 min  loss 0.5000"),
    ],
)
def test_the_bar_shows_what_fits_beside_it_the_time_left_first(printed, monkeypatch, columns, note):
    monkeypatch.setattr(console, "stderr", printed)
    monkeypatch.setenv("COLUMNS", columns)
    printed._force_terminal, printed._environ = True, {}
    printed._width = int(columns)
    (task,) = steps_shown(TrainingDisplay(console._progress_bar(), clock=every(5))).bar.tasks
    assert task.fields["note"] == note


def test_a_pipe_gets_a_line_for_an_epoch_and_every_thirty_seconds(printed, monkeypatch):
    monkeypatch.setattr(console, "stderr", printed)
    display = steps_shown(TrainingDisplay(console._progress_bar(), clock=every(20)))
    display.on_epoch({"epoch": 1, "seconds": 6.2, "train_loss": 0.41})
    assert printed.file.getvalue() == (
        "net (2 of 3)  epoch 1/4  step 1/2  loss 0.5000  macro recall 0.250\n"
        "net (2 of 3)  epoch 1/4  step 2/2  6 min left  all runs 14 min  loss 0.5000  macro recall 0.250\n"
        "net (2 of 3)  epoch 1/4  6.2 s  14 min left, all runs 33 min  train loss 0.4100\n"
    )


def test_a_pipe_gets_a_line_once_thirty_seconds_have_passed(printed, monkeypatch):
    monkeypatch.setattr(console, "stderr", printed)
    now = SimpleNamespace(seconds=100.0)
    display = TrainingDisplay(console._progress_bar(), clock=lambda: now.seconds)
    for step, now.seconds in enumerate((129.0, 130.0, 159.0, 160.0), start=1):
        display.on_step(1, step, 4, {})
    assert printed.file.getvalue() == "epoch 1  step 2/4\nepoch 1  step 4/4\n"


def test_messages_and_results_go_to_their_streams(capsys):
    console.stdout.print("a result")
    console.stderr.print("a message")
    PlainConsole().print("another result")
    assert capsys.readouterr() == ("a result\nanother result\n", "a message\n")


def test_numbers_and_paths_have_no_colours_of_their_own(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = PlainConsole()
    out.file = io.StringIO()
    out.print('3 of "a" in /runs/a: True')
    out.print("red", style="red")
    assert out.file.getvalue() == '3 of "a" in /runs/a: True\n\x1b[31mred\x1b[0m\n'


def test_warnings_are_shown_and_information_of_some_loggers_each_once():
    shown = []
    with console.show_messages(lambda text, is_warning: shown.append((text, is_warning))):
        logging.getLogger("archnet").setLevel(logging.INFO)
        for name in ("archnet.stage", "archnet.other", "archnet.stage"):
            logging.getLogger(name).info("reading")
            logging.getLogger(name).warning("hot")
    logging.getLogger("archnet").setLevel(logging.NOTSET)
    assert shown == [("reading", False), ("Warning: hot", True)]


def test_a_bar_on_a_terminal_counts_the_items_and_their_speed(printed, monkeypatch):
    monkeypatch.setattr(console, "stderr", printed)
    printed._force_terminal = True
    bars, original = [], console._progress_bar
    monkeypatch.setattr(console, "_progress_bar", lambda *times: bars.append(original(*times)) or bars[0])
    assert list(console.progress(iter("abc"), "Cropping", 3)) == ["a", "b", "c"]
    (task,) = bars[0].tasks
    assert (task.description, task.completed, task.total) == ("Cropping", 3, 3)
    assert re.fullmatch(r"[\d,]+\.\d/s", task.fields["note"])


def test_progress_in_a_pipe_is_a_line_every_thirty_seconds(printed, monkeypatch):
    monkeypatch.setattr(console, "stderr", printed)
    printed._force_terminal = False
    times = iter([100.0, 110.0, 130.0, 140.0, 159.0, 160.0])
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda: next(times)))
    assert list(console.progress(iter(range(5)), "Cropping", 1000)) == [0, 1, 2, 3, 4]
    assert printed.file.getvalue().splitlines() == [
        "Cropping: 2 of 1,000, 0.1/s, 14,970 s left",
        "Cropping: 5 of 1,000, 0.1/s, 11,940 s left",
    ]


def test_the_display_of_a_training_counts_the_epochs_of_all_members():
    display = TrainingDisplay(console._progress_bar(), clock=every(5))
    display.on_run(RunStart(name="net", number=1, num_runs=1, num_epochs=4, num_members=2))
    titles = []
    for member in (1, 2):
        display.on_member(member)
        display.on_step(1, 1, 2, {"loss": 0.5})
        titles.append(display.position.title)
    assert titles == ["net  member 1/2  epoch 1/4", "net  member 2/2  epoch 1/4"]


def test_a_carriage_return_is_escaped_and_not_removed(printed):
    printed.print("a\rb")
    assert printed.file.getvalue() == "a\\x0db\n"


def test_titles_headings_and_cells_are_printed_like_texts(printed):
    table = Table(title=HOSTILE, box=None)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    printed.rule(HOSTILE)
    printed.print(table)
    assert printed.file.getvalue().count(ESCAPED) == 4
    assert not any(character in printed.file.getvalue() for character in "\x1b\x07\x9b\u202e")


def test_a_terminal_still_gets_the_codes_of_a_live_table(printed):
    printed._force_terminal = True
    with Live(Text("\x1b[2J"), console=printed, refresh_per_second=0.1):
        pass
    assert "\x1b[?25l" in printed.file.getvalue()
    assert "\x1b[2J" not in printed.file.getvalue()


@pytest.mark.parametrize(("columns", "width"), [("0", 80), ("1", 40), ("39", 40), ("100", 100)])
def test_a_console_is_wide_enough_for_a_table(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    assert PlainConsole().width == width


@pytest.mark.parametrize(("lines", "height"), [("0", 1), ("1", 1), ("7", 7)])
def test_a_console_has_at_least_one_line(monkeypatch, lines, height):
    monkeypatch.setenv("LINES", lines)
    assert PlainConsole().height == height


@pytest.mark.parametrize(("is_terminal", "end"), [(True, "\n"), (False, " ")])
def test_a_terminal_wraps_messages_between_words_and_keeps_paths_whole(monkeypatch, is_terminal, end):
    printed = PlainConsole()
    printed.file, printed._force_terminal = io.StringIO(), is_terminal
    printed.size = (40, 24)
    monkeypatch.setattr(console, "stderr", printed)
    path = "runs/" + 20 * "n-" + "n"
    print_message(f"Changed since runs/edit: this run is saved in {path}.", is_warning=False)
    assert printed.file.getvalue() == f"Changed since runs/edit: this run is{end}saved in{end}{path}.\n"


def test_progress_and_messages_print_names_verbatim(printed, monkeypatch):
    monkeypatch.setattr(console, "stderr", printed)
    bar = console._progress_bar()
    bar.add_task("reading [/]", total=2, note="[b]")
    printed.print(bar.make_tasks_table(bar.tasks))
    print_message("a [/] \x1b[2J", is_warning=False)
    bar_line, message = printed.file.getvalue().splitlines()
    assert len(bar_line) == 120
    assert bar_line.startswith("reading [/] ")
    assert bar_line.endswith(" [b]")
    assert message == "a [/] \\x1b[2J"
