"""Random numbers: a state that moves on, against keys that are passed."""

from __future__ import annotations

from samestep.probes import Convention, Probe

JAX_RANDOM = "https://docs.jax.dev/en/latest/random-numbers.html"
FOLD_IN = "https://docs.jax.dev/en/latest/_autosummary/jax.random.fold_in.html"
MANUAL_SEED = "https://docs.pytorch.org/docs/2.11/generated/torch.manual_seed.html"
DEPENDS_ON_SIZE = "https://github.com/pytorch/pytorch/issues/80202"
UNMEASURED = "which numbers a seed stands for is a choice of the generator"

PROBES = (
    Probe(
        id="same-seed",
        title="the same seed in both",
        question="Which three normal numbers does the seed 0 give?",
        truth=Convention("whatever the generator makes of 0", unmeasured=UNMEASURED),
        why="PyTorch's generator on a CPU is a Mersenne Twister, JAX's is the counter-based "
        "Threefry, and they turn bits into normal numbers in different ways. No seed makes two "
        "frameworks agree.",
        portable="Draw once, with NumPy, and hand the numbers to both.",
        references=(JAX_RANDOM, MANUAL_SEED),
    ),
    Probe(
        id="second-draw",
        title="drawing twice",
        question="Are the numbers of a second draw those of the first?",
        truth=Convention(
            "no, if there is a state; yes, of the same key",
            unmeasured="it depends on whether the generator has a state",
        ),
        why="A draw moves PyTorch's global state on. In JAX a draw is a function of its key, and "
        "the same key gives the same numbers: forgetting to split makes, say, all layers start "
        "alike, and no error tells.",
        portable="Derive a key, or a seeded generator, for each use.",
        references=(JAX_RANDOM, FOLD_IN),
    ),
    Probe(
        id="draw-in-between",
        title="another draw in between",
        question="Does a number stay the same, if another one is drawn before it?",
        truth=Convention(
            "no, in a stream; yes, if it has a key of its own",
            unmeasured="it depends on whether draws share a state",
        ),
        why="In a stream all that comes later depends on how much was drawn before: one dropout "
        "layer more changes the initial values of the rest. With fold_in each use has its key.",
        portable="A key, or a torch.Generator, per purpose.",
        references=(FOLD_IN, JAX_RANDOM),
    ),
    Probe(
        id="prefix-of-a-draw",
        title="eight numbers and sixteen",
        question="Are the first 8 of 16 normal numbers those that a draw of 8 gives, with the "
        "same seed?",
        truth=Convention(
            "nobody promises it",
            unmeasured="how a shape uses up random bits is a choice of the generator",
        ),
        why="From 16 numbers on PyTorch's CPU code fills in blocks, in another order: 15 numbers "
        "have the same beginning as 8, but 16 have not. JAX now numbers the elements and hashes "
        "the number, so a longer array begins like a shorter one; it did not always.",
        portable="Draw the largest array once and take parts of it.",
        references=(DEPENDS_ON_SIZE, "https://github.com/jax-ml/jax/pull/13040"),
    ),
    Probe(
        id="dropout-replay",
        title="the same dropout mask once more",
        question="Do a saved state, or the same key, reproduce a dropout mask?",
        truth=Convention(
            "yes",
            unmeasured="it is a promise of the generator",
            expected=True,
        ),
        why="Checkpointing and replays depend on it: PyTorch restores the state of the generator, "
        "JAX uses the key again.",
        portable="Save the state in PyTorch, or keep the key in JAX.",
        references=(
            "https://docs.pytorch.org/docs/stable/notes/randomness.html",
            JAX_RANDOM,
        ),
    ),
)
