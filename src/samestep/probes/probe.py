"""A probe: one question about automatic differentiation, its true answer, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from samestep.interface import Array, Backend
from samestep.probes.truth import Truth

__all__ = ["Probe", "gradient"]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One question that is put to every framework.

    Parameters
    ----------
    id : str
        Lower-case words joined by hyphens; the name of its native functions, with underscores.
    title : str
        A few words.
    question : str
        One sentence that ends with a question mark.
    truth : Truth
        A :class:`Derivative`, :class:`Value` or :class:`Convention`.
    why : str
        Two or three sentences: why a framework answers as it does.
    portable : str
        What to write instead, to get the same on all of them.
    references : tuple of str
        Addresses of the documentation or the thread that ``why`` leans on; at least one.
    shared : callable, optional
        ``backend -> observation``: the question in code that is written once, on ``backend.xp``
        and the interface. A framework's native code, where there is some, takes its place.
    cure : callable, optional
        What ``portable`` recommends, as shared code. It is run and shown as well, and the tests
        demand that all sides agree on it.
    scale : float
        Magnitude of the largest term that is rounded on the way, where it is larger than the
        result; see :mod:`samestep.probes.comparison`.
    """

    id: str
    title: str
    question: str
    truth: Truth
    why: str
    portable: str
    references: tuple[str, ...]
    shared: Callable[[Backend], object] | None = None
    cure: Callable[[Backend], object] | None = None
    scale: float = 0.0

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.id):
            raise ValueError(f"{self.id!r} is no probe id: lower-case words joined by hyphens.")
        if not self.question.endswith("?"):
            raise ValueError(f"The question of {self.id!r} ends without a question mark.")
        if not self.references or not all(r.startswith("https://") for r in self.references):
            raise ValueError(f"{self.id!r} needs a reference, an https:// address.")
        if any(code and code.__name__ == "<lambda>" for code in (self.shared, self.cure)):
            raise ValueError(f"The code of {self.id!r} is shown: write it with def.")


def gradient(backend: Backend, function: Callable[..., Array], *at: npt.ArrayLike) -> object:
    """Differentiate a scalar function at a point, through the interface, for shared code.

    Parameters
    ----------
    backend : Backend
    function : callable
        ``(xp, *arguments) -> scalar array``.
    *at : number or array
        The point: one value per argument.

    Returns
    -------
    Array or list of Array
        The gradient with respect to the argument, or a list of one gradient per argument.
    """
    point = {str(i): backend.asarray(np.asarray(x, dtype=float)) for i, x in enumerate(at)}

    def loss(arguments: dict[str, Array]) -> Any:
        return function(backend.xp, *arguments.values())

    _, grads = backend.value_and_grad(loss)(point)
    found = [grads[name] for name in point]
    return found[0] if len(found) == 1 else found
