"""Parameters that a loss does not depend on: their gradient, and what an optimizer makes of it."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def unused_parameter() -> object:
    a = torch.tensor(3.0, requires_grad=True)
    b = torch.tensor(1.0, requires_grad=True)
    (a * a).backward()
    return [a.grad, b.grad]


@native
def unused_argument() -> object:
    a = torch.tensor(3.0, requires_grad=True)
    b = torch.tensor(1.0, requires_grad=True)
    return torch.autograd.grad(a * a, [a, b])


@native
def unused_materialized() -> object:
    a = torch.tensor(3.0, requires_grad=True)
    b = torch.tensor(1.0, requires_grad=True)
    return torch.autograd.grad(a * a, [a, b], materialize_grads=True)


@native
def unused_momentum() -> object:
    p = torch.tensor(1.0, requires_grad=True)
    q = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([p, q], lr=0.1, momentum=0.9)
    for loss in (lambda: p + q, lambda: 1 * q):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return p.detach()


@native
def unused_momentum_zeros() -> object:
    p = torch.tensor(1.0, requires_grad=True)
    q = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([p, q], lr=0.1, momentum=0.9)
    for loss in (lambda: p + q, lambda: 1 * q):
        optimizer.zero_grad(set_to_none=False)
        loss().backward()
        optimizer.step()
    return p.detach()


@native
def unused_weight_decay() -> object:
    p = torch.tensor(1.0, requires_grad=True)
    q = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([p, q], lr=0.1, weight_decay=0.5)
    for loss in (lambda: p + q, lambda: 1 * q):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return p.detach()


@native
def unused_adam() -> object:
    p = torch.tensor(1.0, requires_grad=True)
    q = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.Adam([p, q], lr=0.1, betas=(0.5, 0.75))
    for loss in (lambda: p + q, lambda: 1 * q):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return p.detach()


@native
def frozen_weight_decay() -> object:
    p = torch.tensor(1.0, requires_grad=True)
    q = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.AdamW([p, q], lr=0.1, weight_decay=0.5)
    p.requires_grad = False
    optimizer.zero_grad()
    (p * q).backward()
    optimizer.step()
    return p
