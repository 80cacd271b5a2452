import numpy as np
import pytest

from archnet.data import open_dataset
from archnet.errors import DataError
from archnet.spec.experiment import Data
from archnet.spec.view import InputLimits


def _save(path, **arrays):
    np.savez(path, **arrays)
    return path


def _open(path, **options):
    return open_dataset(Data(name="npz", root=str(path), **options))


def _random(shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype)


def test_arrays_become_cases(tmp_path):
    x = _random((4, 5, 6))
    dataset = _open(_save(tmp_path / "a.npz", x=x, y=[3, 1, 3, 10], group=[7, 7, 8, 9]))
    assert dataset.cases.ids.tolist() == ["0", "1", "2", "3"]
    assert dataset.cases.groups.tolist() == ["7", "7", "8", "9"]
    assert dataset.cases.classes == ("1", "3", "10")
    assert dataset.cases.labels.tolist() == [1, 0, 1, 2]
    assert dataset.cases.own_sets is None
    assert dataset.shape == (5, 6)
    assert dataset.limits == InputLimits.of(0, 255)
    np.testing.assert_array_equal(dataset.crops(np.array([2, 0])).values, x[[2, 0]])


def test_without_groups_every_case_is_its_own(tmp_path):
    dataset = _open(_save(tmp_path / "a.npz", x=_random((3, 4, 4)), y=[0, 1, 1]))
    assert dataset.cases.groups.tolist() == ["0", "1", "2"]


def test_axes_zyx_are_turned_to_height_width_depth(tmp_path):
    x = _random((2, 3, 4, 5))
    dataset = _open(_save(tmp_path / "a.npz", x=x, y=[0, 1]), axes="zyx")
    assert dataset.shape == (4, 5, 3)
    assert dataset.crop(1)[1, 2, 0] == x[1, 0, 1, 2]


@pytest.mark.parametrize(
    ("x", "options", "limits"),
    [
        (_random((2, 3, 3)), {}, (0, 255)),
        (_random((2, 3, 3), np.float64) / 255, {}, (0, 1)),
        (_random((2, 3, 3), np.float32) * 5 - 1000, {}, (-1000, 400)),
        (_random((2, 3, 3), np.int16) * 5 - 1000, {"window_hu": (-1200, 600)}, (-1200, 600)),
        (_random((2, 3, 3)), {"range": "hu"}, (-1000, 400)),
        (_random((2, 3, 3)), {"range": (10, 20)}, (10, 20)),
        (_random((2, 3, 3)) > 100, {}, (0, 1)),
    ],
)
def test_the_range_is_what_is_asked_for_or_what_the_numbers_look_like(tmp_path, x, options, limits):
    assert _open(_save(tmp_path / "a.npz", x=x, y=[0, 1]), **options).limits == InputLimits.of(*limits)


@pytest.mark.parametrize("shape", [(4, 4), (4, 3), (4, 4, 5)])
def test_medmnist_files_bring_their_own_sets(tmp_path, shape):
    parts = {name: _random((count, *shape)) for name, count in (("train", 3), ("val", 2), ("test", 1))}
    arrays = {f"{name}_images": images for name, images in parts.items()}
    arrays |= {f"{name}_labels": np.arange(len(images)).reshape(-1, 1) % 2 for name, images in parts.items()}
    dataset = _open(_save(tmp_path / "a.npz", **arrays))
    assert dataset.cases.own_sets.tolist() == ["train"] * 3 + ["validation"] * 2 + ["test"]
    assert dataset.cases.labels.tolist() == [0, 1, 0, 0, 1, 0]
    np.testing.assert_array_equal(dataset.crops(np.array([3])).values, parts["val"][:1])


def test_the_positive_class_is_the_second_or_the_one_that_is_named(tmp_path):
    path = _save(tmp_path / "a.npz", x=_random((3, 4, 4)), y=[0, 1, 2])
    assert _open(path).cases.positive == 1
    assert _open(path, positive="2").cases.positive == 2
    with pytest.raises(DataError) as caught:
        _open(path, positive="nodule")
    assert str(caught.value) == 'data.positive: no class "nodule". The data have "0", "1", "2".'


