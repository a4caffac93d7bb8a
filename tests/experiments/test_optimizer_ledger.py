"""The ledger of optimizers: every entry is proven, and nothing wrong would be."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import samestep_jax.ledger.optimizers.adam as jax_adam
import samestep_jax.ledger.optimizers.rmsprop as jax_rmsprop
import samestep_jax.ledger.optimizers.sgd as jax_sgd
import samestep_torch.ledger.optimizers.adam as torch_adam
import samestep_torch.ledger.optimizers.rmsprop as torch_rmsprop
import samestep_torch.ledger.optimizers.sgd as torch_sgd
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from samestep_experiments.ledger.optimizers import ENTRIES
from samestep_experiments.ledger.optimizers.courses import COURSE, SOMETIMES_UNUSED
from samestep_experiments.ledger.optimizers.rules import SGD, Adam, RMSprop
from samestep_experiments.ledger.optimizers.sgd import clip_by_norm, clip_by_value
from samestep_jax.ledger.optimizers.following import Loop as JaxLoop
from samestep_jax.ledger.optimizers.following import follow as follow_jax
from samestep_torch.ledger.optimizers import OPTIMIZERS as TORCH
from samestep_torch.ledger.optimizers.following import Loop as TorchLoop
from samestep_torch.ledger.optimizers.following import follow as follow_torch

import samestep
from samestep.cli.ledgers import show_optimizers
from samestep.errors import UsageError
from samestep.ledger.book import Ledger
from samestep.ledger.native import Lookalike, natives
from samestep.ledger.optimizer_entry import OptimizerEntry, OptimizerNative, Record, Rule
from samestep.ledger.optimizer_ledger import optimizers
from samestep.ledger.optimizer_page import OptimizerPage
from samestep.ledger.updates import check, prove_update
from samestep.ledger.verdict import Verdict
from samestep.table import load_tables

BY_ID = {entry.id: entry for entry in ENTRIES}
CHEAP = ("sgd-plain", "sgd-dampening", "rmsprop-eps-inside")
"""Three entries, of three verdicts, for what does not depend on which they are."""


def codes(id: str) -> dict[str, OptimizerNative]:
    found = {name: side[id] for name, side in natives().items()}
    assert all(isinstance(native, OptimizerNative) for native in found.values())
    return found  # type: ignore[return-value]  # as was just asserted


def follow(id: str, dtype: str = "float64") -> Record:
    """The record of an entry on PyTorch, which compiles nothing."""
    backend = samestep.backend("torch", dtype=dtype)
    return follow_torch(backend, TORCH[id].call, BY_ID[id].course)


@pytest.fixture(scope="module")
def few() -> Ledger[OptimizerPage]:
    return optimizers(*CHEAP)


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES, ids=BY_ID)
def test_every_entry_is_proven(entry: OptimizerEntry) -> None:
    page = OptimizerPage(entry, prove_update(entry, codes(entry.id)))
    assert page.failures == ()
    assert page.verdict is not Verdict.NOT_PROVEN
    assert 0 < page.largest_ratio <= 1
    # What cannot be matched is exactly what a side ships nothing for.
    unmatched = page.verdict in {Verdict.NO_COUNTERPART, Verdict.DIFFERENT}
    assert unmatched == any(not native.public for native in codes(entry.id).values())
    # What is not the same at once says what it takes.
    assert (page.verdict is Verdict.SAME) == (not entry.conversion)
    for side in page.proof.sides.values():
        assert set(side.ratio) == {"float32", "float64"}
    json.dumps(page.to_dict(), allow_nan=False)


def test_both_sides_have_code_for_every_entry_and_no_other() -> None:
    for side in natives().values():
        mine = {id for id, native in side.items() if isinstance(native, OptimizerNative)}
        assert mine == set(BY_ID)


LEFT_OUT = {
    "differentiable": "records the step for autograd, and changes nothing in it",
    "capturable": "for CUDA graphs; refused on a CPU",
}
OFFERED = {
    torch.optim.SGD: torch_sgd,
    torch.optim.Adam: torch_adam,
    torch.optim.AdamW: torch_adam,
    torch.optim.RMSprop: torch_rmsprop,
    optax.sgd: jax_sgd,
    optax.adam: jax_adam,
    optax.adamw: jax_adam,
    optax.rmsprop: jax_rmsprop,
}


def keywords_used(module: ModuleType, *names: str) -> set[str]:
    """Keywords in a module's calls of functions of these names."""
    calls = [
        node
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call)
    ]
    return {
        keyword.arg
        for call in calls
        for keyword in call.keywords
        if keyword.arg and getattr(call.func, "attr", getattr(call.func, "id", "")) in names
    }


