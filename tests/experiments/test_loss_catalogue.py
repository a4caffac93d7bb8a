"""The catalogue of losses: complete, differentiated rightly, and judged by bounds with teeth."""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import Any

import numpy as np
import pytest
import samestep_jax.ledger
import samestep_torch.ledger
import torch.nn.functional
from samestep_experiments.ledger.losses import ENTRIES
from torch import nn

from samestep.interface import DTYPES
from samestep.ledger.adjoint import Adjoint
from samestep.ledger.elements import Nearness, look
from samestep.ledger.loss_entry import Case, LossEntry
from samestep.ledger.sides import Runner, gradient_name, refer
from samestep.ledger.tape import Tape
from samestep.registry import backend

SIDES = {"torch": samestep_torch.ledger, "jax": samestep_jax.ledger}
BY_ID = {entry.id: entry for entry in ENTRIES}
ORDINARY = [
    pytest.param(entry, case, id=f"{entry.id}-{case.name}")
    for entry in ENTRIES
    for case in entry.cases
    if not case.adversarial
]


@pytest.mark.parametrize("side", SIDES)
def test_every_loss_that_is_shipped_is_in_the_ledger(side: str) -> None:
    module = SIDES[side]
    known = {module.NATIVE[entry.id].public for entry in ENTRIES}
    unknown = set(module.public_losses()) - known
    assert not unknown, f"{side} ships losses that the ledger does not know: {sorted(unknown)}"


def test_a_loss_that_the_ledger_does_not_know_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class BrandNewLoss(nn.Module):
        pass

    monkeypatch.setattr(nn, "BrandNewLoss", BrandNewLoss, raising=False)
    with pytest.raises(AssertionError, match=r"does not know: \['torch.nn.BrandNewLoss'\]"):
        test_every_loss_that_is_shipped_is_in_the_ledger("torch")


@pytest.mark.parametrize("side", SIDES)
def test_what_the_ledger_calls_shipped_is_shipped_and_called(side: str) -> None:
    for entry in ENTRIES:
        native = SIDES[side].NATIVE[entry.id]
        for name, source in (
            (native.public, native.source),
            *([(native.lookalike.name, native.lookalike.source)] if native.lookalike else []),
        ):
            if name:
                package, _, attribute = name.rpartition(".")
                assert callable(getattr(importlib.import_module(package), attribute))
                assert attribute in source, f"{entry.id}: {attribute} is not in its code"


@pytest.mark.parametrize("side", SIDES)
def test_entries_and_code_belong_together(side: str) -> None:
    filed = {
        id for id, native in SIDES[side].NATIVE.items() if ".losses." in native.call.__module__
    }
    assert filed == set(BY_ID)
    for entry in ENTRIES:
        assert SIDES[side].NATIVE[entry.id].converted <= bool(entry.conversion)


def test_functional_losses_are_what_the_classes_call() -> None:
    """So the classes are all the losses of PyTorch."""
    called = "".join(inspect.getsource(c) for n, c in vars(nn).items() if n.endswith("Loss"))
    functions = [
        name
        for name, f in vars(torch.nn.functional).items()
        if inspect.isfunction(f) and ("loss" in name or "entropy" in name or name == "kl_div")
        if not name.startswith("_")
    ]
    assert len(functions) > 20
    assert not [name for name in functions if f"F.{name}(" not in called]


def test_every_entry_says_what_it_is() -> None:
    assert len(BY_ID) == len(ENTRIES)
    assert not set(BY_ID) & {entry.family for entry in ENTRIES}, "a page could not be asked for"
    for entry in ENTRIES:
        assert all((entry.formula, entry.latex, entry.purpose, entry.title))
        assert any(not case.adversarial for case in entry.cases)


def along(entry: LossEntry, case: Case, options: dict[str, Any], step: float, seed: int) -> float:
    """The sum of the loss after a step of all predictions in a random direction."""
    rng = np.random.default_rng(seed)
    tape = Tape("float64")
    moved = {
        name: tape.constant(
            case.arguments[name] + step * rng.normal(size=case.arguments[name].shape)
        )
        for name in entry.predictions
    }
    return float(entry.reference(**{**case.arguments, **moved}, **options).value.sum())


@pytest.mark.parametrize(("entry", "case"), ORDINARY)
def test_gradients_of_references_are_limits_of_difference_quotients(
    entry: LossEntry, case: Case
) -> None:
    options = entry.settings(case)[0]
    found = refer(entry, case, options, "float64")
    rng = np.random.default_rng(1)
    slope = sum(
        float(np.sum(found[gradient_name(n)].value * rng.normal(size=case.arguments[n].shape)))
        for n in entry.predictions
    )
    h = 1e-6
    quotient = (along(entry, case, options, h, 1) - along(entry, case, options, -h, 1)) / (2 * h)
    assert slope == pytest.approx(quotient, rel=1e-6, abs=1e-6)


@functools.cache
def computed(entry_id: str, name: str, dtype: str) -> dict[str, Any]:
    entry = BY_ID[entry_id]
    case = next(case for case in entry.cases if case.name == name)
    native = samestep_torch.ledger.NATIVE[entry_id]
    steps = entry.conversion if native.converted else ()
    settings = entry.settings(case)[:1]
    run = Runner(backend("torch", dtype=dtype), entry.predictions, native.call, settings, steps)
    return run(case)[0]


def changed(reference: Adjoint, by: float) -> Adjoint:
    return Adjoint(reference.value * (1 + by), reference.error, reference.jump)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("entry", "case"), ORDINARY)
def test_a_relative_error_of_a_few_hundred_roundings_is_caught(
    entry: LossEntry, case: Case, dtype: str
) -> None:
    outcome = computed(entry.id, case.name, dtype)
    by = 300 * float(np.finfo(dtype).eps)
    for quantity, reference in refer(entry, case, entry.settings(case)[0], dtype).items():
        assert look(outcome[quantity], reference, dtype).worst <= Nearness.KINK
        moved = look(outcome[quantity], changed(reference, by), dtype)
        if reference.value.any():
            assert moved.worst == Nearness.DIFFERS, quantity
