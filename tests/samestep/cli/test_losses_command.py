"""``samestep losses``: the table, one page, data, and the exit status."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import samestep_jax.ledger

from samestep.cli import ledgers
from samestep.errors import UsageError
from samestep.table import load_tables

# What the worker adds is tested with the command line's parent.
show_losses = partial(ledgers.show_losses, in_process=True)

FEW = ("squared-error", "half-squared-error", "absolute-error")


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def test_a_table_of_several_losses(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_losses(FEW) == 0
    printed = capsys.readouterr().out
    assert "squared_error" in printed
    assert "MSELoss" in printed
    assert "3 entries: 1 same, 1 same after conversion, 1 no counterpart." in " ".join(
        printed.split()
    )


def test_one_loss_is_shown_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_losses(["l2_loss"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "Half of the squared error (half-squared-error): same after conversion" in printed
    assert "nn.MSELoss(reduction=reduction)(prediction, target)" in printed
    assert "optax.losses.l2_loss(prediction, target)" in printed
    assert "Without this step: random, float64" in printed
    assert "of the bound" in printed


def test_one_loss_as_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    show_losses(["absolute-error"], markdown=True)
    printed = capsys.readouterr().out
    assert printed.startswith("## Absolute error (`absolute-error`): no counterpart")
    assert "```python\ndef absolute_error(" in printed
    assert "kink: gradient by prediction, at prediction=0, target=0: jax 1, torch 0" in printed


def test_several_losses_as_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    show_losses(FEW, markdown=True)
    assert "| absolute-error |  | `L1Loss` | no counterpart |" in capsys.readouterr().out


def test_data_and_the_table_for_a_report(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert show_losses(["squared-error"], as_json=True, out=tmp_path) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["counts"]["same"] == 1
    (entry,) = data["entries"]
    assert entry["latex"] == r"\ell = (\hat y - y)^2"
    assert entry["sides"]["torch"]["public"] == "torch.nn.MSELoss"
    table = load_tables(tmp_path)["losses"]
    assert table.rows[0].cells[0] == "squared-error"


def test_what_is_not_proven_is_named_and_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    native = samestep_jax.ledger.NATIVE
    wrong = replace(native["squared-error"], call=native["half-squared-error"].call)
    monkeypatch.setitem(native, "squared-error", wrong)
    assert show_losses(FEW[:2]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "1 not proven" in printed
    assert "NOT PROVEN squared-error, jax: random, float32, none: value" in printed


def test_a_misspelt_loss_is_met_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'huber'"):
        show_losses(["hubber"])
