"""Derivatives of derivatives: second and third order, Hessians, Hessian-vector products."""

from __future__ import annotations

import math

from samestep.probes import Convention, Probe, Value

COOKBOOK = "https://docs.jax.dev/en/latest/notebooks/autodiff_cookbook.html"
AUTOGRAD_GRAD = "https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html"
FUNC_HESSIAN = "https://docs.pytorch.org/docs/stable/generated/torch.func.hessian.html"

PROBES = (
    Probe(
        id="second-derivative",
        title="second derivative of a cube",
        question="What is the second derivative of x^3 at 2?",
        truth=Value(12.0, lambda mp: mp.diff(lambda x: x**3, 2, 2)),
        why="In JAX a derivative is a function, so it is differentiated like any other. PyTorch "
        "records the backward pass itself only if it is asked to, with create_graph=True.",
        portable="grad(grad(f)): torch.func.grad and jax.grad nest in the same way.",
        references=(AUTOGRAD_GRAD, COOKBOOK),
    ),
    Probe(
        id="second-derivative-unrecorded",
        title="second derivative without create_graph",
        question="What is the second derivative if the backward pass was not recorded?",
        truth=Value(12.0, lambda mp: mp.diff(lambda x: x**3, 2, 2)),
        why="By default PyTorch frees the graph and returns a gradient that is a plain tensor, "
        "which nothing leads back to the input. JAX has no such default: what is differentiated "
        "is a function, not a record.",
        portable="Ask for create_graph=True, or use torch.func.grad.",
        references=(AUTOGRAD_GRAD,),
    ),
    Probe(
        id="third-derivative",
        title="third derivative of the sine",
        question="What is the third derivative of sin(x) at 0.5?",
        truth=Value(-math.cos(0.5), lambda mp: mp.diff(mp.sin, mp.mpf(0.5), 3)),
        why="Both nest to any depth. Reverse mode over reverse mode over reverse mode works, but "
        "its graph grows with each level; for high orders of a scalar function JAX has jet.",
        portable="Nest grad; for a function of one number nest forward mode.",
        references=(COOKBOOK, "https://docs.jax.dev/en/latest/jax.experimental.jet.html"),
    ),
    Probe(
        id="hessian-four-ways",
        title="Hessian, four ways",
        question="Do all compositions of forward and reverse mode give the same Hessian?",
        truth=Value(
            [[6.0, 1.0], [1.0, 12.0]],
            lambda mp: [
                [mp.diff(lambda a, b: a**3 + b**3 + a * b, (1, 2), order) for order in orders]
                for orders in (((2, 0), (1, 1)), ((1, 1), (0, 2)))
            ],
        ),
        why="The Hessian is the Jacobian of the gradient, and each of the two derivatives can be "
        "taken in either mode. Forward over reverse is what both frameworks call hessian: the "
        "gradient is one reverse pass, and its Jacobian is square.",
        portable="hessian, or jacfwd(jacrev(f)).",
        references=(FUNC_HESSIAN, COOKBOOK),
    ),
    Probe(
        id="hessian-vector-product-four-ways",
        title="Hessian-vector product, four ways",
        question="Do all ways to a Hessian-vector product agree?",
        truth=Value(
            [8.0, 25.0],
            lambda mp: [
                mp.diff(
                    lambda t, i=i: mp.diff(
                        lambda a, b: a**3 + b**3 + a * b,
                        (1 + t, 2 + 2 * t),
                        (1, 0) if i == 0 else (0, 1),
                    ),
                    0,
                )
                for i in range(2)
            ],
        ),
        why="The product H v is a directional derivative of the gradient (forward over reverse), "
        "or the gradient of g . v (reverse over reverse), or the gradient of a directional "
        "derivative (reverse over forward). None of them builds H; forward over reverse needs "
        "least memory.",
        portable="jvp of grad(f).",
        references=(
            COOKBOOK,
            "https://docs.pytorch.org/docs/stable/generated/torch.func.jvp.html",
        ),
    ),
    Probe(
        id="mixed-partials",
        title="mixed partial derivatives",
        question="Does the order of differentiation matter for x^2 y^3?",
        truth=Value(
            {"x, then y": 24.0, "y, then x": 24.0},
            lambda mp: {
                "x, then y": mp.diff(lambda x, y: x**2 * y**3, (1, 2), (1, 1)),
                "y, then x": mp.diff(lambda y, x: x**2 * y**3, (2, 1), (1, 1)),
            },
        ),
        why="The derivatives are symmetric (Schwarz), and since this function is a polynomial, the "
        "two programs round the same whole numbers.",
        portable="Either order.",
        references=(COOKBOOK, AUTOGRAD_GRAD),
    ),
    Probe(
        id="second-derivative-relu",
        title="second derivative of relu",
        question="What is the second derivative of relu at 0, and beside it?",
        truth=Convention(
            "0 beside the kink; at 0 a delta distribution",
            "at 0 the first derivative jumps, so that no number is right",
        ),
        why="The slope of relu is a step, whose derivative autograd takes to be 0 everywhere: "
        "the delta distribution at 0 is lost. A curvature estimated from a network of relus "
        "therefore misses all that its kinks contribute.",
        portable="A smooth activation (softplus, GELU) where curvature matters.",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.relu.html",
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.relu.html",
        ),
    ),
    Probe(
        id="gradient-penalty",
        title="gradient penalty",
        question="What is the derivative with respect to w of (d/dx (w x^2))^2 at w = 3, x = 1?",
        truth=Value(24.0, lambda mp: mp.diff(lambda w: mp.diff(lambda x: w * x**2, 1) ** 2, 3)),
        why="A penalty on a gradient is differentiated through the backward pass. PyTorch needs "
        "create_graph=True in the inner one; a gradient that was detached makes the penalty a "
        "constant, which trains nothing and raises no error in a larger loss.",
        portable="Nest grad: the inner one with respect to x, the outer one with respect to w.",
        references=(AUTOGRAD_GRAD, COOKBOOK),
    ),
    Probe(
        id="second-order-stop-gradient",
        title="second derivative past a stopped gradient",
        question="What are the derivatives of x * stop(x), where stop lets no gradient through?",
        truth=Convention(
            "first x, then 0",
            "stop is a rule for differentiation, not a function",
            expected={"first": 3.0, "second": 0.0},
        ),
        why="The stopped factor counts as a constant at every order, so the derivative is stop(x), "
        "whose own derivative is 0.",
        portable="detach and stop_gradient mean the same at every order.",
        references=(
            "https://docs.jax.dev/en/latest/_autosummary/jax.lax.stop_gradient.html",
            "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.detach.html",
        ),
    ),
)
