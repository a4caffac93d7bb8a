"""All probes on the installed frameworks: truths, sides, isolation, and the recorded verdicts."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from experiments.record_atlas import recorded, verdicts

from samestep.probes.catalogue import Entry, catalogue, sides
from samestep.probes.comparison import Relation, relate
from samestep.probes.conduct import atlas
from samestep.probes.derivative import Derivative, Slope
from samestep.probes.observation import observe
from samestep.probes.result import Atlas
from samestep.probes.truth import Convention, Value

PROBES = {entry.probe.id: entry for entry in catalogue()}
BACKENDS = ("torch", "jax")


@pytest.fixture(scope="module")
def found() -> Atlas:
    return atlas(on=BACKENDS)


@pytest.fixture(params=PROBES.values(), ids=PROBES)
def entry(request: pytest.FixtureRequest) -> Entry:
    return request.param


def test_the_stated_truth_is_what_is_measured(entry: Entry) -> None:
    truth = entry.probe.truth
    with mpmath.workdps(80):
        match truth:
            case Derivative():
                steps = (mpmath.mpf(10) ** -20, mpmath.mpf(10) ** -40)
                measured = truth.measured(mpmath.mp, steps)
                for pair, stated in zip(measured, truth.stated, strict=True):
                    assert _as_stated(pair, stated), f"measured {measured}, stated {truth.stated}"
            case Value():
                computed = observe(_plain(truth.computed(mpmath.mp)))
                assert truth.admits(computed), f"computed {computed.text}, stated {truth.brief}"
            case Convention():
                assert len(truth.unmeasured.split()) >= 3, "say why nothing can be measured"


def _as_stated(measured: tuple[object, object], stated: tuple[Slope, Slope]) -> bool:
    for slope, claim in zip(measured, stated, strict=True):
        if slope is None or claim is None:
            if slope is not claim:
                return False
        elif float(slope) != claim and not abs(float(slope) - claim) <= 1e-14 * (1 + abs(claim)):
            return False
    return True


def _plain(value: object) -> object:
    """mpmath's numbers and matrices as Python's."""
    match value:
        case mpmath.mpf():
            return float(value)
        case mpmath.mpc():
            return complex(value)
        case mpmath.matrix():
            return np.array(value.tolist(), dtype=float)
        case dict():
            return {key: _plain(part) for key, part in value.items()}
        case tuple():
            return tuple(map(_plain, value))
        case list():
            plain = [_plain(part) for part in value]
            numeric = all(isinstance(x, int | float | np.ndarray) for x in plain)
            return np.array(plain) if numeric else plain
    return value


@pytest.mark.parametrize("name", BACKENDS)
def test_every_side_has_code_or_a_reason(entry: Entry, name: str) -> None:
    (side,) = sides([name])
    answered = entry.probe.shared is not None or entry.probe.id in set(side.natives)
    assert answered, f"{entry.probe.id}: no shared code, no native code, no reason on {name}"


@pytest.mark.parametrize("name", BACKENDS)
def test_no_native_code_is_left_over(name: str) -> None:
    (side,) = sides([name])
    assert set(side.natives) <= set(PROBES)


def test_settings_are_left_as_they_were(entry: Entry, found: Atlas) -> None:
    page = found[entry.probe.id]
    for name, seen in [*page.observed.items(), *page.cured.items()]:
        assert not seen.left_changed, f"{page.id} on {name} leaves changed: {seen.left_changed}"


def test_a_cure_is_portable(entry: Entry, found: Atlas) -> None:
    cured = [seen.outcome for seen in found[entry.probe.id].cured.values()]
    for other in cured[1:]:
        assert relate(cured[0], other, entry.probe.scale) is Relation.SAME, cured


def test_verdicts_are_those_recorded_for_these_versions(found: Atlas) -> None:
    known = recorded()
    if found.versions_text not in known:
        pytest.skip(
            f"no verdicts recorded for {found.versions_text}; "
            "record them with: python tests/experiments/record_atlas.py"
        )
    old, new = known[found.versions_text], verdicts(found)
    changed = [
        f"{probe}: recorded {old.get(probe, 'nothing')}, observed {new.get(probe, 'nothing')}"
        for probe in sorted(old.keys() | new.keys())
        if old.get(probe, {}).get("verdict") != new.get(probe, {}).get("verdict")
    ]
    assert not changed, (
        f"{len(changed)} verdicts changed on {found.versions_text}; if they are right, record them "
        "with: python tests/experiments/record_atlas.py\n" + "\n".join(changed)
    )
