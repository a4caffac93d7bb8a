"""Indices that repeat and indices that lie outside, on reading and on writing."""

import torch
import torch.nn.functional as F

from samestep.probes import Natives

native = Natives()


@native
def index_out_of_range() -> object:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    value = x[torch.tensor(5)]
    value.backward()
    return {"value": value, "gradient": x.grad}


@native
def take_out_of_range() -> object:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    value = torch.take(x, torch.tensor(5))
    value.backward()
    return {"value": value, "gradient": x.grad}


@native
def write_out_of_range() -> object:
    v = torch.tensor(3.0, requires_grad=True)
    x = torch.zeros(2)
    x[torch.tensor(5)] = v
    x.sum().backward()
    return {"array": x, "gradient": v.grad}


@native
def write_repeated() -> object:
    def write(v: torch.Tensor) -> torch.Tensor:
        return torch.zeros(2).index_put((torch.tensor([0, 0]),), v)[0]

    v = torch.tensor([1.0, 2.0])
    return {"forward": torch.func.jacfwd(write)(v), "reverse": torch.func.jacrev(write)(v)}


@native
def scatter_product_with_zero() -> object:
    def product(v: torch.Tensor) -> torch.Tensor:
        return torch.ones(1).scatter_reduce(0, torch.tensor([0, 0]), v, "prod")[0]

    v = torch.tensor([0.0, 2.0])
    return {"forward": torch.func.jacfwd(product)(v), "reverse": torch.func.jacrev(product)(v)}


@native
def embedding_padding() -> object:
    def total(table: torch.Tensor) -> torch.Tensor:
        return F.embedding(torch.tensor([0, 0, 1]), table, padding_idx=0).sum()

    table = torch.tensor([[1.0], [2.0]])
    return {"forward": torch.func.jacfwd(total)(table), "reverse": torch.func.jacrev(total)(table)}
