"""Views and changes in place: what PyTorch tracks, and what immutable arrays make of the same."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def step_in_place() -> object:
    p = torch.tensor(3.0, requires_grad=True)
    (slope,) = torch.autograd.grad(p * p, p)
    p -= 0.1 * slope
    return p.detach()


@native
def saved_result_in_place() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    y = torch.exp(x)
    y += 1
    y.backward()
    return x.grad


@native
def change_through_data() -> object:
    x = torch.tensor(3.0, requires_grad=True)
    y = x * x
    x.data += 1
    y.backward()
    return x.grad


@native
def view_in_place() -> object:
    leaf = torch.tensor([1.0, 2.0], requires_grad=True)
    x = leaf.clone()
    row = x[0]
    row *= 3
    x.sum().backward()
    return leaf.grad


@native
def item_assignment() -> object:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    v = torch.tensor(5.0, requires_grad=True)
    y = x.clone()
    y[0] = v
    (y * y).sum().backward()
    return [x.grad, v.grad]


@native
def assignment_by_at() -> object:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    v = torch.tensor(5.0, requires_grad=True)
    y = x.index_put([torch.tensor(0)], v)
    (y * y).sum().backward()
    return [x.grad, v.grad]
