"""Measure the extraction of crops from scans: archnet against common implementations, on the same files.

    python experiments/bench_data.py [--folder DIR] [--json]

The scan is 512x512x300, stacked from the two chest CTs in $ARCHNET_REAL_DATA (or from a generated phantom). The
comparisons are:

- crops: one read of the whole scan with SimpleITK for every candidate, as in published LUNA16 code, against archnet's
  extraction of all candidates with one read. The slow side is timed on a few candidates and extrapolated to all.
- whole volumes: clipping, a quarter turn with `scipy.ndimage.rotate` and `scipy.ndimage.zoom(order=1)`, as in the CT
  classification tutorial of keras.io, against archnet's, on a 512x512x40 scan; in memory, and from .nii.gz.
- the store: building one from 20 scans, against plain reading of the scans' bytes and writing of the crops' bytes.

A ratio is the median over rounds in which both sides run one after the other. The limit is a plain copy of the crops'
bytes in memory.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import nibabel
import numpy as np
import SimpleITK
from scipy import ndimage

from archnet.data.crops import CandidateCrops
from archnet.data.store import open_crops
from archnet.data.store_list import prune_stores
from archnet.imaging import Volume, read_volume, resize_volume
from archnet.machine import usable_cores

SIZE = (64, 64, 10)
WINDOW_HU = (-1000, 400)
NUM_CANDIDATES = 600
NUM_SCANS = 20
SPACING_MM = (0.7, 0.7, 1.0)
NUM_SLICES = 300


def time_call(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def time_rounds(slow: Callable[[], object], fast: Callable[[], object], count: int) -> tuple[float, float, float]:
    """Median seconds of both sides, and the median of their ratio in each round."""
    pairs = [(time_call(slow), time_call(fast)) for _ in range(count)]
    return median(a for a, _ in pairs), median(b for _, b in pairs), median(a / b for a, b in pairs)


def source_hu() -> tuple[np.ndarray, str]:
    """Slices of real or generated lungs, (z, y, x) int16, and their source."""
    real = os.environ.get("ARCHNET_REAL_DATA")
    if real:
        paths = [Path(real) / "ct" / name for name in ("lung1_image.nrrd", "lung2_image.nrrd")]
        return np.concatenate([read_volume(path).hu for path in paths]), "two chest CTs of 5 mm slices"
    from archnet.phantom.scan import draw_scan

    hu = draw_scan(np.random.default_rng(0), 28)[0]
    repeats = -(-512 // hu.shape[1])
    return np.tile(hu, (1, repeats, repeats))[:, :512, :512], "a generated phantom"


def write_scans(folder: Path) -> tuple[dict[str, Path], Volume, str]:
    """The same scan in three formats, and in memory."""
    slices, source = source_hu()
    hu = np.concatenate([slices, slices[::-1]] * (NUM_SLICES // len(slices) + 1))[:NUM_SLICES]
    image = SimpleITK.GetImageFromArray(hu)
    image.SetSpacing(SPACING_MM)
    paths = {".mhd": folder / "raw.mhd", ".zraw": folder / "z.mhd", ".nii.gz": folder / "scan.nii.gz"}
    for name, path in paths.items():
        SimpleITK.WriteImage(image, str(path), useCompression=name != ".mhd")
    volume = Volume(hu=hu, spacing_mm=SPACING_MM, origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3))
    return paths, volume, source


def candidates(count: int, seed: int = 0) -> np.ndarray:
    """World points (x, y, z) inside the scan."""
    extent = np.array([511, 511, NUM_SLICES - 1]) * SPACING_MM
    return np.random.default_rng(seed).uniform((0, 0, 0), extent, (count, 3))


def make_recipe(paths: list[Path], count: int) -> CandidateCrops:
    """`count` candidates in each of some scans."""
    points = np.concatenate([candidates(count, seed) for seed in range(len(paths))])
    rows = len(points)
    ids = np.array([f"case{row}" for row in range(rows)])
    return CandidateCrops("bench", ids, [path for path in paths for _ in range(count)], points, str, SIZE)


def cut_like_published(path: Path, point_mm: np.ndarray) -> np.ndarray:
    """The common implementation: read the whole scan for one candidate."""
    image = SimpleITK.ReadImage(str(path))
    array = SimpleITK.GetArrayFromImage(image)
    x, y, z = image.TransformPhysicalPointToIndex(point_mm.tolist())
    height, width, depth = SIZE
    spans = zip((z, y, x), (depth, height, width), strict=True)
    return array[tuple(slice(max(c - n // 2, 0), c - n // 2 + n) for c, n in spans)].copy()


def time_copy(num_bytes: int) -> float:
    source, target = np.ones((2, num_bytes), np.uint8)
    return median(time_call(lambda: np.copyto(target, source)) for _ in range(5))


def bench_crops(paths: dict[str, Path]) -> list[dict]:
    rows = []
    for name, path in paths.items():
        recipe, points = make_recipe([path], NUM_CANDIDATES), candidates(NUM_CANDIDATES)
        few = points[:4]

        def slow(few: np.ndarray = few, path: Path = path) -> None:
            for point in few:
                cut_like_published(path, point)

        def fast(recipe: CandidateCrops = recipe) -> None:
            for _ in recipe.cut(0):
                pass

        fast()
        per_few, ours, ratio = time_rounds(slow, fast, 5)
        copied = time_copy(recipe.num_bytes)
        rows.append(
            {
                "name": f"crops from {name}",
                "theirs_s": per_few / len(few) * NUM_CANDIDATES,
                "ours_s": ours,
                "ratio": ratio / len(few) * NUM_CANDIDATES,
                "crops_per_s": NUM_CANDIDATES / ours,
                "mb_per_s": recipe.num_bytes / ours / 1e6,
                "of_memcpy": copied / ours,
            }
        )
    return rows


def resize_like_tutorial(array: np.ndarray) -> np.ndarray:
    """Clip and scale, quarter turn, resize; (i, j, k) as NIfTI stores them."""
    low, high = WINDOW_HU
    scaled = ((np.clip(array, low, high) - low) / (high - low)).astype(np.float32)
    turned = ndimage.rotate(scaled, 90, reshape=False)
    factors = [wanted / length for wanted, length in zip((128, 128, 64), turned.shape, strict=True)]
    return ndimage.zoom(turned, factors, order=1)


def resize_with_archnet(volume: Volume) -> np.ndarray:
    low, high = WINDOW_HU
    return (resize_volume(volume, (128, 128, 64), WINDOW_HU) - low) / (high - low)


def bench_volumes(folder: Path, volume: Volume) -> list[dict]:
    hu = np.ascontiguousarray(volume.hu[:40])
    small = Volume(hu=hu, spacing_mm=SPACING_MM, origin_mm=(0.0, 0.0, 0.0), direction=np.eye(3))
    stored = np.ascontiguousarray(hu.transpose(2, 1, 0)[:, ::-1])  # left, anterior, superior
    affine = np.diag([-SPACING_MM[0], SPACING_MM[1], SPACING_MM[2], 1.0])
    path = folder / "whole.nii.gz"
    nibabel.save(nibabel.Nifti1Image(stored, affine), path)
    difference = float(np.abs(resize_like_tutorial(stored) - resize_with_archnet(small)).max())
    from_file = float(
        np.abs(resize_like_tutorial(nibabel.load(path).get_fdata()) - resize_with_archnet(read_volume(path))).max()
    )
    in_memory = time_rounds(lambda: resize_like_tutorial(stored), lambda: resize_with_archnet(small), 5)
    on_disk = time_rounds(
        lambda: resize_like_tutorial(nibabel.load(path).get_fdata()), lambda: resize_with_archnet(read_volume(path)), 5
    )
    keys = ("theirs_s", "ours_s", "ratio")
    return [
        {"name": "whole volume in memory", **dict(zip(keys, in_memory, strict=True)), "max_difference": difference},
        {"name": "whole volume from .nii.gz", **dict(zip(keys, on_disk, strict=True)), "max_difference": from_file},
    ]


def copy_scans(folder: Path, path: Path, count: int) -> list[Path]:
    """Separate copies of a file, so that each is read."""
    copies = []
    for number in range(count):
        copy = folder / f"scan{number}.mhd"
        copy.write_text(path.read_text().replace(f"{path.stem}.raw", f"{copy.stem}.raw"))
        shutil.copy(path.with_suffix(".raw"), copy.with_suffix(".raw"))
        copies.append(copy)
    return copies


def bench_store(folder: Path, path: Path) -> list[dict]:
    scans = copy_scans(folder, path, NUM_SCANS)
    recipe = make_recipe(scans, NUM_CANDIDATES)

    def plain() -> None:
        portion = bytes(recipe.num_bytes // len(scans))
        with (folder / "plain").open("wb") as file:
            for scan in scans:
                scan.with_suffix(".raw").read_bytes()
                file.write(portion)
            file.flush()
            os.fsync(file.fileno())
        (folder / "plain").unlink()

    def build() -> None:
        prune_stores(everything=True)
        open_crops(recipe)

    plain_s, build_s, ratio = time_rounds(plain, build, 3)
    peak = peak_memory(scans, 50_000 // NUM_SCANS)
    return [
        {
            "name": f"store of {NUM_SCANS} scans x {NUM_CANDIDATES}",
            "theirs_s": plain_s,
            "ours_s": build_s,
            "ratio": ratio,
            "crops_per_s": len(recipe.ids) / build_s,
            "mb_per_s": recipe.num_bytes / build_s / 1e6,
        },
        {"name": "store of 50,000 crops", "peak_mb_above_empty": peak},
    ]


def peak_memory(scans: list[Path], count: int) -> float:
    """Peak memory in MB of a process that builds a store, above that of an empty process."""
    tell = "from archnet.machine import peak_memory_bytes; print(peak_memory_bytes() / 1e6)"
    build = (
        "import sys; sys.path.insert(0, sys.argv[1]); import bench_data as bench; from pathlib import Path\n"
        "bench.open_crops(bench.make_recipe([Path(name) for name in sys.argv[3:]], int(sys.argv[2])))\n"
    )
    arguments = [str(Path(__file__).parent), str(count), *map(str, scans)]
    full, empty = (
        float(subprocess.run([sys.executable, "-c", *words], check=True, capture_output=True, text=True).stdout)
        for words in ([build + tell, *arguments], [tell])
    )
    return full - empty


def row_text(row: dict) -> str:
    parts = []
    for key, text in (
        ("theirs_s", "{:9.3f} s"),
        ("ours_s", "{:9.4f} s"),
        ("ratio", "ratio {:9.2f}"),
        ("crops_per_s", "{:10,.0f} crops/s"),
        ("mb_per_s", "{:8,.0f} MB/s"),
        ("of_memcpy", "{:.2f} of memcpy"),
        ("max_difference", "max difference {:.1e}"),
        ("peak_mb_above_empty", "peak memory {:.0f} MB above an empty process"),
    ):
        if key in row:
            parts.append(text.format(row[key]))
    return f"{row['name']:<28} {'  '.join(parts)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--folder", type=Path, help="folder with space for 12 GB of scratch files (default: a temporary folder)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        os.environ["ARCHNET_STORE"] = str(folder / "store")
        paths, volume, source = write_scans(folder)
        rows = [*bench_crops(paths), *bench_volumes(folder, volume), *bench_store(folder, paths[".mhd"])]
    if arguments.json:
        print(json.dumps({"source": source, "cores": usable_cores(), "rows": rows}, indent=2))
        return
    print(f"512x512x{NUM_SLICES} stacked from {source}; {usable_cores()} cores; theirs, ours")
    for row in rows:
        print(row_text(row))


if __name__ == "__main__":
    main()
