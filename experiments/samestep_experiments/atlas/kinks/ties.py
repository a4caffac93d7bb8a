"""Maxima and minima of equal numbers: who gets the gradient."""

from __future__ import annotations

from samestep.interface import Array, Backend, TensorOps
from samestep.probes import Convention, Derivative, Probe, gradient
from samestep_experiments.atlas.kinks.piecewise import CONVENTIONS, FORMULAS

AMAX = "https://docs.pytorch.org/docs/stable/generated/torch.amax.html"
"""PyTorch on max against amax: one index, or shared among equal values."""

TIE = Derivative(
    lambda m, a, b: max(a, b),
    at=(1.0, 1.0),
    left=(0.0, 0.0),
    right=(1.0, 1.0),
    diagonal=(1.0, 1.0),
    remark="The subdifferential is the segment from (1, 0) to (0, 1).",
)


def minimum_tie(backend: Backend) -> object:
    return gradient(backend, lambda xp, a, b: xp.minimum(a, b), 1.0, 1.0)


def shared_maximum(backend: Backend) -> object:
    def maximum(xp: TensorOps, x: Array) -> Array:
        wins = xp.where(x == xp.max(x), xp.ones_like(x), xp.zeros_like(x))
        return xp.sum(wins * x) / xp.sum(wins)

    return gradient(backend, maximum, [1.0, 1.0])


PROBES = (
    Probe(
        id="minimum-tie",
        title="minimum of two equal numbers",
        question="Which argument of minimum(a, b) gets the gradient at a = b?",
        truth=Derivative(
            lambda m, a, b: min(a, b),
            at=(1.0, 1.0),
            left=(1.0, 1.0),
            right=(0.0, 0.0),
            diagonal=(1.0, 1.0),
            remark="It is concave: the superdifferential is the segment from (1, 0) to (0, 1).",
        ),
        shared=minimum_tie,
        why="Both split the gradient evenly, as for maximum. PyTorch's rule of the least norm "
        "speaks of convex functions, and for concave ones asks for the same.",
        portable="minimum(a, b) is portable.",
        references=(CONVENTIONS, FORMULAS),
    ),
    Probe(
        id="max-tie",
        title="max over everything, with a tie",
        question="What is the gradient of the maximum over a whole array, at (1, 1)?",
        truth=TIE,
        why="Over all elements both share the gradient among the equal largest ones: PyTorch "
        "documents it for max without a dimension and for amax, and JAX divides by their number.",
        portable="The maximum over a whole array is portable.",
        references=(AMAX, FORMULAS),
    ),
    Probe(
        id="max-with-dim-tie",
        title="max along a dimension, with a tie",
        question="What is the gradient of the maximum along a dimension, at (1, 1)?",
        truth=TIE,
        why="With a dimension torch.max also returns an index, and the gradient goes to that one "
        "alone, the first of equal ones; torch.amax returns values only and shares it. JAX has one "
        "max, which shares.",
        portable="torch.amax in PyTorch, or the mean over the winners, written out.",
        cure=shared_maximum,
        references=(AMAX, "https://docs.pytorch.org/docs/stable/generated/torch.max.html"),
    ),
    Probe(
        id="maximum-of-nan",
        title="maximum with a NaN",
        question="Which argument of maximum(a, b) gets the gradient at (1, NaN)?",
        truth=Convention(
            "undefined", unmeasured="A NaN has no neighbourhood in which to take differences."
        ),
        why="The value is NaN on both. PyTorch masks the losers by a < b and a > b, and as every "
        "comparison with NaN is false it masks nobody: both get the whole gradient, 2 in all. In "
        "JAX nobody equals the maximum, so nobody gets any.",
        portable="fmax ignores NaNs; better is not to have any.",
        references=(FORMULAS, "https://docs.pytorch.org/docs/stable/generated/torch.maximum.html"),
    ),
    Probe(
        id="cummax-tie",
        title="cumulative maximum with a tie",
        question="What is the gradient of the sum of cummax(x) at (1, 1)?",
        truth=Derivative(
            lambda m, a, b: a + max(a, b),
            at=(1.0, 1.0),
            left=(1.0, 0.0),
            right=(2.0, 1.0),
            diagonal=(2.0, 2.0),
        ),
        why="torch.cummax returns indices and passes the gradient to the latest of equal ones; JAX "
        "builds it of maximum, which shares. The second output is worth 1 in all, and the two "
        "distribute it as (0, 1) and (1/2, 1/2).",
        portable="Do not rely on it; the sum over tied entries is the same.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.cummax.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.lax.cummax.html",
            FORMULAS,
        ),
    ),
    Probe(
        id="segment-max-tie",
        title="maximum of a segment, with a tie",
        question="What is the gradient of a segment's maximum at (1, 1)?",
        truth=TIE,
        why="Both share the gradient among the largest. PyTorch once passed it to all of them, and "
        "the sum was too large; the thread tells of the repair.",
        portable="It is portable; mind include_self in PyTorch, which adds a competitor.",
        references=(
            "https://github.com/pytorch/pytorch/pull/76523",
            "https://docs.jax.dev/en/latest/_autosummary/jax.ops.segment_max.html",
            "https://github.com/jax-ml/jax/issues/2255",
        ),
    ),
    Probe(
        id="max-pool-tie",
        title="max pooling with a tie",
        question="What is the gradient of max pooling over a window (1, 1)?",
        truth=TIE,
        why="Pooling is no reduction: both select one element of a window, the first, and give it "
        "everything. So within one framework max pooling and max share ties differently.",
        portable="Max pooling is portable; a reshape with a maximum is not the same at ties.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool1d.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.lax.reduce_window.html",
        ),
    ),
    Probe(
        id="topk-tie",
        title="top k with a tie",
        question="Which of two equal numbers gets the gradient of the largest one, by top k?",
        truth=TIE,
        why="Both select by index, and give the gradient to whom they selected: here the first. "
        "PyTorch's documentation says that the index is not stable, JAX's that it is the lower.",
        portable="Do not rely on the index among equals.",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.lax.top_k.html",
            "https://docs.pytorch.org/docs/stable/generated/torch.topk.html",
        ),
    ),
    Probe(
        id="clip-min-above-max",
        title="clip with its bounds crossed",
        question="What is the derivative of clip(x, 1, 0), lower bound above upper, at 0.5?",
        truth=Derivative(lambda m, x: min(max(x, 1), 0), at=0.5, left=0.0, right=0.0),
        why="Neither raises. Both return the upper bound whatever x is, a constant, of derivative "
        "0; PyTorch documents it. A parameter behind crossed bounds stops learning in silence.",
        portable="Check min <= max before the call.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.clamp.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.clip.html",
        ),
    ),
)
