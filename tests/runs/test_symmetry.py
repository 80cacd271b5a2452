"""The symmetries of arrays: asked of the cases, found where they are, and told with their figures."""

import json
import math
import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import t
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

import archnet
from archnet.data import open_dataset
from archnet.errors import RunError
from archnet.files.strict_json import Document
from archnet.runs.planning.network_plan import check_feasible, plan_network
from archnet.runs.preparation import (
    find_in_experiment,
    resolve_auto_from_data,
    resolve_measured_values,
    split_cases,
    symmetry,
)
from archnet.runs.preparation.case_split import CaseSplit
from archnet.runs.preparation.coarse_models import symmetric_copies
from archnet.runs.preparation.coarse_models.copy_effect import Loss
from archnet.runs.preparation.coarse_models.symmetric_copies import RIGHT_ANGLES, coarse_images, make_copies
from archnet.runs.preparation.symmetry import find_symmetry
from archnet.spec.resolve import parse_experiments

FLAT = {"name": "flat", "rank": 2, "layers": [{"type": "T"}]}
DEEP = {"name": "deep", "rank": 3, "layers": [{"type": "T"}]}
KEY = "training.augmentation"


def experiment_on(path, arch=FLAT, **sections):
    sections = {"split": {"validation": 0.2}, **sections}
    document = {"archs": [arch], "data": {"name": "npz", "root": str(path)}, **sections}
    return parse_experiments(Document(value=document, source="mine.json"))[0]


def write_organs(path, place, shape=(12, 12), num_classes=2, num_cases=160):
    """Noise with a blob, whose place each class has for itself."""
    generator = np.random.default_rng(0)
    y = np.arange(num_cases) % num_classes
    x = generator.integers(0, 40, (num_cases, *shape)).astype(np.uint8)
    for case, label in zip(x, y, strict=True):
        box = tuple(slice(start, start + 4) for start in place(label, generator))
        case[box] += 100
    np.savez(path, x=x, y=y, group=np.arange(num_cases) // 2)
    return path


def left_or_right(label, generator):
    return generator.integers(0, 9), (1, 7)[label]


def bright_or_dark(path):
    generator = np.random.default_rng(0)
    y = np.arange(160) % 2
    x = generator.integers(0, 60, (160, 12, 12)) + generator.integers(0, 60, (160, 1, 1)) + 25 * y[:, None, None]
    np.savez(path, x=x.astype(np.uint8), y=y, group=np.arange(160) // 2)
    return path


def resolved(experiment):
    return resolve_auto_from_data(experiment, open_dataset(experiment.data))


def names_of(experiment):
    return [entry.to_document() for entry in experiment.training.augmentation if entry.name in ("flip", "right_angles")]


def test_left_and_right_are_not_flipped_nor_turned_and_the_run_reports_the_figures(tmp_path):
    experiment = resolved(experiment_on(write_organs(tmp_path / "organs.npz", left_or_right)))
    assert names_of(experiment) == [{"type": "flip", "axes": ["height"]}]
    reason = experiment.auto_reasons[KEY].partition(": ")[2]
    number = r"[+-]?\d\.\d{3}"
    assert re.fullmatch(
        "flips along height do not change the classes: a logistic regression on coarse voxels has AUC 1.000 "
        # 0.025^(1/8): the 16 groups hold 8 separate pairs of cases, all in the right order
        r"\(0.631 to 1.000\) on 32 validation cases, and AUC 1.000 \(difference \+0.000\) with "
        "such copies of the training cases; "
        rf"flips along width change the classes: AUC 0.\d+ \(difference -0.\d+, -{number} to -{number}\); "
        rf"rotations by right angles change the classes: AUC 0.\d+ \(difference -0.\d+, -{number} to -{number}\)",
        reason,
    )
    (finding,) = find_in_experiment(experiment, (12, 12))
    assert (finding.check, finding.severity) == ("symmetry", "warning")
    assert finding.message == f"Augmentation is {experiment.auto_reasons[KEY]}."
    before, value = finding.remedy.removesuffix(".").split("training.augmentation=")
    assert before == "To use flips and rotations anyway, set "
    again = experiment_on(tmp_path / "organs.npz", training={"augmentation": json.loads(value)})
    assert names_of(again) == [{"type": "right_angles"}, {"type": "flip", "axes": ["height", "width"]}]


def test_what_any_turn_leaves_alone_is_flipped_and_turned(tmp_path):
    experiment = resolved(experiment_on(bright_or_dark(tmp_path / "bright.npz")))
    assert names_of(experiment) == [{"type": "right_angles"}, {"type": "flip", "axes": ["height", "width"]}]
    reason = experiment.auto_reasons[KEY].partition(": ")[2]
    assert reason.startswith("flips along height and width and rotations by right angles do not change the classes: a ")
    assert find_in_experiment(experiment, (12, 12)) == ()


@pytest.mark.parametrize(
    ("first", "second", "interval", "is_worse"),
    [
        (0.9, 0.84, [-0.1, -0.01], True),
        (0.9, 0.84, None, True),
        (0.9, 0.84, [-0.2, 0.0], False),
        (0.9, 0.84, [-0.1, 0.01], False),
        (0.9, 0.86, [-0.05, -0.03], False),
        (0.05, 0.0, None, False),  # exactly the tolerated loss
    ],
)
def test_copies_are_worse_if_they_cost_more_than_005_beyond_chance(first, second, interval, is_worse):
    assert Loss(pair="", first=first, second=second, interval=interval).is_worse is is_worse


def test_the_effect_of_copies_is_told_with_its_interval():
    loss = Loss(pair="", first=0.9, second=0.84, interval=[-0.1, -0.01])
    assert loss.text == "AUC 0.840 (difference -0.060, -0.100 to -0.010)"
    assert Loss(pair="", first=0.9, second=0.9, interval=None).text == "AUC 0.900 (difference +0.000)"


def clustered_half_width(scores, y, groups):
    """Half the 95% interval of an area (Obuchowski 1997), for groups with as many positive as negative cases."""
    is_above = scores[y == 1, np.newaxis] > scores[y == 0]
    placements = np.empty(len(y))
    placements[y == 1], placements[y == 0] = is_above.mean(axis=1), is_above.mean(axis=0)
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], (placements - is_above.mean()) / (len(y) / 2))
    return t.ppf(0.975, len(sums) - 1) * (len(sums) / (len(sums) - 1) * (sums**2).sum()) ** 0.5


