"""Losses: shapes that broadcast, labels out of range, and how much is averaged."""

import torch
import torch.nn.functional as F

from samestep.probes import Natives

native = Natives()


@native
def broadcast_in_shipped_loss() -> object:
    prediction = torch.tensor([[1.0], [2.0], [3.0]])
    return F.mse_loss(prediction, torch.tensor([1.0, 2.0, 3.0]))


@native
def label_too_large() -> object:
    return F.cross_entropy(torch.zeros(1, 3), torch.tensor([3]))


@native
def label_minus_one() -> object:
    return F.cross_entropy(torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([-1]))


@native
def label_to_ignore() -> object:
    return F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, -100]))


@native
def plus_minus_one_labels() -> object:
    return F.binary_cross_entropy_with_logits(torch.tensor(2.0), torch.tensor(-1.0))


@native
def squared_error_reduction() -> object:
    return F.mse_loss(torch.tensor([1.0, 3.0]), torch.zeros(2))


@native
def kl_divergence_reduction() -> object:
    p = torch.tensor([[0.25, 0.75]])
    q = torch.tensor([[0.5, 0.5]])
    return F.kl_div(q.log(), p)
