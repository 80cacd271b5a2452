"""Transfer weights between networks that match in part: what is transferred, what is newly initialized, and why.

A layer's weights are transferred if the layer and everything before it match, because learned weights are useful only
on the features on which they were trained. With a different number of classes, T is therefore newly initialized; if
the networks differ in the middle, only the layers before the difference are transferred.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import keras
from keras import ops
from numpy.typing import NDArray

from archnet.network.weights.forms import structural_forms, whole_form
from archnet.network.weights.graph import Graph, Step, part_text, read_graph, step_text
from archnet.network.weights.inflation import inflate_kernel, spread_channels
from archnet.network.weights.parts import Part
from archnet.network.weights.walk import Pair, Walk
from archnet.spec.experiment import Inflation

Array = NDArray[Any]

_ANY: Final = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerOrigin:
    """Origin of the initial weights of a layer.

    Attributes:
        layer: Name of the Keras layer.
        kind: The class of the Keras layer.
        weights: Shape of the weights, such as "3 x 3 x 1 x 16".
        is_taken: Whether the weights were transferred; otherwise they are newly initialized.
        note: The source layer and how its kernel was adapted, or why the weights were not transferred.
    """

    layer: str
    kind: str
    weights: str
    is_taken: bool
    note: str


def transfer_weights(source: keras.Model, target: keras.Model, inflate: Inflation = "mean") -> list[LayerOrigin]:
    """Copy the matching weights of a network to another one.

    Args:
        source: A functional model; submodels are expanded, and preprocessing layers are skipped.
        target: The network; its other weights do not change.
        inflate: How 2D kernels are inflated to 3D.

    Returns:
        The origin of each part of the target, from the input to the output.

    Raises:
        ValueError: The source is not functional, or the match is ambiguous.
    """
    walk = _match_in_part(read_graph(source), read_graph(target))
    pairs = {_key(pair.target): pair for pair in walk.pairs()}
    origins: dict[int, LayerOrigin] = {}
    for step in walk.target.steps:
        if step.part is None or _key(step.part) in origins:
            continue
        pair = pairs.get(_key(step.part))
        note = _move(pair, inflate) if pair else _reason(walk, step)
        origins[_key(step.part)] = LayerOrigin(
            layer=step.part.layer.name,
            kind=type(step.part.layer).__name__,
            weights=part_text(step.part),
            is_taken=pair is not None,
            note=note,
        )
    return list(origins.values())


def _key(part: Part) -> int:
    return id(next(iter(part.variables.values())))


def _match_in_part(one: Graph, two: Graph) -> Walk:
    """Pair the steps of two graphs that match together with everything before them, starting with the last."""
    windows = [{len(step.part.window) for step in graph.steps if step.part} for graph in (one, two)]
    is_inflated = 3 in windows[1] - windows[0]
    forms = structural_forms(
        one, two, part_form=lambda part, takes_input: _adaptable_form(part, takes_input, is_inflated)
    )
    walk = Walk(one, two, forms)
    for step in reversed([step for step in two.steps if step.inputs and not step.is_passed]):
        if step not in walk.found and (source := _counterpart(walk, step)):
            walk.pair_upstream([(source, step)])
    return walk


def _adaptable_form(part: Part, takes_input: bool, is_inflated: bool) -> Any:
    """The form of a part that must match, without the depth of inflated kernels and the number of input channels."""
    if part.kind != "kernel":
        return whole_form(part)
    *_, inputs, outputs = part.shapes["kernel"]
    window = part.window[:2] if is_inflated and len(part.window) == 3 else part.window
    is_spread = takes_input and part.window and not part.is_grouped
    return (
        part.kind,
        window if math.prod(window) > 1 else (),
        _ANY if is_spread else inputs,
        outputs,
        "bias" in part.variables,
    )


def _counterpart(walk: Walk, step: Step) -> Step | None:
    """The step of the source that matches a step of the target; None if there is none, or more than one."""
    ones, twos = _alike(walk, step, walk.forms.learned)
    if len(ones) == len(twos) == 1:
        return ones[0]
    ones, twos = _alike(walk, step, walk.forms.exact)
    return ones[twos.index(step)] if len(ones) == len(twos) else None


def _alike(walk: Walk, step: Step, forms: Mapping[Step, int]) -> tuple[list[Step], list[Step]]:
    """The unpaired steps with the form of a target's step, in the source and in the target."""
    used = set(walk.found.values())
    ones = [other for other in walk.source.steps if forms.get(other) == forms[step] and other not in used]
    return ones, [other for other in walk.target.steps if forms.get(other) == forms[step] and other not in walk.found]


def _reason(walk: Walk, step: Step) -> str:
    """The reason why a step's weights were not transferred."""
    before = [trunk for trunk in walk.target.branches[step] if trunk.operation is not None]
    if not all(trunk in walk.found for trunk in before):
        return "the layers before it do not match the file"
    ones, twos = _alike(walk, step, walk.forms.learned)
    if ones:
        return f"the match is ambiguous ({len(ones)} in the file, {len(twos)} here): {', '.join(map(step_text, ones))}"
    sources = [walk.found[trunk] for trunk in before] or [entry for entry in walk.source.steps if not entry.inputs]
    followers = [
        other
        for other in walk.source.steps
        if not other.is_passed and set(walk.source.branches[other]) & set(sources) and other not in walk.found.values()
    ]
    return (
        f"the file has {' and '.join(map(step_text, followers))} here" if followers else "the file's network ends here"
    )


def _move(pair: Pair, inflate: Inflation) -> str:
    """Copy the arrays of a pair, and describe their origin."""
    changes: list[str] = []
    for name, variable in pair.target.variables.items():
        array = ops.convert_to_numpy(pair.source.variables[name])
        if pair.target.kind == name == "kernel":
            array, changes = _adapt_kernel(array, pair, inflate)
        variable.assign(array.reshape(variable.shape))
    source, shapes = f'{type(pair.source.layer).__name__} "{pair.source.layer.name}"', part_text(pair.source)
    return ", ".join([source if shapes == part_text(pair.target) else f"{source} ({shapes})", *changes])


def _adapt_kernel(kernel: Array, pair: Pair, inflate: Inflation) -> tuple[Array, list[str]]:
    """Adapt a source kernel to the target's window and channels, and describe the changes."""
    source, target, changes = pair.source, pair.target, []
    kernel = kernel.reshape((*source.window, *source.shapes["kernel"][-2:]))
    old, new = (part.shapes["kernel"][-2] for part in (source, target))
    if old != new:
        kernel = spread_channels(kernel, new)
        changes.append(f"summed over {old} channels" + (f" and divided among {new}" if new > 1 else ""))
    if len(source.window) < len(target.window) == 3:
        depth = target.window[2]
        kernel = inflate_kernel(kernel.reshape((*target.window[:2], *kernel.shape[-2:])), depth, inflate)
        if depth > 1:
            changes.append(
                f"repeated over {depth} slices and divided by {depth}"
                if inflate == "mean"
                else f"on the central one of {depth} slices"
            )
    return kernel, changes
