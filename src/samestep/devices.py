"""Device names: ``cpu``, ``gpu``, ``gpu:1``, and the frameworks' own spellings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from samestep.errors import MissingParticipantError

__all__ = ["resolve_device"]


def resolve_device(given: str, present: Sequence[str], aliases: Mapping[str, str]) -> str:
    """Return the canonical name of a device, or raise an error that lists what is there.

    Parameters
    ----------
    given : str
        Such as ``"cpu"``, ``"gpu"``, ``"gpu:1"`` or an alias with an index.
    present : sequence of str
        Canonical names of the devices of this machine; device 0 of a kind has no index.
    aliases : mapping
        Other words for a kind of device.
    """
    kind, _, index = given.lower().partition(":")
    kind = aliases.get(kind, kind)
    name = kind if index in ("", "0") else f"{kind}:{index}"
    if name not in present:
        raise MissingParticipantError(
            f"Device {given!r} is not there.",
            f"Devices here: {', '.join(present)}.",
        )
    return name
