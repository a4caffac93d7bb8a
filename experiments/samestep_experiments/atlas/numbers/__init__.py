"""Numbers: dtypes, promotion, accumulation, tails, NaN and the edges of the range."""

from samestep_experiments.atlas.numbers import dtypes, edges, rounding

PROBES = (*dtypes.PROBES, *rounding.PROBES, *edges.PROBES)
