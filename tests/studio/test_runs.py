"""Runs of the folder: the table, the state of one run from its folder alone, its report, and its process."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import jsonschema
import pytest

from archnet.evaluation.integrity.manifest import record_run
from archnet.evaluation.run_folder import read_history
from archnet.files.lock_owner import LockOwner
from archnet.files.locks import lock_folder
from archnet.spec.metrics import SELECTABLE_METRICS
from archnet.studio.trainings.log_history import parse_epochs, read_live_history
from archnet.studio.trainings.run_listing import RUNS
from archnet.studio.trainings.run_owner import is_stoppable
from archnet.studio.trainings.run_processes import MAX_RUNNING, StartedProcess, run_arguments
from archnet.studio.trainings.run_progress import RUN, last_lines
from archnet.studio.workspace.workspace import open_workspace
from finished_runs import NET_2D
from studio_client import StudioClient

ROOT_ARCH = json.dumps(NET_2D)


@pytest.fixture
def folder(tmp_path, finished_runs):
    """A project with an experiment of two finished runs, and a sweep document that is not a sweep's folder."""
    folder = tmp_path / "project"
    shutil.copytree(finished_runs / "out", folder / "runs/cubes")
    (folder / "sweep.json").write_text('{"base": "experiment.json"}')
    (folder / "mine.json").write_text(ROOT_ARCH)
    return folder


@pytest.fixture
def studio(folder):
    with StudioClient(folder) as client:
        yield client


def state(studio, path="runs/cubes/flat"):
    return studio.get("/api/run", params={"path": path})


def interrupt(folder):
    """Turn a finished run into an interrupted one."""
    for name in ("manifest.json", "metrics.json", "history.csv"):
        (folder / name).unlink()
    (folder / "checkpoint").mkdir()


@pytest.mark.slow
def test_the_table_has_all_runs_of_the_folder(studio, folder):
    answer = studio.get("/api/runs").json()
    rows = {row["path"]: row for row in answer["runs"]}
    assert set(rows) == {"runs/cubes/flat", "runs/cubes/deep"}
    flat = rows["runs/cubes/flat"]
    assert (flat["state"], flat["kind"], flat["arch"], flat["data"], flat["has_report"]) == (
        "finished", "network", "flat", "npz", True,
    )  # fmt: skip
    metrics = json.loads((folder / "runs/cubes/flat/metrics.json").read_text())
    assert (
        flat["metrics"]["test"]["auc"] == metrics["test"]["auc"]["value"]
        if isinstance(metrics["test"]["auc"], dict)
        else True
    )
    assert answer["problems"] == []
    assert {"auc", "recall"} <= {metric["name"] for metric in answer["metrics"]}
    assert studio.get("/api/runs?set=test").json()["set"] == "test"


def test_a_network_combined_with_a_baseline_is_a_kind_of_run_of_its_own(studio, folder):
    run = folder / "runs/cubes/flat"
    experiment = json.loads((run / "experiment.json").read_text())
    parts = {"network": "flat", "baseline": "random_forest", "fitted_on": "validation cases", "C": 1.0}
    experiment["arch"] = {"name": "flat+random_forest", "stacked": parts}
    (run / "experiment.json").write_text(json.dumps(experiment))
    record_run(run)
    table = studio.get("/api/runs").json()
    jsonschema.validate(table, RUNS)
    rows = {row["path"]: row["kind"] for row in table["runs"]}
    assert (rows["runs/cubes/flat"], rows["runs/cubes/deep"]) == ("stacked", "network")
    one = state(studio).json()
    jsonschema.validate(one, RUN)
    assert one["kind"] == "stacked"


@pytest.mark.slow
def test_a_link_out_of_the_folder_shows_no_runs(studio, folder):
    shutil.move(folder / "runs", folder.parent / "elsewhere")
    (folder / "runs").symlink_to(folder.parent / "elsewhere")
    assert studio.get("/api/runs").json()["runs"] == []
    assert state(studio).status_code == 403


