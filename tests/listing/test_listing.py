"""`archnet runs`: the rows of all kinds of folders, their order, tags and notes, on a terminal, as JSON and as a page."""

import json
import os
import re
import shutil
import threading
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from archnet.errors import RunError
from archnet.evaluation.integrity.verification import verify_run
from archnet.evaluation.run_folder import find_named_run
from archnet.files.atomic import write_json
from archnet.files.json_file import DamagedJsonError
from archnet.files.locks import lock_folder
from archnet.listing.folder_rows import list_runs
from archnet.listing.listing_table import ListingTable
from archnet.listing.selection import select_rows
from archnet.listing.tags import change_tags, read_tags
from archnet.sweep.results.trials import Trial, TrialRun, write_trial
from command_line import ROOT, invoked
from small_sweeps import small_sweep
from synthetic_runs import write_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Two finished runs of one experiment, in numbered folders."""
    folder = tmp_path_factory.mktemp("listing") / "runs"
    write_run(folder / "edit/net", name="edit", started="2026-11-02T10:00:00+00:00")
    shutil.copytree(folder / "edit", folder / "edit-2")
    run = folder / "edit-2/net"
    change(run / "experiment.json", lambda document: document["arch"]["layers"][0].update(num_output=24))
    change(run / "environment.json", lambda document: document.update(started="2026-11-03T10:00:00+00:00"))
    change(run / "metrics.json", lambda document: document["validation"].update(recall=0.5, auc=0.75, f1=0.6))
    return folder


def change(path, edit):
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))


@pytest.fixture
def runs(finished, tmp_path, monkeypatch):
    """A copy of them in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    shutil.copytree(finished, "runs")
    return Path("runs")


def begun(folder, log=None):
    """A run that has not finished."""
    shutil.copytree("runs/edit/net", folder)
    for name in ("manifest.json", "metrics.json", "report.html"):
        (folder / name).unlink(missing_ok=True)
    (folder / "checkpoint").mkdir()
    if log:
        (folder / "log.txt").write_text(log)
    return folder


def lines_at(width, folder):
    """The table on a terminal of this width."""
    output = StringIO()
    Console(file=output, width=width).print(ListingTable(select_rows(list_runs(folder))))
    return [line.rstrip() for line in output.getvalue().splitlines()]


def refused(call, message):
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        call()


def test_a_row_has_the_state_the_results_and_what_differs(runs):
    first, second = list_runs(runs).rows
    assert (first.name, first.kind, first.state, first.reference, first.differences) == (
        "edit/net", "network", "finished", "", (),
    )  # fmt: skip
    assert first.started == datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert (second.value("recall", "validation"), second.value("auc", "validation")) == (0.5, 0.75)
    assert (second.name, second.reference) == ("edit-2/net", "edit/net")
    assert second.differences == ({"place": "arch.layers[0].num_output", "reference": 16, "other": 24},)


def test_the_table_fits_80_and_60_columns_with_every_column(runs):
    change_tags(runs / "edit-2/net", ["wide", "promising"], note="with twice the width")
    value = [f"{list_runs(runs).rows[0].value(name, 'validation'):.3f}" for name in ("recall", "precision", "auc")]
    other = f"{list_runs(runs).rows[1].value('precision', 'validation'):.3f}"
    assert lines_at(80, runs) == [
        "2 runs, results on the validation set (--set test shows those on the test set)",
        "run         date        state     recall  prec.    AUC",
        f"edit/net    2026-11-02  finished   {value[0]}  {value[1]}  {value[2]}",
        f"edit-2/net  2026-11-03  finished   0.500  {other}  0.750",
        "    arch.layers[0].num_output 16 -> 24 (against edit/net)",
        "    #wide #promising with twice the width",
    ]
    shutil.copytree(runs / "edit", runs / "a_name_that_is_too_long_for_narrow_terminals")
    lines = lines_at(60, runs)
    assert max(map(len, lines)) <= 60
    place = lines.index("a_name_that_is_too_long_for_narrow_terminals/net")
    assert lines[place + 1].split() == ["2026-11-02", "finished", *value]


