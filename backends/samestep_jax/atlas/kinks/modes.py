"""Forward against reverse mode, and eager against compiled, where they contradict each other."""

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def where_nan_trap_forward() -> object:
    def root(x: jax.Array) -> jax.Array:
        return jnp.where(x > 0, jnp.sqrt(x), 0 * x)

    _, tangent = jax.jit(lambda x: jax.jvp(root, (x,), (1.0,)))(-1.0)
    return tangent


@native
def nan_to_num_trap() -> object:
    def root(x: jax.Array) -> jax.Array:
        return jnp.nan_to_num(jnp.sqrt(x))

    forward, reverse = jax.jit(lambda x: (jax.jacfwd(root)(x), jax.jacrev(root)(x)))(-1.0)
    return {"forward": forward, "reverse": reverse}


@native
def mask_times_nan() -> object:
    value, grad = jax.value_and_grad(lambda x: (x > 0) * jnp.sqrt(x))(-1.0)
    return [value, grad]


@native
def mask_times_nan_compiled() -> object:
    value, grad = jax.jit(jax.value_and_grad(lambda x: (x > 0) * jnp.sqrt(x)))(-1.0)
    return [value, grad]


@native
def zero_tangent() -> object:
    _, tangent = jax.jit(lambda x, y: jax.jvp(jnp.power, (x, y), (1.0, 0.0)))(-2.0, 3.0)
    return tangent
