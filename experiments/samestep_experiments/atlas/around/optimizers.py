"""Optimizers: defaults, and where epsilon stands."""

from __future__ import annotations

from typing import Any

from samestep.probes import Convention, Probe, Value

OPTAX = "https://optax.readthedocs.io/en/latest/api/optimizers.html"
ADAM = "https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html"
ADAMW = "https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html"
ALGORITHM_1 = "https://github.com/google-deepmind/optax/issues/571"
RMSPROP = "https://github.com/google-deepmind/optax/issues/532"


def adams_step(mp: Any, slope: Any) -> Any:
    """Adam's first step with rate 1/10: the bias corrections undo the decay factors."""
    m = (1 - mp.mpf("0.9")) * slope / (1 - mp.mpf("0.9"))
    v = (1 - mp.mpf("0.999")) * slope**2 / (1 - mp.mpf("0.999"))
    return -m / (mp.sqrt(v) + mp.mpf("1e-8")) / 10


PROBES = (
    Probe(
        id="adam-first-step",
        title="Adam's first step",
        question="Where does Adam's first step lead from 0, with rate 0.1 and the gradient 1?",
        truth=Value(-0.1 / (1 + 1e-8), lambda mp: adams_step(mp, mp.mpf(1))),
        why="The bias correction divides by 1 - 0.999^t. PyTorch computes it with Python's "
        "doubles; Optax on the device in float32, where 0.999 has 7 digits and 1 - 0.999 only "
        "4 or 5. The first step is off by 7e-6 of itself, a hundred times the rounding of "
        "float32.",
        portable="Compare Adam's steps in float64, or with a tolerance of 1e-5 at the start.",
        references=(ADAM, OPTAX, ALGORITHM_1),
    ),
    Probe(
        id="adam-epsilon",
        title="Adam's epsilon",
        question="Where does Adam's first step lead from 0, with rate 0.1, the gradient 1e-8 and "
        "the decay factors 1/2 and 3/4?",
        truth=Value(-0.05, lambda mp: adams_step(mp, mp.mpf("1e-8"))),
        why="Both have 1e-8 by default and add it outside of the root, to the unbiased estimate, "
        "so a gradient of that size makes half a step. Optax has eps_root for inside. The decay "
        "factors are such that their powers are exact: see the probe adam-first-step.",
        portable="Defaults and place of Adam's epsilon are portable.",
        references=(ADAM, OPTAX, ALGORITHM_1),
    ),
    Probe(
        id="adamw-default-decay",
        title="AdamW's weight decay, by default",
        question="Where does AdamW take 1 with rate 0.1 and the gradient 0, by default?",
        truth=Convention(
            "0.999 with decay 1e-2, 0.99999 with 1e-4",
            unmeasured="how much to decay is a choice",
        ),
        why="PyTorch's default is 0.01, Optax's 0.0001. Both multiply it by the rate.",
        portable="Pass weight_decay.",
        references=(ADAMW, OPTAX),
    ),
    Probe(
        id="rmsprop-first-step",
        title="RMSprop's first step",
        question="Where does RMSprop's first step lead from 0, with rate 0.1 and the gradient 1?",
        truth=Convention(
            "-0.1 / sqrt(1 - decay): ten steps at 0.99, three at 0.9",
            unmeasured="the decay is a choice",
        ),
        why="There is no bias correction, so the first step is larger than the rate by "
        "1 / sqrt(1 - decay): with PyTorch's 0.99 ten times, with Optax's 0.9 three times. "
        "Epsilon is outside of the root in PyTorch, and inside in Optax.",
        portable="Pass the decay; in Optax eps_in_sqrt=False.",
        references=(RMSPROP, "https://github.com/pytorch/pytorch/issues/23796", OPTAX),
    ),
    Probe(
        id="rmsprop-epsilon",
        title="RMSprop's epsilon",
        question="Where does RMSprop's first step lead from 0, with rate 0.1, the gradient 1, "
        "decay 0.75 and epsilon 0.5?",
        truth=Convention(
            "-0.1 with epsilon outside of the root, -0.115 inside",
            unmeasured="where epsilon stands is a convention",
        ),
        why="PyTorch divides by sqrt(v) + epsilon, here 1/2 + 1/2; Optax by sqrt(v + epsilon), as "
        "TensorFlow does. With the large epsilons of reinforcement learning it matters.",
        portable="eps_in_sqrt=False in Optax is PyTorch's form.",
        references=(RMSPROP, "https://github.com/pytorch/pytorch/issues/23796"),
    ),
)
