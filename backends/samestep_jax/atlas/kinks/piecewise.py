"""Functions that are put together from smooth pieces, at their joints."""

import jax
import jax.numpy as jnp
import optax

from samestep.probes import Natives

native = Natives()


@native
def relu_at_0() -> object:
    return jax.jit(jax.grad(jax.nn.relu))(0.0)


@native
def clip_at_bound() -> object:
    return jax.jit(jax.grad(lambda x: jnp.clip(x, 0, 1)))(0.0)


@native
def huber_at_joint() -> object:
    return jax.jit(jax.grad(lambda x: optax.losses.huber_loss(x, jnp.array(0.0), delta=1)))(1.0)
