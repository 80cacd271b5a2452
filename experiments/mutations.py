"""One-place mutations of source code, as `mutation_score.py` samples them.

A mutation is meaningful if it changes what the code computes, rejects or writes:

- a comparison's boundary or its sense, `and` for `or`, a condition negated
- a different arithmetic operator; an integer one higher or lower, a fraction doubled, True for False
- `min` for `max`, `any` for `all`, `ceil` for `floor`, `left` for `right` in a search
- a call without one of its optional arguments, `return None`, a statement, a check or a step removed

Text for readers is not mutated: docstrings, the text of messages, annotations and aliases of types, decorators,
`__repr__`, progress, the numbers and positions of pages and figures; the numbers computed inside a message are mutated.
Code without effect on a Unix system or for programmers only (`encoding`, `strict` of zip) and required arguments of
calls are not mutated either.
"""

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
PAIRS = (("min", "max"), ("any", "all"), ("ceil", "floor"), ("argmin", "argmax"), ("minimum", "maximum"))
SWAPS = {one: other for pair in PAIRS for one, other in (pair, pair[::-1])}
SIDES = {"left": "right", "right": "left"}
"""Strings that are swapped if they are arguments of these functions."""
SEARCHES = {"searchsorted"}

SILENT_FUNCTIONS = {"__repr__", "__str__", "_repr_html_"}
SILENT_CALLS = {"print", "echo", "log", "info", "debug", "progress", "cast", "TypeVar", "NewType", "Option", "Argument"}
GUARDS = {"strict", "encoding", "newline", "exist_ok", "parents", "daemon", "name", "help", "label", "ensure_ascii"}
"""Arguments that are neither dropped nor mutated."""
PRESENTATION = ("report/figures/", "report/html/", "report/terminal/", "sweep/report/", "cli/console.py")
"""Modules whose numbers, arithmetic and optional arguments are sizes, colours and positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A change at one place.

    Attributes:
        file: The module, relative to the package.
        function: Qualified name of the function or class around it; empty at the top of the module.
        lines: First and last line of the statement; of a parameter's default those of the function's body.
        names: What the statement binds if it runs only once, on import or in a function that keeps its result.
        is_in_function: Whether it is in a function.
        kind: Kind of the change.
        before: The original lines of the source.
        after: The same lines with the change.
        span: The replaced bytes.
        text: The replacement.
    """

    file: str
    function: str
    lines: tuple[int, int]
    names: tuple[str, ...]
    is_in_function: bool
    kind: str
    before: str
    after: str
    span: tuple[int, int]
    text: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """A key that identifies it even after other lines of the file have changed."""
        return self.file, self.function, self.before, self.after

    @property
    def place(self) -> tuple[str, str, str, str, int]:
        """A key that identifies it among equal lines while the file is unchanged."""
        return *self.key, self.span[0]

    def apply(self, source: str) -> str:
        """The mutated module."""
        data = source.encode()
        return (data[: self.span[0]] + self.text.encode() + data[self.span[1] :]).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The context of a node."""

    scope: tuple[str, ...] = ()
    lines: tuple[int, int] = (1, 1)
    names: tuple[str, ...] = ()
    message: ast.JoinedStr | None = None
    is_in_function: bool = False
    returns_bool: bool = False


def required_arguments(sources: dict[str, str]) -> dict[str, set[str]]:
    """The arguments without which a function or dataclass of the package cannot be called, by its bare name."""
    required: dict[str, set[str]] = {}
    for node in (node for source in sources.values() for node in ast.walk(ast.parse(source))):
        if isinstance(node, ast.FunctionDef):
            positional = node.args.args[: len(node.args.args) - len(node.args.defaults)]
            keywords = [a for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is None]
            required.setdefault(node.name, set()).update(argument.arg for argument in [*positional, *keywords])
        elif isinstance(node, ast.ClassDef):
            fields = [field for field in node.body if isinstance(field, ast.AnnAssign) and field.value is None]
            required.setdefault(node.name, set()).update(ast.unparse(field.target) for field in fields)
    return required


def mutations(source: str, file: str, required: dict[str, set[str]] | None = None) -> list[Mutation]:
    """All mutations of a module, in the order of its text.

    Args:
        source: The module.
        file: Its name.
        required: Result of `required_arguments`.
    """
    data = source.encode()
    starts = [0, *(match.end() for match in re.finditer(b"\n", data))]
    found = []
    for node, new, kind, place in _walk(ast.parse(source), _Place(), file, required or {}):
        whole = place.message or node
        text = _message_text(place.message, node, new) if place.message else _text(new)
        span = (starts[whole.lineno - 1] + whole.col_offset, starts[whole.end_lineno - 1] + whole.end_col_offset)
        if text is not None:
            found.append(_mutation(data, file, place, kind, span, text))
    return sorted(found, key=lambda mutation: mutation.span)


def _text(node: ast.AST) -> str:
    is_plain = isinstance(node, ast.stmt) or (isinstance(node, ast.Constant) and not str(node.value).startswith("-"))
    return ast.unparse(node) if is_plain else f"({ast.unparse(node)})"


def _mutation(data: bytes, file: str, place: _Place, kind: str, span: tuple[int, int], text: str) -> Mutation:
    first, last = data.rfind(b"\n", 0, span[0]) + 1, data.find(b"\n", span[1])
    before, after = data[first:last], data[first : span[0]] + text.encode() + data[span[1] : last]
    return Mutation(
        file=file,
        function=".".join(place.scope),
        lines=place.lines,
        names=place.names,
        is_in_function=place.is_in_function,
        kind=kind,
        before=" ".join(before.decode().split()),
        after=" ".join(after.decode().split()),
        span=span,
        text=text,
    )


def _last_line(statement: ast.stmt) -> int:
    """The last line of a statement, or of the head of a compound statement."""
    body = getattr(statement, "body", None)
    return max(statement.lineno, body[0].lineno - 1) if body else statement.end_lineno


def _walk(node: ast.AST, place: _Place, file: str, required: dict[str, set[str]]) -> Iterator[tuple]:
    """Every mutated node with its replacement, kind and place."""
    if _is_silent(node, place):
        return
    if isinstance(node, ast.stmt):
        names = place.names if place.is_in_function else bound_names(node) + place.scope[-1:]
        place = replace(place, lines=(node.lineno, _last_line(node)), names=names)
    if isinstance(node, ast.JoinedStr) and not place.message:
        place = replace(place, message=node)
    for new, kind in _variants(node, place, file, required):
        yield node, new, kind, place
    for child, inner, field in _children(node, place):
        if field in ("test", "ifs") and isinstance(child, ast.Name | ast.Attribute | ast.Call):
            yield child, ast.UnaryOp(ast.Not(), child), "condition", inner
        yield from _walk(child, inner, file, required)


def _children(node: ast.AST, place: _Place) -> Iterator[tuple[ast.AST, _Place, str]]:
    """The descendants of a node, without types and decorators."""
    if isinstance(node, ast.ClassDef):
        place = replace(place, scope=(*place.scope, node.name))
    elif isinstance(node, ast.FunctionDef):
        is_kept = any("cache" in ast.unparse(decorator) for decorator in node.decorator_list)
        place = replace(
            place,
            scope=(*place.scope, node.name),
            lines=(node.body[0].lineno, node.end_lineno),
            names=(node.name,) if is_kept else (),
            is_in_function=True,
            returns_bool=bool(node.returns) and ast.unparse(node.returns) == "bool",
        )
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns", "decorator_list", "bases", "format_spec"):
            children = value if isinstance(value, list) else [value]
            yield from ((child, place, field) for child in children if isinstance(child, ast.AST))


def bound_names(statement: ast.stmt) -> tuple[str, ...]:
    """The names that a statement binds."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    nodes = [node for target in targets if target for node in ast.walk(target)]
    names = [node.id for node in nodes if isinstance(node, ast.Name)]
    return tuple([statement.name] if isinstance(statement, ast.FunctionDef | ast.ClassDef) else names)