@pytest.mark.parametrize("function", OFFERED, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_every_option_that_a_framework_offers_is_in_the_ledger(function: Any) -> None:
    name, module = function.__name__, OFFERED[function]
    offered = set(inspect.signature(function).parameters) - {"params", "learning_rate"}
    # AdamW is Adam but for its decay: the options of both are tried on Adam.
    used = keywords_used(module, name, name.removesuffix("W").removesuffix("w"))
    assert offered - used - set(LEFT_OUT) == set()
    assert not used & set(LEFT_OUT)


@pytest.mark.parametrize("family", ["sgd", "schedule", "adam", "rmsprop"])
def test_the_rules_of_a_family_are_told_apart(family: str) -> None:
    entries = [e for e in ENTRIES if e.family == family and e.course is COURSE and not e.initial]
    for entry in entries:
        record = follow(entry.id)
        assert check(record, entry.rule, COURSE, "float64", {}).parting is None
        for other in entries:
            if other.rule == entry.rule or "coarse" in other.id:
                continue  # what is rounded to bfloat16 may be anything near
            try:
                found = check(record, other.rule, COURSE, "float64", {}).parting
            except KeyError:
                continue  # it needs state that was not kept
            assert found is not None, (entry.id, other.id)


def test_a_wrong_number_is_named_by_step_and_element() -> None:
    entry = BY_ID["sgd-momentum"]
    sound = follow(entry.id)
    for name in ("w", "b", "velocity w"):
        wrong = {key: values.copy() for key, values in sound.items()}
        place = (31, *(0,) * (wrong[name].ndim - 1))
        wrong[name][place] *= 1 + 1e-14
        found = check(wrong, entry.rule, COURSE, "float64", {}).parting
        assert found is not None
        assert found.step == 30
        assert found.element.startswith(name)
    wrong = {key: values.copy() for key, values in sound.items()}
    wrong["velocity w"][0] = 1.0
    found = check(wrong, entry.rule, COURSE, "float64", {}).parting
    assert found is not None
    assert "before the first step" in str(found)


def test_a_record_of_the_wrong_precision_fails() -> None:
    entry = BY_ID["sgd-plain"]
    found = check(follow("sgd-plain", "float32"), entry.rule, COURSE, "float64", {}).parting
    assert "float32(50, 4) instead of float64" in str(found)


OPTIONS = st.fixed_dictionaries(
    {
        "learning_rate": st.floats(1e-4, 1.0),
        "momentum": st.sampled_from([0.0, 0.5, 0.9, 0.999]),
        "weight_decay": st.sampled_from([0.0, 1e-4, 0.3]),
        "decoupled": st.booleans(),
        "nesterov": st.booleans(),
        "maximize": st.booleans(),
    }
)


@settings(max_examples=60)
@given(OPTIONS, st.sampled_from(["float32", "float64"]), st.integers(0, 2**32 - 1))
def test_the_bound_holds_for_sgd_written_by_hand(
    options: dict[str, Any], dtype: str, seed: int
) -> None:
    # In the working precision and in another order of operations than the rule's.
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).type
    scale = 10.0 ** rng.uniform(-6, 6, (20, 1))
    w = (rng.standard_normal(5) * scale[0]).astype(np.float32).astype(np.float64)
    g = (rng.standard_normal((20, 5)) * scale).astype(np.float32).astype(np.float64)
    course = replace(COURSE, start={"w": w}, gradients={"w": g}, used={"w": np.ones(20, bool)})
    h, mu, decay = (kind(options[k]) for k in ("learning_rate", "momentum", "weight_decay"))
    p, v = w.astype(dtype), np.zeros(5, dtype)
    path, velocities = [p], [v]
    for gradient in g.astype(dtype):
        direction = -gradient if options["maximize"] else gradient
        if not options["decoupled"]:
            direction = direction + decay * p
        else:
            p = p * (kind(1) - h * decay)
        if mu:
            v = mu * v + direction
            direction = mu * v + direction if options["nesterov"] else v
        p = p - direction * h
        path.append(p)
        velocities.append(v)
    record = {"w": np.stack(path), "velocity w": np.stack(velocities)}
    if not mu:
        del record["velocity w"]
    found = check(record, SGD(**options), course, dtype, {})
    assert found.parting is None
    assert found.ratio <= 1


