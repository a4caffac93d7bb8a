"""Every way to a gradient that JAX offers.

A *route*, ``"gradient/NAME"``, is called as ``(loss, params, *rest)`` and returns the gradient of
``loss(params, *rest)``, a scalar, with respect to ``params``, as a dictionary of arrays. Each is
written as a user of JAX would write it. All transform a function into a function; arrays are
immutable, so there is no stored gradient to observe.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from samestep.interface import Array, Params

Loss = Callable[..., Array]


def grad(loss: Loss, params: Params, *rest: Array) -> Params:
    """Call ``jax.grad``, which differentiates with respect to the first argument."""
    grads: Params = jax.grad(loss)(params, *rest)
    return grads


def value_and_grad(loss: Loss, params: Params, *rest: Array) -> Params:
    """Call ``jax.value_and_grad``: the loss comes with its gradient, at no cost."""
    grads: Params
    _, grads = jax.value_and_grad(loss)(params, *rest)
    return grads


def vjp(loss: Loss, params: Params, *rest: Array) -> Params:
    """Pull the number 1 back from the loss to the parameters: reverse mode, one step lower."""
    value, pullback = jax.vjp(lambda params: loss(params, *rest), params)
    grads: Params = pullback(jnp.ones_like(value))[0]
    return grads


def jacrev(loss: Loss, params: Params, *rest: Array) -> Params:
    """Take the Jacobian row by row; that of a scalar has one row, the gradient."""
    jacobian: Params = jax.jacrev(loss)(params, *rest)
    return jacobian


def jacfwd(loss: Loss, params: Params, *rest: Array) -> Params:
    """Take the Jacobian column by column: forward mode, one pass per parameter."""
    jacobian: Params = jax.jacfwd(loss)(params, *rest)
    return jacobian


GRADIENTS: dict[str, Callable[..., Any]] = {
    "gradient/grad": grad,
    "gradient/value_and_grad": value_and_grad,
    "gradient/vjp": vjp,
    "gradient/jacrev": jacrev,
    "gradient/jacfwd": jacfwd,
}
