"""`archnet data fetch`: what the command passes on and prints."""

import json
from pathlib import Path

import pytest

from archnet.fetching import catalogue
from command_line import invoked


@pytest.mark.parametrize("is_json", [True, False])
@pytest.mark.parametrize(
    ("options", "root", "subsets"),
    [([], "data/luna16", None), (["--root", "mine", "--subset", "3", "--subset", "0"], "mine", [3, 0])],
)
def test_the_files_of_a_data_set_are_fetched_into_its_folder(monkeypatch, tmp_path, options, root, subsets, is_json):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHNET_DATA", "data")
    calls = []

    def fetch(name, folder, numbers, progress, log):
        calls.append((name, Path(folder), numbers))
        log("Downloading subset3.zip")
        return [Path(folder) / "a.csv", Path(folder) / "subset3"]

    monkeypatch.setattr(catalogue, "fetch", fetch)
    done = invoked("data", "fetch", "luna16", *options, *(["--json"] if is_json else []))
    assert calls == [("luna16", Path(root), subsets)]
    assert done.stderr == "Downloading subset3.zip\n"
    paths = [f"{root}/a.csv", f"{root}/subset3"]
    if is_json:
        assert json.loads(done.stdout) == paths
    else:
        assert done.stdout == "".join(f"{path}\n" for path in paths)
