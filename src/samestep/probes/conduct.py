"""Run probes on frameworks, one by one, each in isolation."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from samestep.probes.catalogue import Entry, Side, select, sides
from samestep.probes.derivative import Derivative, Slope
from samestep.probes.isolation import Observed, isolated
from samestep.probes.native import source_of
from samestep.probes.observation import Absent
from samestep.probes.probe import Probe
from samestep.probes.result import Atlas, Page
from samestep.probes.verdict import reach_verdict
from samestep.registry import backend_entries

__all__ = ["atlas", "conduct"]


def atlas(*names: str, on: Sequence[str] | None = None) -> Atlas:
    """Observe how the installed frameworks differentiate, probe by probe.

    Parameters
    ----------
    *names : str
        Categories and ids of probes; all of them by default.
    on : sequence of str, optional
        Backends; by default all installed ones that have native code for the atlas.

    Returns
    -------
    Atlas
        ``.table()``, ``.summary()``, ``.to_markdown()``, ``.to_json()``, ``.save(path)``;
        ``.against(Atlas.load(path))`` says what an upgrade changed.

    Raises
    ------
    UsageError
        For an unknown category, probe or backend.
    MissingParticipantError
        If a framework that was asked for is not installed.
    """
    return conduct(select(names), sides(on))


def conduct(entries: Iterable[Entry], on: Sequence[Side]) -> Atlas:
    """Run probes on backends.

    Parameters
    ----------
    entries : iterable of Entry
    on : sequence of Side
    """
    # A thread of its own has the frameworks' thread-local settings as they are at the start, even
    # when the caller is inside no_grad or has set x64.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="atlas") as thread:
        pages = [thread.submit(_page, entry, on).result() for entry in entries]
    known = backend_entries()
    versions: dict[str, str] = {}
    for side in on:
        versions |= known[side.backend.name].versions
    return Atlas(versions=versions, probes=tuple(pages))


def _page(entry: Entry, on: Sequence[Side]) -> Page:
    probe = entry.probe
    code: dict[str, str] = {}
    observed: dict[str, Observed] = {}
    # A setting of one framework may be changed through another's code, so all are watched.
    modes = [mode for side in on for mode in side.natives.modes]
    cured: dict[str, Observed] = {}
    for side in on:
        if probe.cure:
            cure = functools.partial(probe.cure, side.backend)
            cured[side.backend.name] = isolated(cure, side.backend.to_numpy, modes)
        found = _code(probe, side)
        if isinstance(found, Absent):
            observed[side.backend.name] = Observed(outcome=found)
            continue
        run, code[side.backend.name] = found
        observed[side.backend.name] = isolated(run, side.backend.to_numpy, modes)
    outcomes = {name: seen.outcome for name, seen in observed.items()}
    return Page(
        id=probe.id,
        category=entry.category,
        title=probe.title,
        question=probe.question,
        truth=probe.truth.statement,
        brief=probe.truth.brief,
        quotients=_quotients(probe),
        scale=probe.scale,
        code=code,
        observed=observed,
        cure=source_of(probe.cure) if probe.cure else "",
        cured=cured,
        right={
            name: None if isinstance(outcome, Absent) else probe.truth.admits(outcome, probe.scale)
            for name, outcome in outcomes.items()
        },
        verdict=reach_verdict(outcomes, probe.truth, probe.scale),
        why=probe.why,
        portable=probe.portable,
        references=probe.references,
    )


def _code(probe: Probe, side: Side) -> tuple[Callable[[], object], str] | Absent:
    native = side.natives.functions.get(probe.id)
    if native:
        return native, source_of(native)
    if probe.id in side.natives.reasons:
        return Absent(reason=side.natives.reasons[probe.id])
    if probe.shared:
        return functools.partial(probe.shared, side.backend), source_of(probe.shared)
    return Absent(reason="This backend has no code for it, and states no reason.")


def _quotients(probe: Probe) -> str:
    if not isinstance(probe.truth, Derivative):
        return ""

    def show(slope: Slope) -> str:
        return "undefined" if slope is None else f"{slope:.6g}"

    return "; ".join(f"{show(left)} | {show(right)}" for left, right in probe.truth.measured())
