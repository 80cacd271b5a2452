"""The documents that an editor has open: their texts as edited, and one analysis of each version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from os.path import realpath
from pathlib import Path

from pygls.uris import to_fs_path

from archnet.files.strict_json import MAX_BYTES
from archnet.lsp.document_recognition import is_archnet_document, names_other_schema
from archnet.lsp.editor_positions import EditorPositions, editor_positions
from archnet.lsp.editor_settings import EditorSettings
from archnet.spec.analysis.analyze import Analysis, AnalysisOptions, analyze
from archnet.spec.analysis.diagnostics import Diagnostic
from archnet.spec.analysis.text_ranges import TextRange
from archnet.spec.layers import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzedDocument:
    """One version of a document with its analysis.

    Attributes:
        uri: Address of the document.
        version: Version number of the editor.
        text: The text.
        positions: Positions in it.
        analysis: Its analysis.
        files: Resolved paths of the files that the analysis asked for.
    """

    uri: str
    version: int | None
    text: str
    positions: EditorPositions
    analysis: Analysis
    files: frozenset[Path]


@dataclass(slots=True, kw_only=True)
class OpenDocument:
    """A JSON file that an editor has open; `analyzed` is null until its current version has been analyzed."""

    uri: str
    path: Path
    text: str
    version: int | None
    is_ours: bool
    analyzed: AnalyzedDocument | None = None
    files: frozenset[Path] = frozenset()


def document_path_of(uri: str, folder: Path) -> Path:
    """The file of a document; one that has not been saved yet gets a name in a folder."""
    path = to_fs_path(uri) if uri.startswith("file:") else None
    return Path(path) if path else folder / "untitled.json"


def _resolved(path: Path) -> Path:
    """A path without links; one that no file can have is returned unchanged."""
    try:
        return Path(realpath(path))  # Path.resolve refuses links that lead to themselves
    except (OSError, ValueError):
        return path


@dataclass(slots=True)
class OpenDocuments:
    """All open documents, and the settings of their analysis.

    Each version of a text is analyzed at most once, on demand. An experiment that names the file of an open
    architecture is analyzed with its unsaved text, and again after that text has changed.
    """

    folder: Path = field(default_factory=Path.cwd)
    settings: EditorSettings = field(default_factory=EditorSettings)
    _documents: dict[str, OpenDocument] = field(default_factory=dict)

    def put(self, uri: str, text: str, version: int | None) -> list[str]:
        """Store the text of a document that was opened or edited.

        Returns:
            The addresses of the documents to analyze: this one, and those that name its file.
        """
        old = self._documents.get(uri)
        path = document_path_of(uri, self.folder)
        was_ours = old is not None and old.is_ours and not names_other_schema(text)
        is_ours = was_ours or is_archnet_document(path, text)
        files = old.files if old else frozenset()
        self._documents[uri] = OpenDocument(
            uri=uri, path=path, text=text, version=version, is_ours=is_ours, files=files
        )
        return [uri, *self.invalidate_users([path])]

    def remove(self, uri: str) -> list[str]:
        """Forget a document that was closed.

        Returns:
            The addresses of the documents that name its file.
        """
        document = self._documents.pop(uri, None)
        return self.invalidate_users([document.path]) if document else []

    def text(self, uri: str) -> str | None:
        """The text of a document; null if it is not open."""
        document = self._documents.get(uri)
        return document.text if document else None

    def is_open(self, path: Path) -> bool:
        """Whether an editor has a file open, even if it is not on disk."""
        return any(document.path == path for document in self._documents.values())

    def invalidate_users(self, paths: Iterable[Path]) -> list[str]:
        """Discard the analyses of the documents that name one of some files, and return the addresses."""
        changed = {_resolved(path) for path in paths}
        users = [document for document in self._documents.values() if document.files & changed]
        for document in users:
            document.analyzed = None
        return [document.uri for document in users]

    def change_settings(self, settings: EditorSettings) -> list[str]:
        """Analyze all documents again with other settings, and return their addresses."""
        self.settings = settings
        for document in self._documents.values():
            document.analyzed = None
        return list(self._documents)

    def analyzed(self, uri: str) -> AnalyzedDocument | None:
        """The current version of a document with its analysis.

        Returns:
            Null for a document that is not open, and for a JSON file that is not archnet's.
        """
        document = self._documents.get(uri)
        if document is None or not document.is_ours:
            return None
        if document.analyzed is None:
            document.analyzed = self._analyze(document)
            document.files = document.analyzed.files
        return document.analyzed

    def _analyze(self, document: OpenDocument) -> AnalyzedDocument:
        asked: set[Path] = set()

        def read_text(path: Path) -> str | None:
            resolved = _resolved(path)
            asked.add(resolved)
            return next(self._texts_of(resolved), None)

        options = AnalysisOptions(
            num_classes=self.settings.num_classes,
            batch_size=self.settings.batch_size,
            budget_bytes=self.settings.budget_bytes,
            spacing_mm=self.settings.spacing_mm,
            read_text=read_text,
        )
        return AnalyzedDocument(
            uri=document.uri,
            version=document.version,
            text=document.text,
            positions=editor_positions(document.text),
            analysis=self._analysis(document, options),
            files=frozenset(asked),
        )

    def _texts_of(self, resolved: Path) -> Iterator[str]:
        """The text of an open file."""
        return (document.text for document in self._documents.values() if _resolved(document.path) == resolved)

    def _analysis(self, document: OpenDocument, options: AnalysisOptions) -> Analysis:
        """Analyze a text; an architecture without an input gets that of the settings."""
        if len(document.text) > MAX_BYTES:
            return _report_size(document)
        analysis = analyze(document.text, str(document.path), options)
        if (shape := self._missing_input(analysis)) is None:
            return analysis
        return analyze(document.text, str(document.path), replace(options, input_shape=shape))

    def _missing_input(self, analysis: Analysis) -> Shape | None:
        network = analysis.network
        return self.settings.input_of_rank(network.rank) if network and network.is_input_assumed else None


def _report_size(document: OpenDocument) -> Analysis:
    """The analysis of a text that exceeds the limit for documents: one problem."""
    message = (
        f"larger than {MAX_BYTES // 1_000_000} MB, the limit for architectures and experiments. Is this a data file?"
    )
    problem = Diagnostic(range=TextRange(0, 1), severity="error", message=message, path=())
    return replace(analyze("", str(document.path)), text=document.text, diagnostics=(problem,), network=None)
