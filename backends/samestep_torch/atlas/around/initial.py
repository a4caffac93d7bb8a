"""Initial values of parameters: defaults, and conventions that share a name."""

import torch

from samestep.probes import Natives

native = Natives()


@native
def linear_initial_spread() -> object:
    torch.manual_seed(0)
    layer = torch.nn.Linear(400, 400)
    return round(layer.weight.std().item() * 400**0.5, 2)


@native
def embedding_initial_spread() -> object:
    torch.manual_seed(0)
    return round(torch.nn.Embedding(1000, 64).weight.std().item(), 2)


@native
def fan_in_axis() -> object:
    torch.manual_seed(0)
    weight = torch.nn.init.kaiming_uniform_(torch.empty(800, 8))
    return round(weight.std().item(), 2)


@native
def truncated_normal() -> object:
    torch.manual_seed(0)
    weight = torch.nn.init.trunc_normal_(torch.empty(10000), std=0.02)
    return round(weight.abs().max().item() / 0.02, 1)


@native
def lazy_layer() -> object:
    def initialise(layer: torch.nn.Module) -> None:
        if type(layer) is torch.nn.Linear:
            torch.nn.init.ones_(layer.weight)

    torch.manual_seed(0)
    layer = torch.nn.LazyLinear(1)
    model = torch.nn.Sequential(layer)
    model.apply(initialise)
    model(torch.ones(1, 3))
    return layer.weight.detach()
