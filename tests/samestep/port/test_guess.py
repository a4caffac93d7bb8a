"""The guessed mapping of parameters: what it pairs, why, and when it asks."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.errors import UsageError
from samestep.port.guess import pair_tensors
from samestep.port.pairing import Pairing
from samestep.port.side import Tensor


def mapped(pairing: Pairing) -> dict[str, str]:
    return {", ".join(pair.original): ", ".join(pair.port) for pair in pairing.pairs}


def dense(out: int, features: int) -> Tensor:
    return Tensor((out, features), "out in")


SEQUENTIAL = {
    "0.weight": dense(8, 4),
    "0.bias": Tensor((8,), "out"),
    "1.weight": Tensor((8,), "features"),
    "1.bias": Tensor((8,), "features"),
    "3.weight": dense(8, 8),
    "3.bias": Tensor((8,), "out"),
}
FLAX = {
    "Dense_0/bias": Tensor((8,)),
    "Dense_0/kernel": Tensor((4, 8), "in out"),
    "Dense_1/bias": Tensor((8,)),
    "Dense_1/kernel": Tensor((8, 8), "in out"),
    "LayerNorm_0/bias": Tensor((8,)),
    "LayerNorm_0/scale": Tensor((8,), "features"),
}


def test_numbered_layers_are_paired_with_flax_layers() -> None:
    pairing = pair_tensors(SEQUENTIAL, FLAX)
    assert mapped(pairing) == {
        "0.weight": "Dense_0/kernel",
        "0.bias": "Dense_0/bias",
        "1.weight": "LayerNorm_0/scale",
        "1.bias": "LayerNorm_0/bias",
        "3.weight": "Dense_1/kernel",
        "3.bias": "Dense_1/bias",
    }
    pairing.prove_round_trip()


def test_equal_layers_are_paired_in_the_order_of_their_numbers() -> None:
    mine = {f"layers.{i}.weight": dense(8, 8) for i in (0, 2, 10)}
    theirs = {f"Dense_{i}/kernel": Tensor((8, 8), "in out") for i in (2, 0, 1)}
    pairing = pair_tensors(mine, theirs)
    assert mapped(pairing) == {
        "layers.0.weight": "Dense_0/kernel",
        "layers.2.weight": "Dense_1/kernel",
        "layers.10.weight": "Dense_2/kernel",
    }
    assert {pair.reason for pair in pairing.pairs} == {"order of numbers"}


def test_numbers_that_differ_in_meaning_do_not_pair_by_accident() -> None:
    mine = {f"{i}.weight": dense(8, 8) for i in (0, 2, 4)}
    theirs = {f"{i}/kernel": Tensor((8, 8), "in out") for i in (0, 1, 2)}
    assert mapped(pair_tensors(mine, theirs))["2.weight"] == "1/kernel"


def test_synonyms_tell_equal_shapes_apart() -> None:
    mine = {f"{part}_proj.weight": dense(8, 8) for part in "qkv"}
    theirs = {f"{part}/kernel": Tensor((8, 8), "in out") for part in ("key", "query", "value")}
    assert mapped(pair_tensors(mine, theirs)) == {
        "q_proj.weight": "query/kernel",
        "k_proj.weight": "key/kernel",
        "v_proj.weight": "value/kernel",
    }


def test_fused_attention_is_split() -> None:
    mine = {
        "attn.in_proj_weight": Tensor((24, 8), "(part out) in"),
        "attn.in_proj_bias": Tensor((24,), "(part out)"),
        "attn.out_proj.weight": dense(8, 8),
        "attn.out_proj.bias": Tensor((8,), "out"),
    }
    theirs = {
        **{f"attn/{part}/kernel": Tensor((8, 2, 4)) for part in ("key", "query", "value")},
        **{f"attn/{part}/bias": Tensor((2, 4)) for part in ("key", "query", "value")},
        "attn/out/kernel": Tensor((2, 4, 8)),
        "attn/out/bias": Tensor((8,)),
    }
    pairing = pair_tensors(mine, theirs)
    pairing.prove_round_trip()
    whole = np.arange(192.0).reshape(24, 8)
    there = pairing.to_port({"attn.in_proj_weight": whole})
    assert np.array_equal(there["attn/query/kernel"][:, 1, 2], whole[1 * 4 + 2])
    assert np.array_equal(there["attn/key/kernel"][:, 0, 0], whole[8])
    assert np.array_equal(pairing.to_original(there)["attn.in_proj_weight"], whole)


def test_split_attention_is_fused() -> None:
    mine = {f"attn.{part}_proj.weight": dense(8, 8) for part in "qkv"}
    theirs = {"attn/qkv/kernel": Tensor((8, 24), "in out")}
    pairing = pair_tensors(mine, theirs)
    parts = {name: np.full((8, 8), float(i)) for i, name in enumerate(mine)}
    assert np.array_equal(
        pairing.to_port(parts)["attn/qkv/kernel"][0], np.repeat([0.0, 1.0, 2.0], 8)
    )


def test_two_attention_layers_keep_their_parts_together() -> None:
    mine = {f"blocks.{i}.attn.in_proj_weight": Tensor((24, 8), "(part out) in") for i in (0, 1)}
    theirs = {
        f"block_{i}/attn/{part}/kernel": Tensor((8, 2, 4))
        for i in (0, 1)
        for part in ("query", "key", "value")
    }
    assert mapped(pair_tensors(mine, theirs)) == {
        f"blocks.{i}.attn.in_proj_weight": ", ".join(
            f"block_{i}/attn/{part}/kernel" for part in ("query", "key", "value")
        )
        for i in (0, 1)
    }


def test_a_square_weight_is_asked_about() -> None:
    with pytest.raises(UsageError, match=r"fc.weight \(8, 8\) of the original may be w .* by "):
        pair_tensors({"fc.weight": dense(8, 8)}, {"w": Tensor((8, 8))})


def test_a_square_weight_follows_the_other_weights_of_the_port() -> None:
    mine = {"a.weight": dense(8, 4), "b.weight": dense(8, 8)}
    pairing = pair_tensors(mine, {"a/w": Tensor((4, 8)), "b/w": Tensor((8, 8))})
    assert [pair.pattern for pair in pairing.pairs] == ["out in -> in out"] * 2


def test_layers_that_nothing_tells_apart_are_asked_about() -> None:
    mine = {"left.weight": dense(8, 4), "right.weight": dense(8, 4)}
    theirs = {"first/kernel": Tensor((4, 8), "in out"), "second/kernel": Tensor((4, 8), "in out")}
    with pytest.raises(UsageError, match=r"first/kernel .* or second/kernel") as caught:
        pair_tensors(mine, theirs)
    assert "mapping={'left.weight': ('first/kernel', 'out in -> in out')}" in caught.value.hint
    settled = pair_tensors(mine, theirs, {"left.weight": "second/kernel"})
    assert mapped(settled)["right.weight"] == "first/kernel"


def test_a_correction_overrules_the_guess() -> None:
    pairing = pair_tensors(
        {"fc.weight": dense(8, 8)}, {"w": Tensor((8, 8))}, {"fc.weight": ("w", "out in -> out in")}
    )
    x = np.arange(64.0).reshape(8, 8)
    assert np.array_equal(pairing.to_port({"fc.weight": x})["w"], x)


def test_parts_can_be_given_by_hand() -> None:
    parts = ("q.weight", "k.weight", "v.weight")
    pairing = pair_tensors(
        {name: dense(8, 8) for name in parts},
        {"c_attn": Tensor((8, 24))},
        {parts: ("c_attn", "part out in -> in (part out)")},
    )
    assert mapped(pairing) == {"q.weight, k.weight, v.weight": "c_attn"}
    pairing.prove_round_trip()


def test_what_has_no_partner_is_listed_with_its_shape() -> None:
    with pytest.raises(UsageError, match=r"original: fc.bias \(8,\); in the port: none") as caught:
        pair_tensors(
            {"fc.weight": dense(8, 4), "fc.bias": Tensor((8,), "out")}, {"w": Tensor((4, 8))}
        )
    assert "leave_out=['fc.bias']" in caught.value.hint


def test_shapes_that_cannot_match_are_shown() -> None:
    with pytest.raises(UsageError, match=r"fc.weight \(8, 4\); in the port: fc/kernel \(4, 9\)"):
        pair_tensors({"fc.weight": dense(8, 4)}, {"fc/kernel": Tensor((4, 9), "in out")})


def test_a_parameter_is_left_out_on_purpose() -> None:
    mine = {"fc.weight": dense(8, 4), "fc.bias": Tensor((8,), "out")}
    by_name = pair_tensors(mine, {"w": Tensor((4, 8))}, leave_out=["fc.bias"])
    by_mapping = pair_tensors(mine, {"w": Tensor((4, 8))}, {"fc.bias": None})
    assert by_name.alone == by_mapping.alone == ("fc.bias",)
    assert "fc.bias" in by_name.table.note


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"fc.wieght": "w"}, "Unknown parameter of the original 'fc.wieght'"),
        ({"fc.weight": "v"}, "Unknown parameter of the port 'v'"),
        ({"fc.weight": ("w", "out in -> out in")}, "does not fit the shapes"),
        ({("fc.weight", "fc.bias"): "w"}, "cannot be stacked"),
    ],
)
def test_a_wrong_correction_is_refused(mapping: dict[object, object], message: str) -> None:
    mine = {"fc.weight": dense(8, 4), "fc.bias": Tensor((8,), "out")}
    with pytest.raises(UsageError, match=message):
        pair_tensors(mine, {"w": Tensor((4, 8)), "b": Tensor((8,))}, mapping)  # type: ignore[arg-type]


def test_a_name_left_out_must_exist() -> None:
    with pytest.raises(UsageError, match=r"leave_out names 'fc\.bais'"):
        pair_tensors({"fc.weight": dense(8, 4)}, {"w": Tensor((4, 8))}, leave_out=["fc.bais"])


def test_a_lossy_rule_would_be_noticed() -> None:
    pairing = pair_tensors({"a": Tensor((2, 3))}, {"a": Tensor((2, 3))})
    pair = pairing.pairs[0]
    pair.rule.backward = lambda x: x[::-1]  # type: ignore[method-assign]
    with pytest.raises(AssertionError, match="loses elements"):
        pairing.prove_round_trip()
