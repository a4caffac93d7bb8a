"""Forward and reverse mode, Jacobians, gradients of single examples."""

import torch
from torch.func import grad, jacfwd, jacrev, jvp, vjp, vmap

from samestep.probes import Natives

native = Natives()


@native
def jvp_against_vjp() -> object:
    def f(x):
        return torch.stack([x[0] * x[1], x[1] ** 2])

    x, v, u = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0])
    _, tangent = jvp(f, (x,), (v,))
    _, pullback = vjp(f, x)
    return {"forward": u @ tangent, "reverse": pullback(u)[0] @ v}


@native
def jacobian_shape() -> object:
    jacobian = jacrev(lambda x: x.sum() * torch.ones(3))(torch.ones(2, 2))
    return torch.tensor(jacobian.shape)


@native
def jacobian_of_a_gather() -> object:
    def f(x):
        return torch.stack([x[0] * x[1], x[1] ** 2])

    x = torch.tensor([1.0, 2.0])
    return {"forward": jacfwd(f)(x), "reverse": jacrev(f)(x)}


@native
def per_example_gradients() -> object:
    def loss(w, x):
        return (w * x) ** 2 * x

    w, rows = torch.tensor(1.0), torch.tensor([1.0, 2.0, 3.0])
    return {
        "vmap": vmap(grad(loss), in_dims=(None, 0))(w, rows),
        "loop": torch.stack([grad(loss)(w, x) for x in rows]),
    }


@native
def gradient_of_a_vmap() -> object:
    def loss(w, x):
        return (w * x) ** 2 * x

    w, rows = torch.tensor(1.0), torch.tensor([1.0, 2.0, 3.0])
    mapped = vmap(loss, in_dims=(None, 0))
    return {
        "of the sum": grad(lambda w: mapped(w, rows).sum())(w),
        "sum of": vmap(grad(loss), in_dims=(None, 0))(w, rows).sum(),
    }


@native
def random_numbers_under_vmap() -> object:
    torch.manual_seed(0)
    noisy = vmap(lambda x: x + torch.rand(()))(torch.zeros(3))
    return len(set(noisy.tolist()))


@native
def vmap_of_unequal_sizes() -> object:
    return vmap(torch.add)(torch.ones(2), torch.ones(3))


@native
def linearize() -> object:
    value, tangent = torch.func.linearize(lambda x: x**3, torch.tensor(2.0))
    return {"value": value, "slope times 10": tangent(torch.tensor(10.0))}