def test_runs_are_interrupted_running_failed_or_not_begun(runs):
    begun(runs / "stopped/net")
    begun(runs / "failed/net", "2026-11-02 10:00:00,000 ERROR failed: the loss is NaN after 3 epochs.\n")
    with lock_folder(begun(runs / "running/net")):
        found = []
        thread = threading.Thread(target=lambda: found.extend(list_runs(runs).rows))
        thread.start()
        thread.join()
    states = {row.name: (row.state, row.detail) for row in found}
    assert states == {
        "edit/net": ("finished", ""),
        "edit-2/net": ("finished", ""),
        "stopped/net": ("interrupted", ""),
        "failed/net": ("failed", "the loss is NaN after 3 epochs."),
        "running/net": ("running", ""),
    }


def test_damaged_and_foreign_folders_are_listed_with_the_reason(runs):
    (runs / "pictures").mkdir()
    write_json(runs / "empty/experiment.json", {"name": "empty"})
    (runs / "edit-2/net/metrics.json").write_text('{"test": 3')
    listing = list_runs(runs)
    assert [row.name for row in listing.rows] == ["edit/net"]
    damaged, *others = listing.problems
    assert damaged == (
        "edit-2/net",
        "runs/edit-2/net/metrics.json:1: not JSON (Expecting ',' delimiter). Restore the file, or run the experiment "
        "again.",
    )
    assert others == [("empty", "an experiment without a run."), ("pictures", "holds no runs.")]
    change(runs / "edit/net/metrics.json", lambda document: document["validation"].update(recall=7))
    assert list_runs(runs).problems[0][1].startswith("runs/edit/net/metrics.json")
    assert "not listed: pictures: holds no runs." in invoked("runs").stdout


def test_a_folder_without_runs_says_so(runs, tmp_path):
    (tmp_path / "none").mkdir()
    assert invoked("runs", "none").stdout == "none: no runs.\n"
    refused(
        lambda: list_runs(Path("missing")),
        "missing: no such folder. Name that of your experiments; `archnet run` creates one named runs.",
    )
    assert [row.name for row in list_runs(runs / "edit").rows] == ["net"]
    assert [row.name for row in list_runs(runs / "edit/net").rows] == ["net"]


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("name", ["edit/net", "edit-2/net"]),
        ("date", ["edit-2/net", "edit/net"]),
        ("auc", ["edit/net", "edit-2/net"]),
        ("arch.layers[0].num_output", ["edit/net", "edit-2/net"]),
    ],
)
def test_rows_are_sorted_by_any_key(runs, sort, names):
    for is_reversed in (False, True):
        selection = select_rows(list_runs(runs), sort=sort, reverse=is_reversed)
        assert [row.name for row in selection.listing.rows] == names[:: -1 if is_reversed else 1]


def test_a_metric_that_sorts_is_shown_and_an_unknown_key_is_refused(runs):
    selection = select_rows(list_runs(runs), sort="f1", set_name="test")
    assert [metric.name for metric in selection.metrics] == ["recall", "precision", "auc", "f1"]
    refused(
        lambda: select_rows(list_runs(runs), sort="acu"),
        '--sort acu: no run has this key. Did you mean "auc"? Use name, date, state, a metric (accuracy, recall, '
        "precision, specificity, f1, mcc, auc, average_precision) or a setting such as training.epochs.",
    )


def test_tags_and_notes_are_kept_and_filter_the_rows(runs):
    printed = invoked("runs", "tag", "edit-2", "wide", "promising", "--note", "twice the width").stdout
    assert printed == "runs/edit-2/net: wide, promising; twice the width\n"
    assert invoked("runs", "tag", "edit-2/net", "--remove", "wide", "--note", "").stdout == (
        "runs/edit-2/net: promising\n"
    )
    assert read_tags(runs / "edit-2/net").to_document() == {"tags": ["promising"], "note": ""}
    selection = select_rows(list_runs(runs), tags=["promising"])
    assert [row.name for row in selection.listing.rows] == ["edit-2/net"]
    refused(
        lambda: select_rows(list_runs(runs), tags=["promisng"]),
        '--tag promisng: no run has this tag. Did you mean "promising"? Tags: promising.',
    )
    refused(
        lambda: change_tags(runs / "edit/net", ["two words"]),
        '"two words": is not a valid tag. A tag is one word of at most 40 characters without commas, such as promising. Longer '
        "texts go into --note.",
    )
    refused(
        lambda: change_tags(runs / "edit/net", removed=["wide"]),
        'runs/edit/net: has no tag "wide" to remove. Its tags: none.',
    )
    assert sorted(path.name for path in (runs / "edit-2").iterdir()) == ["net"]


