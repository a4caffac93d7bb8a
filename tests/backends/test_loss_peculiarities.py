"""What the catalogue of losses remarks about single losses is so, today."""

from __future__ import annotations

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from torch import Tensor, nn

Slope = float


def slope(loss: nn.Module, x: float, y: float, dtype: torch.dtype = torch.float32) -> Slope:
    variable = torch.tensor([x], dtype=dtype, requires_grad=True)
    loss(variable, torch.tensor([y], dtype=dtype)).backward()
    assert variable.grad is not None
    return float(variable.grad)


def test_huber_of_optax_computes_small_slopes_as_differences_from_delta() -> None:
    derivative = jax.grad(lambda r, delta: optax.losses.huber_loss(r, delta=delta))
    assert derivative(1e-8, 1.0) == 0
    assert derivative(1e-4, 1e4) == 0
    assert abs(derivative(1e-4, 1.0) / 1e-4 - 1) > 1e-4
    assert slope(nn.HuberLoss(), 1e-8, 0.0) == pytest.approx(1e-8)


def test_cross_entropy_with_indices_subtracts_large_logits_in_optax() -> None:
    equal = jnp.array([1e8, 1e8])
    assert optax.losses.softmax_cross_entropy_with_integer_labels(equal, 0) == 0
    exact = pytest.approx(np.log(2), rel=1e-6)
    assert optax.losses.softmax_cross_entropy(equal, jnp.array([1.0, 0.0])) == exact
    assert nn.CrossEntropyLoss()(torch.tensor([[1e8, 1e8]]), torch.tensor([0])).item() == exact


def test_labels_out_of_range_are_nan_or_the_last_class_in_optax() -> None:
    loss = optax.losses.softmax_cross_entropy_with_integer_labels
    logits = jnp.array([1.0, 2.0, 4.0])
    assert np.isnan(loss(logits, -100))
    assert np.isnan(loss(logits, 3))
    assert loss(logits, -1) == loss(logits, 2)
    with pytest.raises(IndexError):
        nn.CrossEntropyLoss()(torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([-1]))


def test_logits_lose_the_digits_of_a_small_loss_in_torch() -> None:
    assert slope(nn.BCEWithLogitsLoss(), 20.0, 1.0) == 0
    assert nn.BCEWithLogitsLoss()(torch.tensor([-20.0]), torch.tensor([0.0])).item() == 0
    value, derivative = jax.value_and_grad(optax.losses.sigmoid_binary_cross_entropy)(20.0, 1.0)
    assert value == pytest.approx(np.exp(-20), rel=1e-6)
    assert derivative == pytest.approx(-np.exp(-20), rel=1e-6)


def test_gradient_of_probabilities_is_not_the_derivative_near_the_ends_in_torch() -> None:
    steep = slope(nn.BCELoss(), 1e-15, 1.0, torch.float64)  # of -log(p), so -1e15
    assert steep == pytest.approx(-1e12)
    assert slope(nn.BCELoss(), 1e-30, 0.0) == pytest.approx(1e-18)  # of -log(1 - p), so 1


def test_soft_margin_overflows_in_torch() -> None:
    loss = nn.SoftMarginLoss()
    assert loss(torch.tensor([89.0]), torch.tensor([-1.0])).item() == np.inf
    assert np.isnan(slope(loss, 89.0, -1.0))
    assert slope(loss, 88.0, -1.0) == 1


def test_norm_degree_of_optax_raises_signed_differences_to_a_power() -> None:
    anchor, positive, negative = jnp.zeros((1, 2)), jnp.full((1, 2), 3.0), jnp.ones((1, 2))
    by_degree = {
        p: float(optax.losses.triplet_margin_loss(anchor, positive, negative, norm_degree=p)[0])
        for p in (1, 2, 3)
    }
    assert by_degree[1] == 0  # |a - p| - |a - n| + 1 is 5
    assert by_degree[2] == pytest.approx(2 * np.sqrt(2) + 1, rel=1e-5)
    assert np.isnan(by_degree[3])


def test_dice_of_probabilities_can_be_neither_binary_nor_compiled_in_optax() -> None:
    half = jnp.full((1, 4), 0.5)
    with pytest.raises(ValueError, match="sum to 1 along the class axis"):
        optax.losses.binary_dice_loss(half, jnp.ones((1, 4)), apply_sigmoid=False)
    two = jnp.full((1, 4, 2), 0.5)
    dice = lambda p: optax.losses.dice_loss(p, two, apply_softmax=False)  # noqa: E731
    assert dice(two).shape == (1,)
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jax.jit(dice)(two)


def test_an_absent_class_outweighs_all_others_in_generalized_dice() -> None:
    target = jax.nn.one_hot(jnp.array([[0, 0, 0, 1]]), 3)

    def loss(logits: jax.Array) -> jax.Array:
        return optax.losses.multiclass_generalized_dice_loss(logits, target)

    # Right or wrong about the classes that are there: it is the same, to six digits.
    right, wrong = jnp.log(target[..., :2] + 1e-9), jnp.log(1 - target[..., :2] + 1e-9)
    absent = jnp.full((1, 4, 1), -9.0)
    values = [float(loss(jnp.concatenate([x, absent], -1))) for x in (right, wrong)]
    assert values[0] == pytest.approx(values[1], rel=1e-3)


def ctc(log_p: Tensor) -> Tensor:
    lengths = torch.tensor([4]), torch.tensor([2])
    return nn.CTCLoss(reduction="sum")(log_p, torch.tensor([[1, 2]]), *lengths)


def test_gradient_by_log_probabilities_is_that_of_logits_in_ctc() -> None:
    drawn = torch.tensor(np.random.default_rng(0).normal(size=(4, 1, 3)))
    log_p = drawn.log_softmax(-1).requires_grad_()
    assert not torch.autograd.gradcheck(ctc, log_p, raise_exception=False)
    assert torch.autograd.gradcheck(lambda z: ctc(z.log_softmax(-1)), log_p)


def test_an_infeasible_alignment_has_a_finite_loss_and_a_gradient_in_optax() -> None:
    def loss(logits: jax.Array) -> jax.Array:
        padding = jnp.zeros((1, 2))
        return optax.losses.ctc_loss(logits, padding, jnp.array([[1, 1]]), padding).sum()

    value, gradient = jax.value_and_grad(loss)(jnp.zeros((1, 2, 3)))
    assert value == pytest.approx(1e5, rel=1e-4)
    assert abs(gradient).max() > 0.3


def test_log_cosh_of_a_small_residual_is_zero() -> None:
    assert optax.losses.log_cosh(jnp.float32(1e-4)) == 0  # r^2 / 2 is 5e-9


def test_the_constant_of_cosine_embedding_is_that_of_float32() -> None:
    """At a zero vector the gradient is b / sqrt(eps |b|^2); eps = 1e-12 would give 1e6."""
    a = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    b, y = torch.ones(1, 1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    nn.CosineEmbeddingLoss()(a, b, y).backward()
    assert a.grad is not None
    assert float(a.grad) == pytest.approx(-1 / np.sqrt(float(np.float32(1e-12))), rel=1e-11)
    assert float(a.grad) != pytest.approx(-1e6, rel=1e-9)


def test_mean_of_divergences_is_announced_to_change_in_torch() -> None:
    q, p = torch.zeros(2, 3), torch.full((2, 3), 0.25)
    with pytest.warns(UserWarning, match="'mean' will be changed"):
        mean = nn.KLDivLoss(reduction="mean")(q, p)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert nn.KLDivLoss(reduction="batchmean")(q, p).item() == pytest.approx(3 * mean.item())
