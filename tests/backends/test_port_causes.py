"""Ports that are broken: the fault is located and explained, with the line of evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
import pytest
import samestep_jax.port
import samestep_torch.port
import torch
from port_models import batches, linear_params, linear_sides, plain_side, squared_error, torch_side

from samestep.port import PortResult, port_check

COSINE = optax.cosine_decay_schedule(0.01, 10)


def cosine(optimizer: torch.optim.Optimizer) -> Any:
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)


@pytest.fixture(scope="module")
def original() -> Any:
    return torch_side()


Cause = tuple[str, str, str]


def found(result: PortResult) -> Cause:
    assert result.first is not None
    causes = [cause.id for cause in result.causes]
    return result.first.quantity.kind, result.first.quantity.name, causes[0] if causes else ""


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"epsilon": 1e-6}, ("activation", "norm", "epsilon")),
        ({"approximate": True}, ("activation", "act", "gelu")),
        ({"bias": False}, ("activation", "fc2", "missing-bias")),
    ],
)
def test_a_fault_of_the_model_is_located_and_explained(
    fault: dict[str, Any], expected: Cause, original: Any
) -> None:
    result = port_check(original, plain_side(**fault), batches(1))
    assert found(result) == expected
    text = str(result)
    assert f"step 0, activation {expected[1]}" in text
    assert "evidence: with this in the torch side" in text
    assert "to mend it" in text


@pytest.mark.parametrize(
    ("mine", "theirs", "cause"),
    [
        (
            (torch.optim.AdamW, {"weight_decay": 0.1}),
            optax.chain(optax.add_decayed_weights(0.1), optax.adam(0.01)),
            "weight-decay-coupling",
        ),
        ((torch.optim.AdamW, {"weight_decay": 0.1}), optax.adamw(0.01), "weight-decay"),
        (
            (torch.optim.AdamW, {"weight_decay": 0.1}),
            optax.adamw(
                0.01, weight_decay=0.1, mask=lambda p: jax.tree.map(lambda x: x.ndim > 1, p)
            ),
            "weight-decay-scope",
        ),
        ((torch.optim.Adam, {}), optax.adam(0.01, eps=0, eps_root=1e-8), "adam-epsilon"),
        (
            (torch.optim.Adam, {"schedule": cosine}),
            optax.adam(lambda count: COSINE(count + 1)),
            "schedule-off-by-one",
        ),
        (
            (torch.optim.SGD, {"momentum": 0.9}),
            optax.sgd(0.01, momentum=0.9, nesterov=True),
            "nesterov",
        ),
    ],
)
def test_a_fault_of_the_optimizer_is_explained(
    mine: tuple[Callable[..., Any], dict[str, Any]],
    theirs: optax.GradientTransformation,
    cause: str,
) -> None:
    optimizer, options = mine
    result = port_check(*linear_sides(optimizer, theirs, **options), batches(1))
    kind, _, likeliest = found(result)
    assert likeliest == cause
    assert kind in ("update", "momentum", "first_moment")


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ((torch.optim.AdamW, {"weight_decay": 0.1}), optax.adamw(0.01, weight_decay=0.1)),
        (
            (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
            optax.chain(
                optax.add_decayed_weights(0.1), optax.sgd(0.01, momentum=0.9, nesterov=True)
            ),
        ),
        ((torch.optim.Adam, {"schedule": cosine}), optax.adam(COSINE)),
    ],
)
def test_faithful_optimizers_agree(
    mine: tuple[Callable[..., Any], dict[str, Any]], theirs: optax.GradientTransformation
) -> None:
    optimizer, options = mine
    result = port_check(*linear_sides(optimizer, theirs, **options), batches(3))
    assert result.holds, str(result)


def test_an_optimizer_that_starts_elsewhere_is_named() -> None:
    optimizer = optax.adam(0.01)
    state = jax.tree.map(lambda x: x + 1, optimizer.init(linear_params()))
    sides = linear_sides(torch.optim.Adam, optimizer, optimizer_state=state)
    result = port_check(*sides, batches(1))
    assert {d.finding.quantity.kind for d in result.divergences} == {"initial first_moment"}
    assert result.causes[0].id == "initial-optimizer-state"
    assert "has taken 1 steps, where the original's has taken 0" in str(result)


def test_an_own_conversion_that_forgets_to_transpose_is_named() -> None:
    torch.manual_seed(0)
    module = torch.nn.Linear(4, 4)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    original = samestep_torch.port.Side(module, torch.nn.functional.mse_loss, optimizer)
    wrong = {"kernel": module.weight.detach().numpy(), "bias": module.bias.detach().numpy()}
    port = samestep_jax.port.Side(
        lambda p, x: x @ p["kernel"] + p["bias"],
        wrong,
        squared_error,
        optax.sgd(0.1),
    )
    mapping = {"weight": ("kernel", "out in -> in out")}
    rng = np.random.default_rng(0)
    given = [(rng.normal(size=(5, 4)), rng.normal(size=(5, 4)))]
    result = port_check(original, port, given, mapping=mapping, parameters="own")
    assert found(result) == ("initial parameter", "weight", "transposed-kernel")
    assert port_check(original, port, given, mapping=mapping).holds
