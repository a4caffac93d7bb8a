"""SGD: the table of its options beside the written-out rule, one rate and a rate per run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.interface import Array, Backend, Params, SGDOptions
from samestep.testing.expectations import require, require_close, require_equal

__all__ = [
    "CHECKS",
    "FEATURES",
    "OPTIONS",
    "RATE",
    "STEPS",
    "Path",
    "gradients",
    "path_of",
    "require_same_path",
    "start",
    "written_out",
]

OPTIONS: Mapping[str, SGDOptions] = {
    "plain": SGDOptions(),
    "momentum": SGDOptions(momentum=0.9),
    "nesterov": SGDOptions(momentum=0.9, nesterov=True),
    "decay": SGDOptions(weight_decay=0.1),
    "momentum and decay": SGDOptions(momentum=0.9, weight_decay=0.1),
    "all together": SGDOptions(momentum=0.9, nesterov=True, weight_decay=0.1),
}
RATE = 0.03
STEPS, FEATURES = 20, 3
_RATES = np.array([RATE, 0.0, 0.3])

HostParams: TypeAlias = dict[str, npt.NDArray[Any]]
Path: TypeAlias = list[HostParams]
"""Parameters, and velocities under ``"velocity NAME"``, after each step."""


def start(*lead: int) -> HostParams:
    """Parameters at the beginning, with leading run axes."""
    rng = np.random.default_rng(1)
    return {"w": rng.standard_normal((*lead, FEATURES)), "b": rng.standard_normal(lead)}


def gradients(*lead: int) -> list[HostParams]:
    """Gradients of all steps, drawn beforehand: nothing but the update rule is compared."""
    rng = np.random.default_rng(2)
    return [
        {"w": rng.standard_normal((*lead, FEATURES)), "b": rng.standard_normal(lead)}
        for _ in range(STEPS)
    ]


def path_of(
    backend: Backend,
    rate: float | Array,
    options: SGDOptions,
    first: HostParams,
    grads: list[HostParams],
) -> Path:
    """Follow a backend's SGD along given gradients."""
    rule = backend.sgd(rate, options)
    params = _to_device(backend, first)
    state = rule.init(params)
    path = []
    for here in grads:
        params, state = rule.step(params, _to_device(backend, here), state)
        path.append(_to_host(backend, params))
        path[-1] |= {f"velocity {k}": v for k, v in _to_host(backend, state).items()}
    return path


def written_out(rate: float, options: SGDOptions) -> Path:
    """The rule of :class:`samestep.interface.SGD` on NumPy, in float64."""
    mu, decay = options.momentum, options.weight_decay
    p, path = start(), []
    v = {name: np.zeros_like(values) for name, values in p.items()}
    for grads in gradients():
        for name in p:
            g = grads[name] + decay * p[name]
            v[name] = mu * v[name] + g
            p[name] = p[name] - rate * (g + mu * v[name] if options.nesterov else v[name])
        path.append(dict(p) | ({f"velocity {k}": x for k, x in v.items()} if mu else {}))
    return path


def require_same_path(found: Path, expected: Path, dtype: str, what: str) -> None:
    """Require equality to a few roundings a step of the largest number met, here below 10."""
    require(len(found) == len(expected), f"{what}: {len(found)} steps, not {len(expected)}")
    tolerance = 10 * 4 * STEPS * np.finfo(dtype).eps / 2
    for k, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        require(set(ours) == set(theirs), f"{what}: {sorted(ours)}, expected {sorted(theirs)}")
        for name, values in theirs.items():
            require(ours[name].dtype == dtype, f"{what}: {name} is {ours[name].dtype}")
            require_close(ours[name], values, tolerance, f"{what}: {name} after step {k}")


def steps_are_the_written_out_rule(backend: Backend) -> None:
    """Plain, momentum, Nesterov, weight decay and all together follow the rule for 20 steps."""
    for what, options in OPTIONS.items():
        found = path_of(backend, RATE, options, start(), gradients())
        require_same_path(found, written_out(RATE, options), backend.dtype, what)


