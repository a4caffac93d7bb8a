"""Forward and reverse mode, Jacobians, and gradients of many examples at once."""

from __future__ import annotations

from samestep.probes import Convention, Probe, Value

COOKBOOK = "https://docs.jax.dev/en/latest/notebooks/autodiff_cookbook.html"
JACREV = "https://docs.pytorch.org/docs/stable/generated/torch.func.jacrev.html"
PER_SAMPLE = "https://docs.pytorch.org/tutorials/intermediate/per_sample_grads.html"
VMAP_TORCH = "https://docs.pytorch.org/docs/stable/generated/torch.func.vmap.html"
VMAP_JAX = "https://docs.jax.dev/en/latest/automatic-vectorization.html"

PROBES = (
    Probe(
        id="jvp-against-vjp",
        title="forward against reverse mode",
        question="Is u . (J v) the same, taken forward (J v) and backward (u J)?",
        truth=Value(
            12.0,
            lambda mp: mp.diff(lambda t: (1 + t) * (2 + 2 * t) + (2 + 2 * t) ** 2, 0),
            remark="The derivative of u . f(x + t v) at t = 0.",
        ),
        why="A Jacobian-vector product pushes a direction forward, a vector-Jacobian product pulls "
        "a weight back; both are the same double sum in another order. This is the test that "
        "catches a wrong rule in one of the two modes.",
        portable="jvp and vjp.",
        references=(COOKBOOK, "https://docs.pytorch.org/docs/stable/generated/torch.func.jvp.html"),
    ),
    Probe(
        id="jacobian-shape",
        title="shape of a Jacobian",
        question="What is the shape of the Jacobian of a function from 2 x 2 matrices to R^3?",
        truth=Convention(
            "(3, 2, 2)",
            "where the axes of the input go is a convention",
            expected=[3, 2, 2],
        ),
        why="Both put the axes of the output first and those of the input after them, as in "
        "J[i, jk] = d f_i / d x_jk.",
        portable="jacrev or jacfwd; index the output first.",
        references=(JACREV, COOKBOOK),
    ),
    Probe(
        id="jacobian-of-a-gather",
        title="forward and reverse Jacobian",
        question="Do jacfwd and jacrev agree on a function that uses its input twice?",
        truth=Value(
            [[2.0, 1.0], [0.0, 4.0]],
            lambda mp: [
                [mp.diff(f, (1, 2), order) for order in ((1, 0), (0, 1))]
                for f in (lambda a, b: a * b, lambda a, b: b * b)
            ],
        ),
        why="Forward mode builds the Jacobian by columns, one pass per input, reverse mode by "
        "rows, one pass per output; which is cheaper depends on the shape, the numbers do not.",
        portable="jacfwd for tall Jacobians, jacrev for wide ones.",
        references=(JACREV, COOKBOOK),
    ),
    Probe(
        id="per-example-gradients",
        title="gradients of single examples",
        question="Is the gradient of each example, by vmap, that of a loop over examples?",
        truth=Value(
            {"vmap": [2.0, 16.0, 54.0], "loop": [2.0, 16.0, 54.0]},
            lambda mp: {
                label: [mp.diff(lambda w, x=x: (w * x) ** 2 * x, 1) for x in (1, 2, 3)]
                for label in ("vmap", "loop")
            },
        ),
        why="vmap pushes the axis of the examples through the whole derivative, so that one pass "
        "computes them all. PyTorch's backward alone cannot: it sums over the batch.",
        portable="vmap(grad(loss), in_axes) in both.",
        references=(PER_SAMPLE, VMAP_JAX),
    ),
    Probe(
        id="gradient-of-a-vmap",
        title="gradient of a mapped function",
        question="Is the gradient of a sum over vmap the sum of the mapped gradients?",
        truth=Value(
            {"of the sum": 72.0, "sum of": 72.0},
            lambda mp: {
                label: mp.diff(lambda w: sum((w * x) ** 2 * x for x in (1, 2, 3)), 1)
                for label in ("of the sum", "sum of")
            },
        ),
        why="Differentiation is linear and vmap is a loop, so the two commute.",
        portable="Either; the first needs one backward pass.",
        references=(VMAP_TORCH, VMAP_JAX),
    ),
    Probe(
        id="random-numbers-under-vmap",
        title="random numbers under vmap",
        question="Are the rows of a mapped function that draws a random number different?",
        truth=Convention(
            "to be decided by the caller",
            "whether examples share their noise is a question of the model",
        ),
        why="PyTorch's generator is a hidden state, and vmap refuses to guess: it raises unless "
        'randomness="same" or "different" is given. In JAX the key is an argument, and a key '
        "that is not mapped is the same for every row.",
        portable='Say it: randomness="different", and one key per row from jax.random.split.',
        references=(VMAP_TORCH, "https://docs.jax.dev/en/latest/random-numbers.html"),
    ),
    Probe(
        id="vmap-of-unequal-sizes",
        title="vmap over unequal sizes",
        question="What does vmap say to arguments with 2 and with 3 rows?",
        truth=Convention("an error", "a rule of the interface"),
        why="A mapped axis must have one size; neither broadcasts it, not even from 1.",
        portable="Give in_axes=None to what is not mapped.",
        references=(VMAP_TORCH, VMAP_JAX),
    ),
    Probe(
        id="linearize",
        title="linearisation",
        question="Is the linearised function at 2 the tangent of x^3, also far away?",
        truth=Value(
            {"value": 8.0, "slope times 10": 120.0},
            lambda mp: {
                "value": mp.mpf(2) ** 3,
                "slope times 10": 10 * mp.diff(lambda x: x**3, 2),
            },
        ),
        why="linearize evaluates the function once, keeps what its derivative needs and returns a "
        "linear map, which can be applied many times.",
        portable="torch.func.linearize and jax.linearize.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.func.linearize.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.linearize.html",
        ),
    ),
)
