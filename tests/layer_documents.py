"""Layer documents, drawn from the schema of architectures; and what archnet and Keras make of one."""

import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from math import prod

import keras
import numpy as np
from hypothesis import HealthCheck, Phase, assume, given, reject, settings
from hypothesis import strategies as st

from archnet.errors import DocumentError
from archnet.files.strict_json import Document
from archnet.network.build.builder import Builder
from archnet.network.build.network import RULES
from archnet.spec.arch import Arch, PlannedLayer, parse_arch
from archnet.spec.layers import LAYERS, inner_rank
from archnet.spec.schema import read_schema

DEFINITIONS = read_schema("arch")["$defs"]
LARGEST_STEP = 3
"""Integers are drawn up to this much above their minimum, so that networks stay small."""

BRANCHES = {
    branch["if"]["properties"]["type"]["const"]: DEFINITIONS[branch["then"]["$ref"].rpartition("/")[2]]
    for branch in DEFINITIONS["layer"]["allOf"]
}
"""The schema of each layer type, as the branches on `type` name it."""


def values(schema, rank, depth):
    """Values that a schema accepts.

    Args:
        schema: Of a key.
        rank: Number of spatial axes; arrays that may have 2 or 3 entries have one for each axis.
        depth: How deep layers may still stand inside layers.
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return LAYER_DRAWINGS[name](rank, depth) if name in LAYER_DRAWINGS else values(DEFINITIONS[name], rank, depth)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return st.one_of([values(option, rank, depth) for option in schema[word]])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([KINDS[kind](schema, rank, depth) for kind in types])


def _integers(schema, rank, depth):
    return st.integers(schema["minimum"], min(schema["maximum"], schema["minimum"] + LARGEST_STEP))


def _numbers(schema, rank, depth):
    """Draw no lowest value unless it is the default: it would switch the layer off."""
    return st.floats(
        schema.get("minimum", schema.get("exclusiveMinimum")),
        schema.get("maximum", schema.get("exclusiveMaximum")),
        exclude_min="exclusiveMinimum" in schema or "default" not in schema,
        exclude_max="exclusiveMaximum" in schema,
        allow_subnormal=False,
    )


def _arrays(schema, rank, depth):
    smallest, largest = schema.get("minItems", 0), schema.get("maxItems", 3)
    if smallest <= rank <= largest and "$ref" not in schema["items"]:
        smallest = largest = rank
    return st.lists(values(schema["items"], rank, depth), min_size=smallest, max_size=min(largest, smallest + 2))


def _objects(schema, rank, depth):
    entries = {key: values(entry, rank, depth) for key, entry in schema["properties"].items()}
    required = {key: entries.pop(key) for key in schema.get("required", [])}
    return st.fixed_dictionaries(required, optional=entries)


KINDS = {
    "integer": _integers,
    "number": _numbers,
    "array": _arrays,
    "object": _objects,
    "boolean": lambda *_: st.booleans(),
    "null": lambda *_: st.none(),
    "string": lambda schema, *_: (
        st.sampled_from(words_of(schema)) if "pattern" in schema else st.text("ab ", max_size=3)
    ),
}


def words_of(schema):
    """The words that a pattern such as ^(same|valid)$ lists."""
    return re.fullmatch(r"\^\(([\w|]+)\)\$.*", schema["pattern"])[1].split("|")


def layer_lists(rank, depth, min_size=1):
    """Up to two layers of any types, of which many cannot stand beside each other."""
    return st.lists(any_layers(rank, depth - 1), min_size=min_size, max_size=2)


def any_layers(rank, depth=2):
    """Layers of any type; where no depth is left, of a type that holds no others."""
    names = DEFINITIONS["layer"]["properties"]["type"]["enum"]
    return st.sampled_from([name for name in names if depth > 0 or not holds_layers(name)]).flatmap(
        lambda name: layers_of(name, rank, depth)
    )


def layers_of(name, rank, depth=2):
    """Documents of one layer type. Those with layers on planes have every key, and their layers end flat."""
    rank_inside, schema = inner_rank({"type": name}, None), BRANCHES[name]
    if rank_inside is None:
        return _objects(schema, rank, depth)
    documents = _objects({**schema, "required": list(schema["properties"])}, rank_inside, depth)
    ends = st.sampled_from([{"type": "GAP"}, {"type": "FC", "num_output": 3}])
    return st.builds(lambda document, end: {**document, "layers": [*document["layers"], end]}, documents, ends)


LAYER_DRAWINGS = {
    "layers": layer_lists,
    "branch": lambda rank, depth: layer_lists(rank, depth, min_size=0),
    "layer": lambda rank, depth: any_layers(rank, depth - 1),
}
"""How what the schema names for layers is drawn."""


@cache
def holds_layers(name):
    return any(f"#/$defs/{kind}'" in str(BRANCHES[name]["properties"]) for kind in LAYER_DRAWINGS)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A layer that fits its input. Many tests look at the same cases, so that each network is built once.

    Attributes:
        layer: The layer.
        arch: An architecture of it and, unless it is one itself, a terminal layer.
        rows: Of the plan, those of the layer and the layers inside it.
        input_shape: Shape of its input, with channels.
        num_classes: Number of classes.
    """

    document: dict
    arch: Arch = field(repr=False)
    rows: tuple[PlannedLayer, ...] = field(repr=False)
    input_shape: tuple[int, ...]
    num_classes: int

    @property
    def layer(self):
        return self.arch.layers[0].with_num_classes(self.num_classes)

    @property
    def output_shape(self):
        return self.layer.output_shape(self.input_shape)

    @cached_property
    def keras_model(self):
        """The Keras layer alone; callers that need its weights set them."""
        return keras_form(self.layer, self.input_shape, self.arch.rank)


