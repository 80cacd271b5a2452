"""Arguments of a wrong type or place: a message that names them, never another exception, and nothing is written."""

import re

import numpy as np
import pytest

import archnet
from archnet.files.documents.json_text import json_text
from archnet.files.path_argument import output_file, output_folder

NET = {"name": "net", "rank": 2, "layers": [{"type": "C", "num_output": 2, "kernel_size": 3}, {"type": "T"}]}
NO_PATH = "expected a path, as text or a pathlib.Path."


@pytest.fixture
def squares(tmp_path):
    y = np.arange(40) % 2
    np.savez(tmp_path / "squares.npz", x=np.zeros((40, 8, 8), np.float32) + y[:, None, None], y=y)
    return f"npz:{tmp_path / 'squares.npz'}"


def refused(call, message):
    with pytest.raises(archnet.ArchnetError, match=f"^{re.escape(message)}$"):
        call()


@pytest.mark.parametrize("path", [b"net.json", None, 3])
def test_what_is_not_a_path_is_named(path):
    refused(lambda: archnet.load_experiments(path), f"source={path!r}: {NO_PATH}")
    refused(lambda: archnet.load_experiments([path]), f"source={path!r}: {NO_PATH}")
    refused(lambda: archnet.load_run(path), f"folder={path!r}: {NO_PATH}")
    refused(lambda: archnet.Run(path), f"folder={path!r}: {NO_PATH}")
    refused(lambda: archnet.compare(path), f"runs={path!r}: {NO_PATH}")
    refused(lambda: archnet.write_report([path]), f"runs={path!r}: {NO_PATH}")
    refused(lambda: archnet.predict(path, "scan.mhd"), f"run={path!r}: {NO_PATH}")
    refused(lambda: archnet.explain(path, "scan.mhd"), f"run={path!r}: {NO_PATH}")
    refused(lambda: archnet.export_model(path, "keras"), f"run={path!r}: {NO_PATH}")
    if path is not None:
        refused(lambda: archnet.load_data("luna16", root=path), f"root={path!r}: {NO_PATH}")
        refused(lambda: archnet.load_experiments(NET, root=path), f"root={path!r}: {NO_PATH}")
        refused(lambda: archnet.run(NET, data="phantom", out=path), f"out={path!r}: {NO_PATH}")


def test_names_that_no_file_can_have_are_refused():
    null, long = "a\0b", "x" * 300
    refused(lambda: archnet.load_arch(null), f"{null}: no such file.")
    refused(
        lambda: archnet.load_run(null),
        "folder='a\\x00b': a file name cannot contain a null character. Use a different name.",
    )
    refused(lambda: archnet.compare(long), f"runs={long!r}: cannot be read: File name too long. Use a different path.")


def test_an_output_takes_no_place_of_the_other_kind(tmp_path):
    (file := tmp_path / "taken").write_text("")
    for path in (file, file / "inner"):
        refused(
            lambda path=path: output_folder(path),
            f"out={str(path)!r}: {file} is a file, not a folder. Use a different folder.",
        )
    refused(
        lambda: output_file(file / "a.csv"),
        f"out={str(file)!r}: {file} is a file, not a folder. Use a different folder.",
    )
    refused(lambda: output_file(tmp_path), f"out={str(tmp_path)!r}: is a folder. Name a file in it.")
    assert output_file(tmp_path / "new/a.csv") == tmp_path / "new/a.csv"
    assert output_folder(str(tmp_path)) == tmp_path


def test_no_run_and_no_scan_are_refused():
    refused(lambda: archnet.predict([], "scan.mhd"), "no run is given. Name a run folder.")


def test_settings_are_a_mapping_of_dotted_keys():
    for settings in ("training.epochs=5", [("training.epochs", 5)]):
        refused(
            lambda settings=settings: archnet.load_experiments(NET, settings=settings),
            f'settings={settings!r}: expected a mapping, such as {{"training.epochs": 5}}.',
        )
    refused(
        lambda: archnet.load_experiments(NET, settings={3: 5}),
        '"3" is not a valid key. Use a key such as training.epochs or arch.layers[0].num_output.',
    )


