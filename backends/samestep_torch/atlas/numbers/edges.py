"""NaN, infinities, signed zeros, subnormal numbers, conversions."""

import math

import torch

from samestep.probes import Natives

native = Natives()


@native
def maximum_with_nan() -> object:
    nan, one = torch.tensor(math.nan), torch.tensor(1.0)
    return torch.stack([torch.stack([one, nan]).max(), torch.maximum(nan, one)])


@native
def order_of_nan() -> object:
    x = torch.tensor([1.0, math.nan, 2.0])
    return {"sorted": x.sort().values, "argmax": int(x.argmax())}


@native
def clip_of_nan() -> object:
    return torch.clip(torch.tensor(math.nan), 0, 1)


@native
def nan_to_integer() -> object:
    return torch.tensor(math.nan).to(torch.int32)


@native
def large_float_to_integer() -> object:
    return torch.tensor(1e10).to(torch.int32)


@native
def negative_float_to_unsigned() -> object:
    return torch.tensor(-1.0).to(torch.uint8)


@native
def integer_division_by_zero() -> object:
    return torch.tensor(1) // torch.tensor(0)


@native
def signs_of_remainders() -> object:
    return torch.stack([torch.tensor(-7) // 2, torch.tensor(-7) % 3])


@native
def halves_are_rounded_to_even() -> object:
    return torch.round(torch.tensor([0.5, 1.5, 2.5]))


@native
def integer_overflow() -> object:
    return torch.tensor(2**31 - 1, dtype=torch.int32) + 1


@native
def subnormal_result() -> object:
    return torch.tensor(1e-30) * torch.tensor(1e-10)


@native
def subnormal_gradient() -> object:
    x = torch.tensor(1.0, requires_grad=True)
    (1e-20 * (1e-20 * x)).backward()
    return x.grad


@native
def negative_zero() -> object:
    zero = torch.tensor(-0.0)
    return str([float(1 / zero), float(torch.sqrt(zero)), float(torch.sign(zero))])


@native
def detecting_nan() -> object:
    x = torch.tensor(1.0, requires_grad=True)
    with torch.autograd.detect_anomaly():
        torch.sqrt(0 * x).backward()
    return x.grad


@native
def length_of_a_range_with_steps() -> object:
    return len(torch.arange(1, 1.3, 0.1))


@native
def end_of_a_linspace() -> object:
    points = torch.linspace(0, 1, 7)
    return {"end": points[-1], "middle": points[3]}


@native
def nan_is_not_itself() -> object:
    nan = torch.tensor([math.nan])
    return {
        "==": bool((nan == torch.tensor([math.nan])).all()),
        "allclose": torch.allclose(nan, nan),
        "equal": torch.equal(nan, nan),
    }
