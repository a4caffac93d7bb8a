"""Every way to a gradient that PyTorch offers, and what its stored gradients do.

A *route*, ``"gradient/NAME"``, is called as ``(loss, params, *rest)`` and returns the gradient of
``loss(params, *rest)``, a scalar, with respect to ``params``, as a dictionary of tensors. Each is
written as a user of PyTorch would write it.

PyTorch alone keeps gradients in the tensors they belong to; the observations of that are
``"stored-gradient"``, ``"after-training"`` and ``"without-clearing"``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from samestep.interface import Array, Params

Loss = Callable[..., Array]


def leaves_of(params: Params) -> Params:
    """Copy the parameters into tensors whose gradient autograd keeps."""
    return {name: p.clone().requires_grad_() for name, p in params.items()}


def backward(loss: Loss, params: Params, *rest: Array) -> Params:
    """Call ``backward``, which puts each gradient into ``.grad``."""
    leaves = leaves_of(params)
    loss(leaves, *rest).backward()
    return {name: _present(p.grad) for name, p in leaves.items()}


def hook(loss: Loss, params: Params, *rest: Array) -> Params:
    """Register a hook on each tensor; it is handed the gradient while ``backward`` computes it."""
    leaves = leaves_of(params)
    seen: Params = {}
    for name, p in leaves.items():
        p.register_hook(lambda grad, name=name: seen.update({name: grad}))
    loss(leaves, *rest).backward()
    return {name: seen[name] for name in params}


def autograd_grad(loss: Loss, params: Params, *rest: Array) -> Params:
    """Call ``torch.autograd.grad``, which returns gradients and leaves ``.grad`` alone."""
    leaves = leaves_of(params)
    grads = torch.autograd.grad(loss(leaves, *rest), list(leaves.values()))
    return dict(zip(leaves, grads, strict=True))


def func_grad(loss: Loss, params: Params, *rest: Array) -> Params:
    """Transform the function: ``torch.func.grad`` needs no ``requires_grad``."""
    grads: Params = torch.func.grad(loss)(params, *rest)
    return grads


def func_vjp(loss: Loss, params: Params, *rest: Array) -> Params:
    """Pull the number 1 back from the loss to the parameters: reverse mode, one step lower."""
    value, pullback = torch.func.vjp(lambda p: loss(p, *rest), params)  # type: ignore[misc]
    grads: Params = pullback(torch.ones_like(value))[0]
    return grads


def func_jacrev(loss: Loss, params: Params, *rest: Array) -> Params:
    """Take the Jacobian row by row; that of a scalar has one row, the gradient."""
    jacobian: Params = torch.func.jacrev(loss)(params, *rest)
    return jacobian


def func_jacfwd(loss: Loss, params: Params, *rest: Array) -> Params:
    """Take the Jacobian column by column: forward mode, one pass per parameter."""
    jacobian: Params = torch.func.jacfwd(loss)(params, *rest)
    return jacobian


def stored_gradient(loss: Loss, params: Params, *rest: Array) -> dict[str, dict[str, Array]]:
    """Look at ``.grad`` before and after two calls of ``backward`` and two ways to clear it.

    Returns
    -------
    dict
        What ``.grad`` held, by parameter: ``"before"`` the first backward, after it was called
        ``"once"`` and ``"twice"``, and cleared with ``"set_to_zero"``, then ``"set_to_none"``.
    """
    leaves = leaves_of(params)
    optimizer = torch.optim.SGD(leaves.values())

    def stored() -> dict[str, Array]:
        return {name: None if p.grad is None else p.grad.clone() for name, p in leaves.items()}

    seen = {"before": stored()}
    loss(leaves, *rest).backward()
    seen["once"] = stored()
    loss(leaves, *rest).backward()
    seen["twice"] = stored()
    optimizer.zero_grad(set_to_none=False)
    seen["set_to_zero"] = stored()
    optimizer.zero_grad(set_to_none=True)
    seen["set_to_none"] = stored()
    return seen


def after_training(
    loss: Loss, params: Params, batches: Iterable[tuple[Array, ...]], learning_rate: float
) -> tuple[Params, Params]:
    """Train as in the book, then read ``.grad``: returns the parameters and what it holds."""
    leaves = leaves_of(params)
    optimizer = torch.optim.SGD(leaves.values(), lr=learning_rate)
    for batch in batches:
        optimizer.zero_grad()
        loss(leaves, *batch).backward()
        optimizer.step()
    final = {name: p.detach() for name, p in leaves.items()}
    return final, {name: _present(p.grad) for name, p in leaves.items()}


def without_clearing(
    loss: Loss, params: Params, batches: Iterable[tuple[Array, ...]], learning_rate: float
) -> list[tuple[Params, Params]]:
    """Train and forget ``zero_grad``: returns parameters and ``.grad`` after each update."""
    leaves = leaves_of(params)
    optimizer = torch.optim.SGD(leaves.values(), lr=learning_rate)
    path = []
    for batch in batches:
        loss(leaves, *batch).backward()
        optimizer.step()
        now = {name: p.detach().clone() for name, p in leaves.items()}
        path.append((now, {name: _present(p.grad).clone() for name, p in leaves.items()}))
    return path


def _present(grad: Array | None) -> Array:
    if grad is None:
        raise RuntimeError("backward has stored no gradient: the loss does not use the parameter")
    return grad


GRADIENTS: dict[str, Callable[..., Any]] = {
    "gradient/backward": backward,
    "gradient/hook": hook,
    "gradient/autograd.grad": autograd_grad,
    "gradient/func.grad": func_grad,
    "gradient/func.vjp": func_vjp,
    "gradient/func.jacrev": func_jacrev,
    "gradient/func.jacfwd": func_jacfwd,
    "stored-gradient": stored_gradient,
    "after-training": after_training,
    "without-clearing": without_clearing,
}