X = _random((2, 3, 3))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X, "y": [0j, 1j]}, "y must contain numbers or text, one label for each case, got complex128"),
        ({"x": X, "y": [1, 1]}, "all labels in y are 1; classification needs at least two classes"),
        ({"x": X, "y": [[["a"]], [["b"]]]}, "y must contain one label for each case, got (2, 1, 1)"),
        ({"x": X, "y": [b"\xff", b"a"]}, "y must contain numbers or text, got bytes that are not UTF-8"),
        ({"x": X, "y": [0, 1], "classes": [["a", "b"]]}, "classes must contain one entry for each class, got (1, 2)"),
        ({"x": X, "y": [0, 1, 1]}, "x has 2 cases, y has 3; give one entry for each case"),
        ({"x": X.astype(complex), "y": [0, 1]}, "x: Hounsfield units must be numbers, got complex128"),
        (
            {"x": X[:, :2, :2] * np.int32(0) + np.array([[0, 32767], [-1, 32768]]), "y": [0, 1]},
            "x: Hounsfield units must fit 16-bit integers, got values from -1 to 32768",
        ),
        ({"x": X, "y": [0, 1], "group": [1]}, "x has 2 cases, group has 1; give one entry for each case"),
        (
            {"x": X, "y": [0, 1], "split": ["train", "holdout"]},
            'split must name "train", "validation" or "test", got "holdout"; rename its sets (numbers of sets: '
            'np.array(["train", "validation", "test"])[split])',
        ),
        (
            {"x": X[0], "y": [0, 1, 1]},
            "x must be (N, height, width) or (N, height, width, depth), got (3, 3)",
        ),
        (
            {"x": [np.zeros((3, 3)), np.full((3, 3), np.nan)], "y": [0, 1]},
            "x contains NaN or infinity in 1 case (1; counted from 0); replace these values with air (numpy.nan_to_num), "
            "or omit the cases",
        ),
        *(
            (
                {"x": [np.full((3, 3), np.nan)] * count + [np.zeros((3, 3))], "y": np.arange(count + 1) % 2},
                f"x contains NaN or infinity in {count} cases ({rows}; counted from 0); replace these values with air "
                "(numpy.nan_to_num), or omit the cases",
            )
            for count, rows in ((3, "0, 1, 2"), (4, "0, 1, 2, ..."))
        ),
        (
            {"images": X, "labels": [0, 1]},
            "expected the arrays x and y, or train_images and train_labels as in MedMNIST; found images, labels",
        ),
        (
            {"train_images": _random((2, 4, 4, 3)), "train_labels": [0, 1]},
            "train_images is (2, 4, 4, 3), colour images; set data.channels=3, or convert them to grey: "
            "train_images=train_images[..., :3].mean(axis=-1).astype(train_images.dtype). Volumes of 3 slices need a channel axis: "
            "train_images=train_images[..., None]",
        ),
    ],
)
def test_arrays_that_are_not_a_data_set_are_refused(tmp_path, arrays, message):
    path = _save(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError) as caught:
        _open(path)
    assert str(caught.value) == f"{path}: {message}."


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("x", "save numbers, all cases in one shape: x=numpy.stack(list(x))"),
        ("y", "save text: y=y.astype(str)"),
        ("group", "save text: group=group.astype(str)"),
        ("classes", "save text: classes=classes.astype(str)"),
    ],
)
def test_python_objects_are_never_unpickled(tmp_path, key, remedy):
    arrays = {"x": X, "y": [0, 1], key: np.array([{"run": "me"}, 1], dtype=object)}
    path = _save(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError) as caught:
        _open(path)
    assert str(caught.value) == f"{path}: {key} contains Python objects, which are never loaded; {remedy}."


