"""`load_data`: the cases that a run sees, with their voxels in HU."""

import re

import numpy as np
import pytest

import archnet
from trained_runs import chest, write_chest


@pytest.fixture
def slices(tmp_path):
    path, labels = tmp_path / "slices.npz", np.arange(40) % 2
    values = np.random.default_rng(0).integers(0, 255, (40, 6, 5), dtype=np.uint8)
    np.savez(path, x=values, y=labels, group=np.repeat(np.arange(20), 2))
    return path, values, labels


@pytest.fixture
def nodules(tmp_path):
    rows = ["seriesuid,coordX,coordY,coordZ,class"]
    for seed in range(8):
        write_chest(tmp_path / f"data/scan{seed}.mhd", seed=seed)
        rows += [f"scan{seed},{x},{x},{130 + x},{x // 3 % 2}" for x in (0, 3)]
    (tmp_path / "data/candidates.csv").write_text("\n".join(rows) + "\n")
    return {"name": "luna16", "crop_size": (8, 6, 4)}, tmp_path / "data"


def test_arrays_of_a_file_come_with_their_labels_groups_and_sets(slices):
    path, values, labels = slices
    data = archnet.load_data(f"npz:{path}", settings={"split.seed": 1})
    np.testing.assert_array_equal(data.images, values)
    np.testing.assert_array_equal(data.labels, labels)
    assert (data.name, len(data), data.classes, data.positive) == ("npz", 40, ("0", "1"), "1")
    assert len(set(data.groups.tolist())) == 20
    assert set(data.sets.tolist()) == {"train", "validation", "test"}
    others = archnet.load_data({"name": "npz", "root": path}, settings={"split.seed": 2})
    assert others.sets.tolist() != data.sets.tolist()
    assert repr(data) == "CaseData(npz: 20 0, 20 1; 6x5)"


@pytest.mark.parametrize(
    ("settings", "limits"),
    [
        ({"data.range": [0, 200]}, ((0, 200), (0, 200))),
        ({"data.range": [[0, 200], [0, 9]]}, ((0, 200), (0, 9))),
        (
            {"data.range": "hu", "data.window_hu": [[-1350, 150], [-160, 240]], "data.allow": ["value_range"]},
            ((-1350, 150), (-1350, 150), (-160, 240), (-160, 240)),
        ),
    ],
)
def test_arrays_with_channels_have_limits_for_each_channel_of_a_networks_input(slices, tmp_path, settings, limits):
    _, values, labels = slices
    channels = np.stack([values, values // 2], axis=-1)
    np.savez(tmp_path / "channels.npz", x=channels, y=labels)
    data = archnet.load_data(f"npz:{tmp_path / 'channels.npz'}", settings={"data.channels": 2, **settings})
    np.testing.assert_array_equal(data.images, channels)
    assert data.limits == limits
    assert repr(data) == "CaseData(npz: 20 0, 20 1; 6x5x2)"


def test_crops_are_hounsfield_units_around_each_candidate(nodules):
    section, root = nodules
    data = archnet.load_data(section, root=root)
    assert data.images.shape == (16, 8, 6, 4)
    assert data.limits == (-1000, 400)
    row = data.ids.tolist().index("scan2#5")
    hu = chest(seed=2).hu
    x, y, z = (int((point - start) / step + 0.5) for point, start, step in ((3, -30, 2), (3, -20, 2), (133, 100, 3)))
    expected = hu[z - 2 : z + 2, y - 4 : y + 4, x - 3 : x + 3].transpose(1, 2, 0)
    np.testing.assert_array_equal(data.images[row], expected)
    assert data.classes[data.labels[row]] == "nodule"
    assert isinstance(data.images, np.memmap)


def test_an_unreadable_scan_is_a_warning_and_strictly_an_error(nodules, caplog):
    section, root = nodules
    (root / "scan3.raw").write_bytes(b"short")
    data = archnet.load_data(section, root=root)
    assert data.images.shape == (14, 8, 6, 4)
    assert len(data.ids) == len(data.labels) == len(data.sets) == 14
    assert not any(name.startswith("scan3#") for name in data.ids.tolist())
    assert any(text.startswith("1 scan could not be read: 2 of 16 cases are missing.") for text in caplog.messages)
    with pytest.raises(archnet.ArchnetError, match=re.escape("It has 2 cases.")):
        archnet.load_data(section, root=root, strict=True)


def test_a_mistake_is_an_archnet_error(tmp_path):
    expected = {
        "phantm": '--data: unknown data set "phantm". Did you mean "phantom"?',
        "luna16": f"{tmp_path}: ",
    }
    for name, message in expected.items():
        with pytest.raises(archnet.ArchnetError, match=f"^{re.escape(message)}"):
            archnet.load_data(name, root=tmp_path)
    with pytest.raises(archnet.ArchnetError, match=re.escape('unknown key "nam"')):
        archnet.load_data({"nam": "phantom"})
