"""Code as HTML, with the classes that the page's style colours; and its versions side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from samestep.side_by_side import align
from samestep.summary import CodeModel

__all__ = ["Aligned", "highlighted", "side_by_side"]

_LEXER = PythonLexer(stripnl=False)
_FORMATTER = HtmlFormatter(nowrap=True)
_PLAIN = re.compile(r'<span class="(?:n|nb|nn|nx|o|p|w|bp|vm)">([^<]*)</span>')
"""Names, operators and the like, which the style leaves as they are: half of all tokens."""


def highlighted(source: str) -> Markup:
    """Return Python code as HTML; everything in it is escaped."""
    html = highlight(source, _LEXER, _FORMATTER)  # Pygments escapes what it is given
    return Markup(_PLAIN.sub(r"\1", html))


@dataclass(frozen=True)
class Aligned:
    """Versions of some code next to each other.

    Parameters
    ----------
    labels : list of str
        Of the versions.
    rows : list of (str, list of str)
        What a stretch of code is for, and that stretch in each version.
    """

    labels: list[str]
    rows: list[tuple[str, list[str]]]


def side_by_side(code: Sequence[CodeModel]) -> Aligned | None:
    """Align the versions of each framework, or the only one with the shared version.

    None if there is nothing to compare, or nothing in the code says what matches what.
    """
    native = code[:-1]
    chosen = native if len(native) > 1 else code
    if len(chosen) < 2:
        return None
    try:
        rows = align([version.source for version in chosen])
    except ValueError:  # code that does not name its stages
        return None
    return Aligned(
        labels=[version.label for version in chosen],
        rows=[(row.stage, ["\n".join(lines) for lines in row.cells]) for row in rows],
    )
