"""The oracle: NumPy with closed-form gradients; the referee of every cross-check."""

from samestep_numpy.backend import NumpyBackend

__all__ = ["NumpyBackend"]
