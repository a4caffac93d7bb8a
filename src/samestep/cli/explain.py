"""``samestep explain``: the first divergence of stored traces, and its likely cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from samestep import rounding
from samestep.cli.console import FAILED, HELD, output
from samestep.divergence import Explanation, explain
from samestep.errors import UsageError
from samestep.estimate import FACTOR
from samestep.judgement import Judgement
from samestep.loss import get_loss
from samestep.plan import Plan
from samestep.rounding import Tolerance
from samestep.storage import load_trace
from samestep.trace import Trace

__all__ = ["explain_paths"]


def explain_paths(paths: Sequence[Path], *, bound: bool) -> int:
    """Explain traces, or all plans in the results folder of a run; return the exit status."""
    console = output()
    held = True
    for explanation in _explanations(paths):
        held &= explanation.same
        console.print(str(explanation), soft_wrap=True)
        if bound:
            for judgement in explanation.comparison.judgements.values():
                console.print("\n".join(_bound_lines(judgement)), soft_wrap=True)
        console.print()
    if bound:
        console.print(_derivation(), soft_wrap=True)
    return HELD if held else FAILED


def _explanations(paths: Sequence[Path]) -> Iterable[Explanation]:
    if len(paths) == 1 and paths[0].is_dir():
        folder = paths[0] / "traces" if (paths[0] / "traces").is_dir() else paths[0]
        traces = [load_trace(path) for path in sorted(folder.glob("*.npz"))]
        # Several exercises run the baseline: the same plan and participants, once is enough.
        by_plan: dict[str, dict[str, Trace]] = {}
        for trace in traces:
            if trace.every_step:
                by_plan.setdefault(trace.plan.hash, {})[trace.participant] = trace
        pairs = [tuple(group.values()) for group in by_plan.values() if len(group) > 1]
        if not pairs:
            raise UsageError(
                f"{str(folder)!r} holds no plan with traces of two participants.",
                "Name the output folder of a run on two participants, or two trace files.",
            )
        return (explain(*group) for group in pairs)
    if len(paths) == 1:
        raise UsageError(
            f"{str(paths[0])!r} is one path and no folder.",
            "Name the output folder of a run, or two or more trace files.",
        )
    return iter([explain(*(load_trace(path) for path in paths))])


def _derivation() -> str:
    """The part of the derivation that a reader of the numbers needs."""
    return (rounding.__doc__ or "").strip()


def _bound_lines(judgement: Judgement) -> Iterable[str]:
    """The numbers behind each bound, where error over bound is largest."""
    plan: Plan = judgement.trace.plan
    tolerance = Tolerance(judgement.trace.dtype)
    d, width = plan.features, plan.batches.shape[2]
    constants = {
        "prediction": f"c({d + 1}) = {tolerance.c(d + 1):.3g}, {d} features",
        "loss": f"c({width + 4}) = {tolerance.c(width + 4):.3g}, {width} rows, and c(6) a row",
        "gradient": f"c({width + 2}) = {tolerance.c(width + 2):.3g}, {width} rows, and c(6) a row",
        "update": f"c(1) = {tolerance.c(1):.3g} an operation, beside the gradient's error",
    }
    yield f"  {judgement.trace.participant}: unit roundoff {tolerance.unit_roundoff:.3g}"
    if not get_loss(plan.loss).analysed:
        yield f"    {plan.loss} has no analysis: {FACTOR:g} times the largest of sampled errors"
    for quantity, verdict in judgement.verdicts.items():
        worst = verdict.worst
        if worst is None:
            yield f"    {quantity:10} not judged"
            continue
        yield (
            f"    {quantity:10} {constants[quantity]}; step {worst.step}, {worst.element}: terms "
            f"up to {worst.magnitude:.3g}, bound {worst.bound:.3g}, error {worst.error:.3g} "
            f"({worst.ratio:.2g} of it; median over steps {verdict.median_ratio:.2g})"
        )
