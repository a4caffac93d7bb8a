"""What an entry of the ledger is: a loss, or a setting of an optimizer, that a framework ships."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Entry"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the catalogue says about one thing, whatever a framework calls it.

    Parameters
    ----------
    id : str
        Name in the ledger; backends file their native code under it.
    family : str
        What it is listed with.
    title : str
        What it is called in the literature.
    formula, latex : str
        The same formula twice: as plain text, and for typesetting.
    purpose : str
        What it is for, in a sentence.
    remarks : tuple of str
        What its user should know.
    """

    id: str
    family: str
    title: str
    formula: str
    latex: str
    purpose: str
    remarks: tuple[str, ...] = ()
