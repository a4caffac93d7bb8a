"""Complex numbers: the frameworks' gradients are conjugates of each other."""

from __future__ import annotations

import math
from typing import Any

from samestep.interface import Backend
from samestep.probes import Convention, Probe, Value, gradient
from samestep_experiments.atlas.gradients.sources import AUTOGRAD_NOTES, JAX_GRAD

CONVENTIONS = (
    "https://github.com/jax-ml/jax/issues/9110",
    "https://github.com/jax-ml/jax/issues/4891",
    "https://github.com/pytorch/pytorch/issues/41857",
    AUTOGRAD_NOTES + "#autograd-for-complex-numbers",
)


def squared_modulus(x: Any, y: Any) -> Any:
    return x * x + y * y


def descended(mp: Any) -> Any:
    """3 + 4i minus half the gradient of |z|^2, as a function of two real numbers."""
    slope_x = mp.diff(squared_modulus, (3, 4), (1, 0))
    slope_y = mp.diff(squared_modulus, (3, 4), (0, 1))
    return mp.mpc(3, 4) - mp.mpc(slope_x, slope_y) / 2


def real_gradient(backend: Backend) -> object:
    """The gradient with respect to the real and the imaginary part."""
    return gradient(backend, lambda xp, x, y: x * x + y * y, 3.0, 4.0)


def real_descent(backend: Backend) -> object:
    point = {"x": backend.asarray(3.0), "y": backend.asarray(4.0)}
    squared = backend.value_and_grad(lambda z: z["x"] * z["x"] + z["y"] * z["y"])
    _, grads = squared(point)
    return [point[part] - 0.5 * grads[part] for part in point]


PROBES = (
    Probe(
        id="complex-gradient",
        title="the gradient of a real function of a complex number",
        question="What is the gradient of |z|^2 at 3 + 4i?",
        truth=Convention(
            "6 + 8i is the direction of steepest ascent, 6 - 8i twice df/dz",
            unmeasured="the two stand for the same two partial derivatives, 6 and 8",
        ),
        why="PyTorch returns df/dx + i df/dy, that gradient descent can subtract; JAX returns "
        "df/dx - i df/dy, which makes jax.grad with holomorphic=True the complex derivative. Both "
        "are documented, and nothing warns of a change.",
        portable="Differentiate by the real and the imaginary part; or conjugate JAX's gradient.",
        cure=real_gradient,
        references=CONVENTIONS,
    ),
    Probe(
        id="complex-descent",
        title="gradient descent in the complex plane",
        question="Where does a step of gradient descent with rate 1/2 on |z|^2 lead from 3 + 4i?",
        truth=Value(0.0, descended),
        why="With PyTorch's convention z - rate * gradient goes downhill, here to the minimum. "
        "With JAX's, Optax's sgd moves the imaginary part uphill, and does not say so: its "
        "gradient must be conjugated first.",
        portable="Conjugate JAX's gradients before the optimizer, or keep two real parameters.",
        cure=real_descent,
        references=CONVENTIONS,
    ),
    Probe(
        id="complex-loss",
        title="a complex loss",
        question="May one ask for the gradient of the complex number z^2?",
        truth=Convention(
            "a complex loss has no gradient, only a derivative",
            unmeasured="complex numbers are not ordered, so nothing ascends",
        ),
        why="Both want a real loss by default. JAX names holomorphic=True, a promise of the user; "
        "PyTorch asks for the vector of a vector-Jacobian product.",
        portable="Take the modulus, or the real part, of what should become small.",
        references=(JAX_GRAD, AUTOGRAD_NOTES + "#autograd-for-complex-numbers"),
    ),
    Probe(
        id="holomorphic-derivative",
        title="the derivative of a holomorphic function",
        question="What is the derivative of z^2 at 1 + i?",
        truth=Value(2 + 2j, lambda mp: mp.diff(lambda z: z * z, mp.mpc(1, 1))),
        why="jax.grad with holomorphic=True returns f'(z). PyTorch's backward with the vector 1 "
        "returns its conjugate, which follows from its convention for real losses.",
        portable="Forward mode gives f'(z) in both: see the probe holomorphic-forward.",
        references=CONVENTIONS,
    ),
    Probe(
        id="holomorphic-forward",
        title="the same in forward mode",
        question="What is the derivative of z^2 at 1 + i, in forward mode with the tangent 1?",
        truth=Value(2 + 2j, lambda mp: mp.diff(lambda z: z * z, mp.mpc(1, 1))),
        why="Forward mode is f'(z) times the tangent, and leaves no room for a convention: the "
        "frameworks differ in how they transpose, not in how they differentiate.",
        portable="This is the portable form.",
        references=CONVENTIONS,
    ),
    Probe(
        id="real-to-complex",
        title="a complex function of a real number, in reverse mode",
        question="What is the vector-Jacobian product of exp(i x) at 1/2 with the vector i?",
        truth=Convention(
            "Re(conj(v) f') = cos x, or Re(v f') = -cos x",
            unmeasured="whether v is conjugated is a choice, as with inner products",
        ),
        why="The argument is real, so both return the real part. PyTorch conjugates one factor, as "
        "the inner product of complex vectors does; JAX transposes without conjugation. With a "
        "real vector they agree.",
        portable="Write the real loss, such as Re(conj(v) f), and differentiate that.",
        references=CONVENTIONS,
    ),
    Probe(
        id="real-loss-of-complex",
        title="a real parameter behind complex numbers",
        question="What is the derivative of |exp(i x) - 1|^2 with respect to the real x at 1/2?",
        truth=Value(
            2 * math.sin(0.5),
            lambda mp: mp.diff(lambda x: abs(mp.expj(x) - 1) ** 2, mp.mpf(1) / 2),
        ),
        why="It is 2 - 2 cos x. From a real parameter through complex numbers to a real loss the "
        "conventions cancel: they show where a gradient is complex itself.",
        portable="Real parameters and real losses are portable, whatever is between.",
        scale=4.0,
        references=CONVENTIONS,
    ),
)
