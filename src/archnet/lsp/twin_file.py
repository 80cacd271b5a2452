"""The file of a twin that an editor creates: its name, its text, and the edit that adds it to the folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path

from archnet.errors import pluralize
from archnet.files.documents.house_style import compact_json
from archnet.files.strict_json import parse_document, slugify
from archnet.lsp.editor_settings import EditorSettings
from archnet.spec.arch import PUBLISHED_INPUT, Arch, parse_arch
from archnet.spec.layers import Shape, sizes_text
from archnet.spec.twins.twin_document import FORM_TEXTS
from archnet.spec.twins.twin_network import make_twin


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinFile:
    """A twin that is to be created.

    Attributes:
        path: Its file, which does not exist yet.
        text: The document in the house style.
        message: What has been created, and remarks on it.
    """

    path: Path
    text: str
    message: str

    @property
    def uri(self) -> str:
        """The address of the file."""
        return from_fs_path(str(self.path)) or self.path.as_uri()

    def write(self) -> str | None:
        """Create the file without the editor; returns the reason if that fails, for example because it exists."""
        try:
            with self.path.open("x", encoding="utf-8") as stream:
                stream.write(self.text)
        except OSError as error:
            return f"{error.strerror}."
        return None

    def creation(self) -> types.WorkspaceEdit:
        """The edit that creates the file and fails if it exists."""
        create = types.CreateFile(
            uri=self.uri, options=types.CreateFileOptions(overwrite=False, ignore_if_exists=False)
        )
        start = types.Position(0, 0)
        insert = types.TextDocumentEdit(
            text_document=types.OptionalVersionedTextDocumentIdentifier(uri=self.uri),
            edits=[types.TextEdit(range=types.Range(start, start), new_text=self.text)],
        )
        return types.WorkspaceEdit(document_changes=[create, insert])


def twin_file(
    path: Path, text: str, rank: float, settings: EditorSettings, is_taken: Callable[[Path], bool]
) -> TwinFile:
    """The twin of the architecture in an editor, next to its file.

    Args:
        path: The file of the original.
        text: Its text as edited.
        rank: 2, 2.5 or 3.
        settings: Settings of the language server.
        is_taken: Whether a file exists.

    Raises:
        DocumentError: The text is not a valid architecture, or it has no twin of this rank.
    """
    arch = parse_arch(parse_document(text, path.name))
    shape, has_assumed_depth = _input_shape(arch, rank, settings)
    twin = make_twin(arch, rank, input_shape=shape, num_classes=settings.num_classes)
    file = _free_path(path.parent, slugify(twin.arch.name), is_taken)
    assumption = f" The depth {twin.input_shape[2]} is assumed." if has_assumed_depth else ""
    message = (
        f"{file.name}: {FORM_TEXTS[rank]} twin of {arch.name}, {pluralize(twin.parameters, 'parameter')} "
        f"(original: {twin.original_parameters:,}), input {sizes_text(twin.input_shape)}.{assumption}"
    )
    return TwinFile(
        path=file,
        text=compact_json(twin.arch.document.value) + "\n",
        message=" ".join([message, *twin.notes]),
    )


def _input_shape(arch: Arch, rank: float, settings: EditorSettings) -> tuple[Shape | None, bool]:
    """The input of a twin, null for that of the original, and whether its depth is that of the published crops."""
    if arch.rank == 3 or rank == 2:
        return (settings.input_of_rank(3) if arch.input_shape is None and arch.rank == 3 else None), False
    given = settings.input_of_rank(3)
    own = arch.input_shape or (given and given[:2]) or PUBLISHED_INPUT[2]
    return (*own, given[2] if given else PUBLISHED_INPUT[3][2]), given is None


def _free_path(folder: Path, name: str, is_taken: Callable[[Path], bool]) -> Path:
    """The first of NAME.json, NAME_2.json, NAME_3.json ... that does not exist."""
    endings = ("" if number == 1 else f"_{number}" for number in count(1))
    paths = (folder / f"{name}{ending}.json" for ending in endings)
    return next(path for path in paths if not is_taken(path))
