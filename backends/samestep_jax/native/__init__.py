"""What exists only in this framework, by name; experiments look it up on ``Backend.native``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samestep_jax.examples import PORTS
from samestep_jax.native.exercises import EXERCISES
from samestep_jax.native.gradients import GRADIENTS
from samestep_jax.native.losses import LOSSES

NATIVE: dict[str, Callable[..., Any]] = {**LOSSES, **GRADIENTS, **EXERCISES, **PORTS}
