"""Placeholder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

GRADIENTS: dict[str, Callable[..., Any]] = {}
