"""Custom rules, straight-through estimators and checkpoints."""

import jax
import jax.numpy as jnp
from jax import grad, jit

from samestep.probes import Natives

native = Natives()


@native
def wrong_rule_is_believed() -> object:
    @jax.custom_vjp
    def square(x):
        return x**2

    square.defvjp(lambda x: (x**2, None), lambda _, g: (7 * g,))
    return jit(grad(square))(3.0)


@native
def reverse_rule_in_forward_mode() -> object:
    @jax.custom_vjp
    def square(x):
        return x**2

    square.defvjp(lambda x: (x**2, x), lambda x, g: (2 * x * g,))
    return jax.jvp(square, (3.0,), (1.0,))[1]


@native
def second_derivative_of_a_rule() -> object:
    @jax.custom_vjp
    def square(x):
        return x**2

    square.defvjp(lambda x: (x**2, x), lambda x, g: ((7 + 0 * x) * g,))
    return {"first": jit(grad(square))(3.0), "second": jit(grad(grad(square)))(3.0)}


@native
def once_differentiable() -> object:
    @jax.custom_vjp
    def cube(x):
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, g: (3 * x**2 * g,))
    return jit(grad(grad(cube)))(1.0)


@native
def straight_through() -> object:
    def f(x):
        return x + jax.lax.stop_gradient(jnp.round(x) - x)

    value, gradient = jit(jax.value_and_grad(f))(1.7)
    return {"value": value, "gradient": gradient}


@native
def gradient_reversal() -> object:
    @jax.custom_vjp
    def reverse(x):
        return x

    reverse.defvjp(lambda x: (x, None), lambda _, g: (-g,))
    return jit(grad(lambda x: 3 * reverse(x)))(2.0)


@native
def checkpoint_calls() -> object:
    calls = 0

    @jax.checkpoint
    def body(x):
        nonlocal calls
        calls += 1
        return jnp.sin(x) ** 2

    return {"gradient": jit(grad(body))(0.5), "calls": calls}
