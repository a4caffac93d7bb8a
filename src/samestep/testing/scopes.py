"""Settings of the process: changed inside a scope, and nowhere else."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from samestep.interface import Backend, SGDOptions
from samestep.loss import Objective, get_loss
from samestep.testing.expectations import ConformanceError, require

__all__ = ["CHECKS"]


class _Stop(Exception):  # noqa: N818  # no error, a way out of a scope
    """Raised inside a scope."""


def _settings(backend: Backend) -> tuple[Any, ...]:
    """What can be seen of the process without knowing the framework."""
    environment = backend.environment()
    return environment.threads, dict(environment.flags), dict(np.geterr())


def restored_after_an_exception(backend: Backend) -> None:
    """A scope, nested ones too, restores every setting, after an exception as well."""
    before = _settings(backend)
    with backend.scope(), backend.scope():
        pass
    require(
        _settings(backend) == before, f"settings {before} became {_settings(backend)} after a scope"
    )
    try:
        _raise_inside(backend)
    except _Stop:
        after = _settings(backend)
        require(after == before, f"settings {before} became {after} after an exception")
    else:
        raise ConformanceError("the scope swallowed an exception")


def _raise_inside(backend: Backend) -> None:
    with backend.scope(), backend.scope():
        raise _Stop


def methods_leave_settings_alone(backend: Backend) -> None:
    """No method leaves a changed setting behind."""
    before = _settings(backend)
    _use_every_method(backend)
    after = _settings(backend)
    require(after == before, f"settings {before} became {after}")


def methods_enter_the_scope_themselves(backend: Backend) -> None:
    """Every method works at its own precision in a thread that entered no scope."""
    found: list[dict[str, str]] = []
    problems: list[BaseException] = []

    def work() -> None:
        try:
            found.append(_use_every_method(backend))
        except Exception as error:  # noqa: BLE001  # raised again in the caller's thread
            problems.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if problems:
        raise ConformanceError("a method fails in another thread") from problems[0]
    for what, dtype in found[0].items():
        require(dtype == backend.dtype, f"{what} is {dtype} in another thread, not {backend.dtype}")


def _use_every_method(backend: Backend) -> dict[str, str]:
    """Call each method, outside of a scope; return the dtypes of what came back."""
    params = {"w": backend.asarray(np.array([1.0, -2.0])), "b": backend.asarray(0.5)}
    batch = [backend.asarray(x) for x in (np.eye(2), np.array([0.25, 1.0]), np.ones(2))]
    objective = Objective(backend.xp, get_loss("squared_error"), "mean")
    (value, prediction), grads = backend.value_and_grad(objective, has_aux=True)(params, *batch)
    rule = backend.sgd(0.25, SGDOptions(momentum=0.5))
    stepped, state = rule.step(params, grads, rule.init(params))
    doubled = backend.compile(lambda x: x + x)(params["w"])
    carry, record = backend.scan(
        lambda c, x: (c + x["a"], {"c": c}), params["b"], {"a": params["w"]}
    )
    results = {
        "the value": value,
        "the prediction": prediction,
        "a gradient": grads["w"],
        "an updated parameter": stepped["w"],
        "a velocity": state["w"],
        "a compiled function": doubled,
        "a scan's carry": carry,
        "a scan's record": record["c"],
    }
    return {what: str(backend.to_numpy(array).dtype) for what, array in results.items()}


CHECKS = (
    restored_after_an_exception,
    methods_leave_settings_alone,
    methods_enter_the_scope_themselves,
)
