"""Planted bugs: broken backends that wrap a sound one, to show what the cross-check catches."""

from samestep.planted.broken import BrokenBackend, Bug, sound_plan
from samestep.planted.bugs import BUGS

__all__ = ["BUGS", "BrokenBackend", "Bug", "sound_plan"]
