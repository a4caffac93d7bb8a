"""How often a function is traced, and what is remembered from the first time."""

import random
from functools import partial

import jax
import jax.numpy as jnp
from jax import grad, jit

from samestep.probes import Natives

native = Natives()


@native
def traces_of_one_shape() -> object:
    traces = 0

    @jit
    def f(x):
        nonlocal traces
        traces += 1
        return 2 * x

    f(jnp.ones(2))
    f(jnp.zeros(2))
    return traces


@native
def traces_of_three_shapes() -> object:
    traces = 0

    @jit
    def f(x):
        nonlocal traces
        traces += 1
        return 2 * x

    for n in (2, 3, 4):
        f(jnp.ones(n))
    return traces


@native
def traces_of_two_dtypes() -> object:
    traces = 0

    @jit
    def f(x):
        nonlocal traces
        traces += 1
        return 2 * x

    f(jnp.ones(2, dtype=jnp.int32))
    f(jnp.ones(2, dtype=jnp.float32))
    return traces


@native
def traces_of_python_numbers() -> object:
    traces = 0

    @jit
    def f(x, rate):
        nonlocal traces
        traces += 1
        return rate * x

    for rate in (1.5, 2.5, 3.5):
        f(jnp.ones(2), rate)
    return traces


@native
def traces_of_a_new_lambda() -> object:
    traces = 0

    def double(x):
        nonlocal traces
        traces += 1
        return 2 * x

    for _ in range(3):
        jit(lambda x: double(x) + 0)(jnp.ones(2))
    return traces


@native
def traces_of_weak_types() -> object:
    traces = 0

    @jit
    def f(x, rate):
        nonlocal traces
        traces += 1
        return rate * x

    f(jnp.ones(2), 1.0)
    f(jnp.ones(2), jnp.ones(()))
    return traces


@native
def global_changed_after_compilation() -> object:
    scale = 2.0

    @jit
    def f(x):
        return scale * x

    before = f(1.0)
    scale = 3.0
    return jnp.stack([before, f(1.0)])


@native
def side_effects_in_two_calls() -> object:
    seen = []

    @jit
    def f(x):
        seen.append(x)
        return 2 * x

    f(jnp.ones(2))
    f(jnp.ones(2))
    return len(seen)


@native
def host_randomness_in_two_calls() -> object:
    random.seed(0)

    @jit
    def f(x):
        return x + random.random()

    return len({float(f(0.0)) for _ in range(3)})


@native
def tracer_kept_outside() -> object:
    kept = []

    @jit
    def f(x):
        kept.append(x * x)
        return x + 1

    f(3.0)
    return kept[0] + 0


@native
def unhashable_static_argument() -> object:
    @partial(jit, static_argnums=1)
    def f(x, axes):
        return x.sum(axis=tuple(axes))

    return f(jnp.ones((2, 3)), [0, 1])


@native
def grad_of_jit() -> object:
    f = jit(lambda x: x**3)
    return grad(f)(2.0)


@native
def shape_without_computing() -> object:
    empty = jax.ShapeDtypeStruct
    product = jax.eval_shape(jnp.matmul, empty((2, 3), jnp.float32), empty((3, 4), jnp.float32))
    return jnp.array(product.shape)


@native
def argument_changed_by_the_callee() -> object:
    @jit
    def overwrite(x):
        x[0] = 9.0

    x = jnp.array([1.0, 2.0])
    overwrite(x)
    return x


@native
def donated_argument() -> object:
    f = jit(lambda x: x + 1, donate_argnums=0)
    x = jnp.ones(2)
    f(x)
    return x + 0
