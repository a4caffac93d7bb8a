"""Tracing: what becomes of Python when a function is compiled, mapped or turned into a graph."""

from samestep_experiments.atlas.tracing import caches, flow

PROBES = (*flow.PROBES, *caches.PROBES)
