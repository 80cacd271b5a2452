"""Wrong documents: the shipped ones, with random values of every JSON type in random places.

`count_outcomes` tries any number of them, for tests and for longer runs of a script.
"""

import copy
import json
import random
from collections import Counter
from pathlib import Path

from archnet.errors import DocumentError
from archnet.files.strict_json import Document, parse_document, plain_json, read_document
from archnet.spec.arch import parse_arch
from archnet.spec.cost import network_summary
from archnet.spec.memory import estimate_memory, plan_micro_batches
from archnet.spec.overrides import parse_override
from archnet.spec.resolve import is_arch, parse_experiments
from archnet.spec.schema import read_schema
from archnet.spec.sweeps.document import parse_sweep
from archnet.spec.sweeps.sweep import is_sweep

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    path for folder in ("archs", "archs/zoo", "experiments") for path in sorted((ROOT / folder).glob("*.json"))
]
MAX_MESSAGE = 10_000
"""Characters of a message at most."""

LAYER = {"type": "C", "num_output": 4, "kernel_size": [3, 3]}
JUNK = (
    *(None, True, False),
    *(0, -1, 1, 2, 3, 0.5, -0.0, 1e-300, 1.7e308, -1.7e308, 5.0, 10**12, 10**290, -(10**18)),
    *(
        "",
        "x",
        "auto",
        "auto\n",
        "abc\n",
        "all",
        "1GB",
        "9" * 400 + "GB",
        "a.json",
        "../archs/arch.json",
        "/",
        "\x00",
        "~",
    ),
    *(
        "con",
        "NUL.txt",
        ".",
        "..",
        "a.",
        "\ud800",
        "\udfff\ud800",
        "\x1b[31mred",
        "\u202eabc",
        "a\u2028b",
        "é",
        "x" * 5000,
    ),
    *([], [[]], [{}], [None], [1], [1, 2], [3, 3, 3], [0, 0, 0], [1e300, 1], ["C"], ["x"] * 300, list(range(300))),
    *({}, {"": 1}, {"type": "C"}, {"type": ["C"]}, {"type": {}}, {"\ud800": 1}, {"x" * 500: 1}, {"type": "flip"}),
    *(
        LAYER,
        [LAYER],
        {"layers": [LAYER]},
        {"type": "REP", "times": 1000, "layers": [LAYER]},
        {"type": "integer", "low": 1},
    ),
    {"type": "uniform", "low": -1.7e308, "high": 1.7e308},
    {"type": "integer", "low": 1, "high": 10**15},
    {"type": "RES", "layers": [{"type": "RES", "layers": [LAYER]}]},
    {"type": "CAT", "branches": [[LAYER], [{"type": "ADD", "branches": [[LAYER], [], LAYER]}], []]},
    {"type": "DENSE", "times": 1000, "layers": [{"type": "DENSE", "times": 4, "layers": [LAYER, {"type": "GAP"}]}]},
    [[LAYER], []],
    [[], [[LAYER]]],
)
"""Values of every JSON type, among them those that have broken a reader once."""


def _keys(schema):
    """Every key that a schema names."""
    if isinstance(schema, dict):
        properties = schema.get("properties", {})
        yield from properties if isinstance(properties, dict) else ()
        for entry in schema.values():
            yield from _keys(entry)
    elif isinstance(schema, list):
        for entry in schema:
            yield from _keys(entry)


KEYS = tuple(dict.fromkeys(key for name in ("arch", "experiment", "sweep") for key in _keys(read_schema(name))))


SETTINGS = (
    *(f"{section}.{key}" for section in ("data", "split", "training", "evaluation") for key in KEYS),
    *("name", "archs", "archs[0]", "arch", "arch.name", "arch.layers", "arch.layers[0]", "arch.layers[0].type", "data"),
    *(
        "split",
        "training",
        "evaluation",
        "picked",
        "training.schedule.type",
        "training.augmentation[0]",
        "x",
        "data.allow",
    ),
)
"""Keys of `--set`, most of which an experiment does not have in that place."""


