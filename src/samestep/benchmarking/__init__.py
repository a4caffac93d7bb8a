"""The benchmark: the same work by every backend, in every mode, and by peers that are not ours.

Importing this package imports next to nothing, because a worker does so before its environment is
set: :func:`samestep.bench` is in :mod:`samestep.benchmarking.conduct`.
"""