@settings(max_examples=30)
@given(st.sampled_from(["float32", "float64"]), st.floats(1e-8, 1e-2), st.integers(0, 2**32 - 1))
def test_the_bound_holds_for_adam_and_rmsprop_written_by_hand(
    dtype: str, eps: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).type
    g = rng.standard_normal((20, 5)) * 10.0 ** rng.uniform(-3, 3, (20, 1))
    g = g.astype(np.float32).astype(np.float64)
    course = replace(
        COURSE, start={"w": np.ones(5)}, gradients={"w": g}, used={"w": np.ones(20, bool)}
    )
    p = q = np.ones(5, dtype)
    m, v, u = (np.zeros(5, dtype) for _ in range(3))
    adam: dict[str, list[Any]] = {"w": [p], "first w": [m], "second w": [v]}
    rmsprop: dict[str, list[Any]] = {"w": [q], "second w": [u]}
    for t, gradient in enumerate(g.astype(dtype), start=1):
        m = m + kind(1 - 0.9) * (gradient - m)
        v = kind(0.999) * v + (kind(1 - 0.999) * gradient) * gradient
        root = np.sqrt(v) / np.sqrt(kind(1 - 0.999**t))
        p = p - kind(0.1 / (1 - 0.9**t)) * (m / (root + kind(eps)))
        u = u + kind(1 - 0.9) * (gradient * gradient - u)
        q = q - kind(0.1) * gradient / (np.sqrt(u) + kind(eps))
        for record, values in ((adam, (p, m, v)), (rmsprop, (q, u))):
            for key, value in zip(record, values, strict=True):
                record[key].append(value)
    for rule, record in (
        (Adam(learning_rate=0.1, eps=eps), adam),
        (RMSprop(learning_rate=0.1, eps=eps), rmsprop),
    ):
        stacked = {key: np.stack(values) for key, values in record.items()}
        found = check(stacked, rule, course, dtype, {})
        assert found.parting is None, found.parting


def torch_sgd_of(options: dict[str, Any]) -> Callable[[list[torch.Tensor]], TorchLoop]:
    """Any combination of options, as a loop of PyTorch."""

    def make(params: list[torch.Tensor]) -> TorchLoop:
        decoupled = options["decay"] == "decoupled"
        optimizer = torch.optim.SGD(
            params,
            lr=0.1,
            momentum=options["momentum"],
            dampening=options["dampening"],
            nesterov=options["nesterov"],
            weight_decay=0.1 if options["decay"] == "coupled" else 0.0,
            maximize=options["maximize"],
        )

        def before() -> None:
            if options["clip"] == "norm":
                torch.nn.utils.clip_grad_norm_(params, 1.0)
            if options["clip"] == "value":
                torch.nn.utils.clip_grad_value_(params, 0.5)
            if decoupled:
                with torch.no_grad():
                    for p in params:
                        p.mul_(1 - 0.1 * 0.1)

        return TorchLoop(optimizer, before=before)

    return make


def clip_as_pytorch_does(grads: Any, params: Any) -> Any:
    factor = jnp.minimum(1.0, 1.0 / (optax.tree.norm(grads) + 1e-6))
    return jax.tree.map(lambda g: factor * g, grads)


def chain_of(options: dict[str, Any]) -> Callable[[], JaxLoop]:
    """The same combination as a chain of optax: one order fits all."""

    def make() -> JaxLoop:
        links = []
        if options["clip"] == "norm":
            links.append(optax.stateless(clip_as_pytorch_does))
        if options["clip"] == "value":
            links.append(optax.clip(0.5))
        if options["maximize"]:
            links.append(optax.scale(-1.0))
        if options["decay"] == "coupled":
            links.append(optax.add_decayed_weights(0.1))
        if options["dampening"]:
            share = 1 - options["dampening"]
            links.append(optax.scale_by_schedule(lambda k: jnp.where(k == 0, 1.0, share)))
        if options["momentum"]:
            links.append(optax.trace(options["momentum"], nesterov=options["nesterov"]))
        if options["decay"] == "decoupled":
            links.append(optax.add_decayed_weights(0.1))
        return JaxLoop(optax.chain(*links, optax.scale_by_learning_rate(0.1)))

    return make


