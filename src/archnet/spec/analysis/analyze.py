"""Analyze the text of a document while it is edited: one function for the command line, editors and the local page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from archnet.files.documents.house_style import format_json
from archnet.files.documents.json_parser import parse_tolerantly
from archnet.files.documents.json_tree import JsonNode, LineNumbers
from archnet.files.documents.text_edits import smallest_edits
from archnet.files.strict_json import Document, JsonPath
from archnet.spec.analysis.analysis_options import AnalysisOptions as AnalysisOptions
from archnet.spec.analysis.arch_problems import analyze_arch
from archnet.spec.analysis.diagnostics import Diagnostic
from archnet.spec.analysis.document_kind import DocumentKind, document_kind
from archnet.spec.analysis.experiment_problems import experiment_findings, sweep_findings
from archnet.spec.analysis.explain_position import explain_position
from archnet.spec.analysis.locate_problems import locate_problem, sort_diagnostics, syntax_diagnostics
from archnet.spec.analysis.network_facts import NetworkFacts
from archnet.spec.analysis.outline import outline
from archnet.spec.analysis.partial_network import known_rank
from archnet.spec.analysis.suggestions import Completion, Hover, Symbol
from archnet.spec.analysis.text_ranges import Fix, TextEdit, TextRange, apply_edits
from archnet.spec.completion.complete import complete
from archnet.spec.completion.cursor_offers import CompletionContext

MAX_GUESS_CHARACTERS: Final = 200_000
"""Maximum number of characters that are analyzed to try guessed fixes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Results of the analysis of a text.

    Attributes:
        text: The text.
        source: Name of the file.
        kind: What kind of document it is, guessed while it is incomplete.
        diagnostics: All problems, in the order of the text.
        network: The network of an architecture; null for other documents and where the text does not determine it.
        root: The value of the text as far as it can be recognized, with the range of every key and value.
        is_json: Whether the text is strict JSON.
        options: The circumstances of the analysis.
    """

    text: str
    source: str
    kind: DocumentKind
    root: JsonNode = field(compare=False, repr=False)
    is_json: bool = True
    options: AnalysisOptions = field(default_factory=AnalysisOptions, compare=False, repr=False)
    diagnostics: tuple[Diagnostic, ...] = ()
    network: NetworkFacts | None = None

    @property
    def is_valid(self) -> bool:
        """Whether there is no error."""
        return all(diagnostic.severity != "error" for diagnostic in self.diagnostics)

    def complete(self, offset: int) -> tuple[Completion, ...]:
        """Completions at an offset."""
        return complete(self.text, offset, self._context)

    def hover(self, offset: int) -> Hover | None:
        """Explain the key or value at an offset."""
        return explain_position(self.root, offset, self._context, self.network)

    def symbols(self) -> tuple[Symbol, ...]:
        """The outline of the document."""
        return outline(self.root, self.network)

    def format(self) -> tuple[TextEdit, ...]:
        """Edits that give the document the house style: one layer per line if it fits; none for invalid JSON."""
        formatted = format_json(self.text, self.root) if self.is_json else self.text
        return smallest_edits(self.text, formatted)

    @property
    def _context(self) -> CompletionContext:
        rank = known_rank(self.root.value) if self.kind == "arch" else None
        return CompletionContext(
            kind=self.kind, source=self.source, value=self.root.value, rank=rank, read_text=self.options.read_text
        )


def analyze(text: str, source: str, options: AnalysisOptions | None = None) -> Analysis:
    """Analyze any text, however incomplete; never raises for the text.

    Args:
        text: The text of an architecture, an experiment or a sweep.
        source: Path of the file; relative paths in the document are relative to its folder.
        options: See `AnalysisOptions`.
    """
    analysis = _analyze(text, source, options or AnalysisOptions())
    if any(fix.is_guess for diagnostic in analysis.diagnostics for fix in diagnostic.fixes):
        return replace(analysis, diagnostics=tuple(_without_wrong_guesses(analysis)))
    return analysis


def _without_wrong_guesses(analysis: Analysis) -> Iterator[Diagnostic]:
    """The diagnostics without guessed fixes that add a problem; in a long text, only the first ones are tried."""
    errors = _errors(analysis)
    num_trials = max(MAX_GUESS_CHARACTERS // (len(analysis.text) + 1), 1)
    for diagnostic in analysis.diagnostics:
        fixes = []
        for fix in diagnostic.fixes:
            num_trials -= fix.is_guess
            if not fix.is_guess or (num_trials >= 0 and _errors_after(fix, analysis) < errors):
                fixes.append(fix)
        yield replace(diagnostic, fixes=tuple(fixes))


def _errors_after(fix: Fix, analysis: Analysis) -> Counter[str]:
    return _errors(_analyze(apply_edits(analysis.text, fix.edits), analysis.source, analysis.options))


def _errors(analysis: Analysis) -> Counter[str]:
    return Counter(diagnostic.message for diagnostic in analysis.diagnostics if diagnostic.severity == "error")


def _analyze(text: str, source: str, options: AnalysisOptions) -> Analysis:
    """Analyze a text; its guessed fixes are not tried."""
    root, syntax_problems = parse_tolerantly(text)
    kind = document_kind(root.value, source)
    document = Document(value=root.value, source=source, lines=LineNumbers(root, text), read_text=options.read_text)
    network: NetworkFacts | None = None
    if kind == "arch":
        broken = frozenset(problem.path for problem in syntax_problems)
        result = analyze_arch(document, options, lambda path: _range_of(root, path), broken)
        findings, network = result.findings, result.network.facts if result.network else None
    else:
        findings = tuple(experiment_findings(document) if kind == "experiment" else sweep_findings(document))
    located = (locate_problem(severity, problem, document, root, text) for severity, problem in findings)
    diagnostics = [*syntax_diagnostics(syntax_problems, text, source), *(each for each in located if each is not None)]
    return Analysis(
        text=text,
        source=source,
        kind=kind,
        diagnostics=sort_diagnostics(diagnostics, text),
        network=network,
        root=root,
        is_json=not syntax_problems,
        options=options,
    )


def _range_of(root: JsonNode, path: JsonPath) -> TextRange:
    node = root.find(path) or root
    return TextRange(node.start, node.end)
