"""Optimizers: defaults, and where epsilon stands."""

import jax
import optax

from samestep.probes import Natives

native = Natives()


@native
def adam_first_step() -> object:
    optimizer = optax.adam(0.1)

    @jax.jit
    def step(p: jax.Array, slope: jax.Array) -> object:
        updates, _ = optimizer.update(slope, optimizer.init(p), p)
        return optax.apply_updates(p, updates)

    return step(0.0, 1.0)


@native
def adam_epsilon() -> object:
    optimizer = optax.adam(0.1, b1=0.5, b2=0.75)

    @jax.jit
    def step(p: jax.Array, slope: jax.Array) -> object:
        updates, _ = optimizer.update(slope, optimizer.init(p), p)
        return optax.apply_updates(p, updates)

    return step(0.0, 1e-8)


@native
def adamw_default_decay() -> object:
    optimizer = optax.adamw(0.1)

    @jax.jit
    def step(p: jax.Array, slope: jax.Array) -> object:
        updates, _ = optimizer.update(slope, optimizer.init(p), p)
        return optax.apply_updates(p, updates)

    return step(1.0, 0.0)


@native
def rmsprop_first_step() -> object:
    optimizer = optax.rmsprop(0.1)

    @jax.jit
    def step(p: jax.Array, slope: jax.Array) -> object:
        updates, _ = optimizer.update(slope, optimizer.init(p), p)
        return optax.apply_updates(p, updates)

    return step(0.0, 1.0)


@native
def rmsprop_epsilon() -> object:
    optimizer = optax.rmsprop(0.1, decay=0.75, eps=0.5)

    @jax.jit
    def step(p: jax.Array, slope: jax.Array) -> object:
        updates, _ = optimizer.update(slope, optimizer.init(p), p)
        return optax.apply_updates(p, updates)

    return step(0.0, 1.0)