def test_the_tags_of_an_experiment_go_to_all_its_runs_and_are_printed_as_json(runs):
    shutil.copytree(runs / "edit/net", runs / "edit/other")
    printed = json.loads(invoked("runs", "tag", "edit", "wide", "--note", "new", "--json").stdout)
    expected = {"tags": ["wide"], "note": "new"}
    assert printed == [{"folder": f"runs/edit/{name}", **expected} for name in ("net", "other")]
    assert read_tags(runs / "edit/other").to_document() == expected


def test_a_folder_without_runs_cannot_be_tagged(runs):
    (runs / "empty").mkdir()
    error = invoked("runs", "tag", "runs/empty", "wide").exception
    assert str(error) == "runs/empty: holds no run. Name a run as archnet runs shows it."


def test_a_tag_does_not_count_as_a_change_of_the_run(runs):
    change_tags(runs / "edit/net", ["baseline"])
    verify_run(runs / "edit/net", ["metrics.json", "experiment.json"])


def test_json_has_the_results_of_both_sets(runs):
    document = json.loads(invoked("runs", "--json").stdout)
    assert (document["folder"], document["set"], document["problems"]) == ("runs", "validation", [])
    second = document["runs"][1]
    assert second["metrics"]["validation"]["auc"] == 0.75
    assert set(second["metrics"]) == {"validation", "test"}
    assert second["differences"] == [{"place": "arch.layers[0].num_output", "reference": 16, "other": 24}]
    assert (second["started"], second["tags"], second["note"]) == ("2026-11-03T10:00:00+00:00", [], "")


def test_the_page_links_the_reports_and_escapes_names(runs):
    (runs / "edit/net/report.html").write_text("a page")
    change_tags(runs / "edit-2/net", ["wide"], note="<b>bold</b>")
    assert invoked("runs", "--html", "pages/runs.html").stdout == "pages/runs.html\n"
    page = Path("pages/runs.html").read_text()
    assert '<a href="../runs/edit/net/report.html">edit/net</a>' in page
    assert "<li>arch.layers[0].num_output 16 -&gt; 24</li>" in page
    assert '<span class="tag">wide</span>' in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "2 finished." in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/", "")


def test_a_name_of_the_table_names_the_run_for_other_commands(runs):
    assert find_named_run(Path("edit-2")) == Path("runs/edit-2")
    assert find_named_run(Path("edit-2/net")) == Path("runs/edit-2/net")
    assert find_named_run(Path("missing")) == Path("missing")
    Path("edit").mkdir()
    assert find_named_run(Path("edit")) == Path("edit")
    assert find_named_run(Path("edit-2").resolve()) == Path("edit-2").resolve()


