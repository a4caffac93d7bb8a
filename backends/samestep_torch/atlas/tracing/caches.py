"""How often a function is traced, and what is remembered from the first time."""

import random

import torch

from samestep.probes import Natives

native = Natives()


@native
def traces_of_one_shape() -> object:
    traces = 0

    def counting(graph, inputs):
        nonlocal traces
        traces += 1
        return graph.forward

    f = torch.compile(lambda x: 2 * x, backend=counting)
    f(torch.ones(2))
    f(torch.zeros(2))
    return traces


@native
def traces_of_three_shapes() -> object:
    traces = 0

    def counting(graph, inputs):
        nonlocal traces
        traces += 1
        return graph.forward

    f = torch.compile(lambda x: 2 * x, backend=counting)
    for n in (2, 3, 4):
        f(torch.ones(n))
    return traces


@native
def traces_of_two_dtypes() -> object:
    traces = 0

    def counting(graph, inputs):
        nonlocal traces
        traces += 1
        return graph.forward

    f = torch.compile(lambda x: 2 * x, backend=counting)
    f(torch.ones(2, dtype=torch.int32))
    f(torch.ones(2, dtype=torch.float32))
    return traces


@native
def traces_of_python_numbers() -> object:
    traces = 0

    def counting(graph, inputs):
        nonlocal traces
        traces += 1
        return graph.forward

    f = torch.compile(lambda x, rate: rate * x, backend=counting)
    for rate in (1.5, 2.5, 3.5):
        f(torch.ones(2), rate)
    return traces


@native
def traces_of_a_new_lambda() -> object:
    traces = 0

    def counting(graph, inputs):
        nonlocal traces
        traces += 1
        return graph.forward

    for _ in range(3):
        torch.compile(lambda x: 2 * x, backend=counting)(torch.ones(2))
    return traces


@native
def traces_of_weak_types() -> object:
    traces = 0

    def counting(graph, inputs):
        nonlocal traces
        traces += 1
        return graph.forward

    f = torch.compile(lambda x, rate: rate * x, backend=counting)
    f(torch.ones(2), 1.0)
    f(torch.ones(2), torch.ones(()))
    return traces


@native
def global_changed_after_compilation() -> object:
    scale = 2.0

    @torch.compile(backend="eager")
    def f(x):
        return scale * x

    before = f(torch.tensor(1.0))
    scale = 3.0
    return torch.stack([before, f(torch.tensor(1.0))])


@native
def side_effects_in_two_calls() -> object:
    seen = []

    @torch.compile(backend="eager")
    def f(x):
        seen.append(x)
        return 2 * x

    f(torch.ones(2))
    f(torch.ones(2))
    return len(seen)


@native
def host_randomness_in_two_calls() -> object:
    random.seed(0)

    @torch.compile(backend="eager")
    def f(x):
        return x + random.random()

    return len({float(f(torch.tensor(0.0))) for _ in range(3)})


@native
def tracer_kept_outside() -> object:
    kept = []

    @torch.compile(backend="eager")
    def f(x):
        kept.append(x * x)
        return x + 1

    f(torch.tensor(3.0))
    return kept[0] + 0


@native
def unhashable_static_argument() -> object:
    @torch.compile(backend="eager")
    def f(x, axes):
        return x.sum(dim=axes)

    return f(torch.ones(2, 3), [0, 1])


@native
def grad_of_jit() -> object:
    f = torch.compile(lambda x: x**3, backend="eager")
    x = torch.tensor(2.0, requires_grad=True)
    f(x).backward()
    return x.grad


@native
def shape_without_computing() -> object:
    product = torch.empty(2, 3, device="meta") @ torch.empty(3, 4, device="meta")
    return torch.tensor(product.shape)


@native
def argument_changed_by_the_callee() -> object:
    @torch.compile(backend="eager")
    def overwrite(x):
        x[0] = 9.0

    x = torch.tensor([1.0, 2.0])
    overwrite(x)
    return x


native.absent("donated-argument", "PyTorch has no donation; operations in place reuse memory.")
