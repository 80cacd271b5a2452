"""Initial weights from a file: a `.keras` file of archnet or Keras, or a `.weights.h5` file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from archnet.errors import RunError
from archnet.evaluation.run_folder import WEIGHTS_SUFFIX, find_weights_file
from archnet.files.archives.zip_archive import DamagedFileError
from archnet.network.initialization.foreign_classes import READ_CLASSES, READ_SIZES
from archnet.network.initialization.loose_arrays import assign_arrays, read_arrays
from archnet.network.model_file import check_model_file
from archnet.network.scaling import member_networks
from archnet.network.weights.transfer import LayerOrigin, transfer_weights
from archnet.spec.experiment import Init


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialWeights:
    """The initial weights of a network.

    Attributes:
        file: The source file.
        sha256: Digest of the file.
        origins: The origin of each layer's weights, from the input to the output.
    """

    file: Path
    sha256: str
    origins: tuple[LayerOrigin, ...]


def initialize(network: keras.Model, init: Init) -> InitialWeights:
    """Transfer the matching weights of a file to a network.

    Args:
        network: Result of `build`; layers without a match keep their weights.
        init: The file, and how kernels are inflated.

    Raises:
        RunError: The file is missing, cannot be read, or no layer matches.
    """
    try:
        file = find_weights_file(Path(init.weights))
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        origins = _take(file, network, init)
    except OSError as error:
        raise RunError(f"training.init: {init.weights}: cannot be read: {error.strerror or error}.") from error
    except DamagedFileError as error:
        raise RunError(
            f"training.init: {init.weights}: cannot be read as a Keras model: {error}. Save it again with Keras, or "
            "name a different file."
        ) from error
    except ValueError as error:
        raise RunError(f"training.init: {error}") from error
    if not any(origin.is_taken for origin in origins):
        first = origins[0]
        raise RunError(
            f"training.init: {init.weights}: no layer of it matches this network, whose first layer is {first.kind} "
            f"({first.weights}): {first.note}. Remove training.init, or use a network with the same first layers."
        )
    return InitialWeights(file=file, sha256=digest, origins=tuple(origins))


def _take(file: Path, network: keras.Model, init: Init) -> list[LayerOrigin]:
    """Transfer the matching weights of a file.

    Raises:
        DamagedFileError: The file is damaged, or uses classes that are not allowed.
        ValueError: The match is ambiguous.
    """
    if file.name.endswith(WEIGHTS_SUFFIX):
        return assign_arrays(read_arrays(file), network, str(init.weights))
    source = _open_in_keras(file)
    members = member_networks(source) if "scaling" in {layer.name for layer in source.layers} else []
    if len(members) > 1:
        raise ValueError(
            f"{init.weights}: is an ensemble of {len(members)} networks, and a network starts from one. Save one of "
            f'them in Python, archnet.load_run("RUN").model.get_layer("{members[0].name}").save("member.keras"), and '
            "name that file."
        )
    try:
        return transfer_weights(source, network, init.inflate)
    except ValueError as error:
        raise ValueError(f"{init.weights}: {error}.") from error


def _open_in_keras(file: Path) -> keras.Model:
    """Load the model in a `.keras` file.

    Raises:
        DamagedFileError: Keras cannot build the model, for any reason, or its weights are not finite.
    """
    check_model_file(file, READ_CLASSES, READ_SIZES)
    try:
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:
        raise DamagedFileError("its layers and weights do not match") from error
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise DamagedFileError("it contains NaN or infinite weights")
    return model
