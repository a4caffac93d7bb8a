"""Random numbers: a global state that moves on."""

import torch
import torch.nn.functional as F

from samestep.probes import Natives

native = Natives()


@native
def same_seed() -> object:
    torch.manual_seed(0)
    return torch.randn(3)


@native
def second_draw() -> object:
    torch.manual_seed(0)
    return torch.equal(torch.rand(3), torch.rand(3))


@native
def draw_in_between() -> object:
    torch.manual_seed(0)
    alone = torch.rand(3)
    torch.manual_seed(0)
    torch.rand(1)
    return torch.equal(alone, torch.rand(3))


@native
def prefix_of_a_draw() -> object:
    torch.manual_seed(0)
    few = torch.randn(8)
    torch.manual_seed(0)
    many = torch.randn(16)
    return torch.equal(few, many[:8])


@native
def dropout_replay() -> object:
    torch.manual_seed(0)
    x = torch.ones(100)
    state = torch.get_rng_state()
    first = F.dropout(x)
    torch.set_rng_state(state)
    return torch.equal(first, F.dropout(x))
