"""Loops, branches and solves: a derivative follows the path of a computation, or should not."""

from __future__ import annotations

from typing import Any

from samestep.probes import Convention, Probe, Value

WHILE = "https://docs.jax.dev/en/latest/_autosummary/jax.lax.while_loop.html"
CONTROL = "https://docs.jax.dev/en/latest/control-flow.html"
MECHANICS = "https://docs.pytorch.org/docs/stable/notes/autograd.html"
FUNC_LIMITS = "https://docs.pytorch.org/docs/stable/func.ux_limitations.html"


def _doubled(x: Any) -> Any:
    while x < 100:
        x = 2 * x
    return x


PROBES = (
    Probe(
        id="while-loop-reverse",
        title="reverse mode through a while loop",
        question="What is the derivative of 'double x until it reaches 100' at 3?",
        truth=Value(64.0, lambda mp: mp.diff(_doubled, 3)),
        why="Reverse mode needs every intermediate value, and a compiled loop of unknown length "
        "has no place of known size for them: lax.while_loop raises. PyTorch differentiates the "
        "steps that Python took, however many they were.",
        portable="A loop with a bound: lax.scan with a mask; or an implicit derivative.",
        references=(WHILE, CONTROL, MECHANICS),
    ),
    Probe(
        id="while-loop-forward",
        title="forward mode through a while loop",
        question="What is the same derivative in forward mode?",
        truth=Value(64.0, lambda mp: mp.diff(_doubled, 3)),
        why="Forward mode carries the tangent along and keeps nothing, so the length of the loop "
        "does not matter.",
        portable="jvp, for functions of few numbers.",
        references=(WHILE, CONTROL),
    ),
    Probe(
        id="loop-of-known-length",
        title="reverse mode through a loop of known length",
        question="What is the derivative of x doubled 5 times?",
        truth=Value(32.0, lambda mp: mp.diff(lambda x: 2**5 * x, 3)),
        why="With bounds that are known when it is traced, fori_loop becomes a scan, which keeps "
        "its intermediate values in an array of known length.",
        portable="lax.scan, or fori_loop with constant bounds.",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.lax.fori_loop.html",
            CONTROL,
        ),
    ),
    Probe(
        id="scan-gradient",
        title="gradient of a running product",
        question="What is the gradient of the last of the running products of (2, 3, 4)?",
        truth=Value(
            [12.0, 8.0, 6.0],
            lambda mp: [
                mp.diff(lambda a, b, c: a * b * c, (2, 3, 4), order)
                for order in ((1, 0, 0), (0, 1, 0), (0, 0, 1))
            ],
        ),
        why="A scan is differentiated by a scan in the opposite direction, a Python loop by "
        "walking back through its record.",
        portable="The loop in PyTorch, lax.scan in JAX.",
        references=("https://docs.jax.dev/en/latest/_autosummary/jax.lax.scan.html", MECHANICS),
    ),
    Probe(
        id="branch-not-taken",
        title="a NaN in the branch that is not taken",
        question="Does sqrt in the branch that is not taken spoil the gradient at 0?",
        truth=Value(0.0, lambda mp: mp.diff(lambda x: mp.sqrt(x) if x > 1 else mp.mpf(0) * x, 0)),
        why="A branch that is not run has no derivative that could be infinite. This is what where "
        "cannot do: it computes both sides, and 0 times an infinite slope is NaN.",
        portable="A real branch, or where on the argument as well as on the result.",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.lax.cond.html",
            "https://docs.jax.dev/en/latest/faq.html",
        ),
    ),
    Probe(
        id="branch-under-vmap",
        title="the same branch under vmap",
        question="Does the branch that is not taken stay harmless when it is mapped over rows?",
        truth=Value(
            [0.0, 0.25],
            lambda mp: [
                mp.diff(lambda x: mp.sqrt(x) if x > 1 else mp.mpf(0) * x, at) for at in (0, 4)
            ],
        ),
        why="Under vmap rows may take different branches, so lax.cond becomes a select that "
        "computes both. The where trap does not come back: the derivative of cond is a cond too, "
        "and what it keeps from the branch that was not taken is replaced by zeros before it is "
        "multiplied. PyTorch's vmap does not trace Python branches on data and raises.",
        portable="Write the mapped function with where, made safe on the argument.",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.lax.cond.html",
            FUNC_LIMITS,
        ),
    ),
    Probe(
        id="linear-solve",
        title="gradient of a linear solve",
        question="What is the gradient of the sum of A^-1 b with respect to b and to A?",
        truth=Value(
            {"b": [0.5, 0.25], "A": [[-0.5, -0.5], [-0.25, -0.25]]},
            lambda mp: {
                "b": [
                    mp.diff(lambda p, q: p / 2 + q / 4, (2, 4), order) for order in ((1, 0), (0, 1))
                ],
                "A": [
                    [
                        mp.diff(
                            lambda t, i=i, j=j: sum(
                                mp.lu_solve(
                                    mp.matrix(
                                        [
                                            [2 + t * (i == j == 0), t * ((i, j) == (0, 1))],
                                            [t * ((i, j) == (1, 0)), 4 + t * (i == j == 1)],
                                        ]
                                    ),
                                    mp.matrix([2, 4]),
                                )
                            ),
                            0,
                        )
                        for j in range(2)
                    ]
                    for i in range(2)
                ],
            },
        ),
        why="Neither differentiates the elimination: the rule is a second solve with the "
        "transposed matrix, lambda = A^-T g, and then -lambda x^T.",
        portable="linalg.solve, never the inverse.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.linalg.solve.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.linalg.solve.html",
        ),
    ),
    Probe(
        id="fixed-point-unrolled",
        title="derivative of an unrolled fixed point",
        question="Is the derivative of 60 iterations of x = cos(a x) that of the fixed point?",
        truth=Value(
            -0.29747434150983226,
            lambda mp: mp.diff(lambda a: mp.findroot(lambda x: x - mp.cos(a * x), 0.7), mp.mpf(1)),
        ),
        why="The derivatives of the iterates converge with the iterates, if the iteration "
        "contracts; the implicit function theorem gives the limit, "
        "-x sin(a x) / (1 + a sin(a x)), without keeping any iterate.",
        portable="Unroll what is short; otherwise a custom rule by the implicit function theorem.",
        references=(
            "https://docs.jax.dev/en/latest/notebooks/Custom_derivative_rules_for_Python_code.html",
            MECHANICS,
        ),
    ),
    Probe(
        id="early-stop-is-not-differentiated",
        title="the number of iterations",
        question="Does the gradient know that the number of iterations depends on x?",
        truth=Convention(
            "no: the path that was taken is differentiated",
            "the function is a step function of the count, its derivative almost everywhere is "
            "that of the path",
            expected=64.0,
        ),
        why="The count is a whole number, decided outside of differentiation. At the points where "
        "it changes the function jumps, and no gradient tells.",
        portable="Nothing to write; know that a convergence test is not part of the gradient.",
        references=(MECHANICS, CONTROL),
    ),
)
