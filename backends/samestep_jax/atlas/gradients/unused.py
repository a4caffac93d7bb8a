"""Parameters that a loss does not depend on: their gradient, and what an optimizer makes of it."""

import jax
import optax

from samestep.probes import Natives

native = Natives()


@native
def unused_parameter() -> object:
    return jax.jit(jax.grad(lambda a, b: a * a, argnums=(0, 1)))(3.0, 1.0)


@native
def unused_argument() -> object:
    return jax.jit(jax.grad(lambda a, b: a * a, argnums=(0, 1)))(3.0, 1.0)


@native
def unused_materialized() -> object:
    return jax.jit(jax.grad(lambda a, b: a * a, argnums=(0, 1)))(3.0, 1.0)


@native
def unused_momentum() -> object:
    optimizer = optax.sgd(0.1, momentum=0.9)

    @jax.jit
    def train(params: dict[str, jax.Array]) -> dict[str, jax.Array]:
        state = optimizer.init(params)
        for loss in (lambda d: d["p"] + d["q"], lambda d: d["q"]):
            updates, state = optimizer.update(jax.grad(loss)(params), state, params)
            params = optax.apply_updates(params, updates)
        return params

    return train({"p": 1.0, "q": 1.0})["p"]


@native
def unused_momentum_zeros() -> object:
    optimizer = optax.sgd(0.1, momentum=0.9)

    @jax.jit
    def train(params: dict[str, jax.Array]) -> dict[str, jax.Array]:
        state = optimizer.init(params)
        for loss in (lambda d: d["p"] + d["q"], lambda d: d["q"]):
            updates, state = optimizer.update(jax.grad(loss)(params), state, params)
            params = optax.apply_updates(params, updates)
        return params

    return train({"p": 1.0, "q": 1.0})["p"]


@native
def unused_weight_decay() -> object:
    optimizer = optax.chain(optax.add_decayed_weights(0.5), optax.sgd(0.1))

    @jax.jit
    def train(params: dict[str, jax.Array]) -> dict[str, jax.Array]:
        state = optimizer.init(params)
        for loss in (lambda d: d["p"] + d["q"], lambda d: d["q"]):
            updates, state = optimizer.update(jax.grad(loss)(params), state, params)
            params = optax.apply_updates(params, updates)
        return params

    return train({"p": 1.0, "q": 1.0})["p"]


@native
def unused_adam() -> object:
    optimizer = optax.adam(0.1, b1=0.5, b2=0.75)

    @jax.jit
    def train(params: dict[str, jax.Array]) -> dict[str, jax.Array]:
        state = optimizer.init(params)
        for loss in (lambda d: d["p"] + d["q"], lambda d: d["q"]):
            updates, state = optimizer.update(jax.grad(loss)(params), state, params)
            params = optax.apply_updates(params, updates)
        return params

    return train({"p": 1.0, "q": 1.0})["p"]


@native
def frozen_weight_decay() -> object:
    optimizer = optax.adamw(0.1, weight_decay=0.5)

    @jax.jit
    def step(params: dict[str, jax.Array]) -> object:
        slopes = jax.grad(lambda d: jax.lax.stop_gradient(d["p"]) * d["q"])(params)
        updates, _ = optimizer.update(slopes, optimizer.init(params), params)
        return optax.apply_updates(params, updates)

    return step({"p": 1.0, "q": 1.0})["p"]
