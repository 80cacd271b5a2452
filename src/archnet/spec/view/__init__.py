"""View: the part of a case that a network receives, as its input shape and as an array scaled to [0, 1]."""

from archnet.spec.view.case_views import IDENTITY, CaseView, compose_views, evaluated_views, trained_views
from archnet.spec.view.input_limits import (
    InputLimits,
    limits_text,
    picture_channel,
    picture_text,
    scale_from_unit,
    scale_picture,
    scale_to_unit,
    window_limits,
)
from archnet.spec.view.network_view import describe_other_size, input_shape, network_input

__all__ = [
    "IDENTITY",
    "CaseView",
    "InputLimits",
    "compose_views",
    "describe_other_size",
    "evaluated_views",
    "input_shape",
    "limits_text",
    "network_input",
    "picture_channel",
    "picture_text",
    "scale_from_unit",
    "scale_picture",
    "scale_to_unit",
    "trained_views",
    "window_limits",
]
