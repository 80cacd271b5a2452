"""`phantom`: synthetic scans in LUNA16's layout, read by the same code as real scans."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Final

from archnet.data.luna16 import Luna16Dataset
from archnet.errors import DataError
from archnet.files.locks import lock_folder
from archnet.files.luna16_lists import CANDIDATE_FILES
from archnet.files.path_argument import short_path
from archnet.files.progress import Progress, no_progress
from archnet.files.user_folders import data_home
from archnet.phantom.layouts import PHANTOM_FILE, Phantom, generate_phantom
from archnet.spec.experiment import Data

_LOCK_SECONDS: Final = 600
"""Time to wait for another process that generates the same phantom, which takes seconds."""


def open_phantom(data: Data, progress: Progress = no_progress) -> Luna16Dataset:
    """Open the default phantom, generated if it does not exist yet, or a phantom in `data.root`.

    Raises:
        DataError: `data.root` contains a phantom in a different layout.
    """
    root = short_path(data.root) if data.root is not None else data_home() / "phantom"
    if not (root / CANDIDATE_FILES[0]).is_file():
        if (root / PHANTOM_FILE).is_file():
            raise DataError(f"{root}: this phantom is in MosMed's layout. Read it with --data mosmed --root {root}.")
        root = _generate_if_missing(root, Phantom(), progress)
    return Luna16Dataset(root, replace(data, root=str(root)), progress)


def _generate_if_missing(root: Path, phantom: Phantom, progress: Progress) -> Path:
    """Return the folder of a phantom below `root`, named after its parameters."""
    words = json.dumps(phantom.to_document(), sort_keys=True)
    folder = root / hashlib.sha256(words.encode()).hexdigest()[:12]
    if not folder.is_dir():
        with lock_folder(root, timeout_s=_LOCK_SECONDS):
            if not folder.is_dir():
                generate_phantom(folder, phantom, progress)
    return folder
