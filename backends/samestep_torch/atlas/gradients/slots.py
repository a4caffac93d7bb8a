"""Gradients that are kept in a slot of the parameter, against gradients that are returned."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def second_gradient() -> object:
    x = torch.tensor(3.0, requires_grad=True)
    for _ in range(2):
        (x * x).backward()
    return x.grad


@native
def stale_gradient() -> object:
    p = torch.tensor(3.0, requires_grad=True)
    q = torch.tensor(3.0, requires_grad=True)
    (p * p + q * q).backward()
    (q * q).backward()
    return p.grad


@native
def gradient_of_an_intermediate() -> object:
    x = torch.tensor(2.0, requires_grad=True)
    y = x * x
    (y * y).backward()
    return y.grad


@native
def retained_gradient() -> object:
    x = torch.tensor(2.0, requires_grad=True)
    y = x * x
    y.retain_grad()
    (y * y).backward()
    return y.grad


@native
def scaled_parameter() -> object:
    w = 0.1 * torch.ones(2, requires_grad=True)
    w.sum().backward()
    return w.grad


@native
def tied_weights() -> object:
    encoder = torch.tensor(3.0, requires_grad=True)
    decoder = encoder
    (encoder * decoder).backward()
    return {"encoder": encoder.grad, "decoder": decoder.grad}
