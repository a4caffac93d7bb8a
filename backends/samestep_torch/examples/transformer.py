"""A transformer with one pre-norm block, trained by AdamW with a warm-up."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # as PyTorch's users write it
from torch import Tensor, nn

from samestep_torch.port import Side

__all__ = ["Transformer", "transformer"]

VOCABULARY, LENGTH, WIDTH, HEADS, HIDDEN = 11, 5, 8, 2, 16


class SelfAttention(nn.Module):
    """Multi-head attention of a sequence to itself."""

    def __init__(self) -> None:
        super().__init__()
        self.q = nn.Linear(WIDTH, WIDTH)
        self.k = nn.Linear(WIDTH, WIDTH)
        self.v = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Attend where the mask is true."""
        q, k, v = (self._heads(project(x)) for project in (self.q, self.k, self.v))
        h = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        return self.out(h.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def _heads(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], HEADS, -1).transpose(1, 2)


class Block(nn.Module):
    """Attention and a feed-forward network, each after a norm and beside a residual."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attention = SelfAttention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.fc1 = nn.Linear(WIDTH, HIDDEN)
        self.gelu = nn.GELU()
        self.fc2 = nn.Linear(HIDDEN, WIDTH)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return what the block makes of a sequence of shape (examples, length, width)."""
        x = x + self.attention(self.norm1(x), mask)
        return x + self.fc2(self.gelu(self.fc1(self.norm2(x))))  # type: ignore[no-any-return]


class Transformer(nn.Module):
    """Labels each token of a sequence with one of 4 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, WIDTH)
        self.position = nn.Parameter(0.1 * torch.randn(LENGTH, WIDTH))
        self.block = Block()
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 4)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return logits of shape (examples, length, classes); the mask is true for real tokens."""
        x = self.embed(tokens) + self.position
        return self.head(self.norm(self.block(x, mask)))  # type: ignore[no-any-return]


def loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy over the tokens that have a label; -100 marks padding."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)


def transformer() -> Side:
    """Return the side of the original: matrices decay, biases and norms do not."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Transformer()
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.01, eps=1e-6)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    return Side(model, loss, optimizer, scheduler)
