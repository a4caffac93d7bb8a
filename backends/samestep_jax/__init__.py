"""JAX and optax behind the backend interface; the only package that imports them."""

from samestep_jax.backend import JaxBackend

__all__ = ["JaxBackend"]
