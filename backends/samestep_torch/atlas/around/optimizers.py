"""Optimizers: defaults, and where epsilon stands."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def adam_first_step() -> object:
    p = torch.tensor(0.0, requires_grad=True)
    optimizer = torch.optim.Adam([p], lr=0.1)
    p.grad = torch.tensor(1.0)
    optimizer.step()
    return p.detach()


@native
def adam_epsilon() -> object:
    p = torch.tensor(0.0, requires_grad=True)
    optimizer = torch.optim.Adam([p], lr=0.1, betas=(0.5, 0.75))
    p.grad = torch.tensor(1e-8)
    optimizer.step()
    return p.detach()


@native
def adamw_default_decay() -> object:
    p = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.AdamW([p], lr=0.1)
    p.grad = torch.tensor(0.0)
    optimizer.step()
    return p.detach()


@native
def rmsprop_first_step() -> object:
    p = torch.tensor(0.0, requires_grad=True)
    optimizer = torch.optim.RMSprop([p], lr=0.1)
    p.grad = torch.tensor(1.0)
    optimizer.step()
    return p.detach()


@native
def rmsprop_epsilon() -> object:
    p = torch.tensor(0.0, requires_grad=True)
    optimizer = torch.optim.RMSprop([p], lr=0.1, alpha=0.75, eps=0.5)
    p.grad = torch.tensor(1.0)
    optimizer.step()
    return p.detach()