def test_a_finished_run_has_its_curves_results_and_log(studio, folder):
    answer = state(studio).json()
    history = read_history(folder / "runs/cubes/flat/history.csv")
    metrics = json.loads((folder / "runs/cubes/flat/metrics.json").read_text())
    assert set(answer["history"]) == set(history)
    assert answer["history"]["train_loss"] == history["train_loss"]
    assert (answer["num_epochs"], answer["max_epochs"], answer["seconds_left"]) == (4, 4, None)
    assert 1 <= answer["kept_epoch"] <= 4
    assert answer["confusion_matrices"]["test"] == metrics["test"]["confusion_matrix"]
    assert (answer["classes"], answer["positive"]) == (metrics["classes"], metrics["positive"])
    assert answer["log"] == (folder / "runs/cubes/flat/log.txt").read_text().splitlines()[-200:]
    assert (answer["owner"], answer["can_stop"], answer["can_resume"]) == (None, False, False)


@pytest.mark.parametrize("path", ["runs/cubes/none", "runs", "sweep.json", "mine.json"])
def test_what_is_no_run_is_not_found(studio, path):
    answer = state(studio, path)
    assert (answer.status_code, answer.json()["error"]) == (
        404,
        f"{path}: holds no run. Choose one from the table of runs.",
    )


@pytest.mark.slow
def test_a_run_in_progress_is_followed_in_its_log_whoever_makes_it(studio, folder):
    run = folder / "runs/cubes/flat"
    whole = read_history(run / "history.csv")
    interrupt(run)
    answer = state(studio).json()
    assert (answer["state"], answer["can_resume"], answer["seconds_left"]) == ("interrupted", True, None)
    assert list(answer["history"]) == list(whole)
    for name, values in whole.items():
        assert answer["history"][name] == pytest.approx(values, rel=1e-5, nan_ok=True) or name.endswith("mcc")
    document = json.loads((run / "experiment.json").read_text())
    document["training"]["epochs"] = 10
    (run / "experiment.json").write_text(json.dumps(document))
    with lock_folder(run):
        answer = state(studio).json()
        for epochs, seconds_left in ((4, 0), (3, 0), ("auto", None)):
            document["training"]["epochs"] = epochs
            (run / "experiment.json").write_text(json.dumps(document))
            assert state(studio).json()["seconds_left"] == seconds_left
        (run / "log.txt").unlink()
        begun = state(studio).json()
    assert (begun["history"], begun["num_epochs"], begun["seconds_left"]) == ({}, 0, None)
    assert (answer["state"], answer["num_epochs"], answer["max_epochs"]) == ("running", 4, 10)
    assert answer["seconds_left"] == pytest.approx(6 * sum(whole["seconds"][1:]) / 3, rel=1e-4)
    assert f"process {os.getpid()} on" in answer["owner"]
    assert not answer["can_stop"]  # it is the process of the page


def test_an_ensemble_in_progress_shows_the_member_in_training(studio, folder):
    run = folder / "runs/cubes/flat"
    interrupt(run)
    document = json.loads((run / "experiment.json").read_text())
    document["training"] |= {"epochs": 4, "members": 3}
    (run / "experiment.json").write_text(json.dumps(document))
    text = "2026-11-26 19:22:06,492 INFO member={} epoch={} seconds={} train_loss={}\n"
    places = [(1, 1, 9, 0.9), (1, 2, 50, 0.8), (1, 3, 3, 0.8), (1, 4, 2, 0.8)]
    places += [(2, 1, 8, 0.7), (2, 2, 2, 0.6), (2, 3, 5, "nan")]
    (run / "log.txt").write_text("".join(text.format(*place) for place in places))
    with lock_folder(run):
        answer = state(studio).json()
    assert answer["history"] == {"epoch": [1, 2, 3], "seconds": [8, 2, 5], "train_loss": [0.7, 0.6, None]}
    assert (answer["member"], answer["num_members"]) == (2, 3)
    assert (answer["num_epochs"], answer["max_epochs"], answer["ending"]) == (3, 4, "")
    assert answer["seconds_left"] == (4 - 3 + 4) * (3 + 2 + 8 + 2 + 5) / 5
    assert (answer["classes"], answer["positive"], answer["confusion_matrices"]) == ([], None, {})