def keras_form(layer, input_shape, rank):
    builder, inputs = Builder(rules=RULES, seed=1), keras.Input(input_shape)
    model = keras.Model(inputs, builder.chain((layer,), inputs))
    model.penalized_names, model.layer_names = tuple(builder.penalized_names), ()
    return model


def arch_of(*documents, rank):
    terminal = [] if LAYERS[documents[-1]["type"]].traits.is_terminal else [{"type": "T"}]
    return parse_arch(Document(value={"rank": rank, "layers": [*documents, *terminal]}, source="drawn"))


def reads_beyond_its_input(row):
    """Whether TensorFlow's convolution gives other values in each call: it reads memory behind a single channel."""
    if row.type != "C" or row.input_shape[-1] > 1 or len(row.input_shape) != 3:
        return False
    return row.layer.stride[0] == 1 < row.layer.kernel_size[1] < row.layer.stride[1]


@st.composite
def cases(draw, name, sizes):
    """Layers of one type that fit their input.

    Args:
        draw: Of Hypothesis.
        name: The layer's type.
        sizes: Smallest and largest length of an axis, in 2D and in 3D.
    """
    is_on_planes = inner_rank({"type": name}, None) is not None
    rank = 3 if is_on_planes else draw(st.sampled_from([2, 3]))
    lengths = draw(st.lists(st.integers(*sizes[rank - 2]), min_size=rank, max_size=rank))
    if is_on_planes and draw(st.booleans()):
        lengths = lengths[:1] * rank
    shape, num_classes = (*lengths, draw(st.integers(1, 3))), draw(st.integers(2, 3))
    document = draw(layers_of(name, rank))
    try:
        arch = arch_of(document, rank=rank)
        plan = arch.plan(shape, num_classes)
    except DocumentError:
        reject()
    rows = tuple(row for row in plan if row.path[1] == 0)
    assume(not any(map(reads_beyond_its_input, rows)))
    return Case(document=document, arch=arch, rows=rows, input_shape=shape, num_classes=num_classes)


SMALL = ((3, 7), (3, 6))
"""Smallest and largest length of an axis, in 2D and in 3D."""


FEW_EXAMPLES, MOST_EXAMPLES = 5, 10
"""Number of cases that quick tests check, and quick and slow ones together."""


@cache
def drawn_cases(name, sizes, num_examples):
    """Layers of one type that fit their input, identical in every session."""
    drawn = []
    options = settings(
        max_examples=num_examples,
        derandomize=True,
        phases=[Phase.generate],  # examples are small as drawn, and networks are slow to shrink
        suppress_health_check=list(HealthCheck),
    )
    options(given(cases(name, sizes))(lambda case: drawn.append(case)))()
    return drawn


def hold(check, name, num_examples, sizes=SMALL):
    """Run a check on the first cases of a layer type; a slow test adds cases to those of the quick one."""
    is_quick = num_examples <= FEW_EXAMPLES
    num_drawn, first = (FEW_EXAMPLES, 0) if is_quick else (MOST_EXAMPLES, FEW_EXAMPLES)
    for case in drawn_cases(name, sizes, num_drawn)[first:num_examples]:
        try:
            check(case)
        except Exception as error:
            error.add_note(f"{case.document} on {case.input_shape}")
            raise


def set_positive_weights(model, seed=0):
    """Weights above 0 that keep the scale of the signal: no rectifier is shut, no sigmoid is saturated."""
    generator = np.random.default_rng(seed)
    model.set_weights(
        [
            generator.uniform(0.5, 1.5, weight.shape) / prod(weight.shape[:-1])
            if weight.ndim > 1
            else generator.uniform(0.1, 0.5, weight.shape)
            for weight in model.get_weights()
        ]
    )
