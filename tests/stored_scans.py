"""Small scans and the recipe of a store of their crops."""

import numpy as np

from archnet.data.crops import CandidateCrops
from archnet.files.user_folders import store_home
from archnet.imaging import Volume
from archnet.imaging.metaimage import write_mhd


def scan(folder, name, seed=0, shape=(12, 20, 24)):
    folder.mkdir(exist_ok=True, parents=True)
    hu = np.random.default_rng(seed).integers(-1000, 400, shape).astype(np.int16)
    path = folder / f"{name}.mhd"
    write_mhd(path, Volume(hu=hu, spacing_mm=(1.0, 1.0, 2.0), origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3)))
    return path


def recipe(folder, num_scans=4, num_crops=30, shape=(6, 5, 4), **options):
    """Candidates that go round the scans, so that no scan's rows stand together."""
    paths = [scan(folder, f"scan{number}", number) for number in range(num_scans)]
    points = np.random.default_rng(1).uniform((0, 0, 0), (23, 19, 22), (num_crops, 3))
    return CandidateCrops(
        "luna16 in here",
        np.array([f"case{row}" for row in range(num_crops)]),
        [paths[row % num_scans] for row in range(num_crops)],
        points,
        lambda row: f"list line {row}",
        shape,
        **options,
    )


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def only_store():
    (folder,) = [path for path in store_home().iterdir() if path.name != ".unfinished"]
    return folder
