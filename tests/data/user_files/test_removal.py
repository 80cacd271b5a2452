"""Everything of archnet's own is removed, nothing else, and nothing at all while another process uses it."""

import os
import re
import subprocess
import sys
import threading

import pytest

from archnet.data.store import lock_store
from archnet.data.store_list import list_stores
from archnet.data.user_files.reading_processes import find_reading_process
from archnet.data.user_files.removal import remove_user_files
from archnet.data.user_files.user_files import list_user_files
from archnet.errors import RunError
from archnet.files.locks import LockedError, lock_folder
from user_home import files_below, fill_home, listed, stored, use_home, write

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the folders that Linux uses are written here")

KEPT = {
    "XDG_DATA_HOME/archnet/phantom/mine/scan.mhd",
    "XDG_DATA_HOME/archnet/mosmed/CT-23/scan.nii",
    ".bash_completions/other.sh",
    ".bashrc",
    "XDG_CACHE_HOME/matplotlib/fontlist.json",
    "runs/net/metrics.json",
    *(f"scans/scan{number}.{ending}" for number in range(4) for ending in ("mhd", "raw")),
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    use_home(tmp_path, monkeypatch)
    fill_home(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_all_files_of_archnet_are_removed_and_the_users_stay(home):
    (home / ".bashrc").chmod(0o600)
    assert remove_user_files(list_user_files()) == []
    assert files_below(home) == KEPT
    assert (home / ".bashrc").read_text() == "first\n\nlast\n"
    assert (home / ".bashrc").stat().st_mode & 0o777 == 0o600
    assert listed(home) == []
    assert not (home / "XDG_DATA_HOME/archnet/store").exists()
    assert not (home / "XDG_STATE_HOME/archnet").exists()


@pytest.mark.slow
def test_folders_that_a_variable_names_stay(home, monkeypatch):
    monkeypatch.setenv("ARCHNET_STORE", str(home / "crops"))
    write(home / "crops/copies/0123456789abcdef.json")
    remove_user_files(list_user_files())
    assert (home / "crops").is_dir()
    assert list((home / "crops").iterdir()) == []


@pytest.mark.slow
def test_a_folder_of_another_program_with_the_name_of_a_store_is_not_listed_and_stays(home):
    foreign = stored().with_name("0123456789abcdef")
    write(foreign / "mine.txt")
    assert foreign not in [store.folder for store in list_stores()]
    remove_user_files(list_user_files())
    assert (foreign / "mine.txt").exists()


@pytest.mark.slow
def test_a_link_in_place_of_a_store_is_removed_and_what_it_points_to_stays(home):
    store = stored()
    store.rename(home / "moved")
    store.symlink_to(home / "moved")
    remove_user_files(list_user_files())
    assert not os.path.lexists(store)
    assert (home / "moved/crops.npy").is_file()


@pytest.mark.slow
def test_a_bashrc_that_is_a_link_is_not_edited(home):
    (home / ".bashrc").rename(home / "dotfile")
    (home / ".bashrc").symlink_to(home / "dotfile")
    script = home / ".bash_completions/archnet.sh"
    assert remove_user_files(list_user_files()) == [
        f"{home / '.bashrc'} is a link and was not edited. Remove this line from it, then {script}: source '{script}'"
    ]
    assert script.is_file()
    assert script.name in (home / "dotfile").read_text()


def lock_of_a_store():
    return lock_store(stored())


def lock_of_the_phantoms():
    return lock_folder(stored().parents[1] / "phantom")


def lock_of_a_fetch():
    return lock_folder(stored().parents[1] / "mosmed")


@pytest.mark.slow
@pytest.mark.parametrize("lock", [lock_of_a_store, lock_of_the_phantoms, lock_of_a_fetch])
def test_nothing_is_removed_while_another_process_writes(home, lock):
    before, errors = listed(home), []

    def remove():
        try:
            remove_user_files(list_user_files())
        except LockedError as error:
            errors.append(str(error))

    with lock():
        thread = threading.Thread(target=remove)
        thread.start()
        thread.join()
    assert len(errors) == 1
    assert "another archnet process is writing to this folder" in errors[0]
    assert [entry for entry in listed(home) if ".archnet-" not in entry[1]] == [
        entry for entry in before if ".archnet-" not in entry[1]
    ]


@pytest.mark.slow
def test_nothing_is_removed_while_another_process_reads_crops(home):
    store, before = stored(), listed(home)
    code = "import sys, numpy; crops = numpy.load(sys.argv[1], mmap_mode='r'); print('ready', flush=True); input()"
    command = [sys.executable, "-c", code, str(store / "crops.npy")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout.readline() == "ready\n"
        message = (
            f"{store}: another process reads these crops: {' '.join(command)[:300]} (process {reader.pid}). "
            "Wait for it to end. Nothing was removed."
        )
        with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
            remove_user_files(list_user_files())
        reader.communicate("\n")
    assert [entry for entry in listed(home) if ".archnet-" not in entry[1]] == [
        entry for entry in before if ".archnet-" not in entry[1]
    ]
    assert find_reading_process([store]) is None
    remove_user_files(list_user_files())
    assert files_below(home) == KEPT
