"""What code did: the value that it returned, as plain data, or the exception that it raised."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from samestep.errors import SamestepError

__all__ = [
    "Absent",
    "Flag",
    "Items",
    "Nothing",
    "Numbers",
    "Outcome",
    "Parts",
    "Raised",
    "Text",
    "attempt",
    "observe",
]


class _Model(BaseModel):
    # JSON has no NaN: it is written as the string "NaN", which is read back as the number.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Numbers(_Model):
    """An array of numbers; a single number has shape ().

    Parameters
    ----------
    dtype : str
        As NumPy spells it; ``"int"``, ``"float"`` and ``"complex"`` are Python's own.
    shape : tuple of int
    values : tuple
        Row by row; of complex numbers the real parts.
    imag : tuple of float or None
        The imaginary parts of complex numbers.
    """

    kind: Literal["numbers"] = "numbers"
    dtype: str
    shape: tuple[int, ...]
    values: tuple[int | float, ...]
    imag: tuple[float, ...] | None = None

    def array(self) -> npt.NDArray[Any]:
        """Return the numbers, flat: integers exactly, others in double precision."""
        flat = np.array(self.values, dtype=None if self.values else float)
        return flat if self.imag is None else flat + 1j * np.array(self.imag)

    @property
    def text(self) -> str:
        """The numbers with six digits, in brackets like NumPy's."""
        imag = self.imag or (None,) * len(self.values)
        shown = [_show(x, y) for x, y in zip(self.values, imag, strict=True)]
        return _bracket(shown, self.shape)


class Text(_Model):
    """A string: the name of a dtype, a printed form."""

    kind: Literal["text"] = "text"
    value: str

    @property
    def text(self) -> str:
        """The string itself."""
        return self.value


class Flag(_Model):
    """True or false."""

    kind: Literal["flag"] = "flag"
    value: bool

    @property
    def text(self) -> str:
        """As Python writes it."""
        return str(self.value)


class Nothing(_Model):
    """Python's ``None``, which is not zero."""

    kind: Literal["none"] = "none"

    @property
    def text(self) -> str:
        """As Python writes it."""
        return "None"


class Raised(_Model):
    """An exception.

    Parameters
    ----------
    type : str
        Name of its class.
    message : str
        First line of its message.
    """

    kind: Literal["raised"] = "raised"
    type: str
    message: str

    @property
    def text(self) -> str:
        """The class of the exception; the message is shown where there is room."""
        return f"raises {self.type}"


class Absent(_Model):
    """There is nothing to run, for a stated reason."""

    kind: Literal["absent"] = "absent"
    reason: str

    @property
    def text(self) -> str:
        """A dash; the reason is shown where there is room."""
        return "-"


class Items(_Model):
    """A list or tuple."""

    kind: Literal["items"] = "items"
    items: tuple[Outcome, ...]

    @property
    def text(self) -> str:
        """The items in parentheses."""
        return f"({', '.join(item.text for item in self.items)})"


class Parts(_Model):
    """Several observations, labelled."""

    kind: Literal["parts"] = "parts"
    parts: dict[str, Outcome]

    @property
    def text(self) -> str:
        """``label: value``, one after the other; the value once if all have the same."""
        texts = {part.text for part in self.parts.values()}
        if len(texts) == 1 < len(self.parts):
            return f"{texts.pop()} ({len(self.parts)} ways)"
        return "; ".join(f"{label}: {part.text}" for label, part in self.parts.items())


Outcome: TypeAlias = Annotated[
    Numbers | Text | Flag | Nothing | Raised | Absent | Items | Parts, Field(discriminator="kind")
]
"""What one side of a probe did."""

Items.model_rebuild()
Parts.model_rebuild()


def attempt(code: Callable[[], object]) -> object:
    """Return what code returns, or its exception as a value: one of several labelled parts.

    A probe whose only answer is an exception needs no ``attempt``: exceptions are observed.
    """
    try:
        return code()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the observation
        return raised(error)


def raised(error: Exception) -> Raised:
    """Return an exception as an observation."""
    text = error.message if isinstance(error, SamestepError) else str(error)
    return Raised(type=type(error).__name__, message=(text.strip().splitlines() or [""])[0])


def observe(value: object, to_numpy: Callable[[Any], npt.NDArray[Any]] = np.array) -> Outcome:
    """Turn what code returned into plain data.

    Parameters
    ----------
    value : object
        None, a bool, number, string or array, or a dict, list or tuple of these.
    to_numpy : callable
        Copies a framework's array to the host.

    Raises
    ------
    TypeError
        If it is something else; return a number or a string that says what matters about it.
    """
    match value:
        case None:
            return Nothing()
        case Raised():
            return value
        case bool() | np.bool_():
            return Flag(value=bool(value))
        case str():
            return Text(value=value)
        case int() | float() | complex():
            dtype = "float64" if isinstance(value, np.generic) else type(value).__name__
            return _numbers(np.asarray(value), dtype)
        case np.ndarray() | np.generic():
            return _numbers(np.asarray(value), str(value.dtype))
        case Mapping():
            return Parts(parts={str(k): observe(v, to_numpy) for k, v in value.items()})
        case list() | tuple():
            return Items(items=tuple(observe(item, to_numpy) for item in value))
    try:
        return observe(to_numpy(value))
    except (AttributeError, TypeError, ValueError) as error:
        raise TypeError(
            f"A probe returned {type(value).__name__}, which is no observation ({error}); return "
            "None, a bool, number, string or array, or a dict, list or tuple of these."
        ) from error


def _numbers(array: npt.NDArray[Any], dtype: str) -> Numbers | Flag:
    if array.dtype == object:
        raise TypeError("an array of objects")
    if array.dtype == bool and array.ndim == 0:
        return Flag(value=bool(array))
    if array.dtype.kind == "c":
        return Numbers(
            dtype=dtype,
            shape=array.shape,
            values=tuple(array.real.astype(float).ravel().tolist()),
            imag=tuple(array.imag.astype(float).ravel().tolist()),
        )
    # bfloat16 and its kin are foreign to NumPy, and have no Python scalars.
    exact = array if array.dtype.kind in "iu" else array.astype(float)
    return Numbers(dtype=dtype, shape=array.shape, values=tuple(exact.ravel().tolist()))


def _show(value: float, imag: float | None) -> str:
    real = f"{value:.6g}" if isinstance(value, float) else str(value)
    if imag is None:
        return real
    sign = "-" if math.copysign(1, imag) < 0 else "+"
    return f"{real}{sign}{abs(imag):.6g}j"


def _bracket(shown: list[str], shape: tuple[int, ...]) -> str:
    if not shape:
        return shown[0]
    length = len(shown) // shape[0] if shape[0] else 0
    rows = [_bracket(shown[i * length : (i + 1) * length], shape[1:]) for i in range(shape[0])]
    return f"[{', '.join(rows)}]"