def a_rate_per_run_is_that_run_alone(backend: Backend) -> None:
    """With a rate per run each run moves as it would alone with its rate; 0 stands still."""
    runs = len(_RATES)
    first, grads = start(runs), gradients(runs)
    for what, options in OPTIONS.items():
        stacked = path_of(backend, backend.asarray(_RATES), options, first, grads)
        for run, rate in enumerate(_RATES):
            alone = path_of(
                backend, float(rate), options, _pick(first, run), [_pick(g, run) for g in grads]
            )
            ours = [_pick(after, run) for after in stacked]
            require_same_path(ours, alone, backend.dtype, f"{what}, rate {rate:g} of a stack")
        still = stacked[-1]["w"][1]
        require_equal(still, first["w"][1].astype(backend.dtype), f"{what}, rate 0")


def one_rate_moves_all_runs(backend: Backend) -> None:
    """One rate for stacked parameters is that rate for every run."""
    first, grads = start(2), gradients(2)
    for what, options in OPTIONS.items():
        one = path_of(backend, RATE, options, first, grads)
        each = path_of(backend, backend.asarray(np.full(2, RATE)), options, first, grads)
        require_same_path(one, each, backend.dtype, f"{what}, one rate for two runs")


def the_state_is_a_velocity_for_each_parameter(backend: Backend) -> None:
    """The state starts as zero velocities shaped like the parameters, or as nothing."""
    for what, options in OPTIONS.items():
        params = _to_device(backend, start())
        state = backend.sgd(RATE, options).init(params)
        expected = set(params) if options.momentum else set()
        require(set(state) == expected, f"{what}: velocities of {sorted(state)}")
        for name, velocity in state.items():
            found = backend.to_numpy(velocity)
            require_equal(found, np.zeros_like(start()[name]), f"{what}: first velocity of {name}")
            require(found.dtype == backend.numpy_dtype, f"{what}: velocity is {found.dtype}")


def decay_enters_before_momentum(backend: Backend) -> None:
    """After one step from a zero gradient the velocity holds the decay of the start."""
    rule = backend.sgd(0.5, SGDOptions(momentum=0.5, weight_decay=0.25))
    params = {"a": backend.asarray(np.array(8.0))}
    zero = {"a": backend.asarray(np.array(0.0))}
    params, state = rule.step(params, zero, rule.init(params))
    require_equal(backend.to_numpy(state["a"]), 2.0, "velocity")
    require_equal(backend.to_numpy(params["a"]), 7.0, "parameter")


def a_step_changes_none_of_its_arguments(backend: Backend) -> None:
    """`step` is pure: arguments stay, and the same arguments give the same result."""
    for lead in ((), (len(_RATES),)):
        for what, options in OPTIONS.items():
            rule = backend.sgd(backend.asarray(_RATES) if lead else RATE, options)
            first, second = (_to_device(backend, g) for g in gradients(*lead)[:2])
            params = _to_device(backend, start(*lead))
            params, state = rule.step(params, first, rule.init(params))
            arguments = (params, second, state)
            before = [_to_host(backend, a) for a in arguments]
            once, twice = (_to_host(backend, rule.step(*arguments)[0]) for _ in range(2))
            for kind, argument, kept in zip(
                ("parameter", "gradient", "velocity"), arguments, before, strict=True
            ):
                for name, values in kept.items():
                    require_equal(
                        backend.to_numpy(argument[name]),
                        values,
                        f"{what}: {kind} {name} afterwards",
                    )
            for name, values in once.items():
                require_equal(twice[name], values, f"{what}: {name}, the second time")


def _pick(arrays: HostParams, run: int) -> HostParams:
    return {name: values[run] for name, values in arrays.items()}


def _to_device(backend: Backend, arrays: HostParams) -> Params:
    return {name: backend.asarray(values) for name, values in arrays.items()}


def _to_host(backend: Backend, arrays: Params) -> HostParams:
    return {name: backend.to_numpy(values) for name, values in arrays.items()}


CHECKS = (
    steps_are_the_written_out_rule,
    a_rate_per_run_is_that_run_alone,
    one_rate_moves_all_runs,
    the_state_is_a_velocity_for_each_parameter,
    decay_enters_before_momentum,
    a_step_changes_none_of_its_arguments,
)
