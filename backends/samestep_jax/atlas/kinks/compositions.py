"""Smooth functions that are put together from kinks, and kinks differentiated twice."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def relu_minus_relu() -> object:
    return jax.jit(jax.grad(lambda x: jax.nn.relu(x) - jax.nn.relu(-x)))(0.0)


@native
def abs_second_derivative() -> object:
    return jax.jit(jax.grad(jax.grad(jnp.abs)))(0.0)


@native
def abs_squared_second_derivative() -> object:
    return jax.jit(jax.grad(jax.grad(lambda x: jnp.abs(x) ** 2)))(0.0)


@native
def squared_norm_hessian() -> object:
    return jax.jit(jax.hessian(lambda x: jnp.linalg.norm(x) ** 2))(jnp.zeros(2))
