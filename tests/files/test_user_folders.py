"""Where archnet keeps a user's data: in the folders that variables name, else in the home folder if there is one."""

from pathlib import Path

import platformdirs
import pytest

from archnet.errors import DataError
from archnet.files.user_folders import data_home, log_folder, store_home


def _raise(*arguments, **options):
    raise RuntimeError("could not determine the home directory")


@pytest.mark.parametrize("find", [_raise, lambda *arguments, **options: "~/.local/share/archnet"])
def test_without_a_home_folder_no_folder_named_tilde_is_used(monkeypatch, find):
    for function in ("user_data_dir", "user_log_dir"):
        monkeypatch.setattr(platformdirs, function, find)
    for variable in ("ARCHNET_DATA", "ARCHNET_STORE"):
        monkeypatch.delenv(variable, raising=False)
    message = r"^The home folder of this user is unknown\. Set \$ARCHNET_DATA to a folder for data sets and crops\.$"
    for folder in (data_home, store_home):
        with pytest.raises(DataError, match=message):
            folder()
    assert log_folder() is None
    monkeypatch.setenv("ARCHNET_DATA", "data")
    assert (data_home(), store_home()) == (Path("data"), Path("data/store"))
    monkeypatch.setenv("ARCHNET_STORE", "crops")
    assert store_home() == Path("crops")
