"""A small convolutional network with batch norm, trained by SGD with Nesterov's momentum."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # as PyTorch's users write it
from torch import Tensor, nn

from samestep_torch.port import Side

__all__ = ["CNN", "cnn"]


class CNN(nn.Module):
    """Classifies images of shape (3, 8, 8) into 5 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d(6)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(6, 8, kernel_size=3, stride=2, padding=1)
        self.bn2 = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8 * 2 * 2, 5)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits of shape (examples, classes)."""
        h = self.pool(F.relu(self.bn1(self.conv1(x))))
        h = F.relu(self.bn2(self.conv2(h)))
        return self.fc(h.flatten(1))  # type: ignore[no-any-return]


def cnn() -> Side:
    """Return the side of the original, in training mode."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = CNN()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01
    )
    return Side(model, F.cross_entropy, optimizer)
