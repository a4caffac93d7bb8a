"""Faults of precision: fewer bits than were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from samestep.faults.case import Case, Fault, varied
from samestep.loss import Float64
from samestep.referee import Reference, Variation

__all__ = ["precision_faults"]


def precision_faults(case: Case) -> Iterator[Fault]:
    """Products with fewer bits than the working precision."""
    for id_, name, bits in (
        ("float32", "float32", 24),
        ("tf32", "TF32 (or float16)", 11),
        ("bfloat16", "bfloat16", 8),
    ):
        if bits >= np.finfo(case.trace.dtype).nmant + 1:
            continue

        def rounded(x: Float64, bits: int = bits) -> Float64:
            return round_to_bits(x, bits)

        for variation in (Variation(factors=rounded), Variation(factors=rounded, slopes=rounded)):
            cause = f"the factors of products were rounded to {name}"
            yield varied(f"{id_}-factors", cause, variation)
        yield Fault(f"{id_}-arithmetic", f"it was computed in {name}", _coarse(bits))


def round_to_bits(x: Float64, bits: int) -> Float64:
    """Round to a significand of ``bits`` bits, ties to even, with an unlimited exponent."""
    fraction, exponent = np.frexp(x)
    return np.asarray(np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits))


def _coarse(bits: int) -> Callable[[Case, int], dict[str, Reference]]:
    """Bounds of a lower precision; errors far inside them are not that precision's."""

    def recompute(case: Case, step: int) -> dict[str, Reference]:
        factor = 2.0 ** (np.finfo(case.trace.dtype).nmant + 1 - bits)

        def quantity(key: str, r: Reference) -> Reference:
            if not key.startswith(case.quantity) and key != case.quantity:
                return replace(r, bound=factor * r.bound)
            error = np.abs(case.observed(key, step) - r.value)
            plausible = float((error / r.bound).max()) > factor / 200
            return replace(r, bound=factor * r.bound if plausible else r.bound)

        return case.references(variation=Variation(quantity=quantity), step=step)

    return recompute
