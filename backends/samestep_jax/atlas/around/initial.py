"""Initial values of parameters: defaults, and conventions that share a name."""

import jax
import jax.numpy as jnp
from jax.nn import initializers

from samestep.probes import Natives
from samestep_jax.atlas.around.flax import needs_flax

native = Natives()


@native
def linear_initial_spread() -> object:
    initial = initializers.lecun_normal()  # the default of Flax's Dense and nnx.Linear
    spread = jax.jit(lambda key: initial(key, (400, 400)).std() * 400**0.5)
    return round(spread(jax.random.key(0)).item(), 2)


@native
def embedding_initial_spread() -> object:
    # The default of Flax's Embed.
    initial = initializers.variance_scaling(1.0, "fan_in", "normal", out_axis=0)
    spread = jax.jit(lambda key: initial(key, (1000, 64)).std())
    return round(spread(jax.random.key(0)).item(), 2)


@native
def fan_in_axis() -> object:
    spread = jax.jit(lambda key: initializers.he_uniform()(key, (800, 8)).std())
    return round(spread(jax.random.key(0)).item(), 2)


@native
def truncated_normal() -> object:
    initial = initializers.truncated_normal(0.02)
    farthest = jax.jit(lambda key: jnp.abs(initial(key, (10000,))).max() / 0.02)
    return round(farthest(jax.random.key(0)).item(), 1)


@needs_flax(native)
def lazy_layer() -> object:
    from flax import linen as nn

    model = nn.Dense(1, kernel_init=nn.initializers.ones)
    params = model.init(jax.random.key(0), jnp.ones((1, 3)))["params"]
    return params["kernel"].T