def _is_silent(node: ast.AST, place: _Place) -> bool:
    """Whether a node and its descendants are not mutated."""
    if isinstance(node, ast.FunctionDef):
        return node.name in SILENT_FUNCTIONS
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) or (
            isinstance(node.value, ast.Call) and _name(node.value) in SILENT_CALLS
        )
    if isinstance(node, ast.Assign) and not place.scope:  # an alias of a type
        name = ast.unparse(node.targets[0]).lstrip("_")
        return name[:1].isupper() and not name.isupper()
    if isinstance(node, ast.keyword):
        return node.arg in GUARDS
    return isinstance(node, ast.Call) and _name(node) in SILENT_CALLS


def _name(call: ast.Call) -> str:
    """The bare name of the called function."""
    function = call.func
    return getattr(function, "attr", None) or getattr(function, "id", "")


def _variants(node: ast.AST, place: _Place, file: str, required: dict[str, set[str]]) -> Iterator[tuple]:
    """The possible replacements of a node, with their kinds."""
    if isinstance(node, ast.Compare):
        for number, operator in enumerate(node.ops):
            ops = [*node.ops[:number], COMPARISONS[type(operator)](), *node.ops[number + 1 :]]
            yield ast.Compare(node.left, ops, node.comparators), "comparison"
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS and not _joins(node):
        if file.startswith(PRESENTATION):
            return
        yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right), "arithmetic"
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values), "and, or"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand, "not, minus"
    elif isinstance(node, ast.Constant):
        yield from _constants(node, file)
    elif isinstance(node, ast.Call):
        yield from _calls(node, file, required)
    elif isinstance(node, ast.stmt):
        yield from _statements(node, place)


