"""What one may differentiate with respect to: numbers, integers, dictionaries, which arguments."""

import math

import jax
import jax.numpy as jnp

from samestep.probes import Natives

native = Natives()


@native
def python_float() -> object:
    return jax.grad(lambda x: x * x)(3.0)


@native
def unmarked_input() -> object:
    x = jnp.array(3.0)
    return jax.jit(jax.grad(lambda x: x * x))(x)


@native
def integer_input() -> object:
    return jax.grad(lambda x: x * x)(3)


@native
def integer_beside_real() -> object:
    slope = jax.grad(lambda x, n: x * n, argnums=1, allow_int=True)(2.0, 3)
    return slope.dtype.names[0]


@native
def python_math() -> object:
    return jax.grad(lambda x: x * math.exp(x))(1.0)


@native
def which_arguments() -> object:
    return jax.jit(jax.grad(lambda a, b: a * b))(2.0, 3.0)


@native
def auxiliary_output() -> object:
    def loss_and_prediction(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        prediction = 2 * x
        return prediction * prediction, prediction

    return jax.grad(loss_and_prediction)(3.0)


@native
def dictionary_of_parameters() -> object:
    params = {"w": 3.0, "b": 1.0}
    return jax.jit(jax.grad(lambda p: p["w"] * 2.0 + p["b"]))(params)
