"""The port of the CNN to Flax linen, and bugs that such ports have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen

from samestep.errors import unknown_name
from samestep_jax.examples.layers import cross_entropy
from samestep_jax.port import Side, tap

__all__ = ["BUGS", "CNN", "cnn"]

_DECAY = 0.01
_SYMMETRIC = ((1, 1), (1, 1))


def sgd(mask: Any = None, *, nesterov: bool = True) -> optax.GradientTransformation:
    """SGD as PyTorch's: the decay is added to the gradient, before the momentum."""
    return optax.chain(
        optax.add_decayed_weights(_DECAY, mask),
        optax.sgd(0.05, momentum=0.9, nesterov=nesterov),
    )


def sgd_decay_last() -> optax.GradientTransformation:
    """SGD whose decay does not pass through the momentum."""
    return optax.chain(
        optax.trace(0.9, nesterov=True),
        optax.add_decayed_weights(_DECAY),
        optax.scale_by_learning_rate(0.05),
    )


def kernels_only(params: Any) -> Any:
    """Mark the parameters that are not of a norm and no biases."""
    return jax.tree.map(lambda p: p.ndim > 1, params)


@dataclass(frozen=True)
class Choices:
    """What a porting engineer must choose; the defaults are what the original does.

    Parameters
    ----------
    conv_padding, pool_padding : str or pairs of int
        Where the stride is 2, ``"SAME"`` pads by less than PyTorch's ``padding=1``, at the end.
    conv_bias : bool
        Give the first convolution a bias; before a batch norm it changes no output.
    train : bool
        Normalise by the batch.
    momentum : float
        The weight of the old statistics, in Flax.
    unbiased : bool
        Keep the unbiased variance, as PyTorch does and Flax does not.
    epsilon : float
        Of the batch norms.
    channels_first : bool
        Flatten in PyTorch's order.
    optimizer : callable
        Makes the optimizer.
    """

    conv_padding: Any = _SYMMETRIC
    pool_padding: Any = _SYMMETRIC
    conv_bias: bool = True
    train: bool = True
    momentum: float = 0.9
    unbiased: bool = True
    epsilon: float = 1e-5
    channels_first: bool = True
    optimizer: Callable[[], optax.GradientTransformation] = sgd


BUGS = {
    "same-padding": Choices(conv_padding="SAME"),
    "same-padding-of-the-pool": Choices(pool_padding="SAME"),
    "missing-bias": Choices(conv_bias=False),
    "evaluation-mode": Choices(train=False),
    "batchnorm-momentum": Choices(momentum=0.1),
    "biased-variance": Choices(unbiased=False),
    "epsilon": Choices(epsilon=1e-3),
    "flatten-order": Choices(channels_first=False),
    "no-nesterov": Choices(optimizer=partial(sgd, nesterov=False)),
    "decay-after-momentum": Choices(optimizer=sgd_decay_last),
    "decay-of-kernels-only": Choices(optimizer=partial(sgd, kernels_only)),
}
"""Each is one wrong choice."""


class BatchNorm(linen.Module):
    """Batch norm over the last axis whose running variance is unbiased, as PyTorch's is."""

    choices: Choices

    @linen.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Normalise, and update the running statistics in training."""
        features, axes = x.shape[-1], tuple(range(x.ndim - 1))
        scale = self.param("scale", linen.initializers.ones, (features,))
        bias = self.param("bias", linen.initializers.zeros, (features,))
        kept_mean = self.variable("batch_stats", "mean", jnp.zeros, features)
        kept_var = self.variable("batch_stats", "var", jnp.ones, features)
        mean, var = kept_mean.value, kept_var.value
        if self.choices.train:
            mean, var = x.mean(axes), x.var(axes)
            n = x.size // features
            new_var = var * n / (n - 1) if self.choices.unbiased else var
            if not self.is_initializing():
                old = self.choices.momentum
                kept_mean.value = old * kept_mean.value + (1 - old) * mean
                kept_var.value = old * kept_var.value + (1 - old) * new_var
        return (x - mean) / jnp.sqrt(var + self.choices.epsilon) * scale + bias


class CNN(linen.Module):
    """Classifies images of shape (8, 8, 3) into 5 classes."""

    choices: Choices

    def setup(self) -> None:
        """Name the layers as the original does."""
        c = self.choices
        self.conv1 = linen.Conv(6, (3, 3), padding=_SYMMETRIC, use_bias=c.conv_bias)
        self.bn1 = BatchNorm(c)
        self.conv2 = linen.Conv(8, (3, 3), strides=2, padding=c.conv_padding)
        self.bn2 = BatchNorm(c)
        self.fc = linen.Dense(5)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return logits of shape (examples, classes)."""
        h = linen.relu(self.bn1(self.conv1(x)))
        h = linen.max_pool(h, (3, 3), (2, 2), self.choices.pool_padding)  # type: ignore[no-untyped-call]
        h = linen.relu(self.bn2(self.conv2(tap("pool", h))))
        if self.choices.channels_first:
            h = h.transpose(0, 3, 1, 2)
        return self.fc(h.reshape(len(h), -1))


def mean_loss(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Average the cross-entropy over the examples."""
    return cross_entropy(logits, labels).mean()


def channels_last(images: Any, labels: Any) -> tuple[Any, Any]:
    """Bring NCHW to NHWC."""
    return images.transpose(0, 2, 3, 1), labels


def cnn(bug: str | None = None) -> Side:
    """Return the port, faithful or with one of :data:`BUGS`."""
    if bug is not None and bug not in BUGS:
        raise unknown_name("bug of the CNN's port", bug, BUGS)
    choices = BUGS[bug] if bug else Choices()
    module = CNN(choices)
    # The check copies the original's values, so shapes are enough, and much quicker.
    shapes = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    variables = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
    return Side(module, variables, mean_loss, choices.optimizer(), prepare=channels_last)
