"""Files of run folders that are refused, and those that are found."""

import os
import re

import pytest

from archnet.errors import DataError
from archnet.evaluation.run_folder import find_weights_file, read_run_table


def test_a_pipe_in_the_place_of_a_table_is_not_read(tmp_path):
    path = tmp_path / "history.csv"
    os.mkfifo(path)
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}: is a device or a pipe, not a file. "):
        read_run_table(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read_run_table(path)
    path.write_text("epoch,seconds\n1,2.5\n")
    table = read_run_table(path)
    assert (list(table.header), [list(row) for row in table.rows]) == (["epoch", "seconds"], [["1", "2.5"]])


def sparse(path, size):
    """A file of a size that takes no space."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize("name", ["a.keras", "a.weights.h5"])
def test_weights_of_up_to_four_gigabytes_are_accepted(tmp_path, name):
    path = sparse(tmp_path / name, 4_000_000_000)
    assert find_weights_file(path) == path
    sparse(path, 4_000_000_001)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: 4.0 GB exceeds 4.0 GB. Use a smaller file.')}$"):
        find_weights_file(path)


def test_the_weights_of_a_run_are_its_model(tmp_path):
    message = f"{tmp_path}: has no model.keras. Name the folder of a finished run of a network, or a .keras file."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        find_weights_file(tmp_path)
    path = sparse(tmp_path / "model.keras", 1)
    assert find_weights_file(tmp_path) == path


def test_other_files_are_refused(tmp_path):
    missing = f"{tmp_path / 'b'}: no such file. Name a run folder, a .keras file or a .weights.h5 file."
    with pytest.raises(ValueError, match=f"^{re.escape(missing)}$"):
        find_weights_file(tmp_path / "b")
    path = sparse(tmp_path / "a.h5", 1)
    message = (
        f"{path}: expected a run folder, a .keras file or a .weights.h5 file. Open other files in Keras, and save the "
        'model with model.save("NAME.keras").'
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        find_weights_file(path)
