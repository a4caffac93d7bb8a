"""Functions that are put together from smooth pieces, at their joints."""

import torch
import torch.nn.functional as F

from samestep.probes import Natives

native = Natives()


@native
def relu_at_0() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    torch.relu(x).backward()
    return x.grad


@native
def clip_at_bound() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    torch.clip(x, 0, 1).backward()
    return x.grad


@native
def huber_at_joint() -> object:
    x = torch.tensor(1.0, requires_grad=True)
    F.huber_loss(x, torch.tensor(0.0), delta=1.0).backward()
    return x.grad
