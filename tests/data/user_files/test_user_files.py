"""Everything that archnet keeps outside run folders is listed with its size, and nothing of the user's."""

import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from archnet.data.user_files import reading_processes
from archnet.data.user_files.completion_scripts import CompletionScript, completion_scripts, remove_completion
from archnet.data.user_files.reading_processes import ReadingProcess, find_reading_process
from archnet.data.user_files.shared_caches import list_shared_caches
from archnet.data.user_files.user_files import list_user_files
from archnet.fetching.fetched_parts import FETCH_RECORD, fetched_parts, record_part
from user_home import fill_home, listed, stored, use_home, write

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the folders that Linux uses are written here")


@pytest.fixture
def home(tmp_path, monkeypatch):
    use_home(tmp_path, monkeypatch)
    return tmp_path


@pytest.mark.slow
def test_every_kind_of_file_is_listed_and_no_file_of_the_user(home):
    fill_home(home)
    assert listed(home) == [
        ("store", stored().relative_to(home).as_posix()),
        ("search", "XDG_DATA_HOME/archnet/store/copies"),
        ("phantom", "XDG_DATA_HOME/archnet/phantom/.archnet-01234567-fedcba987654"),
        ("phantom", "XDG_DATA_HOME/archnet/phantom/0123456789ab"),
        ("fetched", "XDG_DATA_HOME/archnet/luna16/.fetch"),
        ("fetched", "XDG_DATA_HOME/archnet/mosmed/CT-0"),
        ("fetched", "XDG_DATA_HOME/archnet/mosmed/CT-0.zip.sha256"),
        ("log", "XDG_STATE_HOME/archnet/log/last_error.txt"),
        ("completion", ".bash_completions/archnet.sh"),
    ]
    found = list_user_files()
    assert [(cache.path, cache.num_bytes, cache.description) for cache in found.shared] == [
        (home / "XDG_CACHE_HOME/matplotlib", 5, "Matplotlib: list of fonts")
    ]
    assert [file.num_bytes for file in found.files if file.kind in ("fetched", "log")] == [1, 1, 1, 1]
    assert found.num_items == 9
    assert found.num_bytes == found.stores[0].num_bytes + sum(file.num_bytes for file in found.files)


def test_an_empty_home_lists_nothing_and_stays_empty(home):
    assert listed(home) == []
    assert list(home.iterdir()) == []


def test_links_are_not_followed(home):
    write(home / "elsewhere/CT-0/scan.nii")
    write(home / "elsewhere/0123456789ab/phantom.json")
    data = home / "XDG_DATA_HOME/archnet"
    (data / "mosmed").mkdir(parents=True)
    (data / "mosmed/CT-0").symlink_to(home / "elsewhere/CT-0")
    record_part(data / "mosmed", "CT-0")
    (data / "phantom").mkdir()
    (data / "phantom/0123456789ab").symlink_to(home / "elsewhere/0123456789ab")
    (home / "elsewhere/luna16/.fetch").mkdir(parents=True)
    (data / "luna16").symlink_to(home / "elsewhere/luna16")
    assert listed(home) == []


def test_a_record_of_fetched_parts_names_only_parts_that_are_published(tmp_path):
    for name in ("CT-0", "CT-1"):
        write(tmp_path / f"mosmed/{name}/scan.nii")
    write(tmp_path / "mosmed" / FETCH_RECORD, "../other\n/etc\nCT-1\nCT-0\n")
    assert fetched_parts("mosmed", tmp_path / "mosmed") == [tmp_path / "mosmed/CT-0"]
    (tmp_path / "mosmed" / FETCH_RECORD).write_bytes(b"\xff")
    assert fetched_parts("mosmed", tmp_path / "mosmed") == []


def test_completion_scripts_of_other_programs_are_not_listed(home):
    write(home / ".zfunc/_archnet", "#compdef archnet of the user")
    write(home / ".config/fish/completions/archnet.fish", "complete _ARCHNET_COMPLETE")
    assert [(script.shell, script.path) for script in completion_scripts()] == [
        ("fish", home / ".config/fish/completions/archnet.fish")
    ]


