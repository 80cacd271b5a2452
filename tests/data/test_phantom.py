"""The phantom that runs generate: once, by one process."""

import re
import threading

import pytest

from archnet.data import phantom
from archnet.files.locks import LockedError, lock_folder
from archnet.spec.experiment import Data


def test_a_second_process_waits_for_the_phantom_of_the_first(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHNET_DATA", str(tmp_path))
    monkeypatch.setattr(phantom, "_LOCK_SECONDS", 0)
    errors = []

    def open_second():
        try:
            phantom.open_phantom(Data(name="phantom"))
        except LockedError as error:
            errors.append(str(error))

    with lock_folder(tmp_path / "phantom"):
        thread = threading.Thread(target=open_second)
        thread.start()
        thread.join()
    start = f"{tmp_path / 'phantom'}: another archnet process is writing to this folder: "
    assert len(errors) == 1
    assert re.match(re.escape(start), errors[0])
    assert not (tmp_path / "phantom").exists()


@pytest.mark.parametrize("name", [".archnet-01234567-0123456789ab", ".archnet-0a1b2c3d-phantom"])
def test_the_unfinished_phantom_of_a_killed_process_is_removed_by_the_next(tmp_path, monkeypatch, name):
    (tmp_path / "phantom" / name).mkdir(parents=True)
    monkeypatch.setenv("ARCHNET_DATA", str(tmp_path))
    monkeypatch.setattr(phantom, "generate_phantom", lambda folder, *rest: folder.mkdir())
    monkeypatch.setattr(phantom, "Luna16Dataset", lambda root, *rest: root)
    opened = phantom.open_phantom(Data(name="phantom"))
    assert list((tmp_path / "phantom").iterdir()) == [opened]