def test_a_document_that_contains_itself_is_refused():
    itself = []
    itself.append(itself)
    message = "nested more than 64 levels deep. Does it contain itself?"
    refused(lambda: archnet.load_arch(itself), f"arch: {message}")
    refused(lambda: archnet.load_experiments(NET, settings={"data": {"a": itself}}), f"data: {message}")


@pytest.mark.parametrize("data", [3, b"phantom"])
def test_data_are_a_name(data):
    refused(
        lambda: archnet.load_data(data),
        f'data={data!r}: expected a name, npz:PATH, or a mapping such as {{"name": "phantom"}}.',
    )
    refused(
        lambda: archnet.load_experiments(NET, data=data),
        f"data={data!r}: expected a name or npz:PATH. Give options of the data in settings=.",
    )
    known = '--data: unknown data set "". Known: luna16, phantom, mosmed, folder, npz.'
    refused(lambda: archnet.load_experiments(NET, data=""), known)


def test_progress_and_callbacks_are_checked_before_anything_is_written(squares, tmp_path):
    out = tmp_path / "out"
    refused(
        lambda: archnet.run(NET, data=squares, out=out, progress="yes"),
        "progress='yes': expected True, False, None, or a function that shows progress.",
    )
    refused(
        lambda: archnet.run(NET, data=squares, out=out, callback=print),
        f"callback={print!r}: expected an object with the methods on_step and on_epoch.",
    )
    refused(
        lambda: archnet.run(NET, data=squares, out=out, device=0),
        '--device "0": expected cpu, gpu or a GPU by its number, such as gpu:1.',
    )
    assert not out.exists()


@pytest.mark.parametrize("shape", [8, "8x8", (8.5, 8), ()])
def test_a_shape_is_whole_numbers(shape):
    refused(
        lambda: archnet.load_arch(NET).plan(shape),
        f"arch: a 2D network does not accept the input {shape!r}. Give height x width, such as 64x64.",
    )


def test_numpy_gives_a_shape_and_classes_are_counted():
    arch = archnet.load_arch(NET)
    assert arch.plan(np.array([8, 8]))[0].output_shape == (8, 8, 2)
    assert arch.plan((8, 8), np.int64(3))[-1].output_shape == (3,)


@pytest.mark.parametrize("count", [0, -1, "2", 2.0, None])
def test_a_number_of_classes_is_a_whole_number(count):
    arch, message = archnet.load_arch(NET), f"arch: num_classes={count!r}: expected a whole number of at least 1."
    refused(lambda: arch.plan((8, 8), count), message)
    refused(lambda: arch.build((8, 8), count), message)
    refused(lambda: archnet.make_twin(arch, 3, input_shape=(8, 8, 8), num_classes=count), message)


def test_experiments_that_cannot_share_a_folder_are_refused(squares, tmp_path):
    first = archnet.load_experiments(NET, data=squares)
    other = archnet.load_experiments(NET, data="phantom")
    root = squares.removeprefix("npz:")
    refused(
        lambda: archnet.run_all([*first, *other], out=tmp_path / "out"),
        f'the experiments "squares" and "phantom" differ: data.name "npz" -> "phantom", data.root {json_text(root)} -> '
        "null, data.channels 1 -> null and 4 more. Run those with the same data, split and evaluation together.",
    )
    upper = archnet.load_experiments({**NET, "name": "Net"}, data=f"npz:{root}")
    for same, name in ((first, "net"), (upper, "Net")):
        refused(
            lambda same=same: archnet.run_all([*first, *same], out=tmp_path / "out"),
            f'the runs "net" and "{name}" would share a folder. Give the architectures different names ("name"), or the '
            'trainings different seeds ("training.seed").',
        )
    assert not (tmp_path / "out").exists()
