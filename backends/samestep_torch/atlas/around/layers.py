"""Functions and layers whose defaults differ behind a common name."""

import torch
import torch.nn.functional as F

from samestep.probes import Natives

native = Natives()


@native
def softmax_axis() -> object:
    return F.softmax(torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]]]))


@native
def variance_divisor() -> object:
    return torch.var(torch.tensor([0.0, 2.0]))


@native
def convolution_flips() -> object:
    signal = torch.tensor([[1.0, 0.0, 0.0]])
    kernel = torch.tensor([[[1.0, 2.0, 3.0]]])
    return F.conv1d(signal, kernel, padding="same")[0]


@native
def same_padding_with_stride() -> object:
    signal, kernel = torch.ones(1, 1, 5), torch.ones(1, 1, 3)
    return list(F.conv1d(signal, kernel, stride=2, padding="same").shape)


@native
def strided_padding() -> object:
    signal = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    kernel = torch.tensor([[[1.0, 10.0, 100.0]]])
    return F.conv1d(signal, kernel, stride=2, padding=1)[0, 0]


@native
def convolution_padding() -> object:
    return torch.nn.Conv1d(1, 1, kernel_size=3)(torch.ones(1, 1, 5)).shape[-1]


@native
def batchnorm_momentum() -> object:
    layer = torch.nn.BatchNorm1d(1)
    layer(torch.tensor([[0.0], [2.0]]))
    return layer.running_mean


@native
def batchnorm_variance() -> object:
    layer = torch.nn.BatchNorm1d(1, momentum=0.5)
    layer(torch.tensor([[0.0], [2.0]]))
    return layer.running_var


@native
def layernorm_epsilon() -> object:
    return torch.nn.LayerNorm(2)(torch.tensor([-1e-3, 1e-3])).detach()


@native
def dropout_without_a_mode() -> object:
    torch.manual_seed(0)
    return torch.nn.Dropout(0.5)(torch.ones(1000)).unique()