def test_the_figures_are_those_of_scikit_learn_on_all_copies(tmp_path):
    experiment = experiment_on(bright_or_dark(tmp_path / "bright.npz"))
    dataset = open_dataset(experiment.data)
    split = split_cases(dataset.cases, experiment)
    with np.load(tmp_path / "bright.npz") as arrays:
        x, y = arrays["x"] / 255, arrays["y"]
    training, validation = split.sets == "train", split.sets == "validation"
    copies = [np.rot90(turned, k, (1, 2)) for turned in (x[training], x[training][:, ::-1]) for k in range(4)]
    groups, areas, scores = np.arange(160)[validation] // 2, [], []
    for parts in (copies[:1], copies):
        flat = np.concatenate(parts).reshape(-1, 144)
        scaler = StandardScaler().fit(flat)
        model = LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000)
        model.fit(scaler.transform(flat), np.tile(y[training], len(parts)))
        scores.append(model.decision_function(scaler.transform(x[validation].reshape(-1, 144))))
        areas.append(roc_auc_score(y[validation], scores[-1]))
    reason = find_symmetry(dataset, split).reason
    told = re.findall(r"AUC (\d\.\d{3})", reason)
    assert [float(area) for area in told] == pytest.approx(areas, abs=0.004)
    low, high = map(float, re.search(r"\((\d\.\d{3}) to (\d\.\d{3})\)", reason).groups())
    assert areas[0] - low == pytest.approx(clustered_half_width(scores[0], y[validation], groups), abs=0.008)
    assert high == pytest.approx(min(1, 2 * areas[0] - low), abs=0.008)


def test_an_area_of_zero_has_an_exact_interval(tmp_path):
    y, sets = np.arange(64) % 2, np.repeat(["train", "validation"], 32)
    noise = np.random.default_rng(0).integers(0, 9, (64, 4, 4))
    x = noise + 200 * (y == (sets == "train"))[:, None, None]  # the brighter class is the darker one in validation
    np.savez(tmp_path / "x.npz", x=x.astype(np.uint8), y=y)
    found = find_symmetry(
        open_dataset(experiment_on(tmp_path / "x.npz").data), CaseSplit(rows=np.arange(64), sets=sets)
    )
    end = 1 - 0.025 ** (1 / 16)  # 16 pairs of cases, all in the wrong order
    assert f"coarse voxels has AUC 0.000 (0.000 to {end:.3f}) on 32 validation cases, which does not" in found.reason


