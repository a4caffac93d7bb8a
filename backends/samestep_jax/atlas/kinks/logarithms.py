"""Logarithms of zero, and exponentials that overflow."""

import jax
import jax.scipy.special

from samestep.probes import Natives

native = Natives()


@native
def xlogy_at_0_0() -> object:
    return jax.jit(jax.grad(jax.scipy.special.xlogy, argnums=(0, 1)))(0.0, 0.0)


@native
def entr_at_0() -> object:
    return jax.jit(jax.grad(jax.scipy.special.entr))(0.0)
