"""Forward against reverse mode, and eager against compiled, where they contradict each other."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def where_nan_trap_forward() -> object:
    def root(x: torch.Tensor) -> torch.Tensor:
        return torch.where(x > 0, torch.sqrt(x), 0 * x)

    _, tangent = torch.func.jvp(root, (torch.tensor(-1.0),), (torch.tensor(1.0),))
    return tangent


@native
def nan_to_num_trap() -> object:
    def root(x: torch.Tensor) -> torch.Tensor:
        return torch.nan_to_num(torch.sqrt(x))

    x = torch.tensor(-1.0)
    return {"forward": torch.func.jacfwd(root)(x), "reverse": torch.func.jacrev(root)(x)}


@native
def mask_times_nan() -> object:
    x = torch.tensor(-1.0, requires_grad=True)
    value = (x > 0) * torch.sqrt(x)
    value.backward()
    return [value, x.grad]


@native
def mask_times_nan_compiled() -> object:
    x = torch.tensor(-1.0, requires_grad=True)
    value = (x > 0) * torch.sqrt(x)
    value.backward()
    return [value, x.grad]


@native
def zero_tangent() -> object:
    point = torch.tensor(-2.0), torch.tensor(3.0)
    direction = torch.tensor(1.0), torch.tensor(0.0)
    _, tangent = torch.func.jvp(torch.pow, point, direction)
    return tangent