def paths(value, path=()):
    """The path of every value inside a value."""
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, entry in entries:
        yield from paths(entry, (*path, step))


def mutated(value, draw):
    """A copy of a JSON value with one random value, key or entry changed."""
    value = copy.deepcopy(value)
    path = draw.choice(list(paths(value)))
    if not path:
        return (
            copy.deepcopy(draw.choice(JUNK)) if draw.random() < 0.1 else {**value, draw.choice(KEYS): draw.choice(JUNK)}
        )
    node = value
    for step in path[:-1]:
        node = node[step]
    kind = draw.choice(("replace", "replace", "replace", "remove", "wrap", "add", "swap"))
    if kind == "remove":
        del node[path[-1]]
    elif kind == "wrap":
        node[path[-1]] = draw.choice(([node[path[-1]]], {"layers": node[path[-1]]}, str(node[path[-1]])))
    elif kind == "add" and isinstance(node, dict):
        node[draw.choice((*KEYS, "\ud800", "", "a.b", "x" * 500))] = copy.deepcopy(draw.choice(JUNK))
    elif kind == "add":
        node.insert(draw.randrange(len(node) + 1), copy.deepcopy(draw.choice(JUNK)))
    elif kind == "swap":
        node[path[-1]] = copy.deepcopy(draw.choice([*JUNK, value]))
    else:
        node[path[-1]] = copy.deepcopy(draw.choice(JUNK))
    return value


def mutants(number, seed):
    """Pairs of a shipped document's path and the text of a mutant with one to four changes."""
    draw = random.Random(seed)
    originals = [(path, json.loads(path.read_text("utf-8"))) for path in DOCUMENTS]
    for _ in range(number):
        path, value = draw.choice(originals)
        for _ in range(draw.randint(1, 4)):
            value = mutated(value, draw) if isinstance(value, dict) else value
        yield path, json.dumps(value, ensure_ascii=draw.random() < 0.5 or "\\ud" in json.dumps(value))


def read(document, settings=()):
    """Read a document as `check`, `show`, `run` and `sweep` read it."""
    if is_arch(document.value) and not settings:
        plan = parse_arch(document).plan()
        json.dumps(network_summary(plan, plan_micro_batches(estimate_memory(plan), 64)))
    elif is_sweep(document.value) and not settings:
        sweep = parse_sweep(document)
        json.dumps([sweep.num_trials, sweep.to_document()]).encode()
    else:
        for experiment in parse_experiments(document, settings):
            json.dumps([experiment.to_document(), experiment.warnings()], ensure_ascii=False).encode()


def outcome(action):
    """Whether a document is "valid" or "refused", with a message that fits a terminal and a file.

    Raises:
        Exception: Anything but a `DocumentError`: a bug.
    """
    try:
        action()
    except DocumentError as error:
        message = str(error)
        assert message.strip()
        assert len(message) <= MAX_MESSAGE, f"{len(message):,} characters: {message[:300]}"
        message.encode()
        return "refused"
    return "valid"


def actions(number, seed):
    """Texts of mutants, each with an action that reads it: as a file, as a value from Python, or as a setting."""
    draw = random.Random(seed)
    experiments = [
        path for path in DOCUMENTS if not is_arch(value := json.loads(path.read_text())) and not is_sweep(value)
    ]
    for path, text in mutants(number, seed):
        yield text, lambda path=path, text=text: read(parse_document(text, str(path)))
        yield (
            text,
            lambda path=path, text=text: read(Document(value=plain_json(json.loads(text), "value"), source=str(path))),
        )
        setting, base = f"{draw.choice(SETTINGS)}={json.dumps(draw.choice(JUNK))}", draw.choice(experiments)
        yield setting, lambda setting=setting, base=base: read(read_document(base), [parse_override(setting)])


def count_outcomes(number, seed):
    """How many mutants are valid and how many are refused; each is read as a file and from Python, with one setting each.

    Raises:
        AssertionError: A mutant ends in another exception, which is its cause; the message holds the mutant.
    """
    counts = Counter()
    for text, action in actions(number, seed):
        try:
            counts[outcome(action)] += 1
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} in {text}") from error
    return counts
