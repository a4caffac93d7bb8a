"""Sums, narrow types, saturated tails: what is left of a number after rounding."""

from __future__ import annotations

import math

from samestep.probes import Convention, Probe, Value

SUM_TORCH = "https://docs.pytorch.org/docs/stable/generated/torch.sum.html"
SUM_JAX = "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.sum.html"
ACCURACY = "https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html"
LOGSIGMOID = "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.logsigmoid.html"
LOGSIGMOID_JAX = "https://docs.jax.dev/en/latest/_autosummary/jax.nn.log_sigmoid.html"
VAR_TORCH = "https://docs.pytorch.org/docs/stable/generated/torch.var.html"
VAR_JAX = "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.var.html"
SIGMOID = "https://docs.jax.dev/en/latest/_autosummary/jax.nn.sigmoid.html"

PROBES = (
    Probe(
        id="bfloat16-sum",
        title="sum of 4,096 ones in bfloat16",
        question="What is the sum of 4,096 ones in bfloat16?",
        truth=Value(4096.0, lambda mp: mp.fsum([1] * 4096)),
        why="bfloat16 has 8 bits: 256 + 1 rounds to 256, so adding one after the other would stop "
        "there. Both accumulate in float32 and round at the end.",
        portable="Sums of narrow types are safe; running sums need a look.",
        references=(ACCURACY, SUM_JAX),
    ),
    Probe(
        id="bfloat16-running-sum",
        title="running sum of 4,096 ones in bfloat16",
        question="What is the last running sum of 4,096 ones in bfloat16?",
        truth=Value(4096.0, lambda mp: mp.fsum([1] * 4096)),
        why="Every partial result is stored in bfloat16. What is carried from one to the next, and "
        "in which precision, is a matter of the implementation.",
        portable="Convert to float32 first.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.cumsum.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.cumsum.html",
        ),
    ),
    Probe(
        id="bfloat16-product",
        title="a long product of matrices in bfloat16",
        question="What is the scalar product of two vectors of 4,096 ones in bfloat16?",
        truth=Value(4096.0, lambda mp: mp.fdot([(1, 1)] * 4096)),
        why="Matrix units multiply narrow numbers and add in float32; the CPU libraries do the "
        "same.",
        portable="In JAX say it: preferred_element_type=float32.",
        references=(
            ACCURACY,
            "https://docs.jax.dev/en/latest/_autosummary/jax.lax.dot_general.html",
        ),
    ),
    Probe(
        id="float16-mean",
        title="mean of large float16 numbers",
        question="What is the mean of 100 times 1,000 in float16, whose largest number is 65,504?",
        truth=Value(1000.0, lambda mp: mp.fsum([1000] * 100) / 100),
        why="The sum is 100,000 and does not fit. Both add in float32 and divide before they "
        "round.",
        portable="Means of narrow types are safe; a sum that is divided by hand is not.",
        references=(ACCURACY, "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.mean.html"),
    ),
    Probe(
        id="float16-sum-overflow",
        title="sum of large float16 numbers",
        question="What is the sum of 100 times 1,000 in float16?",
        truth=Value(100000.0, lambda mp: mp.fsum([1000] * 100)),
        why="The result itself does not fit into float16 and becomes infinite when it is rounded.",
        portable="Ask for a wider result: dtype=float32.",
        references=(SUM_TORCH, SUM_JAX),
    ),
    Probe(
        id="sum-with-cancellation",
        title="a sum that cancels",
        question="What is 1e8 + 1 - 1e8 in float32?",
        truth=Value(1.0, lambda mp: mp.mpf(10) ** 8 + 1 - mp.mpf(10) ** 8),
        why="The 1 is lost beside 1e8, whose neighbours are 8 apart, unless the order of the sum "
        "is another one.",
        portable="Sum in float64, or remove the large part first.",
        references=(ACCURACY, SUM_JAX),
    ),
    Probe(
        id="sum-of-tenths",
        title="sum of a million tenths",
        question="What is the sum of 1,000,000 times 0.1 in float32?",
        truth=Value(
            1000000 * float.fromhex("0x1.99999ap-4"),
            lambda mp: mp.mpf(1000000) * (mp.mpf(13421773) / 2**27),
            remark="The tenth is float32's.",
        ),
        why="One number after the other would end near 100958: the error grows with the count. "
        "Both add in blocks or in several accumulators, so that it hardly grows.",
        portable="The library's sum; never a Python loop in float32.",
        references=(ACCURACY, SUM_JAX),
    ),
    Probe(
        id="default-variance",
        title="the default variance",
        question="What is the variance of 1 and 3, by default?",
        truth=Convention(
            "1 of the two numbers, 2 as an estimate from them",
            "whether to divide by n or n - 1 is a convention",
        ),
        why="PyTorch divides by n - 1 (correction=1), JAX follows NumPy and divides by n (ddof=0). "
        "For batches of 32 it is 3 % of the variance, and nobody sees it in a loss curve.",
        portable="Say it: correction=0, ddof=0.",
        references=(VAR_TORCH, VAR_JAX),
    ),
    Probe(
        id="variance-far-from-zero",
        title="variance far from zero",
        question="What is the variance (dividing by n) of 10,000, 10,001 and 10,002 in float32?",
        truth=Value(2 / 3, lambda mp: mp.fsum((x - 1) ** 2 for x in range(3)) / 3),
        why="The textbook formula, mean of squares minus square of the mean, would lose all "
        "digits. Both subtract the mean first, or update it as they go.",
        portable="The library's var.",
        references=(VAR_TORCH, VAR_JAX),
    ),
    Probe(
        id="log-of-sigmoid",
        title="log(sigmoid(x)) far to the left",
        question="What is the derivative of log(sigmoid(x)) at -100, written in two steps?",
        truth=Value(1.0, lambda mp: mp.diff(lambda x: -mp.log(1 + mp.exp(-x)), -100)),
        why="exp(-100) is below float32's normal range; sigmoid is then 0 or loses its digits, and "
        "its logarithm is divided by it.",
        portable="log_sigmoid, or softplus: -softplus(-x).",
        references=(LOGSIGMOID, LOGSIGMOID_JAX),
    ),
    Probe(
        id="stable-log-sigmoid",
        title="log_sigmoid far to the left",
        question="What is the derivative of log_sigmoid at -100?",
        truth=Value(1.0, lambda mp: mp.diff(lambda x: -mp.log(1 + mp.exp(-x)), -100)),
        why="Both compute min(x, 0) - log1p(exp(-|x|)), which never leaves the range.",
        portable="As it stands.",
        references=(LOGSIGMOID, LOGSIGMOID_JAX),
    ),
    Probe(
        id="sigmoid-tail",
        title="slope of sigmoid far to the right",
        question="What is the derivative of sigmoid at 20 in float32?",
        truth=Value(
            math.exp(-20) / (1 + math.exp(-20)) ** 2,
            lambda mp: mp.diff(lambda x: 1 / (1 + mp.exp(-x)), 20),
        ),
        why="The slope is computed from the value as s (1 - s), and s has been rounded to 1: the "
        "gradient is exactly 0, although the true one is far from underflow. At -20 it is right.",
        portable="sigmoid(x) sigmoid(-x), with a rule of one's own.",
        references=(
            SIGMOID,
            "https://docs.pytorch.org/docs/stable/generated/torch.sigmoid.html",
        ),
    ),
    Probe(
        id="tanh-tail",
        title="slope of tanh far to the right",
        question="What is the derivative of tanh at 10 in float32?",
        truth=Value(1 / math.cosh(10) ** 2, lambda mp: mp.diff(mp.tanh, 10)),
        why="The slope is computed from the value as 1 - t^2, and t has been rounded to 1.",
        portable="1 / cosh(x)^2, with a rule of one's own.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.tanh.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.tanh.html",
        ),
    ),
    Probe(
        id="log-of-softmax",
        title="log(softmax) of distant logits",
        question="What is log(softmax) of (0, -200), written in two steps?",
        truth=Value(
            [0.0, -200.0],
            lambda mp: [z - mp.log(1 + mp.exp(-200)) for z in (0, -200)],
        ),
        why="exp(-200) underflows to 0, and its logarithm is minus infinity.",
        portable="log_softmax.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.log_softmax.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.log_softmax.html",
        ),
    ),
    Probe(
        id="softmax-of-large-logits",
        title="softmax of large logits",
        question="What is the softmax of (1000, 0)?",
        truth=Value([1.0, 0.0], lambda mp: [mp.exp(z) / (1 + mp.exp(-1000)) for z in (0, -1000)]),
        why="exp(1000) overflows; both subtract the largest logit first.",
        portable="As it stands; a softmax by hand must do the same.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.nn.softmax.html",
        ),
    ),
    Probe(
        id="sine-of-a-large-number",
        title="sine of a large number",
        question="What is sin(1e10) in float32?",
        truth=Value(math.sin(1e10), lambda mp: mp.sin(mp.mpf(10) ** 10)),
        why="1e10 is a float32 number, and its sine is well defined, but it takes pi to many "
        "digits to find out where in its period it lies.",
        portable="Reduce the argument where its meaning is known: positions, phases.",
        references=(
            "https://docs.pytorch.org/docs/stable/generated/torch.sin.html",
            "https://docs.jax.dev/en/latest/_autosummary/jax.numpy.sin.html",
        ),
    ),
)