COMBINATIONS = [
    {**momentum, "decay": decay, "clip": clip, "maximize": maximize}
    for momentum, decay, clip, maximize in itertools.product(
        (
            {"momentum": 0.0, "dampening": 0.0, "nesterov": False},
            {"momentum": 0.9, "dampening": 0.0, "nesterov": False},
            {"momentum": 0.9, "dampening": 0.5, "nesterov": False},
            {"momentum": 0.9, "dampening": 0.0, "nesterov": True},
        ),
        ("none", "coupled", "decoupled"),
        ("none", "norm", "value"),
        (False, True),
    )
]


def rule_of(options: dict[str, Any]) -> Rule:
    clips: dict[str, Callable[..., Any]] = {
        "none": lambda g: g,
        "norm": lambda g: clip_by_norm(g, largest=1.0, eps=1e-6),
        "value": lambda g: clip_by_value(g, largest=0.5),
    }
    return SGD(
        learning_rate=0.1,
        momentum=options["momentum"],
        dampening=options["dampening"],
        nesterov=options["nesterov"],
        weight_decay=0.0 if options["decay"] == "none" else 0.1,
        decoupled=options["decay"] == "decoupled",
        maximize=options["maximize"],
        clip=clips[options["clip"]],
    )


def test_pytorch_takes_the_step_of_the_rule_for_all_combinations() -> None:
    backend = samestep.backend("torch", dtype="float64")
    for options in COMBINATIONS:
        record = follow_torch(backend, torch_sgd_of(options), COURSE)
        assert check(record, rule_of(options), COURSE, "float64", {}).parting is None, options


def test_one_chain_takes_the_step_of_the_rule_for_all_combinations() -> None:
    backend = samestep.backend("jax", dtype="float64")
    start = replace(  # ten steps, and no compilation: there are 72 combinations
        COURSE,
        gradients={name: g[:10] for name, g in COURSE.gradients.items()},
        used={name: used[:10] for name, used in COURSE.used.items()},
    )
    with jax.disable_jit():
        for options in COMBINATIONS:
            record = follow_jax(backend, chain_of(options), start)
            assert check(record, rule_of(options), start, "float64", {}).parting is None, options


def test_what_is_not_proven_says_why() -> None:
    entry = BY_ID["sgd-dampening"]
    sound = codes(entry.id)
    lookalike = sound["jax"].lookalike
    assert lookalike is not None

    def page(entry: OptimizerEntry = entry, **changes: Any) -> OptimizerPage:
        natives = {**sound, "jax": replace(sound["jax"], **changes)}
        return OptimizerPage(entry, prove_update(entry, natives))

    assert page().verdict is Verdict.CONVERTED
    for wrong, why in (
        (page(call=lookalike.call), "w[0] after step 0"),
        (page(lookalike=Lookalike("the same", sound["jax"].call)), "changes nothing"),
        (page(replace(entry, instead=SGD(learning_rate=0.1))), "not what is said"),
        (page(call=lambda: JaxLoop(optax.adam("rate"))), "jax: "),
        (page(call=lambda: JaxLoop(optax.sgd(0.1))), "keeps no 'velocity'"),
    ):
        assert wrong.verdict is Verdict.NOT_PROVEN
        assert any(why in failure for failure in wrong.failures), wrong.failures
        assert "NOT PROVEN" in wrong.to_markdown()


def test_state_of_unused_parameters_is_recorded_as_zero_before_their_first_gradient() -> None:
    record = follow("sgd-unused-none")
    assert not record["velocity w"][:4].any()
    assert record["velocity w"][4].any()
    assert record["velocity b"][1].any()
    np.testing.assert_array_equal(record["w"][0], record["w"][3])
    assert not SOMETIMES_UNUSED.gradients["w"][~SOMETIMES_UNUSED.used["w"]].any()


