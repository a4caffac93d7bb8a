"""JAX's global settings, which a probe must leave as they were."""

from __future__ import annotations

import functools
from typing import Any, cast

import jax

from samestep.probes import Mode

_OPTIONS = (
    "jax_enable_x64",
    "jax_debug_nans",
    "jax_debug_infs",
    "jax_disable_jit",
    "jax_check_tracer_leaks",
    "jax_default_device",
    "jax_default_matmul_precision",
    "jax_default_prng_impl",
    "jax_enable_custom_prng",
    "jax_legacy_prng_key",
    "jax_log_compiles",
    "jax_explain_cache_misses",
    "jax_no_tracing",
    "jax_numpy_dtype_promotion",
    "jax_numpy_rank_promotion",
    "jax_softmax_custom_jvp",
    "jax_threefry_partitionable",
    "jax_transfer_guard",
)


def _option(name: str) -> Mode:
    read = functools.partial(getattr, cast(Any, jax.config), name)
    return Mode(name, read, functools.partial(jax.config.update, name))


MODES = tuple(map(_option, _OPTIONS))
