"""The recorded graph against the pure function: its lifetime, its outputs, and what it sees."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def backward_twice() -> object:
    x = torch.tensor(3.0, requires_grad=True)
    y = x * x
    y.backward()
    x.grad = None
    y.backward()
    return x.grad


@native
def retain_graph() -> object:
    x = torch.tensor(3.0, requires_grad=True)
    y = x * x
    torch.autograd.grad(y, x, retain_graph=True)
    return torch.autograd.grad(y, x)[0]


@native
def carried_state() -> object:
    w = torch.tensor(2.0, requires_grad=True)
    h = torch.tensor(1.0)
    for _ in range(2):
        w.grad = None
        h = w * h
        (h * h).backward()
    return w.grad


@native
def vector_output() -> object:
    x = torch.ones(2, requires_grad=True)
    (x * x).backward()
    return x.grad


@native
def one_element_output() -> object:
    x = torch.ones(1, requires_grad=True)
    (x * x).backward()
    return x.grad


@native
def vector_jacobian_product() -> object:
    a = torch.tensor(1.0, requires_grad=True)
    b = torch.tensor(2.0, requires_grad=True)
    v = torch.tensor([1.0, 10.0])
    return torch.autograd.grad(torch.stack([a * b, a * a]), [a, b], grad_outputs=v)


@native
def independent_loss() -> object:
    x = torch.tensor(3.0, requires_grad=True)
    torch.tensor(1.0).backward()
    return x.grad


@native
def accuracy_as_loss() -> object:
    x = torch.tensor([1.0, -1.0], requires_grad=True)
    (x > 0).float().mean().backward()
    return x.grad


@native
def gradient_hook() -> object:
    x = torch.tensor(3.0, requires_grad=True)
    x.register_hook(lambda grad: grad.clamp(max=1.0))
    (0.8 * x + 0.8 * x).backward()
    return x.grad
