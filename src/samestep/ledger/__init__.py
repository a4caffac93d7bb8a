"""The ledger: what one framework calls by one name, and what another has for it, proven.

An *entry* (:mod:`~samestep.ledger.entry`) belongs to a catalogue and knows no framework; a backend
contributes the *native* code for it (:mod:`~samestep.ledger.native`); a proof compares both sides
with each other and with a float64 reference, and from what it finds the *verdict*
(:mod:`~samestep.ledger.verdict`) is computed. A proven entry is a *page* of a
:class:`~samestep.ledger.book.Ledger`.
"""