@pytest.mark.parametrize(
    ("num_classes", "reason"),
    [
        (2, "has AUC 0.500 (0.500 to 0.500) on 36 validation cases, which does not show that it is better than chance"),
        (3, "separates no two classes on 36 validation cases"),
    ],
)
def test_equal_images_separate_no_classes(tmp_path, num_classes, reason):
    np.savez(tmp_path / "x.npz", x=np.full((72, 4, 4), 9, np.uint8), y=np.arange(72) % num_classes)
    sets = np.repeat(["train", "validation"], 36)
    found = find_symmetry(
        open_dataset(experiment_on(tmp_path / "x.npz").data), CaseSplit(rows=np.arange(72), sets=sets)
    )
    assert found.reason.endswith(f": a logistic regression on coarse voxels {reason}")
    assert (found.axes, found.right_angles) == ((), False)


def test_symmetries_that_change_nothing_alone_but_much_together_are_not_all_used(tmp_path):
    """Two classes in opposite corners: after one flip they lie in different halves still, after both they do not."""

    def corner(label, generator):
        return ((0, 0), (8, 12))[label]

    experiment = experiment_on(write_organs(tmp_path / "corners.npz", corner, (12, 16)))
    found = find_symmetry(open_dataset(experiment.data), split_cases(open_dataset(experiment.data).cases, experiment))
    assert (found.axes, found.right_angles) == (("width",), False)
    assert "flips along width do not change the classes: " in found.reason
    assert "; flips along height change the classes: AUC 0." in found.reason


@pytest.mark.parametrize(("most", "expected"), [(15, [5, 5, 3]), (2, [1, 1, 1])])
def test_large_sets_are_sampled_without_repetition_by_class(tmp_path, monkeypatch, most, expected):
    drawn = []
    monkeypatch.setattr(symmetry, "MAX_FITTED", 8 * most)  # eight copies of a square
    monkeypatch.setattr(symmetry, "MAX_JUDGED", most)
    monkeypatch.setattr(
        symmetry, "coarse_images", lambda dataset, rows: drawn.append(rows) or coarse_images(dataset, rows)
    )
    path = write_organs(tmp_path / "organs.npz", lambda label, _: (label, label), num_classes=3, num_cases=120)
    dataset = open_dataset(experiment_on(path).data)
    rows = np.arange(120)  # the classes alternate
    labels = dataset.cases.labels
    half = [
        np.flatnonzero(labels == label)[parity:count:2] for label, count in enumerate((99, 99, 6)) for parity in (0, 1)
    ]
    sets = np.full(120, "unused", "<U10")
    sets[np.concatenate(half[::2])], sets[np.concatenate(half[1::2])] = "train", "validation"
    find_symmetry(dataset, CaseSplit(rows=rows, sets=sets))
    for part, name in zip(drawn, ("train", "validation"), strict=True):
        assert np.bincount(labels[part]).tolist() == expected
        assert len(np.unique(part)) == len(part)
        assert set(sets[part].tolist()) == {name}


