"""Cholesky, eigenvalue and singular value decompositions where they are not unique."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def cholesky_symmetry() -> object:
    A = jnp.array([[4.0, 2.0], [2.0, 3.0]])
    return jax.jit(jax.grad(lambda A: jnp.linalg.cholesky(A)[1, 0]))(A)


@native
def cholesky_of_nonsymmetric() -> object:
    A = jnp.array([[4.0, 0.0], [2.0, 3.0]])
    value, grad = jax.jit(jax.value_and_grad(lambda A: jnp.linalg.cholesky(A)[1, 0]))(A)
    return {"value": value, "gradient": grad}


@native
def cholesky_forward_reverse() -> object:
    def below(A: jax.Array) -> jax.Array:
        return jnp.linalg.cholesky(A)[1, 0]

    A = jnp.array([[4.0, 2.0], [2.0, 3.0]])
    forward, reverse = jax.jit(lambda A: (jax.jacfwd(below)(A), jax.jacrev(below)(A)))(A)
    return {"forward": forward, "reverse": reverse}


@native
def cholesky_indefinite() -> object:
    A = jnp.array([[1.0, 2.0], [2.0, 1.0]])
    return jax.jit(jax.grad(lambda A: jnp.linalg.cholesky(A)[1, 1]))(A)


@native
def eigvalsh_equal() -> object:
    A = jnp.array([[1.0, 0.0], [0.0, 1.0]])
    return jax.jit(jax.grad(lambda A: jnp.linalg.eigvalsh(A)[1]))(A)


@native
def eigvalsh_second_derivative() -> object:
    def total(t: jax.Array) -> jax.Array:
        A = jnp.array([[1.0, t], [t, 1.0]])
        return jnp.sum(jnp.linalg.eigvalsh(A) ** 2)

    return jax.jit(jax.grad(jax.grad(total)))(0.0)


@native
def eigh_matrix_function() -> object:
    def exponential(A: jax.Array) -> jax.Array:
        w, V = jnp.linalg.eigh(A)
        return (V @ jnp.diag(jnp.exp(w)) @ V.T)[0, 0]

    return jax.jit(jax.grad(exponential))(jnp.array([[1.0, 0.0], [0.0, 1.0]]))


@native
def svd_recomposed() -> object:
    def recomposed(A: jax.Array) -> jax.Array:
        U, S, Vh = jnp.linalg.svd(A)
        return (U @ jnp.diag(S) @ Vh)[0, 0]

    return jax.jit(jax.grad(recomposed))(jnp.array([[1.0, 0.0], [0.0, 1.0]]))