@pytest.mark.parametrize(
    ("variables", "platform", "folder", "description"),
    [
        ({}, "linux", ".cache/matplotlib", "Matplotlib: list of fonts"),
        ({"XDG_CACHE_HOME": "caches"}, "linux", "caches/matplotlib", "Matplotlib: list of fonts"),
        ({"XDG_CACHE_HOME": "caches"}, "freebsd14", "caches/matplotlib", "Matplotlib: list of fonts"),
        ({"XDG_CACHE_HOME": "caches"}, "darwin", ".matplotlib", "Matplotlib: list of fonts"),
        ({"XDG_CACHE_HOME": "caches", "MPLCONFIGDIR": "mpl"}, "linux", "mpl", "Matplotlib: list of fonts"),
        ({}, "linux", ".keras", "Keras: configuration and downloads"),
        ({"KERAS_HOME": "k"}, "linux", "k", "Keras: configuration and downloads"),
        ({}, "linux", "temporary/ray", "Ray: logs of sweeps"),
        ({"RAY_TMPDIR": "r"}, "darwin", "r/ray", "Ray: logs of sweeps"),
        ({}, "linux", ".nv/ComputeCache", "CUDA: compiled kernels"),
        ({"CUDA_CACHE_PATH": "kernels"}, "linux", "kernels", "CUDA: compiled kernels"),
    ],
)
def test_a_shared_cache_is_found_where_its_library_keeps_it(
    home, monkeypatch, variables, platform, folder, description
):
    for variable in ("XDG_CACHE_HOME", "RAY_TMPDIR"):
        monkeypatch.delenv(variable)
    for variable, name in variables.items():
        monkeypatch.setenv(variable, str(home / name))
    monkeypatch.setattr(tempfile, "tempdir", str(home / "temporary"))
    monkeypatch.setattr("archnet.data.user_files.shared_caches.sys", SimpleNamespace(platform=platform))
    for name in ("caches", ".cache", ".matplotlib", "mpl", ".keras", "k", "temporary", "r", ".nv", "kernels"):
        (home / name).mkdir()
    write(home / folder / "file", "1234567")
    found = {cache.description: cache for cache in list_shared_caches()}
    assert (found[description].path, found[description].num_bytes) == (home / folder, 7)


def test_without_a_home_folder_what_the_variables_name_is_listed(home, monkeypatch):
    def refuse():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("KERAS_HOME", str(home / "k"))
    (home / "k").mkdir()
    monkeypatch.setattr(Path, "home", refuse)
    assert [cache.path for cache in list_shared_caches()] == [home / "k"]
    assert completion_scripts() == []


@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.parametrize("settings", ["first\nLINE  \r\n\nLINE\nLINE2\nlast", "LINE\n", "other\n", None])
@pytest.mark.parametrize("is_link", [False, True])
def test_of_a_bashrc_only_the_lines_that_read_the_script_are_removed(home, shell, settings, is_link):
    script = CompletionScript(shell=shell, path=home / "archnet.sh")
    script.path.touch()
    line = f"source '{script.path}'"
    written = None if settings is None else settings.replace("LINE", line)
    if written is not None:
        path = home / (".dotfile" if is_link else ".bashrc")
        path.write_bytes(written.encode())
        if is_link:
            (home / ".bashrc").symlink_to(path)
    note = remove_completion(script)
    has_line = shell == "bash" and written is not None and "LINE" in settings
    if has_line and is_link:
        assert note == (
            f"{home / '.bashrc'} is a link and was not edited. Remove this line from it, then {script.path}: {line}"
        )
    else:
        assert note is None
    assert script.path.exists() == (has_line and is_link)
    if written is not None:
        kept = written
        if has_line and not is_link:
            kept = "\n".join(text for text in written.split("\n") if text.rstrip("\r") != line)
        assert (home / ".bashrc").read_bytes().decode() == kept


def test_a_process_that_maps_a_file_of_a_store_is_found(tmp_path, monkeypatch):
    one, other = tmp_path / "store/one", tmp_path / "store/other"
    for number, mapped, command in (
        (1, "", "init"),
        (12, f"7f r--p 00 08:01 9 {one}2/crops.npy", "reads one2"),
        (34, f"7f r--p 00 08:01 9 {other}/crops.npy", "python\0train.py\0" + "x" * 400 + "\0"),
        (56, f"7f r--p 00 08:01 9 {other}/crops.npy", "later"),
        (os.getpid(), f"7f r--p 00 08:01 9 {one}/crops.npy", "this process"),
    ):
        write(tmp_path / f"proc/{number}/maps", f"7f r-xp 00 08:01 1 /usr/bin/x\n{mapped}\n")
        write(tmp_path / f"proc/{number}/cmdline", command)
    (tmp_path / "proc/78/maps").mkdir(parents=True)  # cannot be read
    monkeypatch.setattr(reading_processes, "_PROCESSES", tmp_path / "proc")
    assert find_reading_process([one, other]) == ReadingProcess(
        pid=34, command=("python train.py " + "x" * 400)[:300], folder=other
    )
    assert find_reading_process([one]) is None
    assert find_reading_process([]) is None
