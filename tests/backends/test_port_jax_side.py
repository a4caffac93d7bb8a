"""The JAX side of a port: models of all kinds, taps, nested optimizer states, refusals."""

from __future__ import annotations

from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen, nnx
from samestep_jax.port import Side, tap
from samestep_jax.port.taps import recorded

from samestep.errors import UsageError
from samestep.port import Batch, State
from samestep.port.rules import Rule, apply_rule

X, Y = np.random.default_rng(0).normal(size=(2, 6, 4))
BATCH = Batch.of((X, Y))
RNG = np.random.default_rng(1)
PARAMS = {
    "w": RNG.normal(size=(4, 4)).astype(np.float32),
    "b": RNG.normal(size=4).astype(np.float32),
}


def loss(output: Any, target: Any) -> Any:
    return jnp.mean((output - target) ** 2)


def dense(p: Any, x: Any) -> Any:
    return x @ p["w"] + p["b"]


def side(optimizer: Any = optax.sgd(0.1), apply: Any = dense, **options: Any) -> Side:
    return Side(apply, PARAMS, loss, optimizer, **options)


def test_taps_are_seen_through_jit_vmap_and_checkpoint() -> None:
    @jax.jit
    def inner(x: Any) -> Any:
        return tap("inner", 2 * x)

    def f(x: Any) -> Any:
        mapped = jax.vmap(lambda row: tap("row", row + 1), in_axes=1, out_axes=1)(x)
        kept = jax.checkpoint(lambda y: tap("kept", jnp.sin(y)))(mapped)
        return inner(kept).sum()

    x = jnp.arange(6.0).reshape(2, 3)
    (value, seen), grads = jax.jit(
        jax.value_and_grad(lambda x: _aux(recorded(f, x)), has_aux=True)
    )(x)
    assert set(seen) == {"row", "kept", "inner"}
    assert np.array_equal(seen["row"], (x + 1).T)  # the mapped axis comes first
    assert np.allclose(seen["kept"], jnp.sin(x + 1))
    assert np.allclose(value, 2 * jnp.sin(x + 1).sum())
    assert np.allclose(grads, 2 * jnp.cos(x + 1))


def _aux(result: tuple[Any, Any]) -> tuple[Any, dict[str, Any]]:
    output, record = result
    return output, record.values


def test_a_tap_is_the_identity() -> None:
    assert float(tap("x", jnp.asarray(2.0))) == 2.0
    assert float(jax.jit(jax.grad(lambda x: tap("x", x) ** 2))(3.0)) == 6.0


def test_the_second_tap_of_a_name_is_numbered() -> None:
    _, seen = recorded(lambda x: tap("a", tap("a", x) + 1), jnp.zeros(()))
    assert [float(value) for value in seen.values.values()] == [0.0, 1.0]
    assert list(seen.values) == ["a", "a#2"]


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_a_pass_is_that_of_the_function(dtype: str) -> None:
    checked = side()
    done = checked.run(checked.state(), BATCH, dtype)
    expected = X @ PARAMS["w"].astype(float) + PARAMS["b"].astype(float)
    size = {"float32": 1e-6, "float64": 1e-14, "bfloat16": 0.1}[dtype]
    assert np.allclose(done.output, expected, atol=size)
    assert np.allclose(done.gradients["b"], (2 * (expected - Y) / Y.size).sum(0), atol=size)
    assert dtype in done.dtypes
    assert dtype == "bfloat16" or done.dtypes == {dtype}  # its means are taken in float32
    assert np.array_equal(done.output, done.output.astype(np.float32)) == (dtype != "float64")


