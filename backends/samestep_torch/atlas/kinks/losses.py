"""Losses at their joints, at certain predictions and at impossible classes."""

import torch
import torch.nn.functional as F

from samestep.probes import Natives

native = Natives()


@native
def smooth_l1_at_joint() -> object:
    r = torch.tensor(0.5, requires_grad=True)
    F.smooth_l1_loss(r, torch.tensor(0.0), beta=0.5).backward()
    return r.grad


@native
def hinge_at_margin() -> object:
    x = torch.tensor(1.0, requires_grad=True)
    F.hinge_embedding_loss(x, torch.tensor(-1.0), margin=1.0).backward()  # max(0, margin - x)
    return x.grad


@native
def cross_entropy_masked_class() -> object:
    logits = torch.tensor([-torch.inf, 0.0], requires_grad=True)
    F.cross_entropy(logits, torch.tensor(1)).backward()
    return logits.grad


@native
def cross_entropy_masked_one_hot() -> object:
    logits = torch.tensor([-torch.inf, 0.0], requires_grad=True)
    loss = F.cross_entropy(logits, torch.tensor([0.0, 1.0]))
    loss.backward()
    return {"loss": loss, "gradient": logits.grad}


@native
def bce_certain_and_wrong() -> object:
    p = torch.tensor(0.0, requires_grad=True)
    F.binary_cross_entropy(p, torch.tensor(1.0)).backward()
    return p.grad


@native
def bce_certain_and_right() -> object:
    p = torch.tensor(0.0, requires_grad=True)
    F.binary_cross_entropy(p, torch.tensor(0.0)).backward()
    return p.grad


@native
def kl_of_zero_target() -> object:
    target = torch.tensor([0.0, 1.0], requires_grad=True)
    log_prediction = torch.log(torch.tensor([0.5, 0.5]))
    F.kl_div(log_prediction, target, reduction="sum").backward()
    return target.grad


@native
def softmax_all_masked() -> object:
    logits = torch.tensor([-torch.inf, -torch.inf], requires_grad=True)
    torch.softmax(logits, dim=0)[0].backward()
    return logits.grad
