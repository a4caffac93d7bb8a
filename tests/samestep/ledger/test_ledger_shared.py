"""Catalogues, verdicts and the ledger itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from samestep.errors import MissingParticipantError, UsageError
from samestep.ledger import catalogue as catalogue_module
from samestep.ledger import native as native_module
from samestep.ledger.book import Ledger, number
from samestep.ledger.catalogue import catalogue, choose
from samestep.ledger.entry import Entry
from samestep.ledger.native import Native, natives
from samestep.ledger.verdict import Side, Verdict, decide
from samestep.registry import BackendEntry
from samestep.table import Column, Row


def entry(id: str, family: str = "toys") -> Entry:
    return Entry(id=id, family=family, title=id, formula="x", latex="x", purpose="Tests.")


SHIPPED = Side(shipped=True, converted=False, agrees=True)
CONVERTED = Side(shipped=True, converted=True, agrees=True)
EXPRESSION = Side(shipped=False, converted=False, agrees=True)
WRONG = Side(shipped=True, converted=False, agrees=False)


@pytest.mark.parametrize(
    ("sides", "needed", "verdict"),
    [
        ((SHIPPED, SHIPPED), True, Verdict.SAME),
        ((SHIPPED, CONVERTED), True, Verdict.CONVERTED),
        ((SHIPPED, EXPRESSION), True, Verdict.NO_COUNTERPART),
        ((SHIPPED, Side(False, False, True, lookalike_differs=True)), True, Verdict.DIFFERENT),
        ((SHIPPED, Side(False, False, True, lookalike_differs=False)), True, Verdict.NOT_PROVEN),
        ((SHIPPED, WRONG), True, Verdict.NOT_PROVEN),
        ((SHIPPED, CONVERTED), False, Verdict.NOT_PROVEN),
    ],
)
def test_verdicts(sides: tuple[Side, ...], needed: bool, verdict: Verdict) -> None:
    assert decide(sides, conversion_needed=needed) == verdict


FOUND = {e.id: e for e in (entry("a"), entry("b"), entry("toys", "others"))}


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ((), ["a", "b", "toys"]),
        (("b", "a"), ["a", "b"]),
        (("toys",), ["a", "b", "toys"]),  # a family, and an entry of that name
        (("others",), ["toys"]),
        (("B",), ["b"]),
    ],
)
def test_entries_are_chosen_by_id_family_and_alias(
    names: tuple[str, ...], chosen: list[str]
) -> None:
    assert [e.id for e in choose(FOUND, names, {"B": {"b"}})] == chosen


def test_an_unknown_name_is_met_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"Unknown entry 'toyz'.\nDid you mean 'toys'\?"):
        choose(FOUND, ["toyz"], {"not listed": {"a"}})


class Point:
    """An entry point that is loaded already."""

    value = "somewhere:THING"

    def __init__(self, name: str, what: Any) -> None:
        self.name, self._what = name, what

    def load(self) -> Any:
        return self._what


def test_catalogues_of_several_distributions_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [Point("losses", [entry("a")]), Point("losses", [entry("b")])]
    monkeypatch.setattr(catalogue_module, "entry_points", lambda group, name: points)
    assert list(catalogue("losses", Entry)) == ["a", "b"]
    points.append(Point("losses", [entry("a")]))
    with pytest.raises(UsageError, match="a second entry 'a'"):
        catalogue("losses", Entry)
    points[:] = [Point("losses", ["huber"])]
    with pytest.raises(UsageError, match="brings a str"):
        catalogue("losses", Entry)


def test_a_missing_framework_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BackendEntry, "missing", ("torch>=2.9",))
    with pytest.raises(MissingParticipantError, match=r"pip install 'samestep\[jax\]'"):
        natives()


def test_native_code_is_found_by_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    code = {"a": Native(call=entry)}
    monkeypatch.setattr(native_module, "entry_points", lambda group: [Point("torch", code)])
    assert natives() == {"torch": code}
    assert code["a"].source.startswith("def entry(id: str")


@dataclass(frozen=True)
class Page:
    entry: Entry
    verdict: Verdict

    def row(self) -> Row:
        return Row(cells=(self.entry.id, str(self.verdict)))

    def to_dict(self) -> dict[str, Any]:
        return {"id": self.entry.id, "error": number(float("inf"))}


def ledger(*verdicts: Verdict) -> Ledger[Page]:
    pages = tuple(Page(entry(f"e{k}"), verdict) for k, verdict in enumerate(verdicts))
    columns = (Column(title="entry"), Column(title="verdict", kind="verdict"))
    return Ledger("toys", "Toys", "A note.", columns, pages)


def test_a_ledger_counts_its_verdicts_and_holds_if_all_are_proven() -> None:
    sound = ledger(Verdict.SAME, Verdict.DIFFERENT, Verdict.SAME)
    assert sound.holds
    assert sound.counts[Verdict.SAME] == 2
    assert not ledger(Verdict.SAME, Verdict.NOT_PROVEN).holds


def test_a_ledger_is_a_table_and_data_and_pages() -> None:
    found = ledger(Verdict.SAME, Verdict.CONVERTED)
    assert "| e1 | same after conversion |" in found.table().to_markdown()
    assert "<table>" in found._repr_html_()
    data = json.loads(found.to_json())
    assert data["entries"][0] == {"id": "e0", "error": "inf"}
    assert data["counts"]["same"] == 1
    assert found["e1"].verdict == Verdict.CONVERTED
    with pytest.raises(UsageError, match="Unknown entry 'e9'"):
        found["e9"]
