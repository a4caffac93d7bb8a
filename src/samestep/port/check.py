"""The port check: does the port take the same steps as the original, and if not, why?"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from samestep.errors import UsageError
from samestep.port.causes import divergences, part_of
from samestep.port.lockstep import Step, lockstep, rounded_batch, rounded_state
from samestep.port.observation import Observation, Port, Quantity, View, distance
from samestep.port.pairing import Corrections
from samestep.port.precision import PRECISIONS, precision
from samestep.port.preparation import paired, read_batches, working_precision
from samestep.port.result import PortResult
from samestep.port.side import Batch, Side, State
from samestep.port.taps import pair_taps
from samestep.port.verdicts import judge_start, judge_step, summarise, without_unlike_taps

__all__ = ["assert_same_step", "port_check"]

_REPEATED = 1000
"""Units in the last place by which two runs of one step may differ."""


def port_check(
    torch_side: Side,
    jax_side: Side,
    batches: Iterable[Any],
    *,
    dtype: str | None = None,
    mapping: Corrections | None = None,
    activations: dict[str, str | None] | None = None,
    leave_out: Sequence[str] = (),
    parameters: Literal["copied", "own"] = "copied",
    referee: Literal["float64", "working"] = "float64",
    seed: int = 0,
) -> PortResult:
    """Compare a model with its port, one step per batch, both from equal states.

    Parameters
    ----------
    torch_side, jax_side : Side
        The original and the port of it.
    batches : iterable of (inputs, *targets)
        Arrays; ``inputs`` is a tuple of arrays if the model takes several.
    dtype : str, optional
        Working precision: float64, float32, float16 or bfloat16; by default that of the sides.
    mapping : mapping, optional
        Corrections of the guessed mapping of parameters and statistics: name of the original to
        name of the port, or to a pair of that and a layout rule such as ``"out in -> in out"``.
        Several names, as a tuple, are parts that are stacked: query, key and value. None leaves a
        parameter out.
    activations : mapping, optional
        Corrections of the guessed mapping of layers: name of the original to name of the port, or
        None.
    leave_out : sequence of str
        Parameters and statistics of either side that have no partner on purpose.
    parameters : {"copied", "own"}
        Whether the port is given the original's parameters, or has them from the user's own
        conversion, which is then checked.
    referee : {"float64", "working"}
        Who is right. In float64 the two sides must agree to float64's rounding, so that even a
        constant that was computed in float32 counts. Otherwise they are compared in the working
        precision alone, which hides what is smaller.
    seed : int
        Of the variations from which the bounds are estimated.

    Returns
    -------
    PortResult

    Raises
    ------
    UsageError
        For sides that cannot be paired, that differ in precision or device, that draw random
        numbers or fail, and for batches that are no arrays.
    """
    started = time.perf_counter()
    dtype = working_precision(torch_side, jax_side, dtype)
    labels = (torch_side.label, jax_side.label)
    ready = [rounded_batch(batch, dtype) for batch in read_batches(batches)]
    params, statistics = paired(torch_side, jax_side, mapping or {}, leave_out)
    start = rounded_state(torch_side.state(), dtype)
    original = View(torch_side)
    passes = (
        torch_side.run(start, ready[0], dtype),
        jax_side.run(
            State(params.to_port(start.params), statistics.to_port(start.statistics)),
            ready[0],
            dtype,
        ),
    )
    taps = pair_taps(*passes, params, activations)
    port = Port(jax_side, params, statistics, taps)
    given = _given(port)
    own = parameters == "own"
    findings = judge_start(_as_given(start, own=own), _as_given(given, own=own), dtype, labels)
    wanted = dtype if referee == "working" else "float64"
    referees, notes = _referees((original, port), start, ready[0], dtype, wanted)
    notes = [*torch_side.notes, *jax_side.notes, *notes]
    gaps = []
    order: dict[Quantity, None] = {}
    suspects: dict[str, Step] = {}
    for step in lockstep((original, port), start, ready, dtype, referees, seed):
        found, note = judge_step(step, labels)
        findings.extend(found)
        gaps.append(step.gap)
        order |= dict.fromkeys(step.working[0].seen)
        for finding in found:
            if not finding.holds:
                suspects.setdefault(part_of(finding), step)
        if note:
            notes.append(note)
            break
    findings, unlike = without_unlike_taps(findings, taps)
    return PortResult(
        labels=labels,
        dtype=dtype,
        steps=len(gaps),
        findings=tuple(findings),
        rows=tuple(summarise(findings, order)),
        divergences=divergences(original, findings, suspects, step, (start, given), labels),
        parameters=params,
        statistics=statistics,
        activations=taps,
        gaps=tuple(gaps),
        notes=(*notes, *unlike),
        seconds=time.perf_counter() - started,
        peak_memory=_peak_memory(),
    )


def assert_same_step(
    torch_side: Side, jax_side: Side, batches: Iterable[Any], **options: Any
) -> None:
    """Raise an AssertionError that is the answer, unless the port takes the same steps.

    Parameters
    ----------
    torch_side, jax_side, batches, **options
        As of :func:`port_check`.

    Raises
    ------
    AssertionError
        With the first divergence, the likely cause and what to change.
    UsageError
        As :func:`port_check`.
    """
    result = port_check(torch_side, jax_side, batches, **options)
    if not result.holds:
        raise AssertionError(str(result))


def _given(port: Port) -> State:
    """Return what the user gave as the port's state, in the original's names."""
    state = port.side.state()
    return State(
        port.back(state.params),
        port.back_statistics(state.statistics),
        {slot: port.back(arrays) for slot, arrays in state.slots.items()},
        state.count,
    )


def _as_given(state: State, *, own: bool) -> Observation:
    """List what must be equal at the start: the optimizers' states, and an own conversion."""
    found: Observation = {}
    if own:
        found |= {Quantity("initial parameter", n): x for n, x in state.params.items()}
        found |= {Quantity("initial statistics", n): x for n, x in state.statistics.items()}
    for slot, arrays in state.slots.items():
        found |= {Quantity(f"initial {slot}", n): x for n, x in arrays.items()}
    return found | {Quantity("initial count of steps"): np.array(float(state.count))}