def test_the_end_of_a_training_is_told_in_words_once_it_is_finished(studio, folder):
    answer = state(studio).json()
    assert (answer["member"], answer["num_members"], answer["num_epochs"]) == (None, 1, 4)
    assert re.search(rf"epoch {answer['kept_epoch']}\b", answer["ending"])
    assert answer["best_metric"] in SELECTABLE_METRICS
    values = read_history(folder / "runs/cubes/flat/history.csv")[f"validation_{answer['best_metric']}"]
    assert answer["best_value"] == pytest.approx(values[answer["kept_epoch"] - 1])


LINES = [
    "2026-11-26 19:22:06,492 INFO Training on 700 cases",
    "2026-11-26 19:22:06,492 INFO epoch=1 seconds=9 train_loss=0.5 validation_mcc=nan",
    "2026-11-26 19:22:07,492 INFO epoch=2 seconds=2 train_loss=0.4 validation_mcc=0.5",
    "2026-11-26 19:22:08,492 INFO epoch=3 seconds=2 train_loss=0.3 validation_mcc=0.5",
    "2026-11-26 19:22:09,492 ERROR interrupted",
    "2026-11-26 19:23:07,492 INFO epoch=2 seconds=3 train_loss=0.41 validation_mcc=-1e-05",
    "2026-11-26 19:23:07,492 INFO epoch=4 seconds",
]


def test_epochs_after_a_checkpoint_are_counted_once(tmp_path):
    history = parse_epochs(LINES)
    assert history == {
        "epoch": [1, 2],
        "seconds": [9, 3],
        "train_loss": [0.5, 0.41],
        "validation_mcc": [pytest.approx(float("nan"), nan_ok=True), -1e-05],
    }
    assert parse_epochs([]) == {}
    assert read_live_history(tmp_path) == {}


def test_only_the_end_of_a_long_log_is_read(tmp_path, monkeypatch):
    lines = [f"2026-11-26 19:22:06,492 INFO epoch={number} seconds=2\n" for number in range(1, 4)]
    (tmp_path / "log.txt").write_text("".join(lines))
    for num_bytes, epochs in ((500, [1, 2, 3]), (2 * len(lines[0]), [2, 3])):
        monkeypatch.setattr("archnet.studio.trainings.log_history.MAX_LOG_BYTES", num_bytes)
        assert read_live_history(tmp_path)["epoch"] == epochs


def test_a_report_opens_once_without_the_token_and_cannot_reach_the_api(studio, folder):
    address = studio.post("/api/report", json={"path": "runs/cubes/flat"}).json()["address"]
    with StudioClient(folder) as other:
        assert other.get(address).status_code == 404  # addresses belong to the server that issued them
    report = studio.get(address, headers={"authorization": ""})
    assert report.text == (folder / "runs/cubes/flat/report.html").read_text()
    assert report.headers["content-type"] == "text/html; charset=utf-8"
    policy = report.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    again = studio.get(address)
    assert (again.status_code, again.json()["error"]) == (
        404,
        "This address of a report was valid only once. Open the report from the page again.",
    )
    assert studio.get("/api/folder", headers={"origin": "null"}).status_code == 403


def test_a_report_that_was_removed_or_replaced_since_is_refused(studio, folder):
    report = folder / "runs/cubes/flat/report.html"
    addresses = [studio.post("/api/report", json={"path": "runs/cubes/flat"}).json()["address"] for _ in range(3)]
    report.unlink()
    assert studio.get(addresses[0]).status_code == 404
    os.mkfifo(report)
    assert studio.get(addresses[1]).status_code == 403
    report.unlink()
    report.symlink_to("/etc/hostname")
    assert studio.get(addresses[2]).status_code == 422


def test_only_reports_inside_the_folder_open(studio, folder):
    (folder.parent / "outside").mkdir()
    (folder.parent / "outside/report.html").write_text("secret")
    (folder / "out").symlink_to(folder.parent / "outside")
    os.mkfifo(folder / "runs/report.html")
    answers = [
        studio.post("/api/report", json={"path": path}) for path in ("out", "../outside", "runs", "runs/none", ".")
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 404, 404, 404]
    assert answers[2].json() == {"error": "runs: has no report.html. It is written when the run finishes."}


