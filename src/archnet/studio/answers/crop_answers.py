"""A crop as the background of the receptive field: from a data set, or from a generated phantom."""

from __future__ import annotations

import atexit
import base64
import io
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import Data
from archnet.spec.outputs.schema_parts import COUNT, NUMBER, TEXT, list_of, nullable, record_of
from archnet.spec.view import scale_picture
from archnet.studio.answers.experiment_text import NAME_TEXT
from archnet.studio.requests.api_route import request_of

if TYPE_CHECKING:
    from archnet.data.dataset import Dataset

MAX_SIDE: Final = 256
MAX_VOXELS: Final = 4_000_000

CROP_REQUEST: Final = request_of(
    {
        "input_shape": {
            **list_of({"type": "integer", "minimum": 1, "maximum": MAX_SIDE}, 2, 3),
            "description": "(height, width) or (height, width, depth) in voxels.",
        }
    },
    {
        "data": {**NAME_TEXT, "description": "Name of a data set, or npz:PATH; a generated phantom by default."},
        "root": {**NAME_TEXT, "description": "Folder of the data set."},
    },
)
CROP: Final = record_of(
    {
        "source": {**TEXT, "description": "Name of the data set."},
        "case": TEXT,
        "class": TEXT,
        "shape": {**list_of(COUNT), "description": "(height, width, depth)."},
        "spacing_mm": {**nullable(list_of(NUMBER)), "description": "Voxel size along the same axes; null if unknown."},
        "slices": {**list_of(TEXT), "description": "Axial slices as PNG files in base64, from inferior to superior."},
    }
)


def crop_document(request: Mapping[str, Any]) -> dict[str, Any]:
    """The crop of the first positive case; see `CROP`.

    Raises:
        RunError: The crop is too large.
        DataError: The data set is missing or damaged.
    """
    height, width, *rest = request["input_shape"]
    (depth,) = rest or (1,)
    if height * width * depth > MAX_VOXELS:
        raise RunError(f"$.input_shape: crops of more than {MAX_VOXELS:,} voxels are not drawn. Use a smaller input.")
    shape = (height, width, depth)
    if "data" in request:
        name, _, path = request["data"].partition(":")
        root = path or request.get("root")
        return _describe_crop(_open(_data_options(name, root, shape)), name)
    return _describe_crop(_open(_data_options("luna16", _phantom_folder().name, shape)), "phantom")


def _data_options(name: str, root: str | None, shape: tuple[int, int, int]) -> Data:
    has_crops = name in DATASETS and "crop_size" in DATASETS[name].defaults
    return Data(name=name, root=root, crop_size=shape if has_crops else None)


def _open(data: Data) -> Dataset:
    from archnet.data import open_dataset

    return open_dataset(data)


@cache
def _phantom_folder() -> TemporaryDirectory[str]:
    """One generated scan with its candidates; removed when the process ends."""
    from archnet.phantom.layouts import Phantom, write_phantom

    folder = TemporaryDirectory(prefix="archnet-")
    atexit.register(folder.cleanup)
    write_phantom(Path(folder.name), Phantom(num_scans=1, num_candidates=6))
    return folder


def _describe_crop(dataset: Dataset, name: str) -> dict[str, Any]:
    cases = dataset.cases
    rows = np.flatnonzero(cases.labels == cases.positive)
    row = int(rows[0]) if len(rows) else 0
    picture = scale_picture(dataset.crop(row), dataset.limits)
    volume = picture if picture.ndim == 3 else picture[..., np.newaxis]
    return {
        "source": name,
        "case": str(cases.ids[row]),
        "class": cases.classes[int(cases.labels[row])],
        "shape": list(volume.shape),
        "spacing_mm": _spacing_mm(dataset, row),
        "slices": [_png(volume[..., index]) for index in range(volume.shape[-1])],
    }


def _spacing_mm(dataset: Dataset, row: int) -> Sequence[float] | None:
    """Voxel size along (height, width, depth)."""
    (placement,) = dataset.place(np.array([row], np.int64))
    if placement is None:
        return None
    width, height, depth = np.linalg.norm(placement.steps_mm, axis=0).tolist()
    return [round(value, 4) for value in (height, width, depth)]


def _png(pixels: NDArray[np.float32]) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.rint(255 * pixels).astype(np.uint8)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")
