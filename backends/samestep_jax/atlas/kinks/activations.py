"""Activation functions at their joints."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def leaky_relu_at_0() -> object:
    return jax.jit(jax.grad(lambda x: jax.nn.leaky_relu(x, 0.1)))(0.0)


@native
def relu6_at_6() -> object:
    return jax.jit(jax.grad(jax.nn.relu6))(6.0)


@native
def elu_at_0() -> object:
    return jax.jit(jax.grad(lambda x: jax.nn.elu(x, alpha=2.0)))(0.0)


@native
def hardtanh_at_bound() -> object:
    return jax.jit(jax.grad(jax.nn.hard_tanh))(1.0)


@native
def hardswish_at_3() -> object:
    return jax.jit(jax.grad(jax.nn.hard_swish))(3.0)


@native
def softplus_threshold() -> object:
    with jax.enable_x64():
        return 1 - jax.jit(jax.grad(jax.nn.softplus))(21.0)


@native
def gelu_by_default() -> object:
    return jax.jit(jax.grad(jax.nn.gelu))(1.0)


@native
def softshrink_at_joint() -> object:
    def softshrink(x: jax.Array) -> jax.Array:
        return jnp.sign(x) * jnp.maximum(jnp.abs(x) - 0.5, 0)

    return jax.jit(jax.grad(softshrink))(0.5)
