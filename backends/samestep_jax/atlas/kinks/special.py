"""Special functions at points where they are smooth and their formulas are not."""

import jax
import jax.numpy as jnp
import jax.scipy.special

from samestep.probes import Natives

native = Natives()


@native
def sinc_at_0() -> object:
    first, second = jax.jit(jax.value_and_grad(jax.grad(jnp.sinc)))(0.0)
    return {"first": first, "second": second}


@native
def bessel_i0_at_0() -> object:
    return jax.jit(jax.grad(jax.scipy.special.i0))(0.0)
