"""Did a contender do the work? The proof without which no time of it is compared."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from samestep.benchmarking.peer import Outcome
from samestep.benchmarking.workload import Workload
from samestep.errors import SamestepError
from samestep.estimate import FACTOR
from samestep.interface import DTYPES
from samestep.judgement import judge
from samestep.loss import Float64
from samestep.plan import Plan
from samestep.problem_set import ProblemSet
from samestep.registry import oracle
from samestep.rounding import Tolerance
from samestep.sampling import evenly_spaced
from samestep.trace import Trace
from samestep.training import train

__all__ = ["Parity", "prove"]

_RUNS_JUDGED = 25
"""Runs of a stack that are judged at every step, evenly spaced."""

_DISTANCES = 24
"""Least number of parameters, of all fits in the working precision, that say what rounding does."""


@dataclass(frozen=True)
class Parity:
    """Whether what came out is the workload's answer.

    Parameters
    ----------
    how : str
        By what it was judged; it says so if that is an estimate.
    ratio : float
        The worst error over what is allowed.
    problem : str
        What is wrong; empty if nothing is.
    """

    how: str
    ratio: float
    problem: str = ""

    @property
    def holds(self) -> bool:
        """Whether parity was proved."""
        return not self.problem


def prove(workload: Workload, outcome: Outcome, who: str) -> Parity:
    """Judge an outcome: every step if it was recorded, and otherwise where it ended.

    A record is judged by :func:`samestep.judgement.judge`, step by step. Without one, the last
    parameters are compared with those of the float64 oracle; allowed is ``FACTOR`` times the
    largest distance at which fits in the working precision end when data and initial values are
    changed by less than one rounding and rows in a batch change places. That is an estimate.
    """
    problem = _misshapen(workload, outcome)
    if problem:
        return Parity("not judged", np.inf, problem)
    if outcome.record is None:
        return _prove_end(workload, outcome)
    plan, dtype = workload.plan(), outcome.final["w"].dtype.name
    try:
        trace = Trace.of_record(plan, who, dtype, outcome.record)
        if trace.final.keys() != outcome.final.keys() or not all(
            np.array_equal(trace.final[name], end) for name, end in outcome.final.items()
        ):
            return Parity("every step", np.inf, "it does not end where its record ends")
        chosen = evenly_spaced(plan.runs, _RUNS_JUDGED)
        judgement = judge(trace.select(chosen) if len(chosen) < plan.runs else trace)
    except KeyError as error:
        return Parity("every step", np.inf, f"its record lacks {error}")
    except SamestepError as error:
        return Parity("every step", np.inf, error.message)
    worst = max((v.worst.ratio for v in judgement.verdicts.values() if v.worst), default=np.inf)
    how = f"every step of {len(chosen)} of {plan.runs} runs" if plan.runs > 1 else "every step"
    if judgement.first:
        quantity, finding = judgement.first
        where = f"{quantity} of step {finding.step}, {finding.element}"
        wrong = f"{where}: {finding.observed:.6g} for {finding.expected:.6g}"
        return Parity(how, worst, wrong)
    return Parity(how, worst, "" if judgement.holds else "a number is not finite")


def _misshapen(workload: Workload, outcome: Outcome) -> str:
    """Say what of an outcome is not even of the right kind."""
    plan = workload.plan()
    for name, shape in {"w": (plan.runs, plan.features), "b": (plan.runs,)}.items():
        values = outcome.final.get(name)
        if not isinstance(values, np.ndarray):
            return f"{name} is {type(values).__name__}, which is no NumPy array"
        if values.shape != shape or values.dtype.name not in DTYPES:
            return f"{name} is {values.dtype} of shape {values.shape}, expected shape {shape}"
    return ""


def _prove_end(workload: Workload, outcome: Outcome) -> Parity:
    # By precision alone, whatever the outcome's own: the workload says what is to be done.
    end, allowed = _expected_end(replace(workload, name="", record="final"))
    distances = [
        np.abs(outcome.final[name].astype(np.float64) - values).max()
        for name, values in end.items()
    ]
    distance = float(np.max(distances))  # NaN if one of them is
    how = f"the end, within an estimated {allowed:.1e}"
    beyond = not distance <= allowed  # NaN is
    problem = f"it ends {distance:.2g} from the oracle's end" if beyond else ""
    return Parity(how, distance / allowed, problem)


@functools.lru_cache(maxsize=4)
def _expected_end(workload: Workload) -> tuple[dict[str, Float64], float]:
    """Where the oracle ends, and the distance that rounding explains, over all parameters."""
    plan = workload.plan()
    exact = _ends(plan, "float64")
    rng = np.random.default_rng(0)
    u = Tolerance(workload.dtype).unit_roundoff
    distances = []
    for _ in range(max(2, -(-_DISTANCES // (plan.runs * (plan.features + 1))))):
        end = _ends(_rounded(plan, u, rng), workload.dtype)
        distances += [float(np.abs(end[name] - exact[name]).max()) for name in exact]
    return exact, FACTOR * max(distances)


def _ends(plan: Plan, dtype: str) -> dict[str, Float64]:
    trace = train(oracle(dtype), plan, every_step=False)
    return {name: values.astype(np.float64) for name, values in trace.final.items()}


def _rounded(plan: Plan, u: float, rng: np.random.Generator) -> Plan:
    """Return the plan with labels and start within a rounding, and rows of batches exchanged."""

    def near(values: Float64) -> Float64:
        return np.asarray(values * (1 + u * rng.uniform(-1, 1, values.shape)))

    problems = ProblemSet(replace(p, y=near(p.y), w=near(p.w), b=near(p.b)) for p in plan.problems)
    return replace(plan, problems=problems, batches=_exchanged(plan, rng))


def _exchanged(plan: Plan, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """Shuffle the rows inside each batch; padding stays at its end."""
    keys = rng.random(plan.batches.shape)
    keys[np.arange(plan.batches.shape[2]) >= plan.rows[..., None]] = np.inf
    return np.take_along_axis(plan.batches, keys.argsort(axis=-1, kind="stable"), axis=-1)