def test_the_public_function_proves_what_is_asked_for(few: Ledger[OptimizerPage]) -> None:
    assert [page.entry.id for page in few.pages] == list(CHEAP)
    assert [page.verdict for page in few.pages] == [
        Verdict.SAME,
        Verdict.CONVERTED,
        Verdict.DIFFERENT,
    ]
    assert few.holds
    assert few["sgd-plain"].largest_ratio < 0.5
    data = json.loads(few.to_json())
    assert data["entries"][1]["sides"]["jax"]["lookalike"]["differs"]
    with pytest.raises(UsageError, match="Did you mean 'sgd-dampening'"):
        optimizers("sgd-damping")


@pytest.mark.parametrize("form", ["table", "markdown", "json", "page"])
def test_the_command_prints_and_keeps_the_table(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = CHEAP[1:2] if form == "page" else CHEAP
    status = show_optimizers(
        names,
        as_json=form == "json",
        markdown=form == "markdown",
        out=tmp_path,
        in_process=True,
    )
    assert status == 0
    printed = capsys.readouterr().out
    assert "sgd-dampening" in printed
    if form == "json":
        assert json.loads(printed)["counts"]["same"] == 1
    if form == "table":
        assert "3 entries: 1 same, 1 same after conversion" in printed
    if form == "page":
        assert "scale_by_schedule" in printed
        assert "takes another step" in printed
    kept = load_tables(tmp_path)["optimizers"]
    assert len(kept.rows) == len(names)
    assert "dampening" in kept.to_markdown()


# What the remarks say of the frameworks themselves; each in a few lines. One that is mended makes
# its test fail, and then the remark has to go.


def test_remark_schedules_of_optax_are_float32_in_double_precision() -> None:
    with jax.enable_x64(True):
        rate = optax.exponential_decay(0.1, 1, 0.9)(jnp.asarray(0, jnp.int32))
        assert rate.dtype == jnp.float32
        assert float(rate) != 0.1


def test_remark_a_coarse_velocity_of_optax_never_decays() -> None:
    optimizer = optax.sgd(0.1, momentum=0.999, accumulator_dtype=jnp.bfloat16)
    params = jnp.zeros(1)
    _, state = optimizer.update(jnp.ones(1), optimizer.init(params), params)
    for _ in range(100):
        _, state = optimizer.update(jnp.zeros(1), state, params)
    assert float(state[0].trace[0]) == 1.0  # 0.999^100 = 0.905


def test_remark_none_makes_optax_forget_a_velocity() -> None:
    optimizer = optax.sgd(0.1, momentum=0.9)
    params = {"a": jnp.ones(1)}
    _, state = optimizer.update({"a": jnp.ones(1)}, optimizer.init(params), params)
    _, state = optimizer.update({"a": None}, state, params)
    with pytest.raises(TypeError):
        optimizer.update({"a": jnp.ones(1)}, state, params)


def test_remark_adam_of_optax_rounds_its_correction_in_early_steps() -> None:
    optimizer = optax.adam(0.1, eps=0.0)
    params = jnp.zeros(1)
    step, _ = optimizer.update(jnp.ones(1), optimizer.init(params), params)
    assert 3e-6 < abs(float(step[0]) / -0.1 - 1) < 1e-5  # 1 would be exact
    p = torch.zeros(1, requires_grad=True)
    p.grad = torch.ones(1)
    torch.optim.Adam([p], lr=0.1, eps=0.0).step()
    assert abs(p.item() / -0.1 - 1) < 3e-7


def test_remark_nadam_of_pytorch_is_float32_in_double_precision() -> None:
    p = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.NAdam([p], lr=0.1)
    p.grad = torch.ones(1, dtype=torch.float64)
    optimizer.step()
    assert optimizer.state[p]["mu_product"].dtype == torch.float32


def test_remark_centred_rmsprop_of_pytorch_becomes_nan_under_constant_gradients() -> None:
    p = torch.zeros(8, requires_grad=True)
    optimizer = torch.optim.RMSprop([p], lr=0.01, alpha=0.9, centered=True)
    p.grad = torch.linspace(0.1, 5, 8)
    for _ in range(200):
        optimizer.step()
    assert torch.isnan(p).any()


def test_remark_nesterov_and_dampening_are_refused_together() -> None:
    with pytest.raises(ValueError, match="dampening"):
        torch.optim.SGD([torch.zeros(1)], lr=0.1, momentum=0.9, nesterov=True, dampening=0.5)
