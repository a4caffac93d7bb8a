"""Default dtypes, and what becomes of two that meet."""

import jax
import jax.numpy as jnp
import numpy as np

from samestep.probes import Natives

native = Natives()


@native
def dtype_of_floats() -> object:
    return str(jnp.array([1.0]).dtype)


@native
def dtype_of_integers() -> object:
    return str(jnp.array([1]).dtype)


@native
def dtype_from_numpy() -> object:
    return str(jnp.array(np.zeros(2)).dtype)


@native
def float64_on_request() -> object:
    return str(jnp.zeros(2, dtype=jnp.float64).dtype)


@native
def mean_of_integers() -> object:
    return jnp.array([1, 2]).mean()


@native
def dtype_of_indices() -> object:
    return str(jnp.array([1.0, 2.0]).argmax().dtype)


@native
def promotion_of_integer_and_half() -> object:
    total = jnp.ones(2, dtype=jnp.int32) + jnp.ones(2, dtype=jnp.float16)
    return str(total.dtype)


@native
def promotion_of_python_float_and_bfloat16() -> object:
    return str((0.1 * jnp.ones(2, dtype=jnp.bfloat16)).dtype)


@native
def promotion_of_scalar_array_and_bfloat16() -> object:
    rate = jnp.float32(0.1)
    return str((rate * jnp.ones(2, dtype=jnp.bfloat16)).dtype)


@native
def true_division_of_integers() -> object:
    return str((jnp.array(7) / jnp.array(2)).dtype)


@native
def negative_power_of_an_integer() -> object:
    return jnp.array(2) ** jnp.array(-1)


@native
def small_integer_overflow() -> object:
    return jnp.array(200, dtype=jnp.uint8) + jnp.array(100, dtype=jnp.uint8)


@native
def difference_of_booleans() -> object:
    return jnp.array([True]) - jnp.array([False])


@native
def integer_beyond_32_bits() -> object:
    return jnp.array(2**40)


@native
def whole_number_in_float32() -> object:
    return jnp.array(2**24 + 1, dtype=jnp.float32).astype(jnp.int32)


@native
def matmul_precision_default() -> object:
    return str(jax.config.jax_default_matmul_precision)
