"""The PyTorch side of a port: it repeats PyTorch's own steps, and refuses what nobody can match."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from samestep_torch.port import Side
from samestep_torch.threads import one_thread
from torch import nn
from torch.nn import functional

from samestep.errors import UsageError
from samestep.port import Batch, State
from samestep.port.rules import apply_rule

X, Y = np.random.default_rng(0).normal(size=(2, 6, 4))
BATCH = Batch.of((X, Y))


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 4))


def side(
    module: nn.Module,
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.SGD,
    **options: Any,
) -> Side:
    made = optimizer(module.parameters(), **{"lr": 0.1, **options})
    return Side(module, functional.mse_loss, made)


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (torch.optim.SGD, {}),
        (torch.optim.SGD, {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
        (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "maximize": True}),
        (torch.optim.Adam, {"weight_decay": 0.1}),
        (torch.optim.Adam, {"amsgrad": True, "betas": (0.8, 0.95), "eps": 1e-3}),
        (torch.optim.AdamW, {"weight_decay": 0.1}),
    ],
)
@one_thread()  # as the side: the number of threads changes last bits
def test_three_steps_are_those_of_pytorch_and_of_the_written_out_rule(
    optimizer: Callable[..., torch.optim.Optimizer], options: dict[str, Any]
) -> None:
    module = model().double()
    checked = side(module, optimizer, **options)
    own = optimizer(module.parameters(), **{"lr": 0.1, **options})
    state = checked.state()
    for _ in range(3):
        own.zero_grad()
        functional.mse_loss(module(torch.tensor(X)), torch.tensor(Y)).backward()
        own.step()
        done = checked.run(state, BATCH, "float64")
        new = checked.update(state, done.gradients, "float64")
        for name, p in module.named_parameters():
            assert np.allclose(new.params[name], p.detach().numpy(), rtol=1e-14, atol=1e-15)
            slots = {slot: arrays[name] for slot, arrays in state.slots.items()}
            rule = checked.rules(state.count)[name]
            written, kept = apply_rule(
                rule, state.params[name], done.gradients[name], slots, state.count
            )
            assert np.allclose(new.params[name], written, rtol=1e-13, atol=1e-15)
            for slot, array in kept.items():
                assert np.allclose(new.slots[slot][name], array, rtol=1e-13, atol=1e-16)
        for name, b in module.named_buffers():
            if "running" in name:
                assert np.allclose(done.statistics[name], b.numpy(), rtol=1e-14)
        state = State(new.params, done.statistics, new.slots, new.count)
    assert state.count == 3


def test_the_users_objects_stay_as_they_are() -> None:
    module = model()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    optimizer = torch.optim.Adam(module.parameters())
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    checked = Side(module, functional.mse_loss, optimizer, scheduler)
    done = checked.run(checked.state(), BATCH, "float32")
    checked.update(checked.state(), done.gradients, "float32")
    assert checked.rules(3)["0.weight"].learning_rate == 1e-3 / 8
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not optimizer.state
    assert scheduler.last_epoch == 0
    assert all(p.grad is None for p in module.parameters())


def test_a_trained_optimizer_is_where_the_check_starts() -> None:
    module = model()
    optimizer = torch.optim.Adam(module.parameters())
    for _ in range(2):
        module(torch.ones(6, 4)).square().sum().backward()
        optimizer.step()
    state = Side(module, functional.mse_loss, optimizer).state()
    kept = optimizer.state[module[0].weight]["exp_avg"]  # type: ignore[index]
    assert state.count == 2
    assert np.array_equal(state.slots["first_moment"]["0.weight"], kept.double().numpy())


def test_constants_keep_their_value_in_every_precision() -> None:
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)
            self.register_buffer("shift", torch.full((4,), 0.1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(x) + self.get_buffer("shift")

    checked = side(Shifted())
    wide = checked.run(checked.state(), BATCH, "float64").output
    checked.run(checked.state(), BATCH, "bfloat16")
    assert np.array_equal(checked.run(checked.state(), BATCH, "float64").output, wide)


def test_activations_come_in_the_order_of_the_calls() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.second, self.first = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.first(self.second(self.first(x)))

    done = side(Twice()).run(side(Twice()).state(), BATCH, "float32")
    assert list(done.activations) == ["first", "second", "first#2"]
    assert np.array_equal(done.inputs["second"][0], done.activations["first"])


def test_a_cast_in_the_model_is_noticed() -> None:
    class Narrow(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
            return super().forward(input).float()

    checked = side(Narrow(4, 4))
    done = checked.run(checked.state(), BATCH, "float64")
    assert "float32" in done.dtypes


def test_dropout_is_switched_off_and_said() -> None:
    class Dropping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.drop = nn.Linear(4, 4), nn.Dropout(0.5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return functional.dropout(self.drop(self.fc(x)), 0.5)

    module = Dropping()
    checked = side(module)
    done = checked.run(checked.state(), BATCH, "float32")
    assert np.array_equal(done.output, done.activations["fc"])
    assert checked.notes == ["Dropout was switched off in drop of the PyTorch side."]
    assert module.drop.p == 0.5


def test_other_randomness_is_refused_by_name() -> None:
    class Noisy(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
            return super().forward(input) + torch.randn(4)

    checked = side(Noisy(4, 4))
    with pytest.raises(UsageError, match="PyTorch side draws random numbers: randn"):
        checked.run(checked.state(), BATCH, "float32")


def test_parameters_that_are_not_trained_have_no_gradient() -> None:
    module = model()
    for p in module[0].parameters():  # type: ignore[index]
        p.requires_grad_(requires_grad=False)
    checked = side(module, weight_decay=0.1)
    state = checked.state()
    done = checked.run(state, BATCH, "float32")
    assert not any(name.startswith("0.") for name in done.gradients)
    new = checked.update(state, done.gradients, "float32")
    assert np.array_equal(new.params["0.weight"], state.params["0.weight"])


def test_what_is_given_must_fit() -> None:
    module = model()
    good = torch.optim.SGD(module.parameters(), lr=0.1)
    with pytest.raises(UsageError, match="was given a str as its module"):
        Side("model", functional.mse_loss, good)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="is a RMSprop, which the port check does not know"):
        Side(module, functional.mse_loss, torch.optim.RMSprop(module.parameters()))
    with pytest.raises(UsageError, match="parameters that its module does not have"):
        Side(model(), functional.mse_loss, good)
    module[0].half()  # type: ignore[index]
    with pytest.raises(UsageError, match="several dtypes: float16, float32"):
        side(module)
    with pytest.raises(UsageError, match="several devices: cpu, meta"):
        side(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, device="meta")))


def test_a_model_that_fails_is_one_message() -> None:
    checked = side(model())
    with pytest.raises(UsageError, match="PyTorch side fails in float32: RuntimeError"):
        checked.run(checked.state(), Batch.of((X[:, :2], Y)), "float32")
    module = model()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    unreduced = Side(module, lambda output, target: (output - target) ** 2, optimizer)
    with pytest.raises(UsageError, match=r"returned \(6, 4\) where a scalar was expected"):
        unreduced.run(unreduced.state(), BATCH, "float32")