def test_labels_that_pandas_keeps_as_objects_can_be_used_after_the_line_that_the_message_gives(tmp_path):
    y = np.array(["nodule", "benign", "nodule"], dtype=object)
    path = _save(tmp_path / "a.npz", x=_random((3, 4, 4)), y=y)
    with pytest.raises(DataError, match=r"y=y\.astype\(str\)\.$"):
        _open(path)
    cases = _open(_save(path, x=_random((3, 4, 4)), y=y.astype(str))).cases
    assert cases.classes == ("benign", "nodule")
    assert cases.labels.tolist() == [1, 0, 1]


def test_groups_and_sets_of_bytes_are_text(tmp_path):
    path = _save(tmp_path / "a.npz", x=X, y=[0, 1], group=["Å1".encode(), b"B2"], split=[b"train", b"val"])
    cases = _open(path).cases
    assert cases.groups.tolist() == ["Å1", "B2"]
    assert cases.own_sets.tolist() == ["train", "validation"]


def test_class_names_of_the_file_and_of_the_experiment(tmp_path):
    x = _random((3, 4, 4))
    path = _save(tmp_path / "a.npz", x=x, y=[0, 1, 1], classes=["non-nodule", "nodule"])
    assert _open(path).cases.classes == ("non-nodule", "nodule")
    assert _open(path).findings == ()
    dataset = _open(path, classes=("no", "yes"), positive="no")
    assert dataset.cases.classes == ("no", "yes")
    assert dataset.cases.positive == 0
    medmnist = {"train_images": x, "train_labels": np.array([[0], [1], [1]]), "classes": [b"no", b"yes"]}
    assert _open(_save(path, **medmnist)).cases.classes == ("no", "yes")


def test_text_labels_say_which_class_is_positive_unless_that_is_given(tmp_path):
    path = _save(tmp_path / "a.npz", x=_random((3, 4, 4)), y=["nodule", "non-nodule", "nodule"])
    dataset = _open(path)
    assert dataset.cases.positive == 1
    assert [note.text for note in dataset.findings] == [
        'The positive class, for which recall is reported, is "non-nodule", the second in alphabetical order. To '
        'choose a different class, set data.positive="nodule".'
    ]
    assert _open(path, positive="nodule").findings == ()
    assert _open(path, classes=("non-nodule", "nodule")).findings == ()


def test_a_channel_axis_is_left_out_with_a_note(tmp_path):
    x = _random((2, 1, 5, 6))
    dataset = _open(_save(tmp_path / "a.npz", x=x, y=[0, 1], classes=["a", "b"]))
    assert dataset.shape == (5, 6)
    np.testing.assert_array_equal(dataset.crop(1), x[1, 0])
    (note,) = dataset.findings
    assert (note.check, note.severity) == ("array_layout", "note")
    assert note.text == ("x is (2, 1, 5, 6): its axis of length 1 is read as a channel and removed, so a case is 5x6.")


