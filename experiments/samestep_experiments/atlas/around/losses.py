"""Losses: shapes that broadcast, labels out of range, and how much is averaged."""

from __future__ import annotations

import math

from samestep.interface import Backend
from samestep.probes import Convention, Probe, Value

BROADCAST = "https://github.com/pytorch/pytorch/issues/16045"
CROSS_ENTROPY = (
    "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html"
)
OPTAX_LOSSES = "https://optax.readthedocs.io/en/latest/api/losses.html"
OPTAX_LABELS = "https://github.com/google-deepmind/optax/issues/1185"


def broadcast_trap(backend: Backend) -> object:
    prediction = backend.asarray([[1.0], [2.0], [3.0]])
    target = backend.asarray([1.0, 2.0, 3.0])
    return backend.xp.mean(backend.xp.square(prediction - target))


def equal_shapes(backend: Backend) -> object:
    prediction = backend.asarray([[1.0], [2.0], [3.0]])
    target = backend.asarray([1.0, 2.0, 3.0])
    return backend.xp.mean(backend.xp.square(prediction - backend.xp.reshape(target, (3, 1))))


def mean_square(backend: Backend) -> object:
    return backend.xp.mean(backend.xp.square(backend.asarray([1.0, 3.0])))


def logistic_loss(backend: Backend) -> object:
    label = backend.asarray(-1.0)
    return backend.xp.log(1 + backend.xp.exp(-label * backend.asarray(2.0)))


PROBES = (
    Probe(
        id="broadcast-trap",
        title="a column less a row",
        question="The predictions are perfect, with the shape (3, 1), and the targets have the "
        "shape (3,): what is the mean squared error?",
        truth=Value(0.0, lambda mp: mp.fsum((y - y) ** 2 for y in (1, 2, 3)) / 3),
        shared=broadcast_trap,
        cure=equal_shapes,
        why="(3, 1) - (3,) broadcasts to (3, 3), every prediction less every target, and the mean "
        "of the squares is twice the variance. The training runs, towards the mean of all "
        "targets.",
        portable="Make the shapes equal, and assert it before the subtraction.",
        references=(BROADCAST, "https://github.com/google-deepmind/optax/issues/1408"),
    ),
    Probe(
        id="broadcast-in-shipped-loss",
        title="the same with the shipped loss",
        question="What do the frameworks' own squared errors say to the shapes (3, 1) and (3,)?",
        truth=Value(0.0, lambda mp: mp.fsum((y - y) ** 2 for y in (1, 2, 3)) / 3),
        why="PyTorch's mse_loss broadcasts and warns, once. Optax raises: it demands equal "
        "shapes, though its documentation spoke of shapes that broadcast.",
        portable="Make the shapes equal.",
        cure=equal_shapes,
        references=(BROADCAST, "https://github.com/google-deepmind/optax/issues/1408"),
    ),
    Probe(
        id="label-too-large",
        title="a label that is too large",
        question="What is the cross-entropy of three equal logits with the label 3?",
        truth=Convention(
            "an error: the labels are 0, 1, 2",
            unmeasured="there is no loss of a class that does not exist",
        ),
        why="On a CPU PyTorch checks labels and raises. XLA has no errors that depend on values: "
        "JAX reads out of bounds, gets NaN, and so does the loss.",
        portable="Check the range of labels where they are loaded.",
        references=(OPTAX_LABELS, CROSS_ENTROPY),
    ),
    Probe(
        id="label-minus-one",
        title="the label -1",
        question="What is the cross-entropy of the logits (0, 1, 2) with the label -1, as used "
        "for an unlabelled example?",
        truth=Convention(
            "an error, or nothing: there is no class -1",
            unmeasured="there is no loss of a class that does not exist",
        ),
        why="PyTorch raises. For JAX -1 is the last element, as in NumPy, and unlabelled examples "
        "are trained to be of the last class. Nothing tells, not even a NaN.",
        portable="Mask: where(label < 0, 0, loss), and divide by the number of labels.",
        references=(
            OPTAX_LABELS,
            "https://docs.jax.dev/en/latest/_autosummary/jax.Array.at.html",
            CROSS_ENTROPY,
        ),
    ),
    Probe(
        id="label-to-ignore",
        title="the label -100",
        question="What is the mean cross-entropy of two rows of equal logits of three classes, "
        "with the labels 0 and -100?",
        truth=Convention(
            "log 3, of the one labelled row",
            unmeasured="that -100 means no label is a convention",
        ),
        why="-100 is PyTorch's ignore_index: such rows count neither in the sum nor in its "
        "divisor. To JAX it is out of bounds, and gives NaN.",
        portable="Mask, and divide by the number of labels.",
        references=(CROSS_ENTROPY, OPTAX_LABELS),
    ),
    Probe(
        id="plus-minus-one-labels",
        title="labels -1 and 1 in a cross-entropy for 0 and 1",
        question="What is the logistic loss of the logit 2 for the label -1?",
        truth=Value(
            math.log1p(math.exp(2.0)),
            lambda mp: -mp.log(1 - 1 / (1 + mp.exp(-2))),
            remark="Minus the logarithm of the probability of the negative class.",
        ),
        why="The formula log(1 + e^z) - y z is for y in {0, 1}, and neither checks. With y = -1 "
        "the loss falls without bound as z does, so that training looks splendid.",
        portable="Convert the labels, (y + 1) / 2, or use log(1 + exp(-y z)).",
        cure=logistic_loss,
        references=(
            "https://github.com/pytorch/pytorch/pull/177506",
            "https://github.com/pytorch/pytorch/issues/99151",
            OPTAX_LOSSES,
        ),
    ),
    Probe(
        id="squared-error-reduction",
        title="the squared error and its reduction",
        question="What is the squared error of the residuals 1 and 3, by default?",
        truth=Convention(
            "(1, 9), their mean 5, or half of it",
            unmeasured="the reduction is a choice",
        ),
        why="PyTorch's losses average over all elements, Optax's do not reduce at all. "
        "optax.l2_loss has a factor 1/2 besides.",
        portable="Write the reduction.",
        cure=mean_square,
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html",
            OPTAX_LOSSES,
        ),
    ),
    Probe(
        id="kl-divergence-reduction",
        title="the Kullback-Leibler divergence",
        question="What is the divergence of (1/4, 3/4) from (1/2, 1/2), in a batch of one?",
        truth=Value(
            0.25 * math.log(0.5) + 0.75 * math.log(1.5),
            lambda mp: mp.log(2) - (2 * mp.log(2) - mp.mpf(3) / 4 * mp.log(3)),
            remark="log 2 less the entropy.",
        ),
        why="PyTorch's default, mean, divides by the number of elements, the classes included, "
        "and its documentation says that this is not the divergence. Optax sums over the classes. "
        "A weight that was tuned for one is off by the number of classes in the other.",
        portable='reduction="batchmean" in PyTorch, and the mean over the batch in JAX.',
        scale=1.0,
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.kl_div.html",
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.KLDivLoss.html",
            OPTAX_LOSSES,
        ),
    ),
)
