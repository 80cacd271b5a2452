"""What several commands share: experiments with notes for the user, hints, warnings about scans."""

import errno
import io
import json
import sys
from pathlib import Path

import pytest

from archnet.cli.options import (
    check_names,
    echo,
    hint_if_interrupted,
    load_command_experiments,
    parse_overrides,
    print_json,
    print_scan_warnings,
    print_trainings,
)
from archnet.cli.process.unforeseen_errors import describe_os_error
from archnet.inference.trained_run import TrainedOn
from command_line import ROOT, invoked

NET = {"name": "net", "rank": 2, "layers": [{"type": "T"}]}


@pytest.fixture
def experiment(tmp_path):
    path = tmp_path / "experiment.json"
    path.write_text(json.dumps({"archs": [NET], "data": {"name": "luna16", "spacing_mm": [1, 1, 1]}}))
    return path


def test_keys_that_another_data_set_does_not_have_become_a_note_and_nothing_is_printed(experiment, capsys):
    experiments, notes = load_command_experiments([experiment], "mosmed", None, ["training.epochs=3"])
    assert notes == ["--data mosmed: ignoring spacing_mm, which this data set does not support."]
    assert [(one.data.name, one.training.epochs) for one in experiments] == [("mosmed", 3)]
    assert load_command_experiments([experiment], None, None, [])[1] == []
    assert capsys.readouterr() == ("", "")


def test_an_interruption_says_how_to_continue_and_an_error_of_the_system_what_was_kept():
    interruption = pytest.raises(KeyboardInterrupt, match=r"^Interrupted\. Use --resume\.$")
    with interruption, hint_if_interrupted("Use --resume.", "Runs are kept."):
        raise KeyboardInterrupt
    with pytest.raises(OSError, match="No space") as caught, hint_if_interrupted("Use --resume.", "Runs are kept."):
        raise OSError(errno.ENOSPC, "No space left on device", "a.json")
    assert describe_os_error(caught.value) == "a.json: No space left on device. Free some disk space. Runs are kept."
    caught.value.errno = errno.EACCES
    assert describe_os_error(caught.value) == (
        "a.json: Permission denied. Check the path, its permissions and the space on the disk."
    )


def test_scans_out_of_distribution_are_named_with_each_reason(capsys):
    print_scan_warnings({Path("a.mhd"): ["it is dark.", "it is short."], Path("b.mhd"): []})
    start = "Warning: a.mhd is out of distribution: "
    assert capsys.readouterr().err == f"{start}it is dark.\n{start}it is short.\n"


@pytest.mark.parametrize(("encoding", "text"), [("utf-8", '"é"'), ("cp1252", r'"\u00e9"')])
def test_json_is_ascii_where_stdout_is_not_utf_8(monkeypatch, encoding, text):
    stdout = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", stdout)
    print_json("é")
    stdout.flush()
    assert stdout.buffer.getvalue() == f"{text}\n".encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_printed_json_has_no_lone_surrogates_and_keeps_pairs(monkeypatch, encoding):
    stdout = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", stdout)
    print_json(["runs/\udcff", "🫁\x7f"])
    stdout.flush()
    assert json.loads(stdout.buffer.getvalue()) == [r"runs/\udcff", "🫁\x7f"]
    assert b"\x7f" not in stdout.buffer.getvalue()


def test_json_is_printed_into_a_text_buffer(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    print_json({"é": [1]})
    assert sys.stdout.getvalue() == '{\n  "é": [\n    1\n  ]\n}\n'


def test_json_that_cannot_be_written_names_the_stream(monkeypatch):
    class FullDisk(io.StringIO):
        def write(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", FullDisk())
    with pytest.raises(OSError, match="No space left") as caught:
        print_json(1)
    assert caught.value.filename == "standard output"


def test_the_checks_that_are_allowed_and_the_root_are_overrides_like_settings():
    overrides = parse_overrides(Path("scans"), ["training.epochs=3"], ["patients"])
    assert overrides[:2] == [(("data", "root"), "scans"), (("training", "epochs"), 3)]
    (experiment,), _ = load_command_experiments(
        [ROOT / "archs/archsm.json"], "phantom", Path("scans"), [], ["patients"]
    )
    assert (experiment.data.allow, experiment.data.root) == (("patients",), str(Path("scans").resolve()))
    assert parse_overrides(None, None) == []


def test_a_text_goes_to_stdout_unless_it_is_a_message(capsys):
    echo("a result")
    echo("a message", err=True)
    assert capsys.readouterr() == ("a result\n", "a message\n")


@pytest.mark.parametrize("group", [[], ["data"], ["sweep"]])
def test_a_command_group_alone_prints_its_help(group):
    result = invoked(*group)
    assert "Usage: " in result.output
    assert "Missing command" not in result.output


def test_many_scans_that_a_run_was_trained_on_are_counted_in_one_line(capsys):
    scans = [Path(f"{number}.mhd") for number in range(8)]
    run = TrainedOn(run=Path("runs/a"), sets=("train",))
    few = TrainedOn(run=Path("runs/a"), sets=("validation",))
    print_trainings({**{scan: [run] for scan in scans[:7]}, scans[7]: [few]})
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "Warning: each of 7 scans (0.mhd, 1.mhd, 2.mhd, 3.mhd, 4.mhd and 2 more) was in the training set of runs/a.",
        "Warning: 7.mhd was in the validation set of runs/a.",
    ]
    print_trainings({scan: [run] for scan in scans[:6]})
    assert "(0.mhd, 1.mhd, 2.mhd, 3.mhd, 4.mhd and 1 more)" in capsys.readouterr().err
    print_trainings({scan: [run] for scan in scans[:5]})
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"Warning: {number}.mhd was in the training set of runs/a." for number in range(5)]


@pytest.mark.skipif(sys.platform == "win32", reason="a current folder cannot be removed there")
def test_a_removed_current_folder_is_named_as_the_cause_of_a_missing_file(tmp_path, monkeypatch):
    missing = FileNotFoundError(errno.ENOENT, "No such file or directory", "a.json")
    assert describe_os_error(missing).startswith("a.json: No such file or directory. ")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    text = "The current folder no longer exists. Change to another folder and run the same command again."
    assert describe_os_error(missing) == text
    assert describe_os_error(PermissionError(errno.EACCES, "Permission denied", "a.json")).startswith("a.json: ")


def test_the_checks_that_can_be_allowed_are_those_of_the_schema():
    schema = json.loads((ROOT / "schemas/experiment.schema.json").read_text())
    assert check_names() == schema["properties"]["data"]["properties"]["allow"]["items"]["enum"]