def test_sweeps_and_versus_have_one_row_and_runs_of_older_versions_are_listed(tmp_path):
    shutil.copytree(ROOT / "tests/old_runs", tmp_path / "runs", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    plan = {"name": "net-versus", "arch": "net", "forms": ["2d", "3d"], "match": ["none"], "seeds": 2, "runs": 4}
    variant = {"name": "net", "form": "2D", "parameters": 9, "macs": 9}
    steps = {"name": "net", "epochs": 1, "steps_per_epoch": 1, "step_seconds": 1, "start_seconds": 1, "seconds": 1}
    keys = {"data": "npz", "folds": None, "runs_at_once": 1, "seconds": 1, "variants": [{**variant, "run": steps}]}
    write_json(tmp_path / "runs/versus/plan.json", {**plan, **keys})
    run = TrialRun(state="finished", seconds=1.0)
    trial = Trial(number=0, values={"arch": "net"}, runs={"net": run}, arch="net", parameters=9, macs=9)
    write_trial(tmp_path / "runs/versus", trial)
    change_tags(tmp_path / "runs/versus", ["paper"])
    listing = list_runs(tmp_path / "runs")
    assert listing.problems == ()
    rows = {row.name: row for row in listing.rows}
    runs = {"crossed/flat-fold0", "crossed/flat-fold1", "flat_2d/flat", "scans_3d/deep"}
    assert set(rows) == {*runs, "sweep", "versus"}
    assert {row.state for name, row in rows.items() if name != "versus"} == {"finished"}
    assert rows["sweep"].detail == "sweep: 2 of 2 trials finished; best: trial 1"
    assert rows["sweep"].results == {"validation": {"auc": pytest.approx(0.1)}}
    versus = rows["versus"]
    assert (versus.kind, versus.state, versus.tags.tags) == ("versus", "interrupted", ("paper",))
    assert versus.detail == "versus of net: 2d, 3d; 1 of 4 runs finished"


def test_a_project_with_a_sweep_document_lists_its_runs(runs, tmp_path):
    invoked("init", "project")
    shutil.copytree(runs, "project/runs")
    Path("project/link").symlink_to(tmp_path / "runs")
    listing = list_runs(Path("project"), is_project=True)
    assert [row.name for row in listing.rows] == ["runs/edit/net", "runs/edit-2/net"]
    assert listing.problems == ()
    listing = list_runs(Path("project"))
    assert {row.kind for row in listing.rows} == {"network"}
    assert listing.problems == (("schemas", "holds no runs."),)


def test_a_sweep_that_has_begun_is_a_sweep_before_its_first_trial(tmp_path):
    sweep = tmp_path / "runs/sweep"
    with lock_folder(sweep):
        write_json(sweep / "sweep.json", small_sweep(tmp_path).to_document())
        (row,) = list_runs(tmp_path / "runs").rows
    assert row.kind == "sweep"


def test_a_sweep_without_a_first_trial_has_no_best_one(tmp_path):
    shutil.copytree(ROOT / "tests/old_runs/sweep", tmp_path / "sweep")
    leaderboard = tmp_path / "sweep/leaderboard.csv"
    text = leaderboard.read_text()
    for edited in (text.replace("\n1,1,", "\n,1,"), text.splitlines()[0] + "\n"):
        leaderboard.write_text(edited)
        (row,) = list_runs(tmp_path).rows
        assert (row.detail, row.results) == ("sweep: 2 of 2 trials finished", {})
    leaderboard.write_text(text.replace("finished,0.1,", "finished,,"))
    (row,) = list_runs(tmp_path).rows
    assert (row.detail, row.results) == (
        "sweep: 2 of 2 trials finished; best: trial 1", {"validation": {"auc": None}},
    )  # fmt: skip
    leaderboard.unlink()
    (row,) = list_runs(tmp_path / "sweep").rows
    assert (row.state, row.detail) == ("interrupted", "sweep: 2 of 2 trials finished")


def test_results_that_are_replaced_while_they_are_read_are_read_again(runs, monkeypatch):
    expected = list_runs(runs).rows[0].results

    def refuse(path, max_bytes):
        raise DamagedJsonError("not JSON")

    monkeypatch.setattr("archnet.listing.run_row.read_json_bytes", refuse)
    assert list_runs(runs).rows[0].results == expected


def test_a_folder_that_cannot_be_read_is_listed_with_the_reason(runs, monkeypatch):
    def refuse(folder, name):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("archnet.listing.folder_rows.read_run_row", refuse)
    assert list_runs(runs).problems == tuple(
        (name, "cannot be read: Permission denied. Check its permissions.") for name in ("edit/net", "edit-2/net")
    )


def test_twenty_folders_without_runs_are_listed_and_the_others_counted(runs):
    for number in range(20):
        (runs / f"other{number:02}").mkdir()
    (runs / ".hidden").mkdir()
    (runs / "file").touch()
    every = [(f"other{number:02}", "holds no runs.") for number in range(20)]
    assert list_runs(runs).problems == tuple(every)
    for number, more in ((20, "1 more folder without runs."), (21, "2 more folders without runs.")):
        (runs / f"other{number:02}").mkdir()
        assert list_runs(runs).problems == (*every, ("...", more))
    assert list_runs(runs, is_project=True).problems == ()


def test_runs_are_found_four_folders_deep(runs):
    (runs / "1/2/3").mkdir(parents=True)
    shutil.copytree(runs / "edit/net", runs / "1/2/3/net")
    shutil.copytree(runs / "edit/net", runs / "1/2/3/deep/net")
    assert [row.name for row in list_runs(runs).rows if row.name.startswith("1")] == ["1/2/3/net"]


@pytest.mark.parametrize(
    ("log", "state", "detail"),
    [
        ("a b ERROR failed: no memory.\n", "failed", "no memory."),
        ("a b ERROR failed: no memory.\na b INFO resumed\n", "interrupted", ""),
        ("a b ERROR failed:no\n", "interrupted", ""),
        ("", "interrupted", ""),
        ("x" * 9000 + "\na b ERROR failed: no memory.\n", "failed", "no memory."),
        ("a b ERROR failed: no\n" + "a b ERROR failed: " + "x" * 8174, "failed", "x" * 8174),  # 8 KiB are read
        ("a b ERROR failed: no\n" + "a b ERROR failed: " + "x" * 8175, "interrupted", ""),
    ],
)
def test_a_run_failed_if_the_last_line_of_its_log_says_so(runs, log, state, detail):
    folder = begun(runs / "begun/net")
    (folder / "log.txt").write_text(log)
    (row,) = list_runs(folder).rows
    assert (row.state, row.detail) == (state, detail)


@pytest.mark.parametrize(
    ("started", "time"),
    [
        ("2026-11-02T10:00:00", datetime(2026, 11, 2, 10, tzinfo=UTC)),
        ("2026-11-02T10:00:00+02:00", datetime(2026, 11, 2, 8, tzinfo=UTC)),
        ("yesterday", datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)),
        (None, datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)),
    ],
)
def test_a_run_without_a_start_time_has_that_of_its_document(runs, started, time):
    run = runs / "edit/net"
    if started is None:
        (run / "environment.json").unlink()
    else:
        change(run / "environment.json", lambda document: document.update(started=started))
    os.utime(run / "experiment.json", (10**9, 10**9))
    assert list_runs(run).rows[0].started == time


