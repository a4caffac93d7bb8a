"""Figures inside the page, as images that need no file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from samestep.summary import FigureModel

__all__ = ["Image", "embed"]

_PIXELS_PER_POINT = 4 / 3
_LEGIBLE = " !$&'()*+,/:;=?@"
"""What a data URI may hold as it is; most of an SVG file is digits and these."""


@dataclass(frozen=True)
class Image:
    """An SVG file as an address that holds all of it, with its size in CSS pixels.

    An image rather than a part of the page: its ids and styles stay its own, and a script that
    somebody has put into a stored figure does not run.
    """

    address: str
    width: int
    height: int


def embed(figure: FigureModel, folder: Path) -> Image | None:
    """Return a figure as it was drawn; None if the folder holds no SVG file of it.

    Parameters
    ----------
    figure : FigureModel
    folder : Path
        The output folder of the run, to which the figure's files are relative. Files elsewhere are
        left alone: the page shows nothing that the run has not written.
    """
    root = folder.resolve()
    for name in figure.files:
        path = (root / name).resolve()
        if name.endswith(".svg") and path.is_relative_to(root) and path.is_file():
            return _image(path.read_text(encoding="utf-8", errors="replace"))
    return None


def _image(text: str) -> Image | None:
    size = re.search(r'<svg[^>]*\sviewBox="0 0 (\d{1,5}(?:\.\d+)?) (\d{1,5}(?:\.\d+)?)"', text)
    if not size:
        return None
    width, height = (round(_PIXELS_PER_POINT * float(points)) for points in size.groups())
    return Image(f"data:image/svg+xml,{quote(_compact(text), safe=_LEGIBLE)}", width, height)


def _compact(text: str) -> str:
    """Leave out what nobody sees: the head, the metadata, line breaks, thousandths of a point."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r"\s+", " ", svg)
    return re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), svg)
