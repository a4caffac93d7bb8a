"""SGD of every backend beside the frameworks' own optimizers and the written-out rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax
import pytest
import torch

import samestep
from samestep.interface import Backend, SGDOptions

OPTIONS = {
    "plain": SGDOptions(),
    "momentum": SGDOptions(momentum=0.9),
    "nesterov": SGDOptions(momentum=0.9, nesterov=True),
    "decay": SGDOptions(weight_decay=0.1),
    "momentum and decay": SGDOptions(momentum=0.9, weight_decay=0.1),
    "all together": SGDOptions(momentum=0.9, nesterov=True, weight_decay=0.1),
}
RATES = np.array([0.03, 0.0, 0.3])
STEPS, FEATURES = 20, 3

NumPyParams = dict[str, npt.NDArray[Any]]
Path = list[NumPyParams]

optimizers = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())


def start(runs: tuple[int, ...] = ()) -> NumPyParams:
    rng = np.random.default_rng(1)
    return {"w": rng.standard_normal((*runs, FEATURES)), "b": rng.standard_normal(runs)}


def gradients(runs: tuple[int, ...] = ()) -> list[NumPyParams]:
    """Gradients of all steps, drawn beforehand: nothing but the optimizer is compared."""
    rng = np.random.default_rng(2)
    return [
        {"w": rng.standard_normal((*runs, FEATURES)), "b": rng.standard_normal(runs)}
        for _ in range(STEPS)
    ]


def ours(backend: Backend, rate: Any, options: SGDOptions, runs: tuple[int, ...] = ()) -> Path:
    """Parameters and velocities after each step."""
    rule = backend.sgd(backend.asarray(rate) if runs else float(rate), options)
    params = {name: backend.asarray(p) for name, p in start(runs).items()}
    state = rule.init(params)
    path = []
    for grads in gradients(runs):
        params, state = rule.step(params, {k: backend.asarray(g) for k, g in grads.items()}, state)
        path.append({k: backend.to_numpy(p) for k, p in params.items()})
        path[-1] |= {f"velocity {k}": backend.to_numpy(v) for k, v in state.items()}
    return path


def torch_optim(rate: float, options: SGDOptions, dtype: str) -> Path:
    params = {
        k: torch.tensor(p, dtype=getattr(torch, dtype), requires_grad=True)
        for k, p in start().items()
    }
    optimizer = torch.optim.SGD(
        params.values(),
        lr=rate,
        momentum=options.momentum,
        nesterov=options.nesterov,
        weight_decay=options.weight_decay,
    )
    path = []
    for grads in gradients():
        for name, p in params.items():
            p.grad = torch.tensor(grads[name], dtype=p.dtype)
        optimizer.step()
        path.append({name: p.detach().numpy().copy() for name, p in params.items()})
        if options.momentum:
            path[-1] |= {
                f"velocity {name}": optimizer.state[p]["momentum_buffer"].numpy().copy()
                for name, p in params.items()
            }
    return path


def optax_chain(rate: float, options: SGDOptions, dtype: str) -> Path:
    with jax.enable_x64(dtype == "float64"):
        optimizer = optax.chain(
            optax.add_decayed_weights(options.weight_decay),
            optax.sgd(rate, momentum=options.momentum or None, nesterov=options.nesterov),
        )
        params = {k: jnp.asarray(p, dtype) for k, p in start().items()}
        state = optimizer.init(params)
        path = []
        for grads in gradients():
            updates, state = optimizer.update(
                {k: jnp.asarray(g, dtype) for k, g in grads.items()}, state, params
            )
            params = optax.apply_updates(params, updates)
            path.append({k: np.array(p) for k, p in params.items()})
    return path


def written_out(rate: float, options: SGDOptions, dtype: str) -> Path:
    """The rule in the docstring of `samestep.interface.SGD`, in float64."""
    del dtype
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


def assert_same_path(found: Path, expected: Path, dtype: str) -> None:
    """Equal to a few roundings a step of the largest number met, here below 10."""
    assert len(found) == len(expected) == STEPS
    tolerance = 10 * 4 * STEPS * np.finfo(dtype).eps / 2
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        for name, values in b.items():
            assert a[name].shape == np.shape(values)
            assert np.abs(a[name] - values).max() <= tolerance, (k, name)


@optimizers
@pytest.mark.parametrize("reference", [torch_optim, optax_chain, written_out])
def test_every_backend_takes_the_steps_of_every_reference(
    backend: Backend, options: SGDOptions, reference: Callable[[float, SGDOptions, str], Path]
) -> None:
    found = ours(backend, 0.03, options)
    assert_same_path(found, reference(0.03, options, backend.dtype), backend.dtype)


@optimizers
def test_a_rate_per_run_is_that_run_with_that_rate(backend: Backend, options: SGDOptions) -> None:
    stacked = ours(backend, RATES, options, runs=(len(RATES),))
    all_starts, all_grads = start((len(RATES),)), gradients((len(RATES),))
    for run, rate in enumerate(RATES):
        rule = backend.sgd(float(rate), options)
        params = {k: backend.asarray(p[run]) for k, p in all_starts.items()}
        state = rule.init(params)
        path = []
        for grads in all_grads:
            here = {k: backend.asarray(g[run]) for k, g in grads.items()}
            params, state = rule.step(params, here, state)
            path.append({k: backend.to_numpy(p) for k, p in params.items()})
        assert_same_path(
            [{k: v[run] for k, v in after.items()} for after in stacked], path, backend.dtype
        )
    still = {k: v[1] for k, v in stacked[-1].items()}
    assert np.array_equal(still["w"], all_starts["w"][1].astype(backend.dtype))


@optimizers
def test_one_rate_moves_all_runs(backend: Backend, options: SGDOptions) -> None:
    same = ours(backend, np.full(2, 0.03), options, runs=(2,))
    rule = backend.sgd(0.03, options)
    params = {k: backend.asarray(p) for k, p in start((2,)).items()}
    state = rule.init(params)
    for k, grads in enumerate(gradients((2,))):
        here = {name: backend.asarray(g) for name, g in grads.items()}
        params, state = rule.step(params, here, state)
        for name, p in params.items():
            gap = np.abs(backend.to_numpy(p) - same[k][name]).max()
            assert gap <= 400 * np.finfo(backend.dtype).eps


@optimizers
def test_the_state_is_a_velocity_for_each_parameter_or_nothing(
    backend: Backend, options: SGDOptions
) -> None:
    params = {k: backend.asarray(p) for k, p in start().items()}
    state = backend.sgd(0.1, options).init(params)
    assert set(state) == (set(params) if options.momentum else set())
    for name, velocity in state.items():
        found = backend.to_numpy(velocity)
        assert found.shape == start()[name].shape
        assert found.dtype == backend.numpy_dtype
        assert not found.any()


@optimizers
@pytest.mark.parametrize("runs", [(), (3,)], ids=["one run", "stacked"])
def test_a_step_changes_none_of_its_arguments(
    backend: Backend, options: SGDOptions, runs: tuple[int, ...]
) -> None:
    rule = backend.sgd(backend.asarray(RATES) if runs else 0.03, options)
    params = {k: backend.asarray(p) for k, p in start(runs).items()}
    first, second = ({k: backend.asarray(g) for k, g in g.items()} for g in gradients(runs)[:2])
    params, state = rule.step(params, first, rule.init(params))
    arguments = (params, second, state)
    before = [{k: backend.to_numpy(v) for k, v in a.items()} for a in arguments]
    once, _ = rule.step(*arguments)
    twice, _ = rule.step(*arguments)
    for argument, kept in zip(arguments, before, strict=True):
        for name, values in kept.items():
            assert np.array_equal(backend.to_numpy(argument[name]), values), name
    for name, p in once.items():
        assert np.array_equal(backend.to_numpy(p), backend.to_numpy(twice[name]))
        assert backend.to_numpy(p).dtype == backend.numpy_dtype


def test_the_options_are_told_apart() -> None:
    # What the tests above rely on: no two rows of the table end in the same place.
    oracle = samestep.oracle()
    ends = [ours(oracle, 0.03, options)[-1]["w"] for options in OPTIONS.values()]
    for i, first in enumerate(ends):
        for second in ends[:i]:
            assert np.abs(first - second).max() > 1e-3


def test_decay_is_added_before_momentum() -> None:
    # After one step from g = 0 the velocity holds the decay of the start.
    options = SGDOptions(momentum=0.5, weight_decay=0.25)
    for name in ("torch", "jax", "numpy"):
        backend = samestep.backend(name)
        rule = backend.sgd(0.5, options)
        params = {"a": backend.asarray(np.array(8.0))}
        zero = {"a": backend.asarray(np.array(0.0))}
        params, state = rule.step(params, zero, rule.init(params))
        assert float(backend.to_numpy(state["a"])) == 2.0
        assert float(backend.to_numpy(params["a"])) == 7.0
