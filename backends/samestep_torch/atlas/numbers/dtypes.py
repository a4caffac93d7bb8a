"""Default dtypes, and what becomes of two that meet."""

import numpy as np
import torch

from samestep.probes import Natives

native = Natives()


@native
def dtype_of_floats() -> object:
    return str(torch.tensor([1.0]).dtype).removeprefix("torch.")


@native
def dtype_of_integers() -> object:
    return str(torch.tensor([1]).dtype).removeprefix("torch.")


@native
def dtype_from_numpy() -> object:
    return str(torch.tensor(np.zeros(2)).dtype).removeprefix("torch.")


@native
def float64_on_request() -> object:
    return str(torch.zeros(2, dtype=torch.float64).dtype).removeprefix("torch.")


@native
def mean_of_integers() -> object:
    return torch.tensor([1, 2]).mean()


@native
def dtype_of_indices() -> object:
    return str(torch.tensor([1.0, 2.0]).argmax().dtype).removeprefix("torch.")


@native
def promotion_of_integer_and_half() -> object:
    total = torch.ones(2, dtype=torch.int32) + torch.ones(2, dtype=torch.float16)
    return str(total.dtype).removeprefix("torch.")


@native
def promotion_of_python_float_and_bfloat16() -> object:
    return str((0.1 * torch.ones(2, dtype=torch.bfloat16)).dtype).removeprefix("torch.")


@native
def promotion_of_scalar_array_and_bfloat16() -> object:
    rate = torch.tensor(0.1)
    return str((rate * torch.ones(2, dtype=torch.bfloat16)).dtype).removeprefix("torch.")


@native
def true_division_of_integers() -> object:
    return str((torch.tensor(7) / torch.tensor(2)).dtype).removeprefix("torch.")


@native
def negative_power_of_an_integer() -> object:
    return torch.tensor(2) ** torch.tensor(-1)


@native
def small_integer_overflow() -> object:
    return torch.tensor(200, dtype=torch.uint8) + torch.tensor(100, dtype=torch.uint8)


@native
def difference_of_booleans() -> object:
    return torch.tensor([True]) - torch.tensor([False])


@native
def integer_beyond_32_bits() -> object:
    return torch.tensor(2**40)


@native
def whole_number_in_float32() -> object:
    return torch.tensor(2**24 + 1, dtype=torch.float32).to(torch.int32)


@native
def matmul_precision_default() -> object:
    return torch.get_float32_matmul_precision()
