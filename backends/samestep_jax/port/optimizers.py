"""The state of an optax optimizer, found in its nested tuples."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from samestep.errors import UsageError
from samestep_jax.port.trees import name_of

__all__ = ["SLOTS", "as_transformation", "filled", "found_in"]

SLOTS = {
    "trace": "momentum",
    "ema": "momentum",
    "mu": "first_moment",
    "nu": "second_moment",
    "nu_max": "max_second_moment",
}
"""Our name of each field that keeps an array per parameter."""

_COUNTS = {"count", "inner_count"}
_CONSTANTS = {"hyperparams", "hyperparams_states"}


def as_transformation(optimizer: object) -> optax.GradientTransformation:
    """Return an optax optimizer, or raise an error for what is none."""
    if not isinstance(optimizer, optax.GradientTransformation):
        raise UsageError(
            f"The optimizer of the JAX side is a {type(optimizer).__name__}.",
            "Give it an optax.GradientTransformation, such as optax.adamw(1e-3); of a Flax "
            "optimizer or train state that is its .tx.",
        )
    return optimizer


def found_in(state: Any, names: Collection[str]) -> tuple[dict[str, dict[str, Any]], list[Any]]:
    """Find arrays kept per parameter, and the counts of steps.

    Raises
    ------
    UsageError
        For a field that we do not know.
    """
    slots: dict[str, dict[str, Any]] = {}
    counts = []
    for path, leaf in jax.tree_util.tree_flatten_with_path(state)[0]:
        place = _place(path, names)
        if place is None:
            raise UsageError(
                "The optimizer of the JAX side keeps "
                f"{jax.tree_util.keystr(path)}, which the port check does not know.",
                "It knows optax.sgd, adam and adamw, their chains, masks and schedules.",
            )
        slot, name = place
        if slot in SLOTS.values():
            slots.setdefault(slot, {})[name] = leaf
        elif slot == "count":
            counts.append(leaf)
    return slots, counts


def filled(state: Any, slots: Mapping[str, Mapping[str, Any]], count: Any) -> Any:
    """Put arrays and the count of steps into a state; what is not given stays."""
    names = {name for arrays in slots.values() for name in arrays}

    def fill(path: tuple[Any, ...], leaf: Any) -> Any:
        slot, name = _place(path, names) or ("", "")
        if slot == "count":
            # Under x64 an int32 count would make the rate of a schedule float32.
            return jnp.asarray(count, dtype=jnp.result_type(int))
        return slots.get(slot, {}).get(name, leaf)

    return jax.tree_util.tree_map_with_path(fill, state)


def _place(path: tuple[Any, ...], names: Collection[str]) -> tuple[str, str] | None:
    """Say what a leaf of the state is: its slot and parameter, a count, or a constant."""
    for i, key in enumerate(path):
        if not isinstance(key, jax.tree_util.GetAttrKey):
            continue
        if key.name in SLOTS and name_of(path[i + 1 :]) in names:
            return SLOTS[key.name], name_of(path[i + 1 :])
        if key.name in _COUNTS and i == len(path) - 1:
            return "count", ""
        if key.name in _CONSTANTS:
            return "constant", ""
    return None
