"""Views and changes in place: what PyTorch tracks, and what immutable arrays make of the same."""

from __future__ import annotations

from samestep.interface import Array, Backend, TensorOps
from samestep.probes import Derivative, Probe, Value, gradient
from samestep_experiments.atlas.gradients.sources import ARRAY_AT, AUTOGRAD_NOTES

COUNTERINTUITIVE = "https://github.com/jax-ml/jax/issues/226"
"""x += y makes a new array in JAX."""


def stepped(backend: Backend) -> object:
    params = {"p": backend.asarray(3.0)}
    _, grads = backend.value_and_grad(lambda d: d["p"] * d["p"])(params)
    return params["p"] - 0.1 * grads["p"]


def out_of_place(backend: Backend) -> object:
    return gradient(backend, lambda xp, x: xp.exp(x) + 1, 0.0)


def scaled_by_a_mask(backend: Backend) -> object:
    def total(xp: TensorOps, x: Array) -> Array:
        return xp.sum(backend.asarray([3.0, 1.0]) * x)

    return gradient(backend, total, [1.0, 2.0])


def replaced_by_where(backend: Backend) -> object:
    first = backend.asarray([1.0, 0.0])

    def loss(xp: TensorOps, x: Array, v: Array) -> Array:
        return xp.sum(xp.square(xp.where(first > 0, v, x)))

    return gradient(backend, loss, [1.0, 2.0], 5.0)


PROBES = (
    Probe(
        id="step-in-place",
        title="p -= rate * gradient",
        question="Where is p = 3 after p -= 0.1 * gradient of p^2?",
        truth=Value(2.4, lambda mp: 3 - mp.mpf(1) / 10 * mp.diff(lambda p: p * p, 3)),
        why="PyTorch forbids to change a leaf that requires gradients in place while it records: "
        "is the change part of the graph, or not? In JAX p -= ... is p = p - ..., a new array "
        "under an old name.",
        portable="p = p - ..., or an optimizer; in PyTorch inside torch.no_grad().",
        cure=stepped,
        references=(
            "https://discuss.pytorch.org/t/leaf-variable-was-used-in-an-inplace-operation/308/2",
            AUTOGRAD_NOTES,
            COUNTERINTUITIVE,
        ),
    ),
    Probe(
        id="saved-result-in-place",
        title="a saved result that is changed in place",
        question="What is the derivative of y = exp(x), y += 1 at 0?",
        truth=Derivative(lambda m, x: m.exp(x) + 1, at=0.0, left=1.0, right=1.0),
        why="exp saves its result, which is its derivative, and += overwrites it. PyTorch counts "
        "the versions of a tensor and raises in backward. Arrays of JAX cannot be overwritten.",
        portable="y = y + 1.",
        cure=out_of_place,
        references=(AUTOGRAD_NOTES, COUNTERINTUITIVE),
    ),
    Probe(
        id="change-through-data",
        title="a change behind the back of autograd",
        question="What is the derivative of y = x^2 at 3, if x is changed to 4 after y was "
        "computed and before backward?",
        truth=Derivative(lambda m, x: x * x, at=3.0, left=6.0, right=6.0),
        why=".data shares the memory but not the count of versions, so PyTorch does not notice "
        "that the saved x is another one, and returns 2 * 4, the derivative at a point where y "
        "was not computed. The same through x.detach() raises. JAX has no such door.",
        portable="Never write through .data; use detach(), or torch.no_grad(), which are checked.",
        references=(AUTOGRAD_NOTES, COUNTERINTUITIVE),
    ),
    Probe(
        id="view-in-place",
        title="a slice that is changed in place",
        question="What is the gradient of sum(x) after row = x[0], row *= 3?",
        truth=Derivative(
            lambda m, a, b: 3 * a + b,
            at=(1.0, 2.0),
            left=(3.0, 1.0),
            right=(3.0, 1.0),
            remark="As in NumPy, where a slice is a view.",
        ),
        why="In PyTorch a slice is a view, and autograd follows changes through it to the whole. "
        "In JAX a slice is an array of its own, *= makes another one, and x stays as it was: the "
        "same lines compute another function.",
        portable="Say it on the whole: x * mask, or x.at[0].multiply(3) in JAX.",
        cure=scaled_by_a_mask,
        references=(AUTOGRAD_NOTES, COUNTERINTUITIVE, ARRAY_AT),
    ),
    Probe(
        id="item-assignment",
        title="assignment to an element",
        question="What are the gradients of sum(y^2) after y = copy of x, y[0] = v, with respect "
        "to x = (1, 2) and v = 5?",
        truth=Derivative(
            lambda m, a, b, v: v * v + b * b,
            at=(1.0, 2.0, 5.0),
            left=(0.0, 4.0, 10.0),
            right=(0.0, 4.0, 10.0),
        ),
        why="PyTorch records the assignment, so what was overwritten gets no gradient and the new "
        "value gets it all. JAX's arrays are immutable and raise; the message names .at.",
        portable="where with a mask, as long as the interface is shared.",
        cure=replaced_by_where,
        references=(AUTOGRAD_NOTES, ARRAY_AT, "https://github.com/jax-ml/jax/pull/24315"),
    ),
    Probe(
        id="assignment-by-at",
        title="x.at[i].set(v)",
        question="What are the gradients of sum(y^2) for y = x with x[0] replaced by v, in each "
        "framework's own way?",
        truth=Derivative(
            lambda m, a, b, v: v * v + b * b,
            at=(1.0, 2.0, 5.0),
            left=(0.0, 4.0, 10.0),
            right=(0.0, 4.0, 10.0),
        ),
        why="x.at[0].set(v) is a function of x and v that returns a new array; PyTorch has the "
        "same as index_put without an underscore. Their derivatives agree.",
        portable="where with a mask.",
        cure=replaced_by_where,
        references=(ARRAY_AT, AUTOGRAD_NOTES),
    ),
)
