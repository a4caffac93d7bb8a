"""Faults of wiring: a layer of the port that was given another tensor than in the original.

Whether a block normalises before or after, is not in any one call. But then a layer of the port
gives what the original's gives for another input: the input of a norm in place of its output, or
the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from samestep.port.lockstep import Step
from samestep.port.naming import Name
from samestep.port.observation import Quantity, View, distance
from samestep.port.result import Cause
from samestep.port.side import Pass
from samestep.port.trials import SLACK

__all__ = ["wiring_causes"]

_LAYERS = 6
"""Layers after the first divergence that are looked at."""


def wiring_causes(view: View, step: Step, wrong: dict[Quantity, float]) -> Iterator[Cause]:
    """Look for layers that were given another recorded tensor, or one through a norm.

    Parameters
    ----------
    view : View
        The original.
    step : Step
    wrong : dict of Quantity to float
        Every quantity that diverges, with its error.
    """
    original, port = step.referee
    if original.dtype != "float64":
        return
    state, batch = step.setting.state, step.setting.batch
    done = view.side.run(state, batch, "float64")
    norms = [name for name in done.inputs if "norm" in Name.of(name).words]
    layers = [q for q in wrong if q.kind == "activation" and q.name not in norms]
    once = [q for q in layers if "#" not in q.name and q.name in done.inputs]
    for quantity in once[:_LAYERS]:
        own = done.inputs[quantity.name][0]
        bound = original.spread.bound(quantity) + port.spread.bound(quantity)
        for x, norm, before in _candidates(view, step, done, norms, own):
            there = view.side.rerouted(state, batch, quantity.name, x)
            error = distance(there, port.seen[quantity])
            if error <= SLACK * bound:
                place = "before" if before else "after"
                yield Cause(
                    "norm-order",
                    norm,
                    f"gives {quantity.name} the "
                    + (f"input of {norm}" if before else f"output of {norm}")
                    + f", where the original gives it the {'output' if before else 'input'}: it "
                    f"normalises {'after' if before else 'before'} the layer",
                    f"{quantity.name} of the original, given what stands {place} {norm}, is off by "
                    f"{error:.2g} from the port's, instead of {wrong[quantity]:.3g}",
                    "pre-norm is x + f(norm(x)), post-norm is norm(x + f(x)): use the original's",
                )
                return


def _candidates(
    view: View, step: Step, done: Pass, norms: list[str], own: np.ndarray
) -> Iterator[tuple[np.ndarray, str, bool]]:
    """What stands before the norm that gave the layer its input, or its input through a norm."""
    state, batch = step.setting.state, step.setting.batch
    for norm in norms:
        given, gave = done.inputs[norm][0], done.activations[norm]
        if gave.shape == own.shape and np.array_equal(gave, own):
            yield given, norm, True
    for norm in norms:
        if done.inputs[norm][0].shape == own.shape and "#" not in norm:
            yield view.side.rerouted(state, batch, norm, own), norm, False
