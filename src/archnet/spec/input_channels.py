"""Check that the data and the architecture have the same number of input channels."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from archnet.errors import DocumentError, pluralize
from archnet.spec.datasets import DATASETS
from archnet.spec.experiment import Data, Experiment


def resolve_view(experiment: Experiment) -> Experiment:
    """Choose the view of an experiment, and check that architecture and data have the same number of channels.

    Raises:
        DocumentError: The architecture does not suit the data or the view.
    """
    arch, data = experiment.arch, experiment.data
    view, given = _choose_view(experiment), data.num_input_channels
    if view == "slices-as-channels" and given > 1:
        raise DocumentError(
            f'{arch.document.source}: data.view "slices-as-channels" uses the slices as channels, but the data have '
            f'{_channels_text(data)}. Set data.view to "slice", or use {_one_channel_text(data)}.'
        )
    if view != "slices-as-channels" and given != arch.channels:
        raise DocumentError(
            f"{arch.document.source}: the data have {_channels_text(data)}, but the architecture has channels "
            f'{arch.channels}. Set "channels": {given} in the architecture, or {_other_data_text(data, arch.channels)}.'
        )
    return replace(experiment, data=replace(data, view=view))


def _choose_view(experiment: Experiment) -> Literal["slice", "slices-as-channels", "volume"]:
    if experiment.arch.rank == 3:
        return "volume"
    if experiment.data.view == "volume":
        raise DocumentError(
            f'{experiment.arch.document.source}: a 2D network needs slices, not volumes. Set data.view to "slice" or '
            '"slices-as-channels".'
        )
    return experiment.data.view or "slice"


def _channels_text(data: Data) -> str:
    """The number of input channels, and its factors.

    >>> _channels_text(Data(channels=2, window_hu=((-1350, 150), (-160, 240))))
    '4 channels (data.channels 2 x 2 windows)'
    """
    parts = [f"data.channels {data.channels}"] if data.channels > 1 else []
    parts += [f"{data.num_windows} windows"] if data.num_windows > 1 else []
    return pluralize(data.num_input_channels, "channel") + (f" ({' x '.join(parts)})" if parts else "")


def _other_data_text(data: Data, num_channels: int) -> str:
    """Explain how to change the data for an architecture with `num_channels` channels."""
    if data.num_input_channels > 1:
        return f"use {_one_channel_text(data)}"
    keys = ["list as many windows in data.window_hu"]
    keys += [f"set data.channels={num_channels}"] if "channels" in DATASETS[data.name].options else []
    return " or ".join(keys)


def _one_channel_text(data: Data) -> str:
    parts = [*(["one window"] if data.num_windows > 1 else []), *(["one channel"] if data.channels > 1 else [])]
    return " and ".join(parts)
