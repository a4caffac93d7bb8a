"""Why a port parts from its original: the known faults that fit, with the evidence.

A step has parts that are judged apart from each other, so each can have a fault of its own: what
the user gave, forward and backward pass, optimizer, and the precision in which a side works.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from samestep.port.lockstep import Step
from samestep.port.observation import KINDS, Quantity, View
from samestep.port.result import Cause, Divergence
from samestep.port.side import State
from samestep.port.trials import SLACK, parameter_trials, side_trials, tried
from samestep.port.update_faults import update_causes
from samestep.port.verdicts import Finding
from samestep.port.wiring import wiring_causes

__all__ = ["divergences", "part_of"]


def part_of(finding: Finding) -> str:
    """Name the part of a step that a finding belongs to."""
    if finding.own:
        return "precision"
    if finding.quantity.kind.startswith("initial"):
        return "start"
    forward = finding.quantity.kind in KINDS and finding.quantity.kind != "update"
    return "forward" if forward else "update"


def divergences(
    view: View,
    findings: Sequence[Finding],
    suspects: dict[str, Step],
    last: Step,
    initial: tuple[State, State],
    labels: tuple[str, str],
) -> tuple[Divergence, ...]:
    """Find the first divergence of each part, and its causes.

    Parameters
    ----------
    view : View
        The original.
    findings : sequence of Finding
        In the order of the steps.
    suspects : dict of str to Step
        For each part the first step in which something diverges.
    last : Step
        The last of all.
    initial : tuple of State
        What the user gave as the original's state, and as the port's, in the original's names.
    labels : tuple of str
        How the original and the port are called.
    """
    found = []
    wrong_by_part: dict[str, list[Finding]] = {}
    for finding in findings:
        if not finding.holds:
            wrong_by_part.setdefault(part_of(finding), []).append(finding)
    for part, wrong in wrong_by_part.items():
        first = wrong[0]
        errors = {f.quantity: f.error for f in wrong if f.step == first.step}
        if part == "start":
            causes = _start(first, initial)
        elif part == "forward":
            causes = _forward(view, suspects[part], first, errors)
        elif part == "update":
            step = suspects[part]
            others = [last] if last.index != step.index else []
            causes = update_causes([step, *others], view.side.rules, errors, view.side.label)
            causes = causes or _narrow_constant(step, errors)
        else:
            causes = _precision(first)
        if part != "precision":
            causes = [replace(c, text=f"the {labels[1]} side {c.text}") for c in causes]
        found.append(Divergence(first, tuple(causes)))
    return tuple(sorted(found, key=lambda d: (d.finding.step, d.finding.own)))


def _forward(view: View, step: Step, first: Finding, errors: dict[Quantity, float]) -> list[Cause]:
    if first.quantity.kind == "loss":
        causes = _loss_factor(step, errors)
        if causes:
            return causes
    for layers in (_layers_between(step, first, errors), None):
        ranked = []
        trials = chain(parameter_trials(view, step, layers), side_trials(view, step, layers))
        for order, trial in enumerate(trials):
            fit = tried(trial, step, errors, first.quantity, view.side.label)
            if fit:
                ranked.append((-fit[0], order, fit[1]))
        wired = (
            list(wiring_causes(view, step, errors)) if first.quantity.kind == "activation" else []
        )
        if ranked or wired:
            ranked.sort(key=lambda r: r[:2])
            top = ranked[0][0] if ranked else 0
            best = _one_of_each(cause for explained, _, cause in ranked if explained == top)
            everything = top == -len(step.referee[0].seen)
            return [*best, *wired] if everything else [*wired, *best]
    return _narrow_constant(step, errors)


def _one_of_each(causes: Iterable[Cause]) -> list[Cause]:
    """Keep the first cause of each kind; what fits in one place and in all is told once."""
    kept: dict[str, Cause] = {}
    for cause in causes:
        kept.setdefault(cause.id, cause)
    return list(kept.values())


def _layers_between(
    step: Step, first: Finding, errors: dict[Quantity, float]
) -> frozenset[str] | None:
    """Layers that ran after the last one known to agree, up to the first that diverges."""
    kind, name = first.quantity.kind, first.quantity.name
    if kind == "statistics":
        return frozenset({name.rpartition(".")[0]})
    if kind not in ("activation", "output"):
        return None
    between: list[str] = []
    for quantity in step.referee[0].seen:
        if quantity.kind != "activation":
            break
        if quantity.name == name and kind == "activation":
            return frozenset({*between, name})
        if quantity in step.referee[1].seen and quantity not in errors:
            between = []
        else:
            between.append(quantity.name.partition("#")[0])
    return frozenset(between)


def _loss_factor(step: Step, errors: dict[Quantity, float]) -> list[Cause]:
    """One factor between the losses that is also the one between all gradients."""
    original, port = step.referee
    loss = Quantity("loss")
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = float(port.seen[loss] / original.seen[loss])
    if not np.isfinite(factor) or factor == 0:
        return []
    for quantity, value in original.seen.items():
        if quantity.kind == "gradient" and quantity in port.seen:
            bound = abs(factor) * original.spread.bound(quantity) + port.spread.bound(quantity)
            if np.abs(factor * value - port.seen[quantity]).max(initial=0.0) > SLACK * bound:
                return []
    output = original.seen[Quantity("output")]
    sizes = {
        0.5: "the factor 1/2 of a squared error",
        2.0: "a factor 1/2 is missing",
        float(len(output) if output.ndim else 1): "the number of examples: a sum, not a mean",
        float(output.size): "the number of elements: a sum, not a mean",
        1.0 / (len(output) if output.ndim and len(output) else 1): "a mean over the examples",
        1.0 / max(output.size, 1): "a mean over all elements",
    }
    known = next((what for size, what in sizes.items() if np.isclose(factor, size, rtol=1e-9)), "")
    meaning = f", {known}" if known else ""
    agreeing = sum(q.kind in ("loss", "gradient") for q in errors)
    return [
        Cause(
            "loss-reduction",
            "loss",
            f"has a loss {factor:.6g} times as large{meaning}",
            f"loss and all gradients have this one factor: {agreeing} quantities that diverge",
            "use the same reduction on both sides: mean or sum, over the same elements",
        )
    ]


def _narrow_constant(step: Step, errors: dict[Quantity, float]) -> list[Cause]:
    """Differences in float64 that the working precision's rounding would explain."""
    if step.working[0] is step.referee[0]:
        return []
    for quantity, error in errors.items():
        runs = [run for run in step.working if quantity in run.seen]
        if error > sum(run.spread.bound(quantity) for run in runs):
            return []
    dtype = step.working[0].dtype
    return [
        Cause(
            "narrow-constant",
            "",
            f"has a constant or a conversion in {dtype}, or another formula for one",
            f"all {len(errors)} differences are beyond the rounding of float64 and within that of "
            f"{dtype}",
            f"compute constants in float64 and give both sides the same; or compare in {dtype} "
            "alone: referee='working'",
        )
    ]