def test_without_validation_cases_or_better_than_chance_nothing_is_decided(tmp_path):
    path = bright_or_dark(tmp_path / "bright.npz")
    nothing = "it is unknown whether flips and rotations change the classes, so none are used: "
    alone = resolved(experiment_on(path, split={"validation": 0}))
    assert names_of(alone) == []
    assert alone.auto_reasons[KEY].endswith(f": {nothing}there is no validation set")
    averaged = replace(alone, evaluation=replace(alone.evaluation, tta=True))
    dataset = open_dataset(averaged.data)
    message = (
        "evaluation.tta: averages over the flips and rotations by right angles on which the network is trained, but "
        'training.augmentation has none for it. It was chosen by "auto": shift height 1 width 1 depth 0, intensity scale '
        "(0.9, 1.1) shift (-0.05, 0.05): it is unknown whether flips and rotations change the classes, so none are used: "
        'there is no validation set. Add {"type": "flip"} to training.augmentation if flips do not change the classes, or '
        "remove this option."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        check_feasible(averaged, plan_network(averaged, dataset), dataset)
    with np.load(path) as arrays:
        x, group = arrays["x"], arrays["group"]
    np.savez(path, x=x, y=np.random.default_rng(1).integers(0, 2, len(x)), group=group)
    random = resolved(experiment_on(path))
    assert names_of(random) == []
    number = r"0\.\d{3}"
    assert re.search(
        rf": {nothing}a logistic regression on coarse voxels has AUC {number} \({number} to {number}\) on 32 "
        rf"validation "
        "cases, which does not show that it is better than chance$",
        random.auto_reasons[KEY],
    )
    (finding,) = find_in_experiment(random, (12, 12))
    assert "training.augmentation=[" in finding.remedy


@pytest.mark.slow
def test_of_several_classes_each_pair_is_asked_and_named(tmp_path):
    def organ(label, generator):
        return generator.integers(0, 9), (0, 4, 8)[label]

    experiment = resolved(experiment_on(write_organs(tmp_path / "organs.npz", organ, num_classes=3, num_cases=240)))
    assert names_of(experiment) == [{"type": "flip", "axes": ["height"]}]
    assert re.search(r'flips along width change the classes of "0" and "2": AUC', experiment.auto_reasons[KEY])


@pytest.mark.slow
def test_the_cases_are_asked_once_and_only_if_the_augmentation_is_left_to_them(tmp_path, monkeypatch):
    asked = []
    ask = symmetry._ask
    monkeypatch.setattr(symmetry, "_ask", lambda *arguments: asked.append(1) or ask(*arguments))
    path = write_organs(tmp_path / "organs.npz", left_or_right)
    dataset = open_dataset(experiment_on(path).data)
    first = resolve_auto_from_data(experiment_on(path), dataset)
    second = resolve_auto_from_data(experiment_on(path, training={"seed": 3}), dataset)
    assert first.auto_reasons[KEY] == second.auto_reasons[KEY]
    assert len(asked) == 1
    resolve_auto_from_data(experiment_on(path, training={"augmentation": []}), dataset)
    document = Document(value=first.to_document(), source="resolved.json")
    assert resolve_auto_from_data(parse_experiments(document)[0], open_dataset(first.data)) == first
    assert len(asked) == 1
    resolve_auto_from_data(experiment_on(path, split={"seed": 1, "validation": 0.2}), dataset)
    assert len(asked) == 2


def test_coarse_images_have_at_most_16_blocks_along_each_axis_of_an_image_and_8_of_a_volume(tmp_path):
    for size, expected in (
        ((50, 50), (16, 16)),
        ((12, 30), (12, 16)),
        ((20, 16, 9), (8, 8, 8)),
        ((20, 16, 5), (8, 8, 5)),
    ):
        np.savez(tmp_path / "x.npz", x=np.zeros((6, *size), np.uint8), y=np.arange(6) % 2)
        images = coarse_images(open_dataset(experiment_on(tmp_path / "x.npz").data), np.arange(6))
        assert images.shape == (6, *expected)


@pytest.mark.parametrize("size", [(7, 7, 5), (50, 50), (16, 16, 9)], ids=str)
def test_coarse_copies_are_the_coarse_images_of_the_copies(tmp_path, size, monkeypatch):
    monkeypatch.setattr(symmetric_copies, "_VOXELS_AT_ONCE", 4 * math.prod(size))
    x = np.random.default_rng(0).integers(0, 255, (6, *size), dtype=np.uint8)
    names = [*("height", "width", "depth")[: len(size)], RIGHT_ANGLES]
    copies = make_copies(x, names)
    assert len({copy.tobytes() for copy in copies}) == len(copies) == (16 if len(size) == 3 else 8)
    every = {
        np.rot90(np.flip(x, axes), turn, (1, 2)).tobytes()
        for chosen in product(*([(), (axis,)] for axis in range(1, x.ndim)))
        for axes in [sum(chosen, ())]
        for turn in range(4)
    }
    assert {copy.tobytes() for copy in copies} == every

    def coarse(images):
        np.savez(tmp_path / "x.npz", x=images, y=np.arange(6) % 2)
        return coarse_images(open_dataset(experiment_on(tmp_path / "x.npz").data), np.arange(6))

    for copy, expected in zip(copies, make_copies(coarse(x), names), strict=True):
        np.testing.assert_allclose(coarse(copy), expected, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(make_copies(x, []), [x])
    np.testing.assert_array_equal(make_copies(x, ["width"]), [x, x[:, :, ::-1]])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "arch", "split"),
    [
        ("luna16_candidates_2d.npz", FLAT, {}),
        ("lidc_nodule_vs_background_3d.npz", DEEP, {}),
        *(
            pytest.param("lidc_nodule_vs_background_3d.npz", DEEP, {"seed": seed}, marks=pytest.mark.long)
            for seed in (1, 2)
        ),
        # validation cases of fold 2 come from 13 groups, too few for its AUC of 0.715 to exclude chance
        *(
            pytest.param("lidc_nodule_vs_background_3d.npz", DEEP, {"folds": 5, "fold": fold}, marks=pytest.mark.long)
            for fold in (0, 1, 3, 4)
        ),
    ],
)
def test_the_kept_results_on_real_crops_would_be_flipped_and_turned_again(real_data, file, arch, split):
    experiment = resolved(experiment_on(real_data / file, arch, split=split))
    axes = ["height", "width", "depth"][: arch["rank"]]
    assert names_of(experiment) == [{"type": "right_angles"}, {"type": "flip", "axes": axes}]


