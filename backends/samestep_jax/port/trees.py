"""Pytrees as flat dictionaries by name, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Tree", "is_number_array", "name_of", "precision_name"]


def name_of(path: tuple[Any, ...]) -> str:
    """Write a path as ``layer/kernel``; Flax's ``value`` of a variable is left out."""
    text = jax.tree_util.keystr(path, simple=True, separator="/")
    return text.removesuffix("/value")


def is_number_array(leaf: Any) -> bool:
    """Whether a leaf is an array of floating-point numbers, which can be trained."""
    return isinstance(leaf, jax.Array | np.ndarray) and jnp.issubdtype(leaf.dtype, jnp.floating)


def precision_name(leaf: Any) -> str:
    """Return the precision that JAX will use for an array."""
    return str(jax.dtypes.canonicalize_dtype(leaf.dtype))


@dataclass(frozen=True)
class Tree:
    """A pytree whose floating-point arrays have names; its other leaves are constants.

    Parameters
    ----------
    arrays : dict of str to array
        In the order of the leaves.
    leaves, structure
        Of the whole tree.
    names : tuple of str or None
        Of every leaf; None for constants.
    """

    arrays: dict[str, Any]
    leaves: tuple[Any, ...]
    names: tuple[str | None, ...]
    structure: jax.tree_util.PyTreeDef

    @classmethod
    def of(cls, tree: Any) -> Tree:
        """Take a pytree apart."""
        flat, structure = jax.tree_util.tree_flatten_with_path(tree)
        names = tuple(name_of(path) if is_number_array(leaf) else None for path, leaf in flat)
        leaves = tuple(leaf for _, leaf in flat)
        arrays = {n: leaf for n, leaf in zip(names, leaves, strict=True) if n is not None}
        return cls(arrays, leaves, names, structure)

    def whole(self, arrays: Mapping[str, Any]) -> Any:
        """Put the tree together again around other arrays."""
        pairs = zip(self.names, self.leaves, strict=True)
        return self.structure.unflatten([arrays[n] if n is not None else leaf for n, leaf in pairs])

    def trained(self, arrays: Mapping[str, Any]) -> Any:
        """Put the tree together with nothing in place of the constants, as optimizers want it."""
        return self.structure.unflatten([arrays[n] if n is not None else None for n in self.names])

    def flat(self, tree: Any) -> dict[str, Any]:
        """Take a tree of the same structure apart."""
        return {
            name_of(p): x
            for p, x in jax.tree_util.tree_flatten_with_path(tree)[0]
            if name_of(p) in self.arrays
        }