def _start(first: Finding, initial: tuple[State, State]) -> list[Cause]:
    original, port = initial
    kind, name = first.quantity.kind, first.quantity.name
    if "parameter" in kind or "statistics" in kind:
        a = {**original.params, **original.statistics}[name]
        b = {**port.params, **port.statistics}[name]
        evidence = f"element {list(first.element)} is {first.values[0]!r} and {first.values[1]!r}"
        if a.ndim == 2 and np.array_equal(a.T, b.reshape(a.T.shape)):
            return [
                Cause(
                    "transposed-kernel",
                    name,
                    f"was given {name} transposed",
                    "all its elements are those of the transpose",
                    "transpose it in the conversion",
                )
            ]
        return [
            Cause("conversion", name, f"was given another {name}", evidence, "mend the conversion")
        ]
    slots = ", ".join(sorted(port.slots)) or "nothing"
    text = (
        f"starts with an optimizer that has taken {port.count} steps, where the original's has "
        f"taken {original.count}"
        if port.count != original.count
        else f"starts with another {kind.removeprefix('initial ').replace('_', ' ')} of {name}"
    )
    return [
        Cause(
            "initial-optimizer-state",
            "optimizer",
            text,
            f"{first.quantity}: {first.values[0]!r} in the original, {first.values[1]!r} in the "
            f"port, which keeps {slots}; both were set to the original's before each step",
            "start both optimizers afresh, or convert the original's state: "
            "Side(..., optimizer_state=...)",
        )
    ]


def _precision(first: Finding) -> list[Cause]:
    """A side that is farther from its own float64 run than its precision explains."""
    label, dtype = first.sides[0].split()
    if not np.isfinite(first.values[0]) and np.isfinite(first.values[1]):
        return [
            Cause(
                "overflow",
                first.quantity.name,
                f"the {label} side leaves the range of {dtype} in {first.quantity}",
                f"{first.values[0]!r}, where its float64 run has {first.values[1]!r}",
                f"scale the loss, or keep this part in float32; Adam's epsilon must not be 0 in "
                f"{dtype}",
            )
        ]
    return [
        Cause(
            "low-precision",
            first.quantity.name,
            f"the {label} side computes {first.quantity} less precisely than {dtype}",
            f"it is {first.ratio:.3g} bounds away from its own float64 run, while the two float64 "
            "runs agree",
            "look for casts, TensorFloat-32 products (jax_default_matmul_precision, "
            "torch.backends.cuda.matmul) or an unstable formula there",
        )
    ]
