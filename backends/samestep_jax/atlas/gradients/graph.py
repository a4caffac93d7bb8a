"""The recorded graph against the pure function: its lifetime, its outputs, and what it sees."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def backward_twice() -> object:
    _, pullback = jax.vjp(lambda x: x * x, 3.0)
    pullback(1.0)
    return pullback(1.0)[0]


@native
def retain_graph() -> object:
    _, pullback = jax.vjp(lambda x: x * x, 3.0)
    pullback(1.0)
    return pullback(1.0)[0]


@native
def carried_state() -> object:
    def loss(w: jax.Array, h: jax.Array) -> tuple[jax.Array, jax.Array]:
        h = w * h
        return h * h, h

    w = jnp.array(2.0)
    h = jnp.array(1.0)
    step = jax.jit(jax.grad(loss, has_aux=True))
    for _ in range(2):
        slope, h = step(w, h)
    return slope


@native
def vector_output() -> object:
    return jax.grad(lambda x: x * x)(jnp.ones(2))


@native
def one_element_output() -> object:
    return jax.grad(lambda x: x * x)(jnp.ones(1))


@native
def vector_jacobian_product() -> object:
    @jax.jit
    def product(a: jax.Array, b: jax.Array, v: jax.Array) -> object:
        _, pullback = jax.vjp(lambda a, b: jnp.stack([a * b, a * a]), a, b)
        return pullback(v)

    return product(1.0, 2.0, jnp.array([1.0, 10.0]))


@native
def independent_loss() -> object:
    return jax.jit(jax.grad(lambda x: 1.0))(3.0)


@native
def accuracy_as_loss() -> object:
    return jax.jit(jax.grad(lambda x: jnp.mean(x > 0)))(jnp.array([1.0, -1.0]))


@native
def gradient_hook() -> object:
    @jax.custom_vjp
    def clipped(x: jax.Array) -> jax.Array:
        return x

    clipped.defvjp(lambda x: (x, None), lambda _, grad: (jnp.minimum(grad, 1.0),))

    def loss(x: jax.Array) -> jax.Array:
        x = clipped(x)
        return 0.8 * x + 0.8 * x

    return jax.jit(jax.grad(loss))(3.0)
