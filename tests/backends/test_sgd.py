"""SGD of every backend beside the frameworks' own optimizers and the written-out rule."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

from samestep.interface import Backend, SGDOptions
from samestep.testing.descents import (
    OPTIONS,
    RATE,
    Path,
    gradients,
    path_of,
    require_same_path,
    start,
    written_out,
)

optimizers = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())


def torch_optim(rate: float, options: SGDOptions, dtype: str) -> Path:
    params = {
        k: torch.tensor(p, dtype=getattr(torch, dtype), requires_grad=True)
        for k, p in start().items()
    }
    optimizer = torch.optim.SGD(
        params.values(),
        lr=rate,
        momentum=options.momentum,
        nesterov=options.nesterov,
        weight_decay=options.weight_decay,
    )
    path = []
    for grads in gradients():
        for name, p in params.items():
            p.grad = torch.tensor(grads[name], dtype=p.dtype)
        optimizer.step()
        path.append({name: p.detach().numpy().copy() for name, p in params.items()})
        if options.momentum:
            path[-1] |= {
                f"velocity {name}": optimizer.state[p]["momentum_buffer"].numpy().copy()
                for name, p in params.items()
            }
    return path


def optax_chain(rate: float, options: SGDOptions, dtype: str) -> Path:
    with jax.enable_x64(dtype == "float64"):
        optimizer = optax.chain(
            optax.add_decayed_weights(options.weight_decay),
            optax.sgd(rate, momentum=options.momentum or None, nesterov=options.nesterov),
        )
        params = {k: jnp.asarray(p, dtype) for k, p in start().items()}
        state = optimizer.init(params)
        path = []
        for grads in gradients():
            updates, state = optimizer.update(
                {k: jnp.asarray(g, dtype) for k, g in grads.items()}, state, params
            )
            params = optax.apply_updates(params, updates)
            path.append({k: np.array(p) for k, p in params.items()})
    return path


@optimizers
@pytest.mark.parametrize("reference", [torch_optim, optax_chain])
def test_every_backend_takes_the_steps_of_every_framework(
    backend: Backend, options: SGDOptions, reference: Callable[[float, SGDOptions, str], Path]
) -> None:
    expected = reference(RATE, options, backend.dtype)
    path = path_of(backend, RATE, options, start(), gradients())
    found = [
        {name: after[name] for name in expected[0]} for after in path
    ]  # optax hides velocities
    require_same_path(found, expected, backend.dtype, reference.__name__)


def test_the_options_are_told_apart() -> None:
    # What the kit's table relies on: no two of its rows end in the same place.
    ends = [written_out(RATE, options)[-1]["w"] for options in OPTIONS.values()]
    for i, first in enumerate(ends):
        for second in ends[:i]:
            assert np.abs(first - second).max() > 1e-3
