"""A proof finds what is wrong with an entry, whichever side it is planted in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from samestep.ledger.examination import Point
from samestep.ledger.formula import absolute, reduce
from samestep.ledger.loss_entry import Call, Case, LossEntry, Step, factor, rename
from samestep.ledger.native import Lookalike, Native
from samestep.ledger.page import LossPage
from samestep.ledger.proof import prove
from samestep.ledger.tape import Term
from samestep.ledger.verdict import Verdict

PREDICTION = np.array([0.7, -1.25, 3.1, 0.125], dtype=np.float32).astype(np.float64)
TARGET = np.array([0.3, 1.0, -2.0, 4.1], dtype=np.float32).astype(np.float64)


def reference(prediction: Term, target: Any, *, scale: float, reduction: str) -> Term:
    return reduce(absolute(prediction - target) * scale, reduction)


def right(prediction: Any, target: Any, *, scale: float, reduction: str) -> Any:
    loss = abs(prediction - target) * scale
    return loss if reduction == "none" else getattr(loss, reduction)()


def unscaled(prediction: Any, target: Any, *, reduction: str) -> Any:
    return right(prediction, target, scale=1.0, reduction=reduction)


def too_large(prediction: Any, target: Any, *, scale: float, reduction: str) -> Any:
    return right(prediction, target, scale=scale, reduction=reduction) * (1 + 1e-5)


def wrong_gradient(prediction: Any, target: Any, *, scale: float, reduction: str) -> Any:
    loss = right(prediction, target, scale=scale, reduction=reduction)
    return loss + 1e-4 * (loss - loss.detach())


def always_mean(prediction: Any, target: Any, *, scale: float, reduction: str) -> Any:
    return right(prediction, target, scale=scale, reduction="mean")


def in_double(prediction: Any, target: Any, *, scale: float, reduction: str) -> Any:
    return right(prediction.double(), target, scale=scale, reduction=reduction)


def raising(prediction: Any, target: Any, *, scale: float, reduction: str) -> Any:
    raise AttributeError("no such loss")


def not_a_number(prediction: Any, target: Any, *, scale: float, reduction: str) -> Any:
    return right(prediction, target, scale=scale, reduction=reduction) + torch.nan


ENTRY = LossEntry(
    id="toy",
    family="toys",
    title="Scaled absolute error",
    formula="s |r|",
    latex="s |r|",
    purpose="Tests.",
    reference=reference,
    cases=(Case("random", {"prediction": PREDICTION, "target": TARGET}, {"scale": 1.5}),),
)
SCALED = replace(
    ENTRY,
    conversion=(
        factor("scale times the loss", lambda call: call.options["scale"]),
        Step("parameter", "there is no scale", lambda _, call: call.without("scale")),
    ),
)
TIES = Case(
    "ties",
    {"prediction": np.array([0.0, 1.0]), "target": np.zeros(2)},
    {"scale": 2.0},
    adversarial=True,
)


def page(entry: LossEntry, **sides: Native) -> LossPage:
    return LossPage(entry, prove(entry, sides))


def torch_page(entry: LossEntry, call: Callable[..., Any], **more: Any) -> LossPage:
    return page(entry, torch=Native(call=call, public="nn.Toy", **more))


def test_what_is_right_is_the_same() -> None:
    found = page(ENTRY, torch=Native(call=right, public="a"), jax=Native(call=right, public="b"))
    assert found.verdict == Verdict.SAME
    assert 0 < found.largest_ratio < 1
    assert not found.proof.points
    # Value and gradient, three reductions, two precisions, two sides.
    assert found.proof.numbers == (4 + 1 + 1 + 3 * 4) * 2 * 2


def test_an_expression_is_no_counterpart() -> None:
    found = page(ENTRY, torch=Native(call=right), jax=Native(call=right, public="b"))
    assert found.verdict == Verdict.NO_COUNTERPART


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (too_large, "random, float32, none: value"),
        (wrong_gradient, "random, float32, none: gradient by prediction"),
        (always_mean, r"value is float32\(\) instead of float32\(4,\)"),
        (in_double, "value is float64"),
        (raising, "AttributeError: no such loss"),
        (not_a_number, "value nan instead of"),
    ],
)
def test_what_is_wrong_is_not_proven(wrong: Callable[..., Any], message: str) -> None:
    found = torch_page(ENTRY, wrong)
    assert found.verdict == Verdict.NOT_PROVEN
    failures = found.proof.sides["torch"].failures
    assert any(re.search(message, failure) for failure in failures), failures
    assert "NOT PROVEN" in found.to_markdown()


def test_a_conversion_is_applied_and_each_step_of_it_is_needed() -> None:
    found = torch_page(SCALED, unscaled, converted=True)
    assert found.verdict == Verdict.CONVERTED
    assert "instead of" in found.proof.steps[0].without
    assert "unexpected keyword argument 'scale'" in found.proof.steps[1].without


def test_a_step_that_changes_nothing_is_not_proven() -> None:
    idle = replace(SCALED, conversion=(*SCALED.conversion, factor("twice half", lambda _: 1.0)))
    found = torch_page(idle, unscaled, converted=True)
    assert not found.proof.sides["torch"].failures
    assert found.verdict == Verdict.NOT_PROVEN
    assert "NOTHING CHANGES" in found.to_markdown()


def test_a_conversion_that_nobody_uses_is_not_proven() -> None:
    assert torch_page(SCALED, right).verdict == Verdict.NOT_PROVEN


def test_a_lookalike_must_differ() -> None:
    differs = Lookalike("nn.Other", too_large)
    found = page(ENTRY, torch=Native(call=right, lookalike=differs))
    assert found.verdict == Verdict.DIFFERENT
    assert "nn.Other is another function" in found.to_markdown()
    same = Lookalike("nn.Other", right)
    assert page(ENTRY, torch=Native(call=right, lookalike=same)).verdict == Verdict.NOT_PROVEN


def test_single_points_are_listed_with_both_values() -> None:
    with_ties = replace(ENTRY, cases=(*ENTRY.cases, TIES))
    found = page(
        with_ties, torch=Native(call=right, public="a"), jax=Native(call=right, public="b")
    )
    assert found.verdict == Verdict.SAME
    assert found.proof.points == (
        Point(
            case="ties",
            quantity="gradient by prediction",
            index=(0,),
            inputs="prediction=0, target=0",
            values={"torch": 0.0, "jax": 2.0},
            reference=0.0,
            kind="kink",
            dtypes=("float32", "float64"),
        ),
    )
    assert "kink: gradient by prediction, at prediction=0, target=0" in found.to_markdown()


def test_a_difference_that_no_kink_explains_is_a_failure_unless_one_side_is_right() -> None:
    with_ties = replace(ENTRY, cases=(*ENTRY.cases, TIES))

    def off_beyond_one(prediction: Any, target: Any, *, scale: float, reduction: str) -> Any:
        loss = abs(prediction - target) * scale
        loss = torch.where((target == 0) & (prediction == 1), loss + 0.25, loss)
        return loss if reduction == "none" else getattr(loss, reduction)()

    alone = torch_page(with_ties, off_beyond_one)
    assert alone.verdict == Verdict.NOT_PROVEN
    both = page(
        with_ties,
        torch=Native(call=off_beyond_one, public="a"),
        jax=Native(call=right, public="b"),
    )
    assert both.verdict == Verdict.SAME
    kinds = {point.kind for point in both.proof.points if point.quantity == "value"}
    assert kinds == {"not the formula"}


def test_what_is_not_finite_is_listed_among_extremes_and_fails_elsewhere() -> None:
    huge = Case(
        "huge", {"prediction": np.array([1.5 * 2.0**127]), "target": np.zeros(1)}, {"scale": 1.0}
    )

    def squared(prediction: Any, target: Any, *, scale: float, reduction: str) -> Any:
        r = prediction - target
        loss = (r * r) ** 0.5 * scale
        return loss if reduction == "none" else getattr(loss, reduction)()

    sides = {"torch": Native(call=squared, public="a"), "jax": Native(call=right, public="b")}
    found = page(replace(ENTRY, cases=(replace(huge, adversarial=True),)), **sides)
    assert found.verdict == Verdict.SAME
    assert ("not finite", ("float32",)) in {(p.kind, p.dtypes) for p in found.proof.points}
    assert page(replace(ENTRY, cases=(huge,)), **sides).verdict == Verdict.NOT_PROVEN


def test_digits_that_one_side_lost_are_listed() -> None:
    small = Case("small", {"prediction": np.array([2.0**-40]), "target": np.zeros(1)}, {})

    def exact(prediction: Term, target: Any, *, reduction: str) -> Term:
        return reduce(prediction.map(lambda x: x, np.ones_like, terms=1.0), reduction)

    def cancelling(prediction: Any, target: Any, *, reduction: str) -> Any:
        return (1 + prediction) - 1

    def plain(prediction: Any, target: Any, *, reduction: str) -> Any:
        return prediction - target

    entry = replace(
        ENTRY, reference=exact, cases=(replace(small, adversarial=True),), reductions=("none",)
    )
    found = page(
        entry, torch=Native(call=cancelling, public="a"), jax=Native(call=plain, public="b")
    )
    assert found.verdict == Verdict.SAME
    lost = {(p.kind, p.values["torch"], p.dtypes) for p in found.proof.points}
    assert lost == {("digits lost", 0.0, ("float32",))}


def test_a_row_and_the_data_say_the_same() -> None:
    found = torch_page(SCALED, unscaled, converted=True)
    assert found.row().cells[:4] == (
        "toy",
        "Toy",
        "same after conversion",
        "factor, parameter",
    )
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["sides"]["torch"]["code"].startswith("def unscaled(")
    assert [step["kind"] for step in data["conversion"]] == ["factor", "parameter"]
    assert data["verdict"] == "same after conversion"


def test_rename_moves_arguments_and_options() -> None:
    call = Call({"target": 1}, {"blank": 4})
    renamed = rename("arguments", "", "target", "labels").apply(None, call)  # type: ignore[arg-type]
    assert renamed.arguments == {"labels": 1}
    root = rename("parameter", "", "blank", "root", via=np.sqrt)
    assert root.apply(None, call).options == {"root": 2.0}  # type: ignore[arg-type]


def test_a_case_holds_only_numbers_that_float32_has() -> None:
    with pytest.raises(ValueError, match="prediction has numbers that float32 lacks"):
        Case("tenths", {"prediction": np.array([0.1])})


def test_cases_of_an_entry_have_names_of_their_own() -> None:
    with pytest.raises(ValueError, match="two cases have one name"):
        replace(ENTRY, cases=(*ENTRY.cases, *ENTRY.cases))
