"""What exists only in this framework, by name; experiments look it up on ``Backend.native``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samestep_torch.examples import PORTS
from samestep_torch.native.exercises import EXERCISES
from samestep_torch.native.gradients import GRADIENTS
from samestep_torch.native.losses import LOSSES

NATIVE: dict[str, Callable[..., Any]] = {**LOSSES, **GRADIENTS, **EXERCISES, **PORTS}
