"""Each check of the interface finds a backend that breaks just its promise."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import samestep
from samestep.errors import MissingParticipantError
from samestep.interface import SGD, Backend, Environment, Params, SGDOptions
from samestep.stepwise import StepwiseBackend
from samestep.testing.catalogue import CHECKS
from samestep.testing.expectations import ConformanceError


class Sound(StepwiseBackend):
    """A registered name and a device of its own, else NumPy."""

    name = "numpy"
    label = "numpy/cpu/float32"  # type: ignore[assignment]  # the wrapper's is marked

    def __init__(self, device: str = "cpu", dtype: str = "float32") -> None:
        if device != "cpu":
            raise MissingParticipantError(f"Device {device!r} is not there.")
        super().__init__(samestep.oracle(dtype))

    @classmethod
    def environment(cls) -> Environment:
        return Environment({"numpy": np.__version__}, ("cpu",), None, {})


def scaled(factor: float, *, name: str = "") -> Callable[..., Any]:
    """Gradients times a factor, all or one."""

    def value_and_grad(
        self: Backend, loss: Callable[..., Any], *, runs: bool = False, has_aux: bool = False
    ) -> Callable[..., Any]:
        sound = StepwiseBackend.value_and_grad(self, loss, runs=runs, has_aux=has_aux)  # type: ignore[arg-type]

        def wrong(params: Params, *rest: Any) -> Any:
            out, grads = sound(params, *rest)
            return out, {k: g * factor if name in ("", k) else g for k, g in grads.items()}

        return wrong

    return value_and_grad


def in_place(self: Backend, loss: Callable[..., Any], **options: bool) -> Callable[..., Any]:
    sound = StepwiseBackend.value_and_grad(self, loss, **options)  # type: ignore[arg-type]

    def wrong(params: Params, *rest: Any) -> Any:
        result = sound(params, *rest)
        params["w"][...] += 1
        return result

    return wrong


def lost_auxiliary(self: Backend, loss: Callable[..., Any], **options: bool) -> Callable[..., Any]:
    sound = StepwiseBackend.value_and_grad(self, loss, **options)  # type: ignore[arg-type]

    def wrong(params: Params, *rest: Any) -> Any:
        out, grads = sound(params, *rest)
        return ((out[0], out[1] + 1) if options.get("has_aux") else out), grads

    return wrong


def summed_runs(self: Backend, loss: Callable[..., Any], **options: bool) -> Callable[..., Any]:
    sound = StepwiseBackend.value_and_grad(self, loss, **options)  # type: ignore[arg-type]

    def wrong(params: Params, *rest: Any) -> Any:
        out, grads = sound(params, *rest)
        if options.get("runs"):
            grads = {name: np.broadcast_to(g.sum(0), g.shape) for name, g in grads.items()}
        return out, grads

    return wrong


def nan_at_zero(self: Backend, loss: Callable[..., Any], **options: bool) -> Callable[..., Any]:
    sound = StepwiseBackend.value_and_grad(self, loss, **options)  # type: ignore[arg-type]

    def wrong(params: Params, *rest: Any) -> Any:
        out, grads = sound(params, *rest)
        return out, {k: np.where(params[k] == 0, np.nan, g) for k, g in grads.items()}

    return wrong


def with_options(change: Callable[[SGDOptions], SGDOptions]) -> Callable[..., SGD]:
    return lambda self, rate, options=SGDOptions(): Backend.sgd(self, rate, change(options))


def first_rate_for_all(self: Backend, rate: Any, options: SGDOptions = SGDOptions()) -> SGD:
    return Backend.sgd(self, rate if isinstance(rate, float) else rate[:1], options)


def velocity_in_place(self: Backend, rate: Any, options: SGDOptions = SGDOptions()) -> SGD:
    sound = Backend.sgd(self, rate, options)

    def step(params: Params, grads: Params, state: Params) -> tuple[Params, Params]:
        new, new_state = sound.step(params, grads, state)
        for name, velocity in state.items():
            state[name] = velocity + 1
        return new, new_state

    return SGD(sound.init, step)


def velocity_from_ones(self: Backend, rate: Any, options: SGDOptions = SGDOptions()) -> SGD:
    sound = Backend.sgd(self, rate, options)
    return SGD(lambda p: {k: np.ones_like(v) for k, v in sound.init(p).items()}, sound.step)


def backwards(self: Backend, step: Any, carry: Any, xs: Params) -> Any:
    return Backend.scan(self, step, carry, {name: x[::-1] for name, x in xs.items()})


@contextlib.contextmanager
def leaking_scope(self: Backend) -> Iterator[None]:
    np.seterr(all="ignore")
    yield


class NoisyRuns(Sound):
    """Results that depend on how often it was asked."""

    def value_and_grad(self, loss: Any, *, runs: bool = False, has_aux: bool = False) -> Any:
        self.asked = getattr(self, "asked", 0) + 1
        sound = super().value_and_grad(loss, runs=runs, has_aux=has_aux)

        def noisy(params: Any, *rest: Any) -> Any:
            out, grads = sound(params, *rest)
            return out, {k: g * np.float32(1 + self.asked * 2**-20) for k, g in grads.items()}

        return noisy


class SumForMean(Sound):
    """One operation that is another."""

    def __init__(self, device: str = "cpu", dtype: str = "float32") -> None:
        super().__init__(device, dtype)
        self.xp: Any = SimpleNamespace(**{**vars(np), "mean": np.sum})


def broken(**members: Any) -> type[Backend]:
    return type("Broken", (Sound,), members)


def retracing(self: Backend, f: Callable[..., Any]) -> Callable[..., Any]:
    return Backend.compile(self, f)


BROKEN: dict[str, type[Backend]] = {
    "says_what_it_is": broken(name="unregistered"),
    "says_where_it_runs": broken(
        environment=classmethod(lambda cls: Environment({}, ("cpu",), None, {}))
    ),
    "refuses_a_device_that_is_not_there": broken(
        __init__=lambda self, device="cpu", dtype="float32": Sound.__init__(self, "cpu", dtype)
    ),
    "values_and_shapes_survive": broken(to_numpy=lambda self, x: np.atleast_1d(np.array(x))),
    "floats_take_the_working_precision": broken(asarray=lambda self, x: np.array(x)),
    "what_goes_in_is_a_copy": broken(asarray=lambda self, x: np.asarray(x, copy=None)),
    "what_comes_out_cannot_change_the_array": broken(to_numpy=lambda self, x: np.asarray(x)),
    "operations_are_numpys": SumForMean,
    "operators_are_numpys": broken(to_numpy=lambda self, x: np.abs(np.array(x))),
    "restored_after_an_exception": broken(scope=leaking_scope),
    "methods_leave_settings_alone": broken(scope=leaking_scope),
    "methods_enter_the_scope_themselves": broken(to_numpy=lambda self, x: np.array(x, "f8")),
    "gradients_are_the_closed_forms": broken(value_and_grad=scaled(1 + 1e-3)),
    "gradients_are_finite_differences": broken(value_and_grad=scaled(1.05, name="b")),
    "inputs_stay_as_they_were": broken(value_and_grad=in_place),
    "results_are_plain_arrays": broken(value_and_grad=scaled(2)),
    "the_auxiliary_output_is_passed_through": broken(value_and_grad=lost_auxiliary),
    "stacked_runs_are_the_runs_one_by_one": broken(value_and_grad=summed_runs),
    "an_unused_parameter_has_gradient_zero": broken(value_and_grad=scaled(2)),
    "derivatives_at_kinks_lie_between_both_sides": broken(value_and_grad=nan_at_zero),
    "derivatives_beside_kinks_are_those_of_their_side": broken(value_and_grad=scaled(0.5)),
    "derivatives_at_ties_are_finite": broken(value_and_grad=nan_at_zero),
    "steps_are_the_written_out_rule": broken(
        sgd=with_options(lambda o: SGDOptions(o.momentum, nesterov=False))
    ),
    "a_rate_per_run_is_that_run_alone": broken(sgd=first_rate_for_all),
    "one_rate_moves_all_runs": broken(
        sgd=lambda self, rate, options=SGDOptions(): Backend.sgd(
            self, rate if isinstance(rate, float) else 2 * rate, options
        )
    ),
    "the_state_is_a_velocity_for_each_parameter": broken(sgd=velocity_from_ones),
    "decay_enters_before_momentum": broken(
        sgd=with_options(lambda o: SGDOptions(o.momentum, o.nesterov))
    ),
    "a_step_changes_none_of_its_arguments": broken(sgd=velocity_in_place),
    "scan_is_the_loop": broken(scan=backwards),
    "compiled_is_eager": broken(compile=lambda self, f: lambda *args: 2 * f(*args)),
    "a_function_is_compiled_once": broken(compile=retracing),
    "a_fit_is_compiled_once": broken(compile=retracing),
    "every_kind_of_step_is_within_rounding": broken(value_and_grad=scaled(1.01)),
    "fits_of_all_exercises_are_within_rounding": broken(value_and_grad=scaled(1.01)),
    "a_fit_is_repeatable": NoisyRuns,
}


def test_there_is_a_broken_backend_for_every_check() -> None:
    assert set(BROKEN) == {check.function.__name__ for check in CHECKS}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_finds_what_it_is_for(check: Any) -> None:
    name = check.function.__name__
    backend = BROKEN[name](dtype="float32")  # type: ignore[call-arg]  # as the guide has it
    before = np.geterr()
    try:
        with pytest.raises(ConformanceError):
            check(backend)
    finally:
        np.seterr(**before)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_the_sound_one_passes(check: Any) -> None:
    if "compiled_once" not in check.id:
        check(Sound())
