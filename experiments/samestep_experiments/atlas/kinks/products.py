"""Products with zeros, and reductions of one element or of none."""

from __future__ import annotations

from typing import Any

from samestep.probes import Convention, Derivative, Probe, Value
from samestep_experiments.atlas.kinks.piecewise import FORMULAS


def hessian_of_product(mp: Any) -> object:
    def product(a: Any, b: Any, c: Any) -> Any:
        return a * b * c

    at = (0, 0, 3)
    orders = [[tuple((i == k) + (j == k) for k in range(3)) for j in range(3)] for i in range(3)]
    return mp.matrix([[mp.chop(mp.diff(product, at, n)) for n in row] for row in orders])


PROBES = (
    Probe(
        id="prod-hessian-two-zeros",
        title="second derivatives of a product with two zeros",
        question="What is the Hessian of prod(x) at (0, 0, 3)?",
        truth=Value([[0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]], hessian_of_product),
        why="The gradient is 0 at two zeros, but the product of the two partial derivatives is "
        "not. PyTorch falls back on cumulative products of the others, which it can "
        "differentiate again; JAX differentiates a tree of products.",
        portable="prod is portable to second order.",
        references=(
            "https://github.com/pytorch/pytorch/issues/773",
            "https://github.com/jax-ml/jax/issues/672",
        ),
    ),
    Probe(
        id="cumprod-with-zero",
        title="cumulative product with a zero",
        question="What is the gradient of the sum of cumprod(x) at (2, 0, 3)?",
        truth=Derivative(
            lambda m, a, b, c: a + a * b + a * b * c,
            at=(2.0, 0.0, 3.0),
            left=(1.0, 8.0, 0.0),
            right=(1.0, 8.0, 0.0),
        ),
        why="The quick formula divides by the element. PyTorch looks for the first zero and "
        "treats what follows apart; JAX differentiates the scan that it computed.",
        portable="cumprod is portable; exp(cumsum(log(x))) is not.",
        references=(
            FORMULAS,
            "https://docs.jax.dev/en/latest/_autosummary/jax.lax.cumprod.html",
        ),
    ),
    Probe(
        id="variance-of-one",
        title="variance of one number",
        question="What is the derivative of the variance, with default options, of one number?",
        truth=Derivative(
            lambda m, x: (x - x) / (1 - 1),
            at=1.0,
            left=None,
            right=None,
            remark="With the divisor n - 1 it is 0 / 0, with the divisor n constant, 0.",
        ),
        why="The defaults differ: torch.var divides by n - 1, jax.numpy.var by n, as NumPy does. "
        "The last batch of an epoch, of size 1, is where a port finds out; elsewhere it is off "
        "by n / (n - 1) in silence.",
        portable="State it: correction=0 in both.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.var.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.var.html",
        ),
    ),
    Probe(
        id="empty-reductions",
        title="reductions of nothing",
        question="What are sum, product, logsumexp and norm of an empty array?",
        truth=Value(
            {"logsumexp": float("-inf"), "norm": 0.0, "prod": 1.0, "sum": 0.0},
            lambda mp: {
                "logsumexp": mp.log(mp.fsum([])),
                "norm": mp.sqrt(mp.fsum([])),
                "prod": mp.fprod([]),
                "sum": mp.fsum([]),
            },
        ),
        why="Each has a neutral element, which is the only answer for which a reduction of parts "
        "can be put together again.",
        portable="These are portable, and so are their gradients, empty arrays.",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.logsumexp.html",
            "https://docs.pytorch.org/docs/stable/generated/torch.logsumexp.html",
            "https://docs.pytorch.org/docs/stable/generated/torch.prod.html",
        ),
    ),
    Probe(
        id="empty-mean",
        title="mean of nothing",
        question="What are the value and the gradient of the mean of an empty array?",
        truth=Value(
            {"value": float("nan"), "gradient": []},
            lambda mp: {"value": mp.nan * mp.fsum([]), "gradient": []},
            remark="0 / 0, and no component that could say so.",
        ),
        why="The value is NaN, and the gradient, of length 0, has no place for one. A mean over a "
        "mask that selects nothing is the usual way to get there: the loss is NaN.",
        portable="sum / max(n, 1).",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.mean.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.mean.html",
        ),
    ),
    Probe(
        id="empty-max",
        title="maximum of nothing",
        question="What is the maximum of an empty array?",
        truth=Convention(
            "undefined, or -inf",
            unmeasured="There is no neutral number among the finite ones; -inf is one by choice.",
        ),
        why="Both refuse, with different exceptions. JAX can raise here: the shape is known while "
        "tracing.",
        portable="Pass initial=-inf in JAX; append -inf in PyTorch.",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.max.html",
            "https://docs.pytorch.org/docs/stable/generated/torch.max.html",
        ),
    ),
    Probe(
        id="empty-median",
        title="median of nothing",
        question="What is the median of an empty array?",
        truth=Convention("undefined", unmeasured="There is no middle of nothing."),
        why="PyTorch returns NaN, as NumPy does. JAX fails inside, on the gather that it is made "
        "of, with a message that speaks of slice sizes.",
        portable="Check the size before.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.median.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.median.html",
        ),
    ),
)
