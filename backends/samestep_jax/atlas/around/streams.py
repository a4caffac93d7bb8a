"""Random numbers: keys that are passed."""

import jax

from samestep.probes import Natives

native = Natives()


@native
def same_seed() -> object:
    return jax.random.normal(jax.random.key(0), (3,))


@native
def second_draw() -> object:
    key = jax.random.key(0)
    return jax.random.uniform(key, (3,)).tolist() == jax.random.uniform(key, (3,)).tolist()


@native
def draw_in_between() -> object:
    key = jax.random.key(0)
    alone = jax.random.uniform(jax.random.fold_in(key, 1), (3,))
    jax.random.uniform(jax.random.fold_in(key, 0), (1,))
    after = jax.random.uniform(jax.random.fold_in(key, 1), (3,))
    return alone.tolist() == after.tolist()


@native
def prefix_of_a_draw() -> object:
    key = jax.random.key(0)
    few = jax.random.normal(key, (8,))
    many = jax.random.normal(key, (16,))
    return few.tolist() == many.tolist()[:8]


@native
def dropout_replay() -> object:
    key = jax.random.key(0)
    first = jax.random.bernoulli(key, 0.5, (100,))
    return first.tolist() == jax.random.bernoulli(key, 0.5, (100,)).tolist()