@pytest.mark.parametrize(
    ("request_values", "arguments"),
    [
        ({"documents": ["mine.json"]}, ["run", "--", "mine.json"]),
        (
            {"documents": ["mine.json"], "data": "npz:a b.npz", "root": "--help", "out": "runs/x", "mode": "resume",
             "settings": {"training.epochs": 5, "data.classes": ["--a", "$(b)"]}},
            ["run", "--data=npz:a b.npz", "--root=--help", "--set=training.epochs=5",
             '--set=data.classes=["--a", "$(b)"]', "--out=runs/x", "--resume", "--", "mine.json"],
        ),
    ],
)  # fmt: skip
def test_no_value_of_a_run_acts_as_an_option(folder, request_values, arguments):
    assert run_arguments(request_values, open_workspace(folder)) == arguments


@pytest.mark.parametrize(
    ("values", "status", "message"),
    [
        ({"documents": ["../x.json"]}, 403, '"../x.json": the path leads out of the folder of the page.'),
        ({"documents": ["none.json"]}, 404, "none.json: no such file. Save the document first."),
        ({"documents": ["mine.json"], "out": "/tmp"}, 403, '"/tmp": the path leads out of the folder of the page.'),
        ({"documents": ["mine.json"], "settings": {"--help": 1}}, 422, '"--help" is not a valid key. Use a key such as training.epochs or arch.layers[0].num_output.'),
        ({"documents": []}, 400, "$.documents: expected an array of at least 1, got []."),
        ({"documents": ["mine.json"], "data": "a\nb"}, 400, None),
    ],
)  # fmt: skip
def test_a_run_that_is_not_allowed_is_not_started(studio, values, status, message):
    answer = studio.post("/api/run/start", json=values)
    assert answer.status_code == status
    assert message is None or answer.json() == {"error": message}
    assert studio.get("/api/processes").json() == {"processes": []}


def fake_archnet(monkeypatch, script):
    """Start a script in place of `python -m archnet`."""
    popen = subprocess.Popen

    def start(command, **options):
        assert command[:3] == [sys.executable, "-m", "archnet"]
        assert options.get("shell") is None
        assert options["start_new_session"]
        assert (options["stdin"], options["stderr"]) == (subprocess.DEVNULL, subprocess.STDOUT)
        return popen([sys.executable, "-c", script, *command[3:]], **options)

    monkeypatch.setattr("archnet.studio.trainings.run_processes.subprocess.Popen", start)


def wait_for(condition):
    for _ in range(600):
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in 30 s")


def test_a_started_process_is_listed_with_its_messages_until_it_ends(studio, folder, monkeypatch):
    fake_archnet(monkeypatch, "import os, sys; print(os.getcwd()); print(sys.argv[1:], file=sys.stderr); sys.exit(2)")
    started = studio.post("/api/run/start", json={"documents": ["mine.json"], "data": "phantom"}).json()
    assert (started["id"], started["command"]) == (1, "archnet run --data=phantom -- mine.json")
    ended = wait_for(
        lambda: next((one for one in studio.get("/api/processes").json()["processes"] if not one["is_running"]), None)
    )
    assert ended["exit_code"] == 2
    assert sorted(ended["output"]) == sorted([str(folder), "['run', '--data=phantom', '--', 'mine.json']"])


def test_processes_are_bounded_in_number(studio, monkeypatch):
    fake_archnet(monkeypatch, "import time; time.sleep(60)")
    answers = [studio.post("/api/run/start", json={"documents": ["mine.json"]}) for _ in range(MAX_RUNNING + 1)]
    assert [answer.status_code for answer in answers] == [200] * MAX_RUNNING + [422]
    assert answers[-1].json() == {"error": "4 processes are running. Wait for one to end, or stop one."}


def listed_process(number, process, output):
    started = datetime(2026, 1, 2, 3, 4, 5, 678_900, UTC)
    return StartedProcess(
        number=number, command=f"archnet run {number}", started=started, process=process, output=output
    )


def test_the_last_50_ended_processes_stay_in_the_list(tmp_path, monkeypatch):
    (tmp_path / "mine.json").write_text(ROOT_ARCH)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    fake_archnet(monkeypatch, "import time; time.sleep(60)")
    with StudioClient(tmp_path) as studio:
        outputs = [(tmp_path / f"{number}.txt").open("w+b") for number in range(1, 53)]
        studio.runs.processes += [listed_process(number, ended, output) for number, output in enumerate(outputs, 1)]
        assert studio.post("/api/run/start", json={"documents": ["mine.json"]}).json()["id"] == 53
        assert [one["id"] for one in studio.get("/api/processes").json()["processes"]] == list(range(53, 2, -1))
        assert [output.closed for output in outputs] == [True] * 2 + [False] * 50
    assert all(output.closed for output in outputs)


