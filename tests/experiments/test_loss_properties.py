"""Whatever is drawn: both sides keep the bounds of the reference."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from samestep.interface import DTYPES
from samestep.ledger.catalogue import catalogue
from samestep.ledger.elements import Nearness
from samestep.ledger.examination import examine
from samestep.ledger.loss_entry import Case, LossEntry
from samestep.ledger.native import natives
from samestep.ledger.sides import Runner
from samestep.registry import backend

N, C = 6, 4
Strategy = st.SearchStrategy[Any]


def numbers(*shape: int, limit: float = 30.0) -> Strategy:
    """Numbers that float32 has: ordinary, zero, equal, tiny and at the limit."""
    elements = st.one_of(
        st.floats(-limit, limit, width=32, allow_subnormal=False),
        st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, limit, -limit, 2.0**-40]),
    )
    drawn = arrays.arrays(np.float32, shape, elements=elements)
    return drawn.map(lambda x: x.astype(np.float64))


def choices(values: list[float], *shape: int) -> Strategy:
    return arrays.arrays(np.float64, shape, elements=st.sampled_from(values))


LABELS = arrays.arrays(np.int64, N, elements=st.integers(0, C - 1))

INPUTS: dict[str, tuple[dict[str, Strategy], dict[str, Any]]] = {
    "huber": ({"prediction": numbers(N), "target": numbers(N)}, {"delta": 1.5}),
    "smooth-l1": ({"prediction": numbers(N), "target": numbers(N)}, {"beta": 0.25}),
    "log-cosh": ({"prediction": numbers(N), "target": numbers(N)}, {}),
    "sigmoid-bce": ({"prediction": numbers(N), "target": choices([0.0, 0.5, 1.0], N)}, {}),
    "soft-margin": ({"prediction": numbers(N), "target": choices([-1.0, 1.0], N)}, {}),
    "hinge": ({"prediction": numbers(N, limit=3.0), "target": choices([-1.0, 1.0], N)}, {}),
    "cross-entropy": ({"prediction": numbers(N, C, limit=10.0), "target": LABELS}, {}),
    "cross-entropy-weighted": (
        {
            "prediction": numbers(N, C, limit=10.0),
            "target": LABELS,
            "weight": choices([0.25, 1.0, 3.0], C),
        },
        {},
    ),
    "multiclass-hinge": ({"prediction": numbers(N, C), "target": LABELS}, {}),
    "generalized-kl": (
        {"prediction": numbers(N, C), "target": choices([0.0, 2.0**-20, 0.25, 1.0], N, C)},
        {},
    ),
}


@functools.cache
def entries() -> Mapping[str, LossEntry]:
    """The entries without reductions, which the proofs of the ledger cover."""
    found = catalogue("losses", LossEntry)
    return {id: replace(entry, reductions=("none",)) for id, entry in found.items()}


@functools.cache
def runner(side: str, id: str, dtype: str) -> Runner:
    entry, native = entries()[id], natives()[side][id]
    options = entry.settings(Case("drawn", {}, INPUTS[id][1]))
    steps = entry.conversion if native.converted else ()
    return Runner(backend(side, dtype=dtype), entry.predictions, native.call, options, steps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("id", INPUTS)
@settings(max_examples=25)
@for_all(data=st.data())
def test_both_sides_stay_within_the_bounds(id: str, dtype: str, data: st.DataObject) -> None:
    arguments = {name: data.draw(strategy, name) for name, strategy in INPUTS[id][0].items()}
    case = Case("drawn", arguments, INPUTS[id][1], adversarial=True)
    outcomes = {side: runner(side, id, dtype)(case) for side in natives()}
    for item in examine(entries()[id], case, dtype, outcomes):
        for side, finding in item.findings.items():
            assert finding.worst <= Nearness.KINK, f"{side}: {item.quantity}, {item.options}"
