"""Keeping gradients out: detach, no_grad and inference_mode."""

import torch
from torch.autograd import forward_ad

from samestep.probes import Natives

native = Natives()


@native
def stopped_factor() -> object:
    x = torch.tensor(3.0, requires_grad=True)
    (x * x.detach()).backward()
    return x.grad


@native
def stopped_loss() -> object:
    x = torch.tensor(3.0, requires_grad=True)
    with torch.no_grad():
        loss = x * x
    loss.backward()
    return x.grad


@native
def no_grad_in_forward_mode() -> object:
    def f(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            y = x * x
        return x * y

    x = torch.tensor(3.0, requires_grad=True)
    f(x).backward()
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(torch.tensor(3.0), torch.tensor(1.0))
        tangent = forward_ad.unpack_dual(f(dual)).tangent
    return {"reverse": x.grad, "forward": tangent}


@native
def detached_forward_mode() -> object:
    with forward_ad.dual_level():
        x = forward_ad.make_dual(torch.tensor(3.0), torch.tensor(1.0))
        y = (x * x).detach()
        return forward_ad.unpack_dual(x * y).tangent


@native
def inference_result() -> object:
    with torch.inference_mode():
        c = torch.tensor(2.0) * 2.0
    w = torch.tensor(3.0, requires_grad=True)
    (w * c).backward()
    return w.grad


@native
def detached_alias() -> object:
    x = torch.tensor([1.0, 2.0])
    d = x.detach()
    d *= 0
    return x
