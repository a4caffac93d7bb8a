"""Which layers are paired, and where their channels are."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.errors import UsageError
from samestep.port.guess import pair_tensors
from samestep.port.pairing import Pairing
from samestep.port.side import Pass, Tensor
from samestep.port.taps import Taps, pair_taps


def made(shapes: dict[str, tuple[int, ...]], output: tuple[int, ...] = (4, 2)) -> Pass:
    arrays = {name: np.zeros(shape) for name, shape in shapes.items()}
    return Pass(arrays, np.zeros(output), np.zeros(()), {}, {}, frozenset({"float64"}))


def named(taps: Taps) -> dict[str, str]:
    return {tap.original: tap.port for tap in taps.pairs}


NONE = Pairing(())
DENSE = pair_tensors(
    {"net.0.weight": Tensor((8, 4), "out in"), "net.2.weight": Tensor((2, 8), "out in")},
    {"Dense_0/kernel": Tensor((4, 8), "in out"), "Dense_1/kernel": Tensor((8, 2), "in out")},
)


def test_layers_are_paired_by_the_parameters_in_them() -> None:
    mine = made({"net.0": (4, 8), "net.1": (4, 8), "net.2": (4, 2), "net": (4, 2)})
    taps = pair_taps(mine, made({"Dense_0": (4, 8), "Dense_1": (4, 2)}), DENSE)
    assert named(taps) == {"net.0": "Dense_0", "net.2": "Dense_1"}
    assert taps.alone == ("net.1", "net")
    assert "Not compared: net.1, net" in taps.table.note


def test_the_innermost_of_nested_layers_comes_first() -> None:
    params = pair_tensors(
        {"mlp.0.weight": Tensor((8, 4), "out in")}, {"mlp/fc/kernel": Tensor((4, 8), "in out")}
    )
    mine, theirs = made({"mlp.0": (4, 8), "mlp": (4, 8)}), made({"mlp/fc": (4, 8), "mlp": (4, 8)})
    assert named(pair_taps(mine, theirs, params)) == {"mlp.0": "mlp/fc", "mlp": "mlp"}


def test_taps_without_parameters_are_paired_by_name() -> None:
    mine = made({"block.gelu": (4, 8), "act": (4, 8)})
    taps = pair_taps(mine, made({"act": (4, 8), "block/gelu": (4, 8)}), NONE)
    assert named(taps) == {"block.gelu": "block/gelu", "act": "act"}


def test_the_second_call_of_a_layer_has_a_partner_of_its_own() -> None:
    mine = made({"net.0": (4, 8), "net.0#2": (4, 8)})
    theirs = made({"Dense_0": (4, 8), "Dense_0#2": (4, 8)})
    assert named(pair_taps(mine, theirs, DENSE)) == {"net.0": "Dense_0", "net.0#2": "Dense_0#2"}


def test_a_correction_overrules_the_guess() -> None:
    mine = made({"net.0": (4, 8), "net.2": (4, 2)})
    theirs = made({"Dense_0": (4, 8), "Dense_1": (4, 2), "other": (4, 8)})
    taps = pair_taps(mine, theirs, DENSE, {"net.0": "other", "net.2": None})
    assert named(taps) == {"net.0": "other"}
    assert taps.pairs[0].given


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"net.9": "Dense_0"}, "Unknown layer of the original"),
        ({"net.0": "x"}, "Unknown layer or tap"),
    ],
)
def test_a_wrong_correction_is_refused(given: dict[str, str | None], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        pair_taps(made({"net.0": (4, 8)}), made({"Dense_0": (4, 8)}), DENSE, given)


def test_channels_last_are_recognised_by_the_shape() -> None:
    taps = pair_taps(made({"c": (2, 3, 5, 7)}), made({"c": (2, 5, 7, 3)}), NONE)
    value = np.arange(210.0).reshape(2, 5, 7, 3)
    assert taps.pairs[0].channels_last
    assert np.array_equal(taps.pairs[0].to_original(value), value.transpose(0, 3, 1, 2))


def test_an_ambiguous_shape_follows_the_others() -> None:
    mine = made({"a": (2, 3, 5, 7), "b": (2, 4, 4, 4)})
    taps = pair_taps(mine, made({"a": (2, 5, 7, 3), "b": (2, 4, 4, 4)}), NONE)
    assert [tap.channels_last for tap in taps.pairs] == [True, True]
    same = pair_taps(mine, mine, NONE)
    assert [tap.channels_last for tap in same.pairs] == [False, False]


def test_an_ambiguous_shape_alone_is_asked_about() -> None:
    one = made({"b": (2, 4, 4, 4)})
    with pytest.raises(UsageError, match="may be the second axis of the port's"):
        pair_taps(one, one, NONE)
    assert named(pair_taps(one, one, NONE, {"b": None})) == {}


def test_an_output_with_channels_last_is_turned() -> None:
    taps = pair_taps(made({}, (2, 3, 5, 7)), made({}, (2, 5, 7, 3)), NONE)
    assert taps.output.to_original(np.zeros((2, 5, 7, 3))).shape == (2, 3, 5, 7)
