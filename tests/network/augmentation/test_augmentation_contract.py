"""Every augmentation keeps the contract: documents drawn from the schema, in 2D and 3D."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archnet.files.strict_json import Document
from archnet.network.augmentation.augment import AUGMENTATION_RULES, augment, draw_uniforms, num_uniforms
from archnet.network.examples import Examples
from archnet.network.training.batches import TrainingBatches, epoch_samples
from archnet.spec.augmentations import AUGMENTATIONS, RotatedCopies
from archnet.spec.auto import value_text
from archnet.spec.resolve import parse_experiments
from archnet.spec.schema import read_schema
from plain_training import plain

PAGE = Path(__file__).parents[3] / "docs/pages/guide/experiments.md"
SHAPES = {"2D": (6, 12, 12, 1), "3D": (6, 12, 12, 5, 1), "channels": (6, 12, 12, 5)}

IDENTITIES = {
    "rotated_copies": {"angles": [180], "of": "all"},
    "right_angles": {},
    "flip": {"axes": ["depth"]},
    "rotate": {"degrees": [0]},
    "shift": {"height": 0, "width": 0, "depth": 0},
    "zoom": {"factor": [1, 1]},
    "intensity": {"scale": [1, 1], "shift": [0, 0]},
    "noise": {"std": [0, 0]},
    "cutout": {"share": 0},
}
"""Parameters by which an augmentation changes nothing in 2D where the first uniform number is 0, as of an original."""

names = pytest.mark.parametrize("name", AUGMENTATIONS)


def parsed(document):
    """The augmentation that a document means, by the way of an experiment."""
    net = {"name": "net", "rank": 2, "layers": [{"type": "T"}]}
    value = {"archs": [net], "training": {"augmentation": [document]}}
    (entry,) = parse_experiments(Document(value=value, source="test"))[0].training.augmentation
    return entry


def values(schema):
    """Values of one parameter, by its schema."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "array":
        return st.lists(values(schema["items"]), min_size=schema["minItems"], max_size=min(schema["maxItems"], 4))
    low, high = schema["minimum"], schema["maximum"]
    return (
        st.integers(low, min(high, 11)) if schema["type"] == "integer" else st.floats(low, high, allow_subnormal=False)
    )


def documents(name):
    """Documents of an augmentation that its schema allows, each parameter given or left out."""
    properties = read_schema("experiment")["$defs"][name]["properties"]
    optional = {key: values(schema) for key, schema in properties.items() if key != "type"}
    return st.fixed_dictionaries({"type": st.just(name)}, optional=optional)


def images_of(shape):
    return np.random.default_rng(0).random(shape, np.float32)


def result_of(entry, images, uniforms):
    return keras.ops.convert_to_numpy(augment([entry], images, uniforms))


def uniforms_of(entry, num_cases):
    return draw_uniforms([entry], np.full(num_cases, 0.25, np.float32), seed=1, epoch=0)


@pytest.mark.slow
@names
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@settings(max_examples=8)
@given(data=st.data())
def test_shape_and_range_are_kept_and_a_case_is_the_same_in_any_batch(name, shape, data):
    entry = parsed(data.draw(documents(name)))
    if entry.shape_problem(shape[1:-1]) is not None:
        return
    images, uniforms = images_of(shape), uniforms_of(entry, shape[0])
    result = result_of(entry, images, uniforms)
    assert result.shape == shape
    assert result.dtype == np.float32
    assert 0 <= result.min() <= result.max() <= 1
    parts = [result_of(entry, images[rows], uniforms[rows]) for rows in (slice(0, 1), slice(1, 6))]
    rounding = 1e-6 if name == "zoom" else 0  # of products of matrices, which may depend on their number
    np.testing.assert_allclose(result, np.concatenate(parts), rtol=0, atol=rounding)


@names
@pytest.mark.parametrize("shape", [SHAPES["2D"], SHAPES["channels"]], ids=["2D", "channels"])
def test_identity_parameters_give_the_identity(name, shape):
    entry, images = parsed({"type": name, **IDENTITIES[name]}), images_of(shape)
    uniforms = uniforms_of(entry, shape[0])
    if name in ("rotated_copies", "right_angles"):
        uniforms[:, 0] = 0
    assert np.array_equal(result_of(entry, images, uniforms), images)


@names
def test_each_entry_has_a_rule_a_schema_and_a_word_in_the_documentation(name):
    schema, kind = read_schema("experiment")["$defs"], AUGMENTATIONS[name]
    assert kind.name == name
    assert name in schema["augmentation"]["properties"]["type"]["enum"]
    assert {"$ref": f"#/$defs/{name}"} in [branch["then"] for branch in schema["augmentation"]["allOf"]]
    assert num_uniforms([kind()]) > 0
    (paragraph,) = re.findall(r"^## Augmentation\n\n(.*?)(?=\n\n)", PAGE.read_text(), re.M | re.S)
    assert f"`{name}`" in paragraph


def test_the_tables_hold_the_same_augmentations():
    assert list(AUGMENTATION_RULES) == list(AUGMENTATIONS.values())
    assert list(AUGMENTATIONS) == read_schema("experiment")["$defs"]["augmentation"]["properties"]["type"]["enum"]
    assert set(IDENTITIES) == set(AUGMENTATIONS)


@names
@settings(max_examples=20)
@given(data=st.data())
def test_a_document_reads_back_and_its_text_names_every_parameter(name, data):
    entry = parsed(data.draw(documents(name)))
    assert parsed(entry.to_document()) == entry
    text = value_text((entry,))
    assert text.startswith(name)
    assert all(f" {key} " in text for key in entry.to_document() if key != "type")


@names
def test_labels_belong_to_their_images_and_copies_are_as_many_as_declared(name):
    labels = np.arange(12) % 2
    images = np.broadcast_to(labels[:, None, None, None] * 100, (12, 8, 8, 1)).astype(np.int16)
    examples = Examples(images=images, rows=np.arange(12), labels=labels)
    training = plain(batch_size=5, augmentation=(AUGMENTATIONS[name](),))
    samples = epoch_samples(examples, training, positive=1)
    entry = training.augmentation[0]
    expected = [6 * (1 + len(entry.copy_angles(is_positive=is_positive))) for is_positive in (False, True)]
    assert np.bincount(samples.labels).tolist() == expected
    batches = TrainingBatches(examples=examples, samples=samples, training=training, num_classes=2)
    for batch in batches.epoch_batches(0):
        (arrays,) = batch.micro_batches
        assert np.array_equal(arrays["images"][:, 0, 0, 0], arrays["labels"] * 100)
        assert arrays["uniforms"].shape == (len(batch.rows), num_uniforms(training.augmentation))


def test_only_rotated_copies_add_cases():
    assert [name for name, kind in AUGMENTATIONS.items() if kind().copy_angles(is_positive=True)] == [
        RotatedCopies.name
    ]
