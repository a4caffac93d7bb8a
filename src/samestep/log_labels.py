"""Labels of logarithmic axes as text: 10⁻³ instead of a formula that is typeset for each tick.

Typesetting the formulas took a quarter of the time of drawing a figure. And in an SVG a label is
one word now, which can be searched for and read aloud.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plain", "use_plain_labels"]

_FORMULA = re.compile(r"\$\\mathdefault\{(.*)\}\$")
_POWER = re.compile(r"\^\{(.*?)\}")
_RAISED = str.maketrans("-−0123456789.", "⁻⁻⁰¹²³⁴⁵⁶⁷⁸⁹·")


def plain(label: str) -> str:
    r"""Return the text that Matplotlib's formula for a tick on a logarithmic axis stands for.

    Examples
    --------
    >>> plain(r"$\mathdefault{-2\times10^{-3}}$")
    '−2×10⁻³'
    """
    found = _FORMULA.fullmatch(label)
    if not found:
        return label
    text = found[1].replace(r"\times", "×")
    return _POWER.sub(lambda power: power[1].translate(_RAISED), text).replace("-", "−")


def use_plain_labels(figure: Figure) -> None:
    """Have the logarithmic axes of a figure write their labels as text."""
    from matplotlib.axis import Axis
    from matplotlib.ticker import Formatter, LogFormatterMathtext

    class Plain(Formatter):
        """What another formatter writes, as text."""

        def __init__(self, formatter: Formatter) -> None:
            self._formatter = formatter

        def __call__(self, x: float, pos: int | None = None) -> str:
            return plain(self._formatter(x, pos))

        def set_locs(self, locs: list[float]) -> None:
            self._formatter.set_locs(locs)

    for axis in figure.findobj(Axis):
        assert isinstance(axis, Axis)
        for formatter, use in (
            (axis.get_major_formatter(), axis.set_major_formatter),
            (axis.get_minor_formatter(), axis.set_minor_formatter),
        ):
            if isinstance(formatter, LogFormatterMathtext):
                use(Plain(formatter))