@pytest.mark.parametrize(
    ("content", "first", "number"),
    [
        (b"\n".join(b"%d" % number for number in range(100)), "0", 100),
        (b"\n".join(b"%d" % number for number in range(101)), "1", 100),
        (b"x" + b"a" * 32_000, "a" * 32_000, 1),
        (b"a" * 31_999 + b"\xff", "a" * 31_999 + "\ufffd", 1),
        (b"", None, 0),
    ],
)
def test_a_process_is_listed_with_its_last_messages(tmp_path, content, first, number):
    with (tmp_path / "output").open("w+b") as output:
        output.write(content)
        output.flush()
        process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
        process.wait()
        document = listed_process(7, process, output).to_document()
        assert output.tell() == len(content)  # it is shared with the process that writes
    assert (document["id"], document["command"], document["is_running"], document["exit_code"]) == (
        *(7, "archnet run 7"),
        *(False, 3),
    )
    assert document["started"] == "2026-01-02T03:04:05+00:00"
    assert len(document["output"]) == number
    assert not number or document["output"][0] == first


def test_a_process_of_somebody_else_is_not_stopped(studio, folder):
    run = folder / "runs/cubes/flat"
    interrupt(run)
    with lock_folder(run):
        stopped = studio.post("/api/run/stop", json={"path": "runs/cubes/flat"})
    assert stopped.status_code == 422
    message = "runs/cubes/flat: the run cannot be stopped from here because it belongs to "
    assert stopped.json()["error"].startswith(message)
    assert f"(process {os.getpid()} on " in stopped.json()["error"]


@pytest.mark.parametrize("is_own", [True, False])
def test_a_process_of_the_page_or_of_this_user_is_stopped(studio, folder, monkeypatch, is_own):
    run, processes = folder / "runs/cubes/flat", "archnet.studio.trainings.run_processes"
    interrupt(run)
    sleep = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    owner = LockOwner(pid=sleep.pid, host="here", command="archnet run")
    monkeypatch.setattr(f"{processes}.run_owner", lambda path: owner if path == run else None)
    monkeypatch.setattr(f"{processes}.is_stoppable", lambda asked: not is_own and asked is owner)
    if is_own:
        studio.runs.processes.append(listed_process(1, sleep, (folder / "output").open("w+b")))
    with lock_folder(run):
        stopped = studio.post("/api/run/stop", json={"path": "runs/cubes/flat"})
    assert sleep.wait(timeout=30) == -signal.SIGTERM
    assert (stopped.status_code, stopped.json()) == (
        200,
        {"stopped": f"archnet run (process {sleep.pid} on here)"},
    )


def test_a_report_of_the_maximum_size_opens_and_a_larger_one_does_not(tmp_path):
    (tmp_path / "flat").mkdir()
    with StudioClient(tmp_path) as studio, (tmp_path / "flat/report.html").open("wb") as report:
        report.truncate(256_000_000)
        assert studio.post("/api/report", json={"path": "flat/"}).status_code == 200
        report.truncate(256_000_001)
        answer = studio.post("/api/report", json={"path": "flat"})
    assert (answer.status_code, answer.json()["error"]) == (
        422,
        "flat: its report is larger than 256.0 MB. Open report.html in the run folder instead.",
    )


@pytest.mark.parametrize(
    ("num_lines", "length", "first"), [(200, 10, 0), (201, 10, 1), (64, 1000, 0), (65, 1000, 2), (0, 10, 0)]
)
def test_a_log_is_shown_from_a_whole_line_near_its_end(tmp_path, num_lines, length, first):
    path = tmp_path / "log.txt"
    assert last_lines(path) == []
    path.write_bytes(b"".join(b"%0*d\n" % (length - 1, number) for number in range(num_lines)))
    assert [int(line) for line in last_lines(path)] == list(range(first, num_lines))