def test_tags_and_notes_have_a_largest_length_and_tags_are_given_once(runs):
    run = runs / "edit/net"
    tag = "t" * 40
    assert change_tags(run, [tag, "b", tag], note=" " + "n" * 1998 + " ").to_document() == {
        "tags": [tag, "b"], "note": "n" * 1998,
    }  # fmt: skip
    assert change_tags(run, ["b", "c"], removed=[tag]).to_document() == {"tags": ["b", "c"], "note": "n" * 1998}
    assert read_tags(run).tags == ("b", "c")
    invalid = "is not a valid tag. A tag is one word of at most 40 characters without commas, such as promising. Longer texts go into --note."
    for text in ("t" * 41, "", "a,b", "a\tb", "a\u202eb"):
        refused(
            lambda text=text: change_tags(run, ["good", text]), f"{json.dumps(text, ensure_ascii=False)}: {invalid}"
        )
    refused(
        lambda: change_tags(run, note="n" * 2001),
        "--note: has 2,001 characters; at most 2,000 are allowed. Shorten it.",
    )
    refused(
        lambda: change_tags(run, removed=["c", "d"]),
        'runs/edit/net: has no tag "d" to remove. Its tags: b, c.',
    )
    assert read_tags(run).to_document() == {"tags": ["b", "c"], "note": "n" * 1998}


def test_a_metric_that_is_not_a_number_between_minus_one_and_one_is_damage(runs):
    path = runs / "edit/net/metrics.json"
    for value in (-1, 1, 0):
        change(path, lambda document, value=value: document["validation"].update(mcc=value))
        assert list_runs(runs).problems == ()
    for value in (-1.5, 1.5, "0.5"):
        change(path, lambda document, value=value: document["validation"].update(mcc=value))
        assert [name for name, _ in list_runs(runs).problems] == ["edit/net"]
