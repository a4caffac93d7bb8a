"""Sums, narrow types, saturated tails."""

import jax
import jax.numpy as jnp
from jax import grad, jit

from samestep.probes import Natives

native = Natives()


@native
def bfloat16_sum() -> object:
    return jnp.ones(4096, dtype=jnp.bfloat16).sum().astype(jnp.float32)


@native
def bfloat16_running_sum() -> object:
    return jnp.ones(4096, dtype=jnp.bfloat16).cumsum()[-1].astype(jnp.float32)


@native
def bfloat16_product() -> object:
    ones = jnp.ones(4096, dtype=jnp.bfloat16)
    return (ones @ ones).astype(jnp.float32)


@native
def float16_mean() -> object:
    return jnp.full(100, 1000.0, dtype=jnp.float16).mean()


@native
def float16_sum_overflow() -> object:
    return jnp.full(100, 1000.0, dtype=jnp.float16).sum()


@native
def sum_with_cancellation() -> object:
    return jnp.array([1e8, 1.0, -1e8]).sum()


@native
def sum_of_tenths() -> object:
    return jnp.full(1_000_000, 0.1).sum()


@native
def default_variance() -> object:
    return jnp.array([1.0, 3.0]).var()


@native
def variance_far_from_zero() -> object:
    return jnp.array([10_000.0, 10_001.0, 10_002.0]).var(ddof=0)


@native
def log_of_sigmoid() -> object:
    return jit(grad(lambda x: jnp.log(jax.nn.sigmoid(x))))(-100.0)


@native
def stable_log_sigmoid() -> object:
    return jit(grad(jax.nn.log_sigmoid))(-100.0)


@native
def sigmoid_tail() -> object:
    return jit(grad(jax.nn.sigmoid))(20.0)


@native
def tanh_tail() -> object:
    return jit(grad(jnp.tanh))(10.0)


@native
def log_of_softmax() -> object:
    return jit(lambda z: jnp.log(jax.nn.softmax(z)))(jnp.array([0.0, -200.0]))


@native
def softmax_of_large_logits() -> object:
    return jit(jax.nn.softmax)(jnp.array([1000.0, 0.0]))


@native
def sine_of_a_large_number() -> object:
    return jnp.sin(jnp.float32(1e10))
