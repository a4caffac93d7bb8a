"""A multilayer perceptron with a layer norm, trained by Adam with L2 decay and a step schedule."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # as PyTorch's users write it
from torch import Tensor, nn

from samestep_torch.port import Side

__all__ = ["MLP", "mlp"]


class MLP(nn.Module):
    """Classifies 6 features into 3 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(6, 8)
        self.norm = nn.LayerNorm(8)
        self.gelu = nn.GELU()
        self.fc2 = nn.Linear(8, 8)
        self.fc3 = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits of shape (examples, classes)."""
        h = self.gelu(self.norm(self.fc1(x)))
        h = F.relu(self.fc2(h))
        return self.fc3(h)  # type: ignore[no-any-return]


def mlp() -> Side:
    """Return the side of the original."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MLP()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    return Side(model, F.cross_entropy, optimizer, scheduler)
