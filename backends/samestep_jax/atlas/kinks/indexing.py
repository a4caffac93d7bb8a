"""Indices that repeat and indices that lie outside, on reading and on writing."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def index_out_of_range() -> object:
    x = jnp.array([1.0, 2.0])
    value, grad = jax.jit(jax.value_and_grad(lambda x: x[jnp.array(5)]))(x)
    return {"value": value, "gradient": grad}


@native
def take_out_of_range() -> object:
    x = jnp.array([1.0, 2.0])
    value, grad = jax.jit(jax.value_and_grad(lambda x: jnp.take(x, jnp.array(5))))(x)
    return {"value": value, "gradient": grad}


@native
def write_out_of_range() -> object:
    def total(v: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = jnp.zeros(2).at[jnp.array(5)].set(v)
        return x.sum(), x

    grad, x = jax.jit(jax.grad(total, has_aux=True))(3.0)
    return {"array": x, "gradient": grad}


@native
def write_repeated() -> object:
    def write(v: jax.Array) -> jax.Array:
        return jnp.zeros(2).at[jnp.array([0, 0])].set(v)[0]

    v = jnp.array([1.0, 2.0])
    forward, reverse = jax.jit(lambda v: (jax.jacfwd(write)(v), jax.jacrev(write)(v)))(v)
    return {"forward": forward, "reverse": reverse}


@native
def scatter_product_with_zero() -> object:
    def product(v: jax.Array) -> jax.Array:
        return jnp.ones(1).at[jnp.array([0, 0])].multiply(v)[0]

    v = jnp.array([0.0, 2.0])
    forward, reverse = jax.jit(lambda v: (jax.jacfwd(product)(v), jax.jacrev(product)(v)))(v)
    return {"forward": forward, "reverse": reverse}


native.absent("embedding-padding", "Embeddings of JAX's libraries have no padding row.")