def test_a_run_without_a_process_is_neither_stopped_nor_resumed(studio, folder):
    stopped = studio.post("/api/run/stop", json={"path": "runs/cubes/flat"})
    assert (stopped.status_code, stopped.json()) == (
        422,
        {"error": "runs/cubes/flat: this run has no running process."},
    )
    resumed = studio.post("/api/run/resume", json={"path": "runs/cubes/flat"})
    assert (resumed.status_code, resumed.json()) == (
        422,
        {"error": "runs/cubes/flat: the run is finished, so there is nothing to resume."},
    )
    assert studio.post("/api/run/resume", json={"path": "runs"}).status_code == 404


def test_an_interrupted_run_is_resumed_with_the_settings_in_its_folder(studio, folder, monkeypatch):
    fake_archnet(monkeypatch, "")
    interrupt(folder / "runs/cubes/flat")
    answer = studio.post("/api/run/resume", json={"path": "runs/cubes/flat"}).json()
    assert answer["command"] == "archnet run --resume --out=runs/cubes -- runs/cubes/flat/experiment.json"


@pytest.mark.parametrize(
    ("command", "is_ours"),
    [
        ("/usr/bin/python -m archnet run net.json", True),
        ("archnet sweep", True),
        ("/opt/bin/archnet versus", True),
        ("archnet show net.json", False),
        ("vim archnet", False),
        ("run archnet", False),
        ("vim run", False),
    ],
)
def test_a_process_with_the_number_of_a_run_is_stopped_only_if_it_trains(tmp_path, monkeypatch, command, is_ours):
    monkeypatch.setattr("archnet.studio.trainings.run_owner._PROCESSES", tmp_path)
    for pid in (0, 1, 77, os.getpid()):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cmdline").write_text(command.replace(" ", "\0") + "\0")
        owner = LockOwner(pid=pid, host=os.uname().nodename)
        assert is_stoppable(owner) == (is_ours and pid == 77)


def test_only_archnet_of_this_user_on_this_machine_is_stopped():
    host = os.uname().nodename
    assert not is_stoppable(LockOwner(pid=os.getpid(), host=host))
    assert not is_stoppable(LockOwner(pid=1, host=host))
    archnet, other = (
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", name, "run"])
        for name in ("archnet", "archnet-x")
    )
    try:
        wait_for(lambda: is_stoppable(LockOwner(pid=archnet.pid, host=host)))
        assert not is_stoppable(LockOwner(pid=archnet.pid, host="elsewhere"))
        assert not is_stoppable(LockOwner(pid=other.pid, host=host))
    finally:
        for process in (archnet, other):
            process.kill()
            process.wait()
    assert not is_stoppable(LockOwner(pid=archnet.pid, host=host))


RUN_FILES = (
    "experiment.json",
    "metrics.json",
    "history.csv",
    "environment.json",
    "tags.json",
    "manifest.json",
    "log.txt",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN_FILES)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "text", "list"])
def test_a_damaged_run_takes_neither_the_table_nor_the_page_down(studio, folder, name, kind):
    path = folder / "runs/cubes/flat" / name
    path.unlink(missing_ok=True)
    damage = {
        "pipe": lambda: os.mkfifo(path),
        "device": lambda: path.symlink_to("/dev/zero"),
        "folder": path.mkdir,
        "text": lambda: path.write_text("hello"),
        "list": lambda: path.write_text("[]"),
    }
    damage[kind]()
    table = studio.get("/api/runs")
    assert table.status_code == 200
    assert "runs/cubes/deep" in [row["path"] for row in table.json()["runs"]]
    assert state(studio).status_code in (200, 404, 422)
    assert state(studio, "runs/cubes/deep").status_code == 200


def test_the_epochs_of_an_ensemble_are_those_of_each_member():
    text = "2026-11-26 19:22:06,492 INFO member={} epoch={} seconds={}"
    places = [(1, 1, 3), (1, 2, 2), (2, 1, 4), (2, 2, 9), (2, 2, 5)]  # the last epoch again after an interruption
    history = parse_epochs([text.format(*place) for place in places])
    assert history == {"member": [1, 1, 2, 2], "epoch": [1, 2, 1, 2], "seconds": [3, 2, 4, 5]}
