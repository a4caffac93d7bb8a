"""Nothing that a probe does to the process outlives it; what it was is recorded."""

import random
import warnings

import numpy as np
import pytest

from samestep.probes.isolation import isolated
from samestep.probes.native import Mode
from samestep.probes.observation import Raised, attempt, observe

STATE = {"mode": "default"}
MODE = Mode("the mode", lambda: STATE["mode"], lambda old: STATE.update(mode=old))


def test_a_mode_that_is_left_changed_is_named_and_restored() -> None:
    def careless() -> None:
        STATE["mode"] = "changed"
        np.seterr(all="raise")

    before = np.geterr()
    seen = isolated(careless, np.asarray, [MODE])
    assert seen.left_changed == ("NumPy's treatment of floating-point errors", "the mode")
    assert STATE["mode"] == "default"
    assert np.geterr() == before


def test_a_mode_is_restored_after_an_exception_too() -> None:
    def careless() -> None:
        STATE["mode"] = "changed"
        raise ValueError("first line\nsecond line")

    seen = isolated(careless, np.asarray, [MODE])
    assert seen.outcome == Raised(type="ValueError", message="first line")
    assert seen.left_changed == ("the mode",)
    assert STATE["mode"] == "default"


def test_random_streams_go_on_as_if_nothing_had_been_drawn() -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002  # the global state is what is tested
    expected = random.random(), np.random.rand()  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    seen = isolated(lambda: [random.random(), np.random.rand()], np.asarray)  # noqa: NPY002
    assert not seen.left_changed
    assert (random.random(), np.random.rand()) == expected  # noqa: NPY002


def test_warnings_are_recorded_and_filters_restored(capsys: pytest.CaptureFixture[str]) -> None:
    def noisy() -> float:
        print("heard by nobody")  # noqa: T201
        warnings.simplefilter("ignore", RuntimeWarning)
        for _ in range(2):
            warnings.warn("mind\nthe step", UserWarning, stacklevel=1)
        return 1.0

    filters = list(warnings.filters)
    seen = isolated(noisy, np.asarray)
    assert seen.warnings == ("UserWarning: mind",)
    assert warnings.filters == filters
    assert capsys.readouterr().out == ""


def test_what_is_no_observation_is_an_error_of_the_probe() -> None:
    with pytest.raises(TypeError, match="object, which is no observation"):
        isolated(object, lambda x: x.numpy())


def test_an_attempt_is_a_value_or_an_exception_among_others() -> None:
    seen = observe({"first": attempt(lambda: 1 / 0), "second": attempt(lambda: 2)})
    assert seen.text == "first: raises ZeroDivisionError; second: 2"
