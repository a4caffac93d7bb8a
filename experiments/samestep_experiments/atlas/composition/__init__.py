"""Composition: derivatives of derivatives, of mapped functions, of loops; custom rules."""

from samestep_experiments.atlas.composition import higher, loops, modes, rules

PROBES = (*higher.PROBES, *modes.PROBES, *rules.PROBES, *loops.PROBES)
