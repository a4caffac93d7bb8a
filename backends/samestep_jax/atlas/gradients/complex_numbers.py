"""Complex numbers: the frameworks' gradients are conjugates of each other."""

import jax
import jax.numpy as jnp
import optax

from samestep.probes import Natives

native = Natives()


@native
def complex_gradient() -> object:
    return jax.jit(jax.grad(lambda z: z.real**2 + z.imag**2))(3 + 4j)


@native
def complex_descent() -> object:
    optimizer = optax.sgd(0.5)

    @jax.jit
    def step(z: jax.Array) -> object:
        slope = jax.grad(lambda z: z.real**2 + z.imag**2)(z)
        updates, _ = optimizer.update(slope, optimizer.init(z))
        return optax.apply_updates(z, updates)

    return step(3 + 4j)


@native
def complex_loss() -> object:
    return jax.grad(lambda z: z * z)(1 + 1j)


@native
def holomorphic_derivative() -> object:
    return jax.jit(jax.grad(lambda z: z * z, holomorphic=True))(1 + 1j)


@native
def holomorphic_forward() -> object:
    _, slope = jax.jvp(lambda z: z * z, (1 + 1j,), (1 + 0j,))
    return slope


@native
def real_to_complex() -> object:
    _, pullback = jax.vjp(jax.jit(lambda x: jnp.exp(1j * x)), 0.5)
    return pullback(jnp.complex64(1j))[0]


@native
def real_loss_of_complex() -> object:
    return jax.jit(jax.grad(lambda x: jnp.square(jnp.abs(jnp.exp(1j * x) - 1))))(0.5)
