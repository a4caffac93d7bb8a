"""NaN, infinities, signed zeros, subnormal numbers, conversions."""

import math

import jax
import jax.numpy as jnp
from jax import grad, jit

from samestep.probes import Natives

native = Natives()


@native
def maximum_with_nan() -> object:
    nan, one = jnp.array(math.nan), jnp.array(1.0)
    return jnp.stack([jnp.stack([one, nan]).max(), jnp.maximum(nan, one)])


@native
def order_of_nan() -> object:
    x = jnp.array([1.0, math.nan, 2.0])
    return {"sorted": jnp.sort(x), "argmax": int(x.argmax())}


@native
def clip_of_nan() -> object:
    return jnp.clip(jnp.array(math.nan), 0, 1)


@native
def nan_to_integer() -> object:
    return jnp.array(math.nan).astype(jnp.int32)


@native
def large_float_to_integer() -> object:
    return jnp.array(1e10).astype(jnp.int32)


@native
def negative_float_to_unsigned() -> object:
    return jnp.array(-1.0).astype(jnp.uint8)


@native
def integer_division_by_zero() -> object:
    return jnp.array(1) // jnp.array(0)


@native
def signs_of_remainders() -> object:
    return jnp.stack([jnp.array(-7) // 2, jnp.array(-7) % 3])


@native
def halves_are_rounded_to_even() -> object:
    return jnp.round(jnp.array([0.5, 1.5, 2.5]))


@native
def integer_overflow() -> object:
    return jnp.array(2**31 - 1, dtype=jnp.int32) + 1


@native
def subnormal_result() -> object:
    return jnp.array(1e-30) * jnp.array(1e-10)


@native
def subnormal_gradient() -> object:
    return jit(grad(lambda x: 1e-20 * (1e-20 * x)))(1.0)


@native
def negative_zero() -> object:
    zero = jnp.array(-0.0)
    return str([float(1 / zero), float(jnp.sqrt(zero)), float(jnp.sign(zero))])


@native
def detecting_nan() -> object:
    with jax.debug_nans(True):  # noqa: FBT003  # its only argument
        return grad(lambda x: jnp.sqrt(0 * x))(1.0)


@native
def length_of_a_range_with_steps() -> object:
    return len(jnp.arange(1, 1.3, 0.1))


@native
def end_of_a_linspace() -> object:
    points = jnp.linspace(0, 1, 7)
    return {"end": points[-1], "middle": points[3]}


@native
def nan_is_not_itself() -> object:
    nan = jnp.array([math.nan])
    return {
        "==": bool((nan == jnp.array([math.nan])).all()),
        "allclose": bool(jnp.allclose(nan, nan)),
        "equal": bool(jnp.array_equal(nan, nan)),
    }
