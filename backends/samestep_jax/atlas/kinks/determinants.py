"""Determinants and inverses of singular matrices."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def det_of_singular() -> object:
    A = jnp.array([[1.0, 2.0], [2.0, 4.0]])
    return jax.jit(jax.grad(jnp.linalg.det))(A)


@native
def det_to_be_differentiated_again() -> object:
    A = jnp.array([[1.0, 2.0], [2.0, 4.0]])
    grad, _ = jax.jit(lambda A: jax.jvp(jax.grad(jnp.linalg.det), (A,), (A,)))(A)
    return grad


@native
def slogdet_of_singular() -> object:
    A = jnp.array([[1.0, 2.0], [2.0, 4.0]])
    return jax.jit(jax.grad(lambda A: jnp.linalg.slogdet(A).logabsdet))(A)


@native
def inverse_of_singular() -> object:
    A = jnp.array([[1.0, 2.0], [2.0, 4.0]])
    return jax.jit(jax.grad(lambda A: jnp.linalg.inv(A)[0, 0]))(A)