def _joins(node: ast.BinOp) -> bool:
    """Whether texts, lists or alternatives of types are joined, not numbers."""
    sides = (node.left, node.right)
    types = isinstance(node.op, ast.BitOr) and all(ast.unparse(side)[:1].isupper() for side in sides)
    return types or any(
        isinstance(side, ast.JoinedStr | ast.List | ast.Tuple | ast.ListComp)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str | bytes))
        or (isinstance(side, ast.BinOp) and _joins(side))
        for side in sides
    )


def _constants(node: ast.Constant, file: str) -> Iterator[tuple]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value), "constant"
    elif isinstance(value, int | float) and not file.startswith(PRESENTATION):
        yield from ((ast.Constant(other), "constant") for other in _neighbours(value))


def _neighbours(value: float) -> list[float]:
    return [value + 1, value - 1] if isinstance(value, int) else [value * 2] if value else [1.0]


def _calls(node: ast.Call, file: str, required: dict[str, set[str]]) -> Iterator[tuple]:
    name = _name(node)
    if name in SWAPS:
        function = copy.copy(node.func)
        setattr(function, "attr" if isinstance(function, ast.Attribute) else "id", SWAPS[name])
        yield ast.Call(function, node.args, node.keywords), "function"
    for number, argument in enumerate(node.args):
        if name in SEARCHES and isinstance(argument, ast.Constant) and argument.value in SIDES:
            args = [*node.args[:number], ast.Constant(SIDES[argument.value]), *node.args[number + 1 :]]
            yield ast.Call(node.func, args, node.keywords), "function"
    if name in ("get", "next") and len(node.args) == 2 and not node.keywords:
        yield ast.Call(node.func, node.args[:1], []), "argument"
    if not file.startswith(PRESENTATION):
        for keyword in node.keywords:
            if keyword.arg and keyword.arg not in GUARDS | required.get(name, set()):
                keywords = [other for other in node.keywords if other is not keyword]
                yield ast.Call(node.func, node.args, keywords), "argument"


def _statements(node: ast.stmt, place: _Place) -> Iterator[tuple]:
    if isinstance(node, ast.Return) and node.value and not isinstance(node.value, ast.Constant):
        value = ast.UnaryOp(ast.Not(), node.value) if place.returns_bool else ast.Constant(None)
        yield ast.Return(value), "return"
    elif isinstance(node, ast.AugAssign):
        if type(node.op) in OPERATORS:
            yield ast.AugAssign(node.target, OPERATORS[type(node.op)](), node.value), "arithmetic"
        yield ast.Pass(), "statement"
    elif isinstance(node, ast.Assign):
        if isinstance(node.targets[0], ast.Attribute | ast.Subscript):
            yield ast.Pass(), "statement"
    elif isinstance(node, ast.Raise | ast.Break | ast.Continue | ast.Delete) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield ast.Pass(), "statement"


def _message_text(message: ast.JoinedStr, old: ast.AST, new: ast.AST) -> str | None:
    """A message with one of its nodes replaced; None if its quotes cannot be written."""
    for parent, field, value in [(node, *pair) for node in ast.walk(message) for pair in ast.iter_fields(node)]:
        items = value if isinstance(value, list) else [value]
        if any(item is old for item in items):
            replaced = [new if item is old else item for item in items]
            setattr(parent, field, replaced if isinstance(value, list) else replaced[0])
            try:
                text = ast.unparse(message)
                ast.parse(text)
            except (SyntaxError, ValueError):
                return None
            finally:
                setattr(parent, field, value)
            return text
    return None
