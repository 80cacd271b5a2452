"""Graph of a functional Keras model: its operations from the inputs to the outputs, with submodels expanded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras

from archnet.network.weights.parts import Part, layer_parts

COMMUTATIVE: Final = ("Add", "Multiply", "Maximum", "Minimum", "Average")
"""Merges whose result does not depend on the order of their inputs."""

_SETTINGS: Final = ("strides", "pool_size", "padding", "dilation_rate", "rate", "axis", "axes", "cropping", "newshape")

Tensor = Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One operation applied to its inputs.

    Attributes:
        operation: The Keras layer or function of `keras.ops`; None for an input of the model.
        tensor: The operation's output in the model that contains the operation.
        inputs: The steps that compute its inputs.
        number: Index of an input of the model, from 0; index of an output among several, from 1; else 0.
        part: Its weights, if any. A separable convolution is two steps.
        settings: Text that distinguishes operations without weights.
    """

    operation: Any
    tensor: Tensor
    inputs: tuple[Step, ...]
    number: int = 0
    part: Part | None = None
    settings: str = ""

    @property
    def kind(self) -> str:
        """The name of the operation's class."""
        return type(self.operation).__name__ if self.operation is not None else "Input"

    @property
    def task(self) -> str:
        """The kind without the rank, such as "MaxPooling"."""
        return re.sub(r"[123]D$", "", self.kind)

    @property
    def is_passed(self) -> bool:
        """Whether weight matching skips it: it has no weights and one input."""
        return self.part is None and len(self.inputs) == 1 and self.number == 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Graph:
    """The steps of a model.

    Attributes:
        name: Name of the model.
        steps: The steps in topological order.
        outputs: The steps that compute the model's outputs.
        trunks: By step, the nearest step at or before it that is not skipped.
        branches: By step, the trunks of its inputs; nested concatenations are flattened.
    """

    name: str
    steps: tuple[Step, ...]
    outputs: tuple[Step, ...]
    trunks: dict[Step, Step]
    branches: dict[Step, tuple[Step, ...]]


def read_graph(model: keras.Model) -> Graph:
    """Read the graph of a functional or sequential model.

    Raises:
        ValueError: The model or a submodel is not functional.
    """
    functional = _functional(model)
    steps = [
        Step(operation=None, tensor=tensor, inputs=(), number=number) for number, tensor in enumerate(functional.inputs)
    ]
    outputs = tuple(_follow(functional, list(steps), steps))
    trunks: dict[Step, Step] = {}
    branches: dict[Step, tuple[Step, ...]] = {}
    for step in steps:
        trunks[step] = trunks[step.inputs[0]] if step.is_passed else step
        branches[step] = tuple(_branches(step, trunks, branches))
    return Graph(name=model.name, steps=tuple(steps), outputs=outputs, trunks=trunks, branches=branches)


def _branches(step: Step, trunks: dict[Step, Step], branches: dict[Step, tuple[Step, ...]]) -> Iterable[Step]:
    for trunk in (trunks[entry] for entry in step.inputs):
        is_opened = step.kind == "Concatenate" and trunk.kind == "Concatenate" and trunk.settings == step.settings
        yield from branches[trunk] if is_opened else (trunk,)


def _follow(model: keras.Model, inputs: Sequence[Step], steps: list[Step]) -> list[Step]:
    """Append the steps of a model, and return its output steps."""
    functional = _functional(model)
    known = {id(tensor): step for tensor, step in zip(functional.inputs, inputs, strict=True)}
    nodes = functional._nodes_by_depth
    for node in (node for depth in sorted(nodes, reverse=True) for node in nodes[depth] if not node.is_input):
        before = [known[id(tensor)] for tensor in node.input_tensors]
        if isinstance(node.operation, keras.Model):
            after = _follow(node.operation, before, steps)
        else:
            after = _operation_steps(node, before, steps)
        known |= {id(tensor): step for tensor, step in zip(node.output_tensors, after, strict=True)}
    return [known[id(tensor)] for tensor in functional.outputs]


def _functional(model: keras.Model) -> Any:
    functional = getattr(model, "_functional", model)
    if not hasattr(functional, "_nodes_by_depth"):
        raise ValueError(f"the model {model.name} is not functional")
    return functional


def _operation_steps(node: Any, before: Sequence[Step], steps: list[Step]) -> list[Step]:
    operation, inputs = node.operation, tuple(before)
    parts: list[Part | None] = list(layer_parts(operation)) if isinstance(operation, keras.layers.Layer) else []
    for part in parts[:-1]:
        steps.append(Step(operation=operation, tensor=node.output_tensors[0], inputs=inputs, part=part))
        inputs = (steps[-1],)
    after = [
        Step(
            operation=operation,
            tensor=tensor,
            inputs=inputs,
            number=number if len(node.output_tensors) > 1 else 0,
            part=parts[-1] if parts else None,
            settings=_settings(operation, node),
        )
        for number, tensor in enumerate(node.output_tensors, start=1)
    ]
    steps += after
    return after


def _settings(operation: Any, node: Any) -> str:
    """The settings of an operation that distinguish branches; the same text in 2D and 3D."""
    rank = len(node.output_tensors[0].shape)
    values = {name: getattr(operation, name) for name in _SETTINGS if hasattr(operation, name)}
    if isinstance(values.get("axis"), int):
        values["axis"] %= rank
    activation = getattr(getattr(operation, "activation", None), "__name__", "linear")
    if type(operation).__name__ == "ReLU" and operation.max_value is None:
        activation = "relu"
    texts = [f"{name}={value[:2] if isinstance(value, tuple) else value}" for name, value in values.items()]
    return " ".join([*texts, *([activation] if activation != "linear" else []), *_constants(node)])


def _constants(node: Any) -> list[str]:
    """The non-tensor arguments of a function of `keras.ops`, such as the slices of an index."""
    leaves = keras.tree.flatten([node.arguments.args, node.arguments.kwargs])
    return [str(leaf) for leaf in leaves if isinstance(leaf, bool | int | float | str | slice)]


def step_text(step: Step) -> str:
    """A step in messages: class and name of its layer, and the shape of its weights."""
    if step.operation is None:
        return f"input {step.number + 1}"
    sizes = f" ({part_text(step.part)})" if step.part else ""
    return f'{step.kind} "{step.operation.name}"{sizes}'


def part_text(part: Part) -> str:
    """The weights of a part, such as "3 x 3 x 1 x 16" for the kernel of a convolution with bias."""
    names = list(part.variables)
    shape = " x ".join(map(str, part.variables[names[0]].shape))
    if part.kind == "kernel":
        return shape if "bias" in names else f"{shape}, no bias"
    return f"{shape}: {', '.join(names)}"