def test_a_single_array_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", X)
    with pytest.raises(DataError) as caught:
        _open(tmp_path / "a.npy")
    assert str(caught.value) == (
        f"{tmp_path / 'a.npy'}: this file contains a single array; expected an .npz file with the arrays x and y."
    )


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut off"])
def test_a_file_that_is_not_an_npz_file_is_refused(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz: "):
        _open(path)


def test_a_missing_file_and_a_missing_name_are_distinguished(tmp_path):
    with pytest.raises(DataError) as caught:
        _open(tmp_path / "a.npz")
    assert str(caught.value) == f"{tmp_path / 'a.npz'}: there is no such file."
    with pytest.raises(DataError) as caught:
        open_dataset(Data(name="npz"))
    assert str(caught.value) == "data.root: an npz data set needs its file. Write --data npz:PATH."


@pytest.mark.parametrize(("axes", "shape"), [("hwd", (5, 6)), ("hwd", (5, 6, 4)), ("zyx", (5, 6)), ("zyx", (6, 4, 5))])
def test_the_last_axis_holds_the_channels_if_that_is_said(tmp_path, axes, shape):
    x = _random((2, *((5, 6) if len(shape) == 2 else (5, 6, 4)), 3))
    dataset = _open(_save(tmp_path / "a.npz", x=x, y=[0, 1]), channels=3, axes=axes)
    assert dataset.shape == shape
    assert dataset.limits == InputLimits(windows=(((0, 255),) * 3,))
    in_order = np.moveaxis(x, 1, 3) if axes == "zyx" and len(shape) == 3 else x
    np.testing.assert_array_equal(dataset.crop(1), in_order[1])
    np.testing.assert_array_equal(dataset.crops(np.array([1, 0])).values, in_order[::-1])


def test_colour_images_of_medmnist_keep_their_channels_if_that_is_said(tmp_path):
    x = _random((2, 6, 5, 3))
    dataset = _open(_save(tmp_path / "a.npz", train_images=x, train_labels=[[0], [1]]), channels=3)
    assert dataset.shape == (6, 5)
    np.testing.assert_array_equal(dataset.crop(0), x[0])


def test_volumes_with_channels_that_look_stored_slice_by_slice_trigger_a_warning(tmp_path):
    path = _save(tmp_path / "a.npz", x=_random((2, 4, 6, 6, 3)), y=[0, 1], classes=["a", "b"])
    (finding,) = _open(path, channels=3).findings
    assert finding.remedy == "If so, set data.axes=zyx."
    assert _open(path, channels=3, axes="zyx").findings == ()


def test_soft_labels_and_weights_stay_with_their_cases(tmp_path):
    soft = [[0.75, 0.25], [0.25, 0.75], [0, 1], [1, 0]]
    cases = _open(_save(tmp_path / "a.npz", x=_random((4, 4, 4)), soft=soft, weight=[1, 2, 3, 4])).cases
    assert cases.labels.tolist() == [0, 1, 1, 0]
    some = cases.select(np.array([3, 0]))
    assert some.labels.tolist() == [0, 0]
    assert some.soft.tolist() == [[1, 0], [0.75, 0.25]]
    assert some.weight.tolist() == [4, 1]


def test_without_soft_labels_and_weights_there_are_none(tmp_path):
    cases = _open(_save(tmp_path / "a.npz", x=_random((3, 4, 4)), y=[0, 1, 1])).cases.select(np.array([0]))
    assert (cases.soft, cases.weight) == (None, None)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"soft": [[0, 1]]}, "x has 3 cases, soft has 1; give one entry for each case"),
        ({"weight": [1, 2]}, "x has 3 cases, weight has 2; give one entry for each case"),
        (
            {"weight": [1, 2, np.inf]},
            "weight is not positive and finite (such as inf) in 1 row (2; counted from 0); give a positive number, or "
            "omit cases that should not count",
        ),
    ],
)
def test_soft_labels_and_weights_that_do_not_match_the_cases_are_refused(tmp_path, arrays, reason):
    path = _save(tmp_path / "a.npz", x=_random((3, 4, 4)), y=[0, 1, 1], **arrays)
    with pytest.raises(DataError) as caught:
        _open(path)
    assert str(caught.value) == f"{path}: {reason}."


def test_soft_labels_next_to_the_arrays_of_medmnist_are_refused(tmp_path):
    path = _save(
        tmp_path / "a.npz", train_images=_random((2, 4, 4)), train_labels=[[0], [1]], soft=[[0.2, 0.8], [1, 0]]
    )
    with pytest.raises(DataError) as caught:
        _open(path)
    assert str(caught.value) == (
        f"{path}: soft needs the arrays x and y, but this file contains those of MedMNIST; save x, y, split and soft, or "
        "omit soft."
    )


def test_arrays_that_do_not_fit_into_memory_are_reported(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise MemoryError("Unable to allocate 3 TiB")

    path = _save(tmp_path / "a.npz", x=X, y=[0, 1])
    monkeypatch.setattr("archnet.data.npz.convert_to_hu", refuse)
    monkeypatch.setattr("archnet.data.npz.squeeze_channel", refuse)
    with pytest.raises(DataError) as caught:
        _open(path)
    assert str(caught.value) == f"{path}: its arrays do not fit into this machine's memory (Unable to allocate 3 TiB)."
