import pytest

from archnet.data import DATASET_OPENERS, open_dataset
from archnet.data.scan_dataset import require_root
from archnet.errors import DataError
from archnet.spec.experiment import Data


def test_an_unknown_data_set_is_refused_with_the_nearest_name():
    with pytest.raises(DataError) as caught:
        open_dataset(Data(name="luna"))
    assert str(caught.value) == (
        f'data.name: unknown data set "luna". Did you mean "luna16"? Known: {", ".join(DATASET_OPENERS)}.'
    )


def test_the_named_folder_comes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHNET_DATA", str(tmp_path))
    (tmp_path / "luna16").mkdir()
    (tmp_path / "mine").mkdir()
    assert require_root(Data(name="luna16")) == tmp_path / "luna16"
    assert require_root(Data(name="luna16", root=str(tmp_path / "mine"))) == tmp_path / "mine"


def test_a_missing_folder_says_where_it_was_looked_for_and_what_it_should_hold(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHNET_DATA", str(tmp_path))
    with pytest.raises(DataError) as caught:
        open_dataset(Data(name="mosmed"))
    assert str(caught.value) == (
        f"{tmp_path / 'mosmed'}: there is no such folder (no --root was given). mosmed needs one folder for each class "
        "(CT-0, CT-23) with scans inside. Name its folder with --root FOLDER, or fetch it: archnet data fetch mosmed."
    )
