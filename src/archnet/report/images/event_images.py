"""Images of a run for TensorBoard: confusion matrices, training cases and errors, as PNG files in memory."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from archnet.report.figures.montage import NUM_PICTURES, Picture, caption, central_slice, gallery_pictures
from archnet.report.figures.svg import shorten
from archnet.report.figures.theme import LIGHT
from archnet.report.run_files import RunFiles
from archnet.report.wording import percent

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

KINDS: Final = {"samples": "sample", "wrong_cases": "wrong"}
"""Tags of the cases by kind in the gallery."""

_SIDE: Final = 256  # shorter side of an enlarged slice, in pixels like all lengths here
_MARGIN: Final = 10
_LINE: Final = 20
_CELL: Final = 84
_TEXT_SIZE: Final = 15


def event_images(run: RunFiles) -> dict[str, bytes]:
    """PNG files by tag: `confusion_matrix/SET`, `samples/N` and `wrong_cases/N` with captions.

    A volume shows its central slice. The errors are those of the reported set, the most confident first.
    """
    matrices = {
        f"confusion_matrix/{name}": draw_matrix(run.metrics[name]["confusion_matrix"], run.classes) for name in run.sets
    }
    cases = {
        f"{tag}/{number:02}": draw_case(picture)
        for tag, kind in KINDS.items()
        for number, picture in enumerate(gallery_pictures(run, kind)[:NUM_PICTURES], start=1)
    }
    return matrices | cases


def draw_case(picture: Picture) -> bytes:
    """The enlarged slice of a case above its caption."""
    from PIL import Image

    pixels = central_slice(picture.image)
    scale = max(1, round(_SIDE / min(pixels.shape)))
    image = Image.fromarray(pixels).resize((pixels.shape[1] * scale, pixels.shape[0] * scale), Image.Resampling.NEAREST)
    lines = list(map(_printable, caption(picture)))
    width = max(image.width, 2 * _MARGIN + max(map(_text_width, lines)))
    paper, drawing = _paper(width, image.height + _LINE * len(lines) + _MARGIN)
    paper.paste(image.convert("RGB"), (0, 0))
    for place, line in enumerate(lines):
        drawing.text((_MARGIN, image.height + 4 + _LINE * place), line, fill=LIGHT.ink, font=_font())
    return _png(paper)


def draw_matrix(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> bytes:
    """A confusion matrix: counts, and shares of the rows (true classes) as shade."""
    names = [_printable(shorten(name)) for name in classes]
    cell = max(_CELL, *(_text_width(name) + _MARGIN for name in names))
    left, top = max(map(_text_width, (*names, "true"))) + 2 * _MARGIN, 2 * _LINE + _MARGIN
    paper, drawing = _paper(left + cell * len(names) + _MARGIN, top + _CELL * len(names) + _MARGIN)
    drawing.text((_MARGIN, top - _LINE), "true", fill=LIGHT.faint, font=_font())
    drawing.text((left, 4), "predicted", fill=LIGHT.faint, font=_font())
    for row, (name, counts) in enumerate(zip(names, matrix, strict=True)):
        y = top + _CELL * row
        drawing.text((left + cell * (row + 0.5), top - _LINE / 2), name, anchor="mm", **_ink())
        drawing.text((left - _MARGIN, y + _CELL / 2), name, anchor="rm", **_ink())
        for column, count in enumerate(counts):
            share = count / sum(counts) if sum(counts) else 0.0
            hue = LIGHT.right if row == column else LIGHT.wrong
            x = left + cell * column
            drawing.rectangle((x, y, x + cell - 3, y + _CELL - 3), fill=_blend(hue, 0.5 * share))
            text = f"{count:,}\n{percent(share) if sum(counts) else 'no case'}"
            drawing.multiline_text((x + cell / 2, y + _CELL / 2), text, anchor="mm", align="center", **_ink())
    return _png(paper)


def _ink() -> dict[str, Any]:
    return {"fill": LIGHT.ink, "font": _font()}


def _blend(colour: str, opacity: float) -> tuple[int, ...]:
    """A colour blended with that of panels."""
    pairs = [(int(colour[start : start + 2], 16), int(LIGHT.panel[start : start + 2], 16)) for start in (1, 3, 5)]
    return tuple(round(opacity * over + (1 - opacity) * under) for over, under in pairs)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _text_width(text: str) -> int:
    return int(_font().getlength(text)) + 1


@cache
def _font() -> FreeTypeFont:
    import matplotlib as mpl
    from PIL import ImageFont

    return ImageFont.truetype(Path(mpl.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), _TEXT_SIZE)


def _paper(width: int, height: int) -> tuple[Image, ImageDraw]:
    from PIL import Image, ImageDraw

    paper = Image.new("RGB", (width, height), LIGHT.paper)
    return paper, ImageDraw.Draw(paper)


def _png(image: Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    return buffer.getvalue()
