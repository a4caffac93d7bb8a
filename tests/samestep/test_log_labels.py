"""Labels of logarithmic axes: text that says what Matplotlib's formula says."""

from __future__ import annotations

from pathlib import Path

import matplotlib.figure
import pytest

from samestep.figures import FigureSpec, new_figure
from samestep.log_labels import plain


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (r"$\mathdefault{10^{3}}$", "10³"),
        (r"$\mathdefault{10^{-12}}$", "10⁻¹²"),
        (r"$\mathdefault{-10^{0}}$", "−10⁰"),
        (r"$\mathdefault{2\times10^{-3}}$", "2×10⁻³"),
        (r"$\mathdefault{2^{4.5}}$", "2⁴·⁵"),
        (r"$\mathdefault{0}$", "0"),
        ("3", "3"),
        ("", ""),
        (r"$\alpha^{2}$", r"$\alpha^{2}$"),
    ],
)
def test_plain(formula: str, text: str) -> None:
    assert plain(formula) == text


def draw() -> matplotlib.figure.Figure:
    figure, axes = new_figure(1, 3, (9, 3))
    decades, few, both = axes[0]
    decades.loglog([1e-8, 1e8], [1e-3, 1e4])
    few.semilogy([0, 1], [2, 7])
    both.set_yscale("symlog")
    both.plot([0, 1], [-1e3, 1e3])
    return figure


def test_all_logarithmic_axes_have_them(tmp_path: Path) -> None:
    FigureSpec("logs", "", draw, {}).save(tmp_path)
    text = (tmp_path / "logs.svg").read_text(encoding="utf-8")
    assert "mathdefault" not in text
    for label in ("10⁻⁸", "10⁴", "3×10⁰", "−10³", ">0<"):
        assert label in text
