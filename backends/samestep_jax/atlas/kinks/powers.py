"""Powers of zero and of negative numbers."""

import jax

from samestep.probes import Natives

native = Natives()


@native
def square_third_derivative() -> object:
    return jax.jit(jax.grad(jax.grad(jax.grad(lambda x: x**2.0))))(0.0)
