"""The port check on PyTorch and JAX: faithful ports agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import optax
import pytest
import torch
from port_models import SIDES, batches, linear_sides, plain_side, torch_side

from samestep.port import port_check


@pytest.fixture(scope="module")
def original() -> Any:
    return torch_side()


@pytest.mark.parametrize("kind", SIDES)
def test_a_faithful_port_takes_the_same_step(kind: str, original: Any) -> None:
    port = SIDES[kind]()
    for dtype in ("float32", "float64"):
        result = port_check(original, port, batches(), dtype=dtype)
        assert result.holds, str(result)
        assert {"fc1", "norm", "fc2"} <= {tap.original for tap in result.activations.pairs}
        seen = {row.quantity.kind for row in result.rows}
        assert {"activation", "output", "loss", "gradient", "update"} <= seen
        assert {"first_moment", "second_moment"} <= seen


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_precisions_are_judged_by_their_own_roundoff(dtype: str) -> None:
    sides = linear_sides(torch.optim.SGD, optax.sgd(0.01, 0.9), momentum=0.9)
    result = port_check(*sides, batches(), dtype=dtype)
    assert result.holds, str(result)
    own = [f for f in result.findings if f.own and f.quantity.kind == "output"]
    assert max(f.error for f in own) > 1e-4


def test_parameters_are_carried_there_and_back(original: Any) -> None:
    port = plain_side()
    pairing = port_check(original, port, batches(1)).parameters
    mine = original.state().params
    tree = port.loaded(pairing.to_port(mine))
    assert np.array_equal(tree["fc1"]["kernel"], mine["fc1.weight"].T.astype(np.float32))
    back = original.loaded(pairing.to_original(pairing.to_port(mine)))
    for name, value in back.named_parameters():
        assert np.array_equal(value.detach().numpy(), mine[name].astype(np.float32))
