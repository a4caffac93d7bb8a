"""Forward against reverse mode, and eager against compiled, where they contradict each other."""

from __future__ import annotations

from typing import Any

from samestep.interface import Array, Backend, TensorOps
from samestep.probes import Derivative, Probe, Value, gradient
from samestep_experiments.atlas.kinks.piecewise import FORMULAS, masked_root

WHERE = "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.where.html"
BOOL_TIMES_NAN = "https://github.com/jax-ml/jax/issues/12233"


def root_where_positive(xp: TensorOps, x: Array) -> Array:
    safe = xp.where(x > 0, x, xp.ones_like(x))
    return xp.where(x > 0, xp.sqrt(safe), 0 * x)


def masked_root_cured(backend: Backend) -> object:
    return gradient(backend, root_where_positive, -1.0)


def value_and_slope(mp: Any) -> object:
    return masked_root(mp, mp.mpf(-1)), mp.diff(lambda x: masked_root(mp, x), -1)


MASKED = Value((0.0, 0.0), value_and_slope)

PROBES = (
    Probe(
        id="where-nan-trap-forward",
        title="where and the branch that is not taken, in forward mode",
        question="Does where(x > 0, sqrt(x), 0) have the derivative 0 at -1 in forward mode?",
        truth=Derivative(masked_root, at=-1.0, left=0.0, right=0.0),
        why="Forward mode selects among tangents as the value was selected, and the NaN is "
        "dropped. Reverse mode sends the gradient 0 into the branch that was not taken, where it "
        "is multiplied by NaN: see where-nan-trap. Same function, same point, another mode.",
        portable="where twice, which is right in both modes.",
        references=(
            WHERE,
            "https://docs.jax.dev/en/latest/faq.html#gradients-contain-nan-where-using-where",
            "https://github.com/pytorch/pytorch/issues/23395",
        ),
    ),
    Probe(
        id="nan-to-num-trap",
        title="nan_to_num as a cure",
        question="Does nan_to_num(sqrt(x)) have the derivative 0 at -1?",
        truth=Derivative(masked_root, at=-1.0, left=0.0, right=0.0),
        why="It cleans the value, not the derivative. Reverse mode multiplies the 0 that "
        "nan_to_num passes by the NaN of sqrt. Forward mode is right in JAX, which selects "
        "tangents, and NaN in PyTorch, which multiplies them by a mask.",
        portable="where twice, on the argument and on the value.",
        cure=masked_root_cured,
        references=("https://github.com/jax-ml/jax/issues/8247", FORMULAS),
    ),
    Probe(
        id="mask-times-nan",
        title="a mask by multiplication, in eager mode",
        question="What are value and gradient of (x > 0) * sqrt(x) at -1, operation by operation?",
        truth=MASKED,
        why="0 * NaN is NaN, and PyTorch returns it. JAX compiles each operation by itself, and "
        "XLA turns a product with a truth value into a selection, so that False * NaN is 0; in the "
        "gradient the mask is a number already, and the product is NaN.",
        portable="where twice; a mask multiplied in is none.",
        references=(BOOL_TIMES_NAN, "https://github.com/openxla/xla/issues/2438"),
    ),
    Probe(
        id="mask-times-nan-compiled",
        title="a mask by multiplication, compiled",
        question="What are value and gradient of (x > 0) * sqrt(x) at -1, compiled where possible?",
        truth=MASKED,
        why="Compiled as a whole, JAX's gradient also becomes a selection, and the answer is the "
        "wanted 0: compilation changes NaN to 0. Compare mask-times-nan. PyTorch is run as it "
        "comes, without compilation.",
        portable="where twice; a mask multiplied in is none.",
        references=(BOOL_TIMES_NAN, "https://github.com/openxla/xla/issues/2438"),
    ),
    Probe(
        id="zero-tangent",
        title="a direction with a zero in it",
        question="What is the derivative of x ** y at (-2, 3) along (1, 0), in forward mode?",
        truth=Value(
            12.0,
            lambda mp: mp.diff(lambda t: (t - 2) ** 3, 0),
            remark="The derivative in x alone, 3 x^2, as y does not move.",
        ),
        why="The derivative in y is NaN there, see power-negative-base-exponent, and forward mode "
        "multiplies it by the 0 of the direction. Whoever asks for the gradient in x alone gets "
        "12: an argument that is constant is left out, one that moves by 0 is not.",
        portable="Make constant what does not move, instead of giving it a tangent of 0.",
        references=(FORMULAS, "https://github.com/jax-ml/jax/pull/39429"),
    ),
)
