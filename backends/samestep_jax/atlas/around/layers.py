"""Functions and layers whose defaults differ behind a common name."""

from typing import Any

import jax
import jax.numpy as jnp

from samestep.probes import Natives
from samestep_jax.atlas.around.flax import needs_flax

native = Natives()


@native
def softmax_axis() -> object:
    return jax.jit(jax.nn.softmax)(jnp.array([[[1.0, 0.0]], [[1.0, 0.0]]]))


@native
def variance_divisor() -> object:
    return jnp.var(jnp.array([0.0, 2.0]))


@native
def convolution_flips() -> object:
    return jnp.convolve(jnp.array([1.0, 0.0, 0.0]), jnp.array([1.0, 2.0, 3.0]), mode="same")


@native
def same_padding_with_stride() -> object:
    signal, kernel = jnp.ones((1, 1, 5)), jnp.ones((1, 1, 3))
    return list(jax.lax.conv_general_dilated(signal, kernel, (2,), "SAME").shape)


@native
def strided_padding() -> object:
    signal = jnp.array([[[1.0, 2.0, 3.0, 4.0]]])
    kernel = jnp.array([[[1.0, 10.0, 100.0]]])
    return jax.lax.conv_general_dilated(signal, kernel, (2,), "SAME")[0, 0]


@needs_flax(native)
def convolution_padding() -> object:
    from flax import linen as nn

    layer = nn.Conv(1, kernel_size=(3,))
    x = jnp.ones((1, 5, 1))
    result, _ = jax.eval_shape(layer.init_with_output, jax.random.key(0), x)
    return result.shape[1]


@needs_flax(native)
def batchnorm_momentum() -> object:
    from flax import linen as nn

    layer = nn.BatchNorm(use_running_average=False)
    x = jnp.array([[0.0], [2.0]])

    @jax.jit
    def updated(x: jax.Array) -> Any:
        variables = layer.init(jax.random.key(0), x)
        return layer.apply(variables, x, mutable=["batch_stats"])[1]["batch_stats"]

    return updated(x)["mean"]


@needs_flax(native)
def batchnorm_variance() -> object:
    from flax import linen as nn

    layer = nn.BatchNorm(use_running_average=False, momentum=0.5)
    x = jnp.array([[0.0], [2.0]])

    @jax.jit
    def updated(x: jax.Array) -> Any:
        variables = layer.init(jax.random.key(0), x)
        return layer.apply(variables, x, mutable=["batch_stats"])[1]["batch_stats"]

    return updated(x)["var"]


@needs_flax(native)
def layernorm_epsilon() -> object:
    from flax import linen as nn

    @jax.jit
    def normalised(x: jax.Array) -> object:
        return nn.LayerNorm().init_with_output(jax.random.key(0), x)[0]

    return normalised(jnp.array([-1e-3, 1e-3]))


@needs_flax(native)
def dropout_without_a_mode() -> object:
    from flax import linen as nn

    rngs = {"dropout": jax.random.key(0)}
    dropped: Any = nn.Dropout(0.5).apply({}, jnp.ones(1000), rngs=rngs)
    return jnp.unique(dropped)
