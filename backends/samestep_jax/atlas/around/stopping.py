"""Keeping gradients out: stop_gradient."""

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient

from samestep.probes import Natives

native = Natives()


@native
def stopped_factor() -> object:
    return jax.jit(jax.grad(lambda x: x * stop_gradient(x)))(3.0)


@native
def stopped_loss() -> object:
    return jax.jit(jax.grad(lambda x: stop_gradient(x * x)))(3.0)


@native
def no_grad_in_forward_mode() -> object:
    def f(x: jax.Array) -> jax.Array:
        return x * stop_gradient(x * x)

    @jax.jit
    def slopes(x: jax.Array) -> dict[str, jax.Array]:
        return {"reverse": jax.grad(f)(x), "forward": jax.jvp(f, (x,), (jnp.ones_like(x),))[1]}

    return slopes(3.0)


@native
def detached_forward_mode() -> object:
    _, tangent = jax.jvp(lambda x: x * stop_gradient(x * x), (3.0,), (1.0,))
    return tangent


@native
def inference_result() -> object:
    c = jnp.array(2.0) * 2.0
    return jax.jit(jax.grad(lambda w: w * c))(3.0)


@native
def detached_alias() -> object:
    x = jnp.array([1.0, 2.0])
    d = stop_gradient(x)
    d *= 0
    return x
