"""Special functions at points where they are smooth and their formulas are not."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def sinc_at_0() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    (first,) = torch.autograd.grad(torch.sinc(x), x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    return {"first": first, "second": second}


@native
def bessel_i0_at_0() -> object:
    x = torch.tensor(0.0, requires_grad=True)
    torch.special.i0(x).backward()
    return x.grad
