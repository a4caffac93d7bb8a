"""Products with zeros, and reductions of one element or of none."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def prod_hessian_two_zeros() -> object:
    return jax.jit(jax.hessian(jnp.prod))(jnp.array([0.0, 0.0, 3.0]))


@native
def cumprod_with_zero() -> object:
    return jax.jit(jax.grad(lambda x: jnp.sum(jnp.cumprod(x))))(jnp.array([2.0, 0.0, 3.0]))


@native
def variance_of_one() -> object:
    return jax.jit(jax.grad(jnp.var))(jnp.array([1.0]))


@native
def empty_reductions() -> object:
    def reductions(x: jax.Array) -> dict[str, jax.Array]:
        return {
            "logsumexp": jax.nn.logsumexp(x),
            "norm": jnp.linalg.norm(x),
            "prod": jnp.prod(x),
            "sum": jnp.sum(x),
        }

    return jax.jit(reductions)(jnp.zeros(0))


@native
def empty_mean() -> object:
    mean, grad = jax.jit(jax.value_and_grad(jnp.mean))(jnp.zeros(0))
    return {"value": mean, "gradient": grad}


@native
def empty_max() -> object:
    return jnp.max(jnp.zeros(0))


@native
def empty_median() -> object:
    return jnp.median(jnp.zeros(0))
