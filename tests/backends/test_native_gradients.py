"""Every native route gives the gradient, and stored gradients do what PyTorch says they do.

Data, parameters and rates are small multiples of powers of two, so that every number on the way is
exact in both precisions: the tests compare bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import samestep
from samestep.interface import Backend
from samestep.loss import predict

Host = dict[str, npt.NDArray[np.float64]]

ROUTES = {
    "torch": {
        "gradient/backward",
        "gradient/hook",
        "gradient/autograd.grad",
        "gradient/func.grad",
        "gradient/func.vjp",
        "gradient/func.jacrev",
        "gradient/func.jacfwd",
    },
    "jax": {
        "gradient/grad",
        "gradient/value_and_grad",
        "gradient/vjp",
        "gradient/jacrev",
        "gradient/jacfwd",
    },
}
EVERY_ROUTE = [(name, route) for name, routes in ROUTES.items() for route in sorted(routes)]

PARAMS: Host = {"w": np.array([1.0, -3.0]), "b": np.array(0.5)}
BATCHES = [
    (
        np.random.default_rng(seed).integers(-3, 4, (8, 2)).astype(np.float64),
        np.random.default_rng(seed + 10).integers(-5, 6, 8).astype(np.float64),
    )
    for seed in (0, 1)
]


def closed_form(params: Host, X: npt.NDArray[Any], y: npt.NDArray[Any]) -> Host:
    """2/m Z^T (Z p - y) with Z = (X, 1)."""
    residual = X @ params["w"] + params["b"] - y
    return {"w": 2 / len(y) * (X.T @ residual), "b": np.asarray(2 / len(y) * residual.sum())}


def mean_squared_error(backend: Backend) -> Callable[..., Any]:
    xp = backend.xp
    return lambda params, X, y: xp.mean(xp.square(predict(xp, params, X) - y))


def on(backend: Backend, *host: Any) -> list[Any]:
    return [
        {name: backend.asarray(v) for name, v in item.items()}
        if isinstance(item, dict)
        else backend.asarray(item)
        for item in host
    ]


def host(backend: Backend, arrays: dict[str, Any]) -> Host:
    return {name: backend.to_numpy(v).astype(np.float64) for name, v in arrays.items()}


def assert_bits(found: Host, expected: Host) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name, strict=True)


@pytest.fixture
def torch_backend(dtype: str) -> Backend:
    return samestep.backend("torch", dtype=dtype)


# --- routes ----------------------------------------------------------------------------------


def test_the_routes_are_those_that_are_tested() -> None:
    for name, routes in ROUTES.items():
        native = samestep.backend(name).native
        assert {route for route in native if route.startswith("gradient/")} == routes
    assert not any(route.startswith("gradient/") for route in samestep.oracle().native)


def test_the_gradient_is_proportional_to_no_example() -> None:
    """A route that looked at one row only, or at the inputs alone, would be noticed."""
    for X, y in BATCHES:
        g = closed_form(PARAMS, X, y)
        gradient = np.append(g["w"], g["b"])
        for row in np.column_stack([X, np.ones(len(X))]):
            assert np.linalg.matrix_rank(np.stack([row, gradient])) == 2


@pytest.mark.parametrize(("name", "route"), EVERY_ROUTE)
@pytest.mark.parametrize("batch", BATCHES, ids=["first", "second"])
def test_a_route_gives_the_closed_form(name: str, route: str, batch: Any, dtype: str) -> None:
    backend = samestep.backend(name, dtype=dtype)
    inputs = on(backend, PARAMS, *batch)
    with backend.scope():
        grads = backend.native[route](mean_squared_error(backend), *inputs)
    assert {backend.to_numpy(g).dtype for g in grads.values()} == {np.dtype(dtype)}
    assert_bits(host(backend, grads), closed_form(PARAMS, *batch))


@pytest.mark.parametrize(("name", "route"), EVERY_ROUTE)
def test_a_route_keeps_nothing_and_changes_nothing(name: str, route: str) -> None:
    backend = samestep.backend(name)
    params, X, y = on(backend, PARAMS, *BATCHES[0])
    with backend.scope():
        for _ in range(2):
            grads = backend.native[route](mean_squared_error(backend), params, X, y)
            assert_bits(host(backend, grads), closed_form(PARAMS, *BATCHES[0]))
    assert_bits(host(backend, params), PARAMS)
    # A leaf of the caller's must not be marked for differentiation behind his back.
    assert not any(getattr(p, "requires_grad", False) for p in params.values())
    assert all(getattr(p, "grad", None) is None for p in params.values())


def test_a_parameter_without_gradient_is_an_error_that_says_so(torch_backend: Backend) -> None:
    (params,) = on(torch_backend, PARAMS)
    with pytest.raises(RuntimeError, match="does not use the parameter"):
        torch_backend.native["gradient/backward"](lambda params: params["w"].sum(), params)


# --- stored gradients ------------------------------------------------------------------------


def test_only_torch_stores_gradients(framework: Backend) -> None:
    stored = {"stored-gradient", "after-training", "without-clearing"} & set(framework.native)
    assert len(stored) == (3 if framework.name == "torch" else 0)


def test_a_stored_gradient_is_absent_then_accumulates_then_is_cleared(
    torch_backend: Backend,
) -> None:
    inputs = on(torch_backend, PARAMS, *BATCHES[0])
    seen = torch_backend.native["stored-gradient"](mean_squared_error(torch_backend), *inputs)
    gradient = closed_form(PARAMS, *BATCHES[0])
    assert list(seen) == ["before", "once", "twice", "set_to_zero", "set_to_none"]
    assert seen["before"] == {"w": None, "b": None}
    assert_bits(host(torch_backend, seen["once"]), gradient)
    assert_bits(host(torch_backend, seen["twice"]), {n: 2 * g for n, g in gradient.items()})
    assert_bits(host(torch_backend, seen["set_to_zero"]), {n: 0 * g for n, g in gradient.items()})
    assert seen["set_to_none"] == {"w": None, "b": None}


def test_after_training_the_stored_gradient_is_one_update_old(torch_backend: Backend) -> None:
    (params,) = on(torch_backend, PARAMS)
    batches = [tuple(on(torch_backend, *batch)) for batch in BATCHES]
    train = torch_backend.native["after-training"]
    final, grads = train(mean_squared_error(torch_backend), params, batches, 0.25)

    first = closed_form(PARAMS, *BATCHES[0])
    before = {name: PARAMS[name] - 0.25 * first[name] for name in PARAMS}
    last = closed_form(before, *BATCHES[1])
    assert_bits(host(torch_backend, grads), last)
    assert_bits(host(torch_backend, final), {n: before[n] - 0.25 * last[n] for n in before})
    assert_bits(host(torch_backend, params), PARAMS)


def test_without_clearing_the_second_update_uses_the_sum(torch_backend: Backend) -> None:
    (params,) = on(torch_backend, PARAMS)
    batches = [tuple(on(torch_backend, *batch)) for batch in BATCHES]
    train = torch_backend.native["without-clearing"]
    path = train(mean_squared_error(torch_backend), params, batches, 0.25)

    total: Host = {name: np.zeros_like(p) for name, p in PARAMS.items()}
    state = PARAMS
    for (found, stored), batch in zip(path, BATCHES, strict=True):
        total = {name: total[name] + g for name, g in closed_form(state, *batch).items()}
        state = {name: state[name] - 0.25 * total[name] for name in state}
        assert_bits(host(torch_backend, stored), total)
        assert_bits(host(torch_backend, found), state)
