"""Angles and moduli, of points in the plane and of complex numbers."""

import math

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def atan2_at_origin() -> object:
    return jax.jit(jax.grad(jnp.arctan2, argnums=(0, 1)))(0.0, 0.0)


@native
def arccos_at_1() -> object:
    return jax.jit(jax.grad(jnp.arccos))(1.0)


@native
def tan_next_to_pole() -> object:
    return jax.jit(jax.grad(jnp.tan))(math.pi / 2)


@native
def complex_abs_at_0() -> object:
    grad = jax.jit(jax.grad(jnp.abs))(0j)
    return [grad.real, grad.imag]


@native
def complex_angle_at_0() -> object:
    grad = jax.jit(jax.grad(jnp.angle))(0j)
    return [grad.real, grad.imag]
