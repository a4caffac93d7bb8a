"""How a transformation of optax is followed along a course of gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import optax

from samestep.interface import Backend
from samestep.ledger.native import Lookalike
from samestep.ledger.optimizer_entry import Course, OptimizerNative, Record

__all__ = ["Loop", "follow", "native"]

_STATE = {
    "trace": "velocity",
    "mu": "first",
    "nu": "second",
    "sum_of_squares": "second",
    "nu_max": "largest",
}
"""What the states of optax hold, and what it is."""


def _keep(k: int, state: Any) -> Any:
    """Change nothing."""
    return state


@dataclass(frozen=True)
class Loop:
    """The lines of a training loop that are about the optimizer.

    Parameters
    ----------
    optimizer : GradientTransformation
        Its ``update`` may take ``used``, the parameters that the loss of a step depends on, by
        name.
    before : callable
        ``(step from 0, state) -> state``, before the update.
    velocity_unit : float
        What its velocities are multiples of.
    """

    optimizer: Any
    before: Callable[[int, Any], Any] = _keep
    velocity_unit: float = 1.0


def follow(backend: Backend, call: Callable[[], Loop], course: Course) -> Record:
    """Run what a call makes along a course, and record parameters and state of every step."""
    recorded: dict[str, list[Any]] = {}
    with backend.scope():
        loop = call()
        optimizer = optax.with_extra_args_support(loop.optimizer)

        @jax.jit
        def step(params: Any, grads: Any, state: Any, used: Any) -> tuple[Any, Any]:
            updates, state = optimizer.update(grads, state, params, used=used)
            return optax.apply_updates(params, updates), state

        params = {name: backend.asarray(start) for name, start in course.start.items()}
        state = optimizer.init(params)
        _take_down(backend, params, state, loop, recorded)
        for k in course.number:
            grads = {name: backend.asarray(g[k]) for name, g in course.gradients.items()}
            used = {name: bool(flags[k]) for name, flags in course.used.items()}
            params, state = step(params, grads, loop.before(int(k), state), used)
            _take_down(backend, params, state, loop, recorded)
    return {name: np.stack(values) for name, values in recorded.items()}


def _take_down(
    backend: Backend, params: Any, state: Any, loop: Loop, recorded: dict[str, list[Any]]
) -> None:
    for name, p in params.items():
        recorded.setdefault(name, []).append(backend.to_numpy(p))
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        # A path ends in the field of a state and the parameter's name.
        kind = _STATE.get(getattr(path[-2], "name", "")) if len(path) > 1 else None
        if kind:
            unit = loop.velocity_unit if kind == "velocity" else 1.0
            kept = (backend.to_numpy(leaf).astype(np.float64) / unit).astype(backend.numpy_dtype)
            recorded.setdefault(f"{kind} {path[-1].key}", []).append(kept)


def native(
    call: Callable[[], Loop],
    public: str = "",
    *,
    converted: bool = False,
    lookalike: tuple[str, Callable[[], Loop]] | None = None,
) -> OptimizerNative:
    """Return the side of JAX and optax of an entry."""
    return OptimizerNative(
        call=call,
        public=public,
        converted=converted,
        lookalike=Lookalike(*lookalike) if lookalike else None,
        follow=follow,
    )