@pytest.mark.parametrize(
    ("optimizer", "rule"),
    [
        (optax.sgd(0.1), Rule("sgd", 0.1)),
        (optax.sgd(0.1, 0.9, nesterov=True), Rule("sgd", 0.1, momentum=0.9, nesterov=True)),
        (
            optax.adam(0.1, eps_root=1e-3, eps=0),
            Rule("adam", 0.1, epsilon=1e-3, epsilon_at="inside"),
        ),
        (
            optax.chain(optax.clip(1e3), optax.adamw(0.1, weight_decay=0.2)),
            Rule("adam", 0.1, weight_decay=0.2, decoupled=True),
        ),
        (
            optax.inject_hyperparams(optax.adam)(learning_rate=0.1, b1=0.5),
            Rule("adam", 0.1, beta1=0.5),
        ),
    ],
)
def test_the_state_of_optax_is_found_and_set(
    optimizer: optax.GradientTransformation, rule: Rule
) -> None:
    checked = side(optimizer)
    state = checked.state()
    rng = np.random.default_rng(2)
    grads = {name: rng.normal(size=x.shape) for name, x in state.params.items()}
    slots = {
        slot: {name: np.abs(rng.normal(size=x.shape)) for name, x in arrays.items()}
        for slot, arrays in state.slots.items()
    }
    start = State(state.params, {}, slots, 4)
    new = checked.update(start, grads, "float64")
    for name, p in state.params.items():
        own = {slot: arrays[name] for slot, arrays in slots.items()}
        written, kept = apply_rule(rule, p, grads[name], own, 4)
        assert np.allclose(new.params[name], written, rtol=1e-12, atol=1e-13)
        for slot, array in kept.items():
            assert np.allclose(new.slots[slot][name], array, rtol=1e-13)
    assert new.count == 5


def test_masks_and_partitions_keep_their_own_parameters() -> None:
    optimizer = optax.multi_transform(
        {"fast": optax.sgd(0.1, 0.9), "still": optax.set_to_zero()}, {"w": "fast", "b": "still"}
    )
    checked = side(optimizer)
    assert checked.slots() == {"momentum": ("w",)}
    state = checked.state()
    new = checked.update(
        state, {name: np.ones_like(x) for name, x in state.params.items()}, "float64"
    )
    assert np.array_equal(new.params["b"], state.params["b"])
    assert np.array_equal(new.slots["momentum"]["w"], np.ones((4, 4)))


@pytest.mark.parametrize(
    "schedule",
    [
        optax.cosine_decay_schedule(0.1, 10),
        optax.exponential_decay(0.1, 3, 0.5),
        optax.linear_schedule(0.1, 0.01, 7),
        optax.warmup_cosine_decay_schedule(0.0, 0.1, 3, 9),
    ],
)
def test_schedules_are_evaluated_in_float64(schedule: Any) -> None:
    checked = side(optax.sgd(schedule))
    state = checked.state()
    grads = {name: np.ones_like(x) for name, x in state.params.items()}
    wide = checked.update(State(state.params, {}, {}, 5), grads, "float64")
    rate = float((state.params["b"] - wide.params["b"])[0])
    with jax.enable_x64(True):
        expected = float(schedule(jnp.asarray(5, jnp.int64)))
    assert abs(rate - expected) < 1e-15


class LinenModel(linen.Module):
    @linen.compact
    def __call__(self, x: Any, *, train: bool) -> Any:
        x = linen.BatchNorm(use_running_average=not train, momentum=0.9)(linen.Dense(4)(x))
        return linen.Dropout(0.5, deterministic=not train)(x)


def test_linen_statistics_are_updated_and_dropout_rests() -> None:
    module = LinenModel()
    variables = module.init(jax.random.key(0), jnp.ones((2, 4)), train=False)
    checked = Side(module, variables, loss, optax.sgd(0.1), call={"train": True})
    state = checked.state()
    done = checked.run(state, BATCH, "float64")
    assert list(done.activations) == ["Dense_0", "BatchNorm_0"]
    assert np.array_equal(done.output, done.activations["BatchNorm_0"])
    mean = done.statistics["batch_stats/BatchNorm_0/mean"]
    assert np.allclose(mean, 0.1 * done.activations["Dense_0"].mean(0))
    assert checked.notes == ["Dropout was switched off in Dropout_0 of the JAX side."]
    assert checked.parameters()["Dense_0/kernel"].axes == "in out"


