"""What the names of parameters and layers say, whatever the framework's habits of writing them."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Name", "parent"]

_ROLES = {
    **dict.fromkeys(("weight", "kernel", "scale", "w", "gamma", "embedding"), "weight"),
    **dict.fromkeys(("bias", "b", "beta", "offset"), "bias"),
    **dict.fromkeys(("mean", "mu"), "mean"),
    **dict.fromkeys(("var", "variance"), "var"),
}
_SYNONYMS = {
    **dict.fromkeys(("fc", "linear", "lin", "dense", "proj", "projection"), "dense"),
    **dict.fromkeys(("ln", "bn", "norm", "layernorm", "batchnorm", "groupnorm"), "norm"),
    **dict.fromkeys(("attn", "attention", "mha", "multihead"), "attention"),
    **dict.fromkeys(("emb", "embed", "embedding", "wte"), "embedding"),
    **dict.fromkeys(("conv", "convolution"), "conv"),
    "q": "query",
    "k": "key",
    "v": "value",
    "o": "out",
    "output": "out",
}
_FILLERS = {
    "layer",
    "running",
    "self",
    "params",
    "batch",
    "stat",
    "module",
    "multi",
    "head",
    "dot",
    "product",
}


@dataclass(frozen=True)
class Name:
    """The parts of a name.

    Parameters
    ----------
    words : frozenset of str
        Normalised: ``fc``, ``linear`` and ``Dense`` are one word.
    numbers : tuple of int
    role : str
        ``weight``, ``bias``, ``mean``, ``var``, or empty.
    """

    words: frozenset[str]
    numbers: tuple[int, ...]
    role: str

    @classmethod
    def of(cls, text: str) -> Name:
        """Read a name such as ``layers.0.fc1.weight`` or ``Dense_0/kernel``."""
        tokens = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", text)
        numbers = tuple(int(token) for token in tokens if token.isdigit())
        plain = [token.lower() for token in tokens if not token.isdigit()]
        role = next((_ROLES[word] for word in reversed(plain) if word in _ROLES), "")
        kept = {word for word in plain if _ROLES.get(word) != role or word == "embedding"}
        words = {_SYNONYMS.get(word, word) for word in map(_singular, kept)}
        return cls(frozenset(words - _FILLERS), numbers, role)

    def likeness(self, other: Name) -> float:
        """Share of the words that two names have in common; 0 if neither has any."""
        union = self.words | other.words
        return len(self.words & other.words) / len(union) if union else 0.0


def parent(name: str) -> str:
    """Return the name of the layer that a parameter belongs to."""
    return re.sub(r"[./]?[^./]+$", "", name)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
