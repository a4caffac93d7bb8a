"""One side of a port, as a framework offers it: the original, or the port of it.

A side is a pure function in disguise: :meth:`Side.run` and :meth:`Side.update` start from the state
that they are given, at the precision that they are asked for, and leave nothing behind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from samestep.errors import UsageError
from samestep.loss import Float64
from samestep.port.precision import PRECISIONS
from samestep.port.rules import Rule

__all__ = ["Arrays", "Batch", "Pass", "Side", "State", "Tensor", "Variation", "only"]

Arrays: TypeAlias = dict[str, Float64]
"""Arrays by name, in float64, whatever precision they were computed in."""


@dataclass(frozen=True)
class Tensor:
    """A parameter or a statistic, described.

    Parameters
    ----------
    shape : tuple of int
    axes : str
        What the axes mean, in the notation of einops, such as ``"out in"`` for the weight of a
        dense layer; empty where the side cannot know.
    """

    shape: tuple[int, ...]
    axes: str = ""


@dataclass(frozen=True)
class State:
    """Where a step starts: everything in a side's own names and layouts.

    Parameters
    ----------
    params : dict of str to array
    statistics : dict of str to array
        Running statistics, such as those of batch normalisation.
    slots : dict of str to dict of str to array
        What the optimizer keeps per parameter: ``momentum``, ``first_moment``, ``second_moment``,
        ``max_second_moment``; a parameter without a slot is left out.
    count : int
        Steps that the optimizer has taken.
    """

    params: Arrays
    statistics: Arrays = field(default_factory=dict)
    slots: dict[str, Arrays] = field(default_factory=dict)
    count: int = 0


@dataclass(frozen=True)
class Batch:
    """One batch, the same for both sides.

    Parameters
    ----------
    inputs : tuple of array
        Arguments of the model; float64 where they are floating-point numbers.
    targets : tuple of array
        Arguments of the loss after the model's output.
    """

    inputs: tuple[npt.NDArray[Any], ...]
    targets: tuple[npt.NDArray[Any], ...] = ()

    @property
    def rows(self) -> int | None:
        """Length of the first axis of the first input, which counts the examples."""
        first = self.inputs[0]
        return first.shape[0] if first.ndim else None

    def prepared(self, prepare: Callable[..., Any] | None) -> Batch:
        """Change the arrays to what one side expects."""
        if prepare is None:
            return self
        inputs = self.inputs if len(self.inputs) > 1 else self.inputs[0]
        return Batch.of(prepare(inputs, *self.targets))

    @classmethod
    def of(cls, given: Any) -> Batch:
        """Read ``(inputs, *targets)``, where ``inputs`` is an array or a tuple of arrays.

        Raises
        ------
        UsageError
            If something in it is not array-like.
        """
        expected = (
            "Give (inputs, *targets): arrays, inputs being a tuple of arrays if the model takes "
            "several."
        )
        if not isinstance(given, tuple | list) or not given:
            raise UsageError(f"A batch is a {type(given).__name__}.", expected)
        inputs = given[0] if isinstance(given[0], tuple | list) else (given[0],)
        return cls(
            tuple(_array(x, "an input", expected) for x in inputs),
            tuple(_array(x, "a target", expected) for x in given[1:]),
        )

    def map(self, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Batch:
        """Apply a function to every array."""
        return Batch(tuple(map(change, self.inputs)), tuple(map(change, self.targets)))


@dataclass(frozen=True)
class Pass:
    """Forward and backward pass from one state on one batch.

    Parameters
    ----------
    activations : dict of str to array
        Outputs of the layers and of the user's taps, in the order in which they were made.
    output : array
        What the loss was given.
    loss : array, shape ()
    gradients : dict of str to array
        Of the parameters that are trained.
    statistics : dict of str to array
        After the pass.
    dtypes : frozenset of str
        All precisions that were seen; a model with a cast in it has not run in the one that was
        asked for.
    inputs : dict of str to tuple of array
        What each layer was called with, if the side can tell.
    """

    activations: Arrays
    output: Float64
    loss: Float64
    gradients: Arrays
    statistics: Arrays
    dtypes: frozenset[str]
    inputs: dict[str, tuple[npt.NDArray[Any], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Variation:
    """Something that a side could have done otherwise, so that it can be tried.

    Parameters
    ----------
    id : str
        Which known fault it imitates.
    place : str
        The layer; empty for several places, or for the model itself.
    text : str
        What the other side then does, as a clause: ``"uses eps=1e-06 in norm1"``.
    advice : str
        What to change on the other side.
    applied : callable
        Returns a context in which :meth:`Side.run` does it.
    """

    id: str
    place: str
    text: str
    advice: str
    applied: Callable[[], AbstractContextManager[None]]


class Side(ABC):
    """One side of a port.

    Attributes
    ----------
    label : str
        How messages call it.
    role : {"original", "port"}
    device, dtype : str
        Where its parameters are, and their precision.
    notes : sequence of str
        What a reader should know, such as dropout that was switched off.
    """

    label: str
    role: Literal["original", "port"]
    device: str
    dtype: str
    notes: Sequence[str]

    @abstractmethod
    def parameters(self) -> dict[str, Tensor]:
        """Describe all parameters, in the order of the layers where there is one."""

    @abstractmethod
    def statistics(self) -> dict[str, Tensor]:
        """Describe all running statistics."""

    @abstractmethod
    def slots(self) -> dict[str, tuple[str, ...]]:
        """Names of what the optimizer keeps, and for which parameters."""

    @abstractmethod
    def state(self) -> State:
        """Return the state that the user gave."""

    @abstractmethod
    def run(self, state: State, batch: Batch, dtype: str) -> Pass:
        """Run forward and backward from a state.

        Raises
        ------
        UsageError
            If the model or the loss fails, or draws random numbers.
        """

    @abstractmethod
    def update(self, state: State, gradients: Arrays, dtype: str) -> State:
        """Let the optimizer take one step from a state with given gradients.

        Parameters that have no gradient are not trained. Statistics stay as they are.
        """

    @abstractmethod
    def loaded(self, params: Arrays) -> Any:
        """Return the framework's own object that holds these parameters."""

    def rules(self, count: int) -> dict[str, Rule]:
        """Describe what the optimizer does to each parameter after so many steps, if it is told."""
        del count
        return {}

    def variations(self, state: State, batch: Batch) -> Sequence[Variation]:
        """What could be done otherwise in a step from this state; nothing by default."""
        del state, batch
        return ()

    def rerouted(self, state: State, batch: Batch, layer: str, x: Float64) -> Float64:
        """Run the model in float64 with another first input to one layer, and return its output.

        Raises
        ------
        NotImplementedError
            If a side cannot.
        """
        raise NotImplementedError


def only(what: str, found: Iterable[str], label: str) -> str:
    """Return the one device or precision that all parameters of a side share.

    Raises
    ------
    UsageError
        If there are several, or no parameters.
    """
    values = sorted(set(found))
    if not values:
        raise UsageError(
            f"The {label} side has no parameters.",
            "Give it a model with floating-point parameters.",
        )
    if len(values) > 1:
        raise UsageError(
            f"The parameters of the {label} side have several {what}s: {', '.join(values)}.",
            f"Bring all of them to one {what}.",
        )
    return values[0]


def _array(x: object, what: str, expected: str) -> npt.NDArray[Any]:
    """Copy something array-like; floating-point numbers become float64."""
    try:
        array = np.array(x)
        floating = array.dtype.kind == "f" or array.dtype.name in PRECISIONS
        array = array.astype(np.float64) if floating else array
    except Exception:  # noqa: BLE001  # whatever a foreign __array__ raises
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        raise UsageError(f"In a batch {what} is a {type(x).__name__}, not an array.", expected)
    return array