@pytest.mark.slow
def test_a_run_tells_in_its_log_and_its_record_what_it_left_out(tmp_path):
    path = write_organs(tmp_path / "organs.npz", left_or_right)
    document = {
        "archs": [FLAT],
        "data": {"name": "npz", "root": str(path), "allow": ["near_duplicates"]},
        "split": {"validation": 0.2},
        "training": {"epochs": 1},
        "evaluation": {"bootstraps": 10},
    }
    run = archnet.run(document, out=tmp_path / "out")
    record = json.loads((run.folder / "experiment.json").read_text())
    assert record["training"]["augmentation"][0] == {"type": "flip", "axes": ["height"]}
    (finding,) = [
        one for one in json.loads((run.folder / "data.json").read_text())["findings"] if one["check"] == "symmetry"
    ]
    assert finding["message"] == f"Augmentation is {record['picked'][KEY]}."
    assert finding["remedy"] in (run.folder / "log.txt").read_text()


def test_a_side_that_only_the_second_channel_shows_is_found(tmp_path):
    path = write_organs(tmp_path / "a.npz", left_or_right)
    with np.load(path) as arrays:
        kept = dict(arrays)
    noise = np.random.default_rng(1).integers(0, 140, kept["x"].shape).astype(np.uint8)
    np.savez(path, **{**kept, "x": np.stack([noise, kept["x"]], axis=-1)})
    experiment = experiment_on(path, FLAT | {"channels": 2}, data={"name": "npz", "root": str(path), "channels": 2})
    dataset = open_dataset(experiment.data)
    symmetry_found = find_symmetry(dataset, split_cases(dataset.cases, experiment))
    assert "width" not in symmetry_found.axes
    assert "flips along width change the classes" in symmetry_found.reason


def test_a_single_voxel_has_no_symmetries(tmp_path):
    np.savez(tmp_path / "voxels.npz", x=np.arange(40, dtype=np.uint8)[:, None, None], y=np.arange(40) % 2)
    dataset = open_dataset(experiment_on(tmp_path / "voxels.npz").data)
    rows = np.arange(40)
    found = find_symmetry(dataset, CaseSplit(rows=rows, sets=np.where(rows % 4 < 2, "train", "validation")))
    assert (found.axes, found.right_angles) == ((), False)
    assert found.reason == "a single voxel is the same in every flip and rotation"


@pytest.mark.parametrize(
    ("every", "reason"), [(1, "there is no validation set"), (2, "the training set lacks a class")]
)
def test_without_validation_or_a_class_nothing_is_known_of_symmetries(tmp_path, every, reason):
    dataset = open_dataset(experiment_on(bright_or_dark(tmp_path / "bright.npz")).data)
    rows = np.arange(len(dataset.cases.labels))  # the classes alternate
    found = find_symmetry(dataset, CaseSplit(rows=rows, sets=np.where(rows % every == 0, "train", "validation")))
    assert (found.axes, found.right_angles) == ((), False)
    assert found.reason == f"it is unknown whether flips and rotations change the classes, so none are used: {reason}"


@pytest.mark.slow
def test_only_what_depends_on_the_voxels_is_chosen_before_the_processes_of_a_sweep_start(tmp_path):
    path = bright_or_dark(tmp_path / "bright.npz")
    auto = experiment_on(path, training={"augmentation": "auto", "epochs": "auto"})
    measured = resolve_measured_values(auto, open_dataset(auto.data))
    assert measured.training.auto == tuple(name for name in auto.training.auto if name != "augmentation")
    assert "epochs" in measured.training.auto
    full = resolved(auto)
    assert measured.training.augmentation == full.training.augmentation
    assert measured.auto_reasons == {**auto.auto_reasons, KEY: full.auto_reasons[KEY]}
    for given in ({"augmentation": [], "epochs": "auto"}, {"augmentation": [], "epochs": 3}):
        experiment = experiment_on(path, training=given)
        assert resolve_measured_values(experiment, open_dataset(experiment.data)) is experiment
