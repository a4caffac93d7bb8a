"""Steps of the original and of the port from equal states, on equal batches, with equal gradients.

Every step starts both sides from the original's recorded state. The optimizers are given the same
gradient, that of the original, so that a wrong gradient does not count against the optimizer. Each
side is run in the working precision and in float64, its referee.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from samestep.port.observation import Observation, Quantity, View, distance
from samestep.port.precision import precision
from samestep.port.side import Arrays, Batch, State
from samestep.port.spread import SAMPLES, Setting, Spread

__all__ = ["Run", "Step", "lockstep", "rounded_batch", "rounded_state"]


@dataclass(frozen=True)
class Run:
    """One side of one step in one precision.

    Parameters
    ----------
    dtype : str
    seen : Observation
    spread : Spread
        The variations of it, from which its bounds follow.
    """

    dtype: str
    seen: Observation
    spread: Spread


@dataclass(frozen=True)
class Step:
    """One step of both sides.

    Parameters
    ----------
    index : int
    setting : Setting
        Where both start.
    working, referee : tuple of Run
        Of the original and of the port; a side that cannot be run in float64 is its own referee.
    gap : float
        How far the parameters are apart after this step if the port runs freely; not judged.
    """

    index: int
    setting: Setting
    working: tuple[Run, Run]
    referee: tuple[Run, Run]
    gap: float


def lockstep(
    views: tuple[View, View],
    start: State,
    batches: Sequence[Batch],
    dtype: str,
    referees: tuple[str, str],
    seed: int,
) -> Iterator[Step]:
    """Take one step after the other.

    Parameters
    ----------
    views : tuple of View
        The original and the port.
    start : State
        Of the original, in the working precision.
    batches : sequence of Batch
        Likewise.
    dtype : str
    referees : tuple of str
        Precision of either side's referee.
    seed : int
        Of the variations.
    """
    original, port = views
    state = free = start
    permutable = False
    counts = range(start.count, start.count + len(batches))
    top_rate = max(r.learning_rate for k in counts for r in original.side.rules(k).values())
    for index, batch in enumerate(batches):
        forward, done = original.forward(state, batch, dtype)
        gradients = done.gradients
        rules = original.side.rules(state.count)
        setting = Setting(state, batch, gradients, rules, top_rate, seed + index)
        working = (_run(original, setting, dtype, forward), _run(port, setting, dtype))
        first, second = (
            own if name == dtype else _run(view, setting, name)
            for view, own, name in zip(views, working, referees, strict=True)
        )
        if index == 0:
            permutable = first.spread.rows_may_move()
        if permutable:
            for run in {id(run): run for run in (*working, first, second)}.values():
                run.spread.permute()
        state = _after(original, state, forward, gradients, dtype)
        free = _freely(port, free, batch, dtype)
        gap = max(distance(state.params[name], x) for name, x in free.params.items())
        yield Step(index, setting, working, (first, second), gap)


def rounded_state(state: State, dtype: str) -> State:
    """Round all numbers of a state to a precision."""

    def rounded(arrays: Arrays) -> Arrays:
        return {name: precision(dtype).round(x) for name, x in arrays.items()}

    return State(
        rounded(state.params),
        rounded(state.statistics),
        {slot: rounded(arrays) for slot, arrays in state.slots.items()},
        state.count,
    )


def rounded_batch(batch: Batch, dtype: str) -> Batch:
    """Round the floating-point numbers of a batch to a precision."""
    return batch.map(lambda x: precision(dtype).round(x) if x.dtype.kind == "f" else x)


def _run(view: View, setting: Setting, dtype: str, forward: Observation | None = None) -> Run:
    if forward is None:
        forward, _ = view.forward(setting.state, setting.batch, dtype)
    updated, _ = view.update(setting.state, setting.gradients, dtype)
    seen = {**forward, **updated}
    spread = Spread(view, setting, dtype, seen)
    spread.grow(SAMPLES)
    return Run(dtype, seen, spread)


def _after(view: View, state: State, forward: Observation, gradients: Arrays, dtype: str) -> State:
    """Return the state after a step."""
    _, new = view.update(state, gradients, dtype)
    statistics = {n: forward.get(Quantity("statistics", n), x) for n, x in state.statistics.items()}
    return replace(new, statistics=statistics)


def _freely(view: View, state: State, batch: Batch, dtype: str) -> State:
    """Let a side take a step on its own."""
    forward, _ = view.forward(state, batch, dtype)
    gradients = {q.name: x for q, x in forward.items() if q.kind == "gradient"}
    return _after(view, state, forward, gradients, dtype)
