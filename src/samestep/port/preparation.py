"""What a port check starts from, validated: two sides, batches, and the mapping between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from samestep.errors import UsageError
from samestep.port.guess import pair_tensors
from samestep.port.pairing import Corrections, Pairing
from samestep.port.precision import precision
from samestep.port.side import Batch, Side

__all__ = ["paired", "read_batches", "working_precision"]


def working_precision(original: Side, port: Side, dtype: str | None) -> str:
    """Check that the sides may be compared, and return the working precision."""
    for side, role in ((original, "original"), (port, "port")):
        if not isinstance(side, Side):
            raise UsageError(
                f"The {role} is a {type(side).__name__}, not a side of a port.",
                "Make the sides with samestep_torch.port.Side and samestep_jax.port.Side.",
            )
        if side.role != role:
            raise UsageError(
                f"The {side.label} side stands where the {role} is expected.", "Swap the sides."
            )
    if original.device != port.device:
        raise UsageError(
            f"The {original.label} side is on {original.device}, the {port.label} side on "
            f"{port.device}.",
            f"Bring both to one device: move the model, or Side(..., device={original.device!r}).",
        )
    if dtype is None and original.dtype != port.dtype:
        raise UsageError(
            f"The {original.label} side has {original.dtype} parameters, the {port.label} side "
            f"{port.dtype}.",
            f"Say in which precision to compare them: dtype={original.dtype!r}.",
        )
    return precision(dtype or original.dtype).name


def read_batches(batches: Iterable[Any]) -> list[Batch]:
    """Read all batches; there must be one at least."""
    expected = "Give an iterable of batches: [(inputs, targets), ...]; one step is taken on each."
    if isinstance(batches, str | dict) or not isinstance(batches, Iterable):
        raise UsageError(f"batches is a {type(batches).__name__}.", expected)
    read = [Batch.of(batch) for batch in batches]
    if not read:
        raise UsageError("There are no batches, so no step was compared.", expected)
    return read


def paired(
    original: Side, port: Side, mapping: Corrections, leave_out: Sequence[str]
) -> tuple[Pairing, Pairing]:
    """Pair parameters and statistics; each correction goes where its name belongs."""
    statistics, theirs = original.statistics(), port.statistics()

    def of_statistics(key: str | tuple[str, ...]) -> bool:
        return (key if isinstance(key, str) else key[0]) in statistics

    parts = []
    for what, mine, other in (
        ("parameters", original.parameters(), port.parameters()),
        ("statistics", statistics, theirs),
    ):
        wanted = what == "statistics"
        own = {key: value for key, value in mapping.items() if of_statistics(key) == wanted}
        out = [n for n in leave_out if ((n in statistics or n in theirs) == wanted)]
        pairing = pair_tensors(mine, other, own, out, what)
        pairing.prove_round_trip()
        parts.append(pairing)
    return parts[0], parts[1]
