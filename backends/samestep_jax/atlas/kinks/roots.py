"""Roots, norms and powers where the radicand or the base is 0."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def norm_at_0() -> object:
    return jax.jit(jax.grad(jnp.linalg.norm))(jnp.zeros(2))