def _referees(
    views: tuple[View, View], start: State, batch: Batch, dtype: str, wanted: str
) -> tuple[tuple[str, str], list[str]]:
    """Return the precision of each side's referee, and a note where it cannot be float64."""
    found, notes = [], []
    for view in views:
        _check_repeats(view, start, batch, dtype)
        _, done = view.forward(start, batch, wanted)
        digits = precision(wanted).digits
        narrow = [
            d for d in sorted(done.dtypes) if d not in PRECISIONS or digits > PRECISIONS[d].digits
        ]
        found.append(dtype if narrow else wanted)
        if narrow:
            notes.append(
                f"The {view.side.label} side computes in {', '.join(narrow)} where {wanted} was "
                f"asked for, so its own run in {dtype} is its referee."
            )
    return (found[0], found[1]), notes


def _check_repeats(view: View, start: State, batch: Batch, dtype: str) -> None:
    """Refuse a side that does something else each time; sums on a GPU may differ in last bits."""
    (first, _), (second, _) = (view.forward(start, batch, dtype) for _ in range(2))
    for quantity, value in first.items():
        largest = np.abs(value).max(initial=0.0)
        if distance(value, second[quantity]) > _REPEATED * precision(dtype).ulp(largest):
            raise UsageError(
                f"The {view.side.label} side does not repeat itself: {quantity} is another on a "
                "second run from the same state.",
                "Switch off what is random, or draw it beforehand and make it part of the batch.",
            )


def _peak_memory() -> int:
    """Return the largest resident size of this process so far, in bytes."""
    import resource
    import sys

    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024