def test_nnx_models_may_be_called_by_a_function() -> None:
    class Model(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.fc = nnx.Linear(4, 4, rngs=rngs)
            self.bn = nnx.BatchNorm(4, rngs=rngs)
            self.drop = nnx.Dropout(0.5, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.drop(self.bn(self.fc(x)))

    model = Model(nnx.Rngs(0))
    checked = Side(lambda model, x: model(x), model, loss, optax.sgd(0.1))
    done = checked.run(checked.state(), BATCH, "float64")
    assert list(done.activations) == ["fc", "bn", "drop"]
    assert not np.array_equal(done.statistics["bn/mean"], np.zeros(4))
    assert np.array_equal(model.bn.mean.get_value(), np.zeros(4)), "the user's model is left alone"
    assert "drop" in checked.notes[0]


def test_equinox_models_are_called_per_example() -> None:
    class Model(equinox.Module):
        layers: list[Any]
        drop: equinox.nn.Dropout

        def __call__(self, x: Any) -> Any:
            for layer in self.layers:
                x = self.drop(jax.nn.relu(layer(x)))
            return x

    keys = jax.random.split(jax.random.key(0))
    model = Model([equinox.nn.Linear(4, 4, key=key) for key in keys], equinox.nn.Dropout(0.5))
    checked = Side(model, loss=loss, optimizer=optax.sgd(0.1))
    done = checked.run(checked.state(), BATCH, "float32")
    assert list(done.activations) == ["layers/0", "layers/1"]
    assert done.activations["layers/0"].shape == (6, 4)
    assert checked.parameters()["layers/0/weight"].axes == "out in"
    assert "drop" in checked.notes[0]
    loaded = checked.loaded(checked.state().params)
    assert np.array_equal(loaded.layers[0].weight, model.layers[0].weight)


def test_random_numbers_are_refused_by_name() -> None:
    def noisy(p: Any, x: Any) -> Any:
        h = tap("fc", dense(p, x))
        return h + jax.random.normal(jax.random.key(0), h.shape)

    checked = side(apply=noisy)
    with pytest.raises(UsageError, match="JAX side draws random numbers after fc"):
        checked.run(checked.state(), BATCH, "float32")


def test_a_cast_inside_is_noticed() -> None:
    def narrow(p: Any, x: Any) -> Any:
        h = dense(p, x)
        return jax.nn.softmax(h.astype(jnp.float32)).astype(h.dtype)

    checked = side(apply=narrow)
    assert checked.run(checked.state(), BATCH, "float64").dtypes == {"float32", "float64"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Side(dense, PARAMS), "was given no loss"),
        (lambda: Side("model", PARAMS, loss, optax.sgd(0.1)), "was given a str as its model"),
        (lambda: Side(dense, PARAMS, loss, "adam"), "The optimizer of the JAX side is a str"),  # type: ignore[arg-type]
        (lambda: Side(dense, {"n": 3}, loss, optax.sgd(0.1)), "The jax side has no parameters"),
        (
            lambda: Side(dense, {**PARAMS, "b": np.ones(4, np.float16)}, loss, optax.sgd(0.1)),
            "several dtypes: float16, float32",
        ),
        (lambda: side(optax.adadelta(0.1)), "which the port check does not know"),
        (lambda: Side(LinenModel(), 3, loss, optax.sgd(0.1)), "was given a int as the variables"),
    ],
)
def test_what_is_given_must_fit(make: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


def test_a_model_that_fails_is_one_message() -> None:
    checked = side()
    with pytest.raises(UsageError, match="JAX side fails in float32: TypeError"):
        checked.run(checked.state(), Batch.of((X[:, :2], Y)), "float32")
    unreduced = Side(dense, PARAMS, lambda output, target: output - target, optax.sgd(0.1))
    with pytest.raises(UsageError, match=r"returned \(6, 4\) where a scalar was expected"):
        unreduced.run(unreduced.state(), BATCH, "float32")
    stateful = side(apply=lambda p, s, x: dense(p, x), statistics={"mean": np.zeros(4, np.float32)})
    with pytest.raises(UsageError, match="must return"):
        stateful.run(stateful.state(), BATCH, "float32")
