"""Order statistics: sort, median and quantile, at ties and at their nodes."""

from __future__ import annotations

from typing import Any

from samestep.probes import Derivative, Probe
from samestep_experiments.atlas.kinks.piecewise import FORMULAS


def middle(m: Any, *x: Any) -> Any:
    """Return the mean of the two middle ones of four numbers."""
    ordered = sorted(x)
    return (ordered[1] + ordered[2]) / 2


def quantile(m: Any, q: Any) -> Any:
    """Interpolate the numbers 1, 2, 4, at 0, 1/2 and 1."""
    return 1 + 2 * q if q <= 0.5 else 4 * q


PROBES = (
    Probe(
        id="sort-tie",
        title="sort with a tie",
        question="What is the gradient of s[0] + 2 s[1] with s = sort(x), at (1, 1)?",
        truth=Derivative(
            lambda m, a, b: min(a, b) + 2 * max(a, b),
            at=(1.0, 1.0),
            left=(1.0, 1.0),
            right=(2.0, 2.0),
            diagonal=(3.0, 3.0),
        ),
        why="Both differentiate the permutation that they applied, and with a tie either one is "
        "right. Sorting shares nothing, unlike max: here equal numbers keep their order.",
        portable="Ask for a stable sort, and the permutation is defined.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.sort.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.sort.html",
        ),
    ),
    Probe(
        id="median-of-four",
        title="median of an even number",
        question="What is the gradient of the median of (1, 2, 3, 4)?",
        truth=Derivative(
            middle,
            at=(1.0, 2.0, 3.0, 4.0),
            left=(0.0, 0.5, 0.5, 0.0),
            right=(0.0, 0.5, 0.5, 0.0),
        ),
        why="No tie, another definition: torch.median is the lower of the two middle numbers, 2, "
        "as its documentation says, so its gradient goes to one element. JAX follows NumPy and "
        "takes their mean, 2.5.",
        portable="quantile(x, 0.5), which is the mean in both.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.median.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.median.html",
        ),
    ),
    Probe(
        id="median-tie",
        title="median with a tie",
        question="What is the gradient of the median of (1, 1, 3)?",
        truth=Derivative(
            lambda m, *x: sorted(x)[1],
            at=(1.0, 1.0, 3.0),
            left=(0.0, 0.0, 0.0),
            right=(1.0, 1.0, 0.0),
            diagonal=(1.0, 1.0),
        ),
        why="torch.median without a dimension shares the gradient among the elements that equal "
        "the median; JAX sorts, and gives it to the one in the middle. With a dimension "
        "PyTorch also picks one, and its documentation warns that the choice may vary.",
        portable="Do not rely on it; the sum over tied entries is the same.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.median.html",
            FORMULAS,
        ),
    ),
    Probe(
        id="quantile-in-q",
        title="quantile with respect to q",
        question="What is the derivative of the quantile of (1, 2, 4) with respect to q at 1/2?",
        truth=Derivative(quantile, at=0.5, left=2.0, right=4.0),
        why="The quantile is linear between its nodes, of slope 2 and then 4. At a node both "
        "interpolate between the element below and the one above, which are the same element "
        "there, so both find a slope of 0, outside of [2, 4].",
        portable="Both say 0, so it is portable; keep q off the nodes k / (n - 1).",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.quantile.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.quantile.html",
        ),
    ),
)
