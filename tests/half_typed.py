"""Half-typed and damaged documents, and what must hold for the analysis of each."""

import json
import random

from archnet.files.documents.json_parser import parse_tolerantly
from archnet.files.documents.problems import InsertItem, RemoveValue, Repair
from archnet.files.documents.shipped_documents import shipped_documents
from archnet.spec.analysis.analyze import analyze
from archnet.spec.analysis.document_edits import fix_text
from archnet.spec.analysis.text_ranges import apply_edits

PIECES = (
    *'{}[]",:/#\\\n 01.-+eTx=@é\t',
    *("\U0001fac1", "\x00", "\u2028", "\ud800", "//", "/*", "*/", "True", "None", "NaN", "null", "-", "1e999"),
    *('"a"', ": 1", '{"a":1}', '"type"', '{"type": "C"}', "[[[[", "{" * 70, "[" * 70, '"\\u12', "'a'", "], ["),
)
"""What a typist, a paste or a broken tool inserts."""


def half_typed_texts(count, seed):
    """Texts with the kind of the damage and the path of the undamaged file."""
    rng = random.Random(seed)
    documents = [(str(path), path.read_text("utf-8")) for path in shipped_documents().values()]
    documents.sort(key=lambda document: len(document[1]))
    common, large = documents[: len(documents) * 3 // 4], documents
    for number in range(count):
        source, text = rng.choice(large if number % 10 == 0 else common)
        kind = KINDS[number % len(KINDS)]
        yield kind.__name__, kind(text, rng), source


def truncation(text, rng):
    """A file that is typed up to some character."""
    return text[: rng.randrange(len(text) + 1)]


def truncation_at_token(text, rng):
    """A file that is typed up to a bracket, a comma, a colon or a quote."""
    places = [place for place, character in enumerate(text) if character in '{}[]",:']
    return text[: rng.choice(places) + rng.randrange(2)]


def insertion(text, rng):
    place = rng.randrange(len(text))
    return text[:place] + rng.choice(PIECES) + text[place:]


def deletion(text, rng):
    place = rng.randrange(len(text))
    return text[:place] + text[place + rng.choice((1, 1, 1, 2, 5, 30, 300)) :]


def replacement(text, rng):
    place = rng.randrange(len(text))
    return text[:place] + rng.choice(PIECES) + text[place + rng.choice((1, 1, 2, 5)) :]


def duplication(text, rng):
    place, length = rng.randrange(len(text)), rng.choice((1, 2, 5, 40, 400))
    return text[: place + length] + text[place:]


def swap(text, rng):
    first, second = sorted(rng.randrange(len(text)) for _ in range(2))
    length = min(rng.choice((1, 3, 8)), second - first)
    parts = text[:first], text[first : first + length], text[first + length : second]
    return parts[0] + text[second : second + length] + parts[2] + parts[1] + text[second + length :]


def several(text, rng):
    for _ in range(rng.randrange(2, 6)):
        text = rng.choice((insertion, deletion, replacement, duplication, swap))(text, rng) or "{"
    return text


def changed_value(text, rng):
    """A file that is valid JSON, in which one value is another one."""
    root, _ = parse_tolerantly(text)
    node = rng.choice([node for _, node in root.walk()])
    junk = rng.choice((None, True, -1, 0.5, 3, 10**12, "", "x", "relu", [], [1], [3, 3, 3], {}, {"type": "T"}, [[]]))
    return text[: node.start] + json.dumps(junk) + text[node.end :]


def changed_key(text, rng):
    """A file that is valid JSON, in which one key is misspelled."""
    root, _ = parse_tolerantly(text)
    node = rng.choice([node for _, node in root.walk() if node.key_start >= 0])
    key = text[node.key_start + 1 : node.key_end - 1]
    return (
        text[: node.key_start] + json.dumps(rng.choice((key[:-1], key + "s", key.upper(), "x"))) + text[node.key_end :]
    )


def removed_value(text, rng):
    """A file that is valid JSON, without one key or entry."""
    root, _ = parse_tolerantly(text)
    path = rng.choice([path for path, _ in root.walk() if path])
    return removed(text, root, path)


def removed(text, root, path):
    repair = Repair("", (RemoveValue(path),))
    return apply_edits(text, fix_text(repair, root, text).edits)


def wrong_layer(text, rng):
    """A file with a layer that does not belong where it is."""
    root, _ = parse_tolerantly(text)
    layers = [path for path, node in root.walk() if path and isinstance(node.value, dict) and "type" in node.value]
    arrays = sorted({path[:-1] for path in layers if isinstance(path[-1], int)})
    if not arrays:
        return changed_value(text, rng)
    array = rng.choice(arrays)
    layer = rng.choice(LAYERS)
    repair = Repair("", (InsertItem(array, rng.randrange(len(root.find(array).value) + 1), layer),))
    return apply_edits(text, fix_text(repair, root, text).edits)


LAYERS = (
    {"type": "T"},
    {"type": "FC", "num_output": 10},
    {"type": "GAP"},
    {"type": "C", "num_output": 8, "kernel_size": 200, "padding": "valid"},
    {"type": "C", "num_output": 8, "kernel_size": [3, 3]},
    {"type": "C", "num_output": 8, "kernel_size": [3, 3, 3]},
    {"type": "P", "pool": "max", "kernel_size": [2], "drop_out": 0.3},
    {"type": "Conv3D", "filters": 8, "kernel": 3},
    {"type": "MaxPooling2D", "pool_size": "2"},
    {"type": "RES", "layers": [{"type": "C", "num_output": 4, "kernel_size": 3}, {"type": "FC", "num_output": 2}]},
    {"type": "C", "num_output": "16", "kernel_size": 3, "activation": "ReLU", "bias": "True"},
    {"kernel_size": 3, "num_output": 4},
    {"type": "DO", "drop_out": 0.5},
    {"type": "C", "num_output": 7, "kernel_size": 3, "groups": 2},
)


MISTAKES = (changed_value, changed_key, removed_value, wrong_layer)
"""Kinds of damage that leave valid JSON with about one mistake, whose fixes are tried."""

KINDS = (
    truncation,
    truncation_at_token,
    insertion,
    deletion,
    replacement,
    duplication,
    swap,
    several,
    changed_value,
    changed_key,
    removed_value,
    wrong_layer,
)


def analysis_faults(text, source):
    """What is wrong with the analysis of a text; exceptions are not caught."""
    analysis = analyze(text, source)
    faults = []
    for diagnostic in analysis.diagnostics:
        start, end = diagnostic.range.start, diagnostic.range.end
        if not 0 <= start < end <= len(text) and text:
            faults.append(f"the range {start} to {end} of {diagnostic.message}")
        faults += [
            f"the fix {fix.title} of {diagnostic.message}"
            for fix in diagnostic.fixes
            for edit in fix.edits
            if not 0 <= edit.range.start <= edit.range.end <= len(text)
        ]
        for fix in diagnostic.fixes:
            apply_edits(text, fix.edits)
    if analysis.is_json != _is_json(text) and not _is_refused_json(analysis):
        faults.append("not the verdict of json.loads")
    if analysis.is_json and analysis.root.value != json.loads(text):
        faults.append("not the value of json.loads")
    return faults


def _is_json(text):
    try:
        json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return False
    return True


def _is_refused_json(analysis):
    """Whether the text is JSON that archnet refuses: repeated keys, lone surrogates, deep nesting, NaN, huge numbers."""
    words = ("occurs twice", "lone surrogate", "levels deep", "is not JSON", "beyond the range", "more than 75,000")
    return any(word in diagnostic.message for diagnostic in analysis.diagnostics for word in words)


def fix_outcomes(text, source):
    """For each fix of a text: null if it removes its problem and adds none, or else what is wrong with it."""
    analysis = analyze(text, source)
    num_errors = count_errors(analysis)
    for diagnostic in analysis.diagnostics[:5]:
        for fix in diagnostic.fixes:
            fixed = analyze(apply_edits(text, fix.edits), source)
            remaining = [each for each in fixed.diagnostics if same_problem(each, diagnostic)]
            before = [each for each in analysis.diagnostics if same_problem(each, diagnostic)]
            if len(remaining) >= len(before):
                yield f"the fix {fix.title!r} does not remove {diagnostic.message!r}"
            elif count_errors(fixed) > num_errors:
                messages = [each.message for each in fixed.diagnostics if each.severity == "error"]
                yield f"the fix {fix.title!r} of {diagnostic.message!r} adds problems: {messages}"
            else:
                yield None


def same_problem(one, other):
    return (one.path, one.message) == (other.path, other.message)


def count_errors(analysis):
    return sum(diagnostic.severity == "error" for diagnostic in analysis.diagnostics)
