"""Views and changes in place: what PyTorch tracks, and what immutable arrays make of the same."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def step_in_place() -> object:
    p = jnp.array(3.0)
    slope = jax.jit(jax.grad(lambda p: p * p))(p)
    p -= 0.1 * slope
    return p


@native
def saved_result_in_place() -> object:
    def f(x: jax.Array) -> jax.Array:
        y = jnp.exp(x)
        y += 1
        return y

    return jax.jit(jax.grad(f))(0.0)


@native
def change_through_data() -> object:
    x = jnp.array(3.0)
    _, pullback = jax.vjp(lambda x: x * x, x)
    x += 1
    return pullback(jnp.array(1.0))[0]


@native
def view_in_place() -> object:
    def total(x: jax.Array) -> jax.Array:
        row = x[0]
        row *= 3
        return x.sum()

    return jax.jit(jax.grad(total))(jnp.array([1.0, 2.0]))


@native
def item_assignment() -> object:
    def loss(x: jax.Array, v: jax.Array) -> jax.Array:
        y = x.copy()
        y[0] = v
        return jnp.sum(y * y)

    return jax.jit(jax.grad(loss, argnums=(0, 1)))(jnp.array([1.0, 2.0]), 5.0)


@native
def assignment_by_at() -> object:
    def loss(x: jax.Array, v: jax.Array) -> jax.Array:
        y = x.at[0].set(v)
        return jnp.sum(y * y)

    return jax.jit(jax.grad(loss, argnums=(0, 1)))(jnp.array([1.0, 2.0]), 5.0)
