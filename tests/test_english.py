"""Texts that users read contain no phrases that a native technical writer would not use."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

BANNED = {
    r"told": "printed, reported or logged",
    r"tells?(?![^.]{0,60}\b(?:from|apart)\b)": "state, print or report",
    r"(?:go|goes|going|went|gone) on": "continue or resume",
    r"(?:stand|stands|stood)(?! for)": "be, be in, or state",
    r"(?:lie|lies|lay|lain)(?! (?:outside|inside|within|between|above|below|beyond))": "be, be in, or be located at",
    r"(?:as it is|as they are|as set)(?! \w)": "unchanged, uncalibrated, or configured",
    r"taken for": "predicted as",
    r"\w+, too(?=[.,;:)]|$)": "“also” before the verb",
    r"under way": "in progress",
    r"false alarms?": "false positives",
    r"judge|judges|judged|judging(?! by)": "evaluate, or decide whether",
    r"watchers?": "callback",
    r"picked": "chosen automatically",
    r"(?:same|other|different) bits": "bit-identical, or deterministic",
    r"to the bit": "exactly",
    r"somebody|nobody": "another process, or the user",
    r"one a (?:line|row|case|scan|fold|slice|column|folder|cell)": "one per line",
    r"(?:come|comes|came) of": "result",
    r"(?:of|in|after|into|has) so many": "the number of ...",
    r"through the network at once": "per micro-batch",
    r"grows? evenly": "linear warm-up",
    r"without being asked": "by default",
    r"whose recall counts": "the positive class",
    r"counts? alike": "count equally",
    r"drawn evenly": "be uniform",
    r"cut(?:ting)? crops": "extract crops",
    r"broke off": "end early, or be interrupted",
    r"very same": "same, or exact",
    r"beside (?:it|them)": "next to, or in addition to",
    r"(?<!there )(?:is|are) no (?:file|folder|run|path|name|object|number|finite|CT|chest|value|list)": "is not a",
}
"""Phrases as regular expressions of whole words, and what to write instead."""

ALLOWED = {
    "differences are judged at once": "output of an earlier version, kept with its results",
}
"""Legitimate uses by the text around them, and the reason for each."""

PATTERN = re.compile(rf"(?<![\w-])(?:{'|'.join(f'({phrase})' for phrase in BANNED)})(?![\w-])", re.IGNORECASE)
OPENING = re.compile(r'\s*"""(?:What|Which|How|Where|Why|That|Of) (?!.*\?)')
STRING_GAP = re.compile(r"""["']\s*\\?\s*[rf]*["']""")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`|^\s*(?:>>>|\.\.\.) .*?$", re.MULTILINE | re.DOTALL)


def findings(text):
    """Line (from 0), phrase and remedy for each banned phrase of a text outside code."""
    prose = CODE.sub(lambda code: "\n" * code.group().count("\n"), text)
    joined = re.sub(r"\s+", " ", prose)
    for match in PATTERN.finditer(joined):
        around = joined[max(0, match.start() - 40) : match.end() + 40]
        if not any(use in around for use in ALLOWED):
            words = r"\s+".join(map(re.escape, match.group().split()))
            line = prose.count("\n", 0, re.search(words, prose).start())
            yield line, match.group(), list(BANNED.values())[match.lastindex - 1]


def python_texts(source):
    """Line and text of each string of several words, with the parts of an f-string joined."""
    nodes = list(ast.walk(ast.parse(source)))
    joined = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    parts = {id(part) for node in joined for part in node.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(part.value if isinstance(part, ast.Constant) else "0" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value


def json_texts(source):
    """Line and text of each string of several words in a JSON document."""
    for number, line in enumerate(source.splitlines(), 1):
        for text in re.findall(r'"(?:[^"\\]|\\.)*"', line):
            yield number, json.loads(text)


def texts(path):
    """Line and text of each user-visible text of a file."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        joined = re.sub(r"\s+", " ", STRING_GAP.sub("", source))
        found = python_texts(source) if PATTERN.search(joined) else ()  # parsing every file would take seconds
    elif path.suffix == ".json":
        found = json_texts(source)
    else:
        found = [(1, source.partition("\n## [0.")[0] if path.name == "CHANGELOG.md" else source)]
    return [(line, text) for line, text in found if re.search(r"\S\s+\S", text)]


def user_texts():
    """Files with texts that users read: code, templates, schemas and pages of documentation."""
    package = ROOT / "src/archnet"
    yield from sorted([*package.rglob("*.py"), *package.rglob("*.html"), *package.rglob("*.js")])
    yield from sorted([*ROOT.glob("schemas/*.json"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("experiments/*.py")])
    yield from (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "experiments/README.md"))


@pytest.mark.slow
def test_no_text_contains_a_banned_phrase():
    faults = [
        f'{path.relative_to(ROOT)}:{line + offset}: "{phrase}". Write: {remedy}.'
        for path in user_texts()
        for line, text in texts(path)
        for offset, phrase, remedy in findings(text)
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("name", "source", "line", "phrase"),
    [
        ("a.py", '"""One.\n\n    What is told\n    at the end.\n    """', 3, "told"),
        ("a.py", 'x = 1\nf"the run {x} goes "\\\n    f"on here"', 2, "goes on"),
        ("a.py", '"a scan lies in the folder"', 1, "lies"),
        ("a.py", '"in the report, too."', 1, "report, too"),
        ("a.json", '{\n"description": "whether it is under  way"}', 2, "under way"),
        ("a.md", "# A\n\nThe values\nstand below.", 4, "stand"),
        ("a.html", "<p>\nIs\n<b>it</b> is taken\nfor positive</p>", 3, "taken for"),
    ],
)
def test_banned_phrases_are_found_with_their_line(tmp_path, name, source, line, phrase):
    (tmp_path / name).write_text(source, encoding="utf-8")
    found = [(first + offset, word) for first, text in texts(tmp_path / name) for offset, word, _ in findings(text)]
    assert found == [(line, phrase)]


@pytest.mark.parametrize(
    "text",
    [
        "`told` in code", "untold, understood and replies", "PPV stands for predictive value",
        "a point lies outside its scan", "one slice cannot tell vessels from nodules", "3 differences are judged at once",
        "```\nit goes on\n```", "there is no file", "The run, too small to help",
    ],
)  # fmt: skip
def test_code_and_legitimate_uses_are_accepted(text):
    assert list(findings(text)) == []


def test_each_exception_is_still_used():
    joined = {re.sub(r"\s+", " ", path.read_text(encoding="utf-8")) for path in user_texts()}
    assert [use for use in ALLOWED if not any(use in text for text in joined)] == []


def test_docstrings_open_with_a_verb_or_a_noun_phrase():
    faults = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted((ROOT / "src/archnet").rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if OPENING.match(line)
    ]
    assert not faults, "\n".join(faults)
