"""Layout rules: what they move where, there and back, and which of them may fit."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.errors import UsageError
from samestep.port.layout import Rearrangement, candidates
from samestep.port.side import Tensor


def test_a_transpose_is_what_it_says() -> None:
    x = np.arange(6.0).reshape(2, 3)
    rule = Rearrangement("out in -> in out", (2, 3), (3, 2))
    assert np.array_equal(rule.forward(x), x.T)
    assert np.array_equal(rule.backward(x.T), x)


def test_a_convolution_kernel_becomes_hwio() -> None:
    x = np.arange(2.0 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    rule = Rearrangement("out in h w -> h w in out", x.shape, (4, 5, 3, 2))
    assert rule.forward(x)[1, 2, 0, 1] == x[1, 0, 1, 2]


def test_rows_are_split_by_heads() -> None:
    heads, head, features = 3, 2, 6
    x = np.arange(36.0).reshape(6, 6)
    rule = Rearrangement("(heads head) in -> in heads head", x.shape, (features, heads, head))
    assert rule.forward(x)[4, 2, 1] == x[2 * head + 1, 4]


def test_fused_projections_are_cut_in_parts() -> None:
    x = np.arange(24.0).reshape(12, 2)
    rule = Rearrangement("(part out) in -> part in out", (12, 2), (3, 2, 4))
    query, key, value = rule.forward(x)
    assert np.array_equal(query, x[:4].T)
    assert np.array_equal(key, x[4:8].T)
    assert np.array_equal(value, x[8:].T)


def test_axes_of_length_one_are_added() -> None:
    rule = Rearrangement("out -> out 1 1", (3,), (3, 1, 1))
    assert rule.forward(np.arange(3.0)).shape == (3, 1, 1)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("out in", "is no layout rule"),
        ("out in -> in out!", "is no layout rule"),
        ("out in -> out", "stand on one side only"),
        ("out in -> out out2", "stand on one side only"),
        ("out in -> out in", "does not fit the shapes"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Rearrangement(pattern, (2, 3), (3, 2))


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (Tensor((2, 3), "out in"), Tensor((3, 2)), ["out in -> in out"]),
        (Tensor((2, 3), "out in"), Tensor((2, 3)), ["out in -> out in"]),
        (Tensor((3, 3), "out in"), Tensor((3, 3)), ["out in -> in out", "out in -> out in"]),
        (Tensor((3, 3), "out in"), Tensor((3, 3), "in out"), ["out in -> in out"]),
        (Tensor((3, 3)), Tensor((3, 3), "in out"), ["out in -> in out", "in out -> in out"]),
        (Tensor((8, 8), "out in"), Tensor((8, 2, 4)), ["(heads head) in -> in heads head"]),
        (Tensor((8, 8), "out in"), Tensor((2, 4, 8)), ["out (heads head) -> heads head out"]),
        (Tensor((12, 4), "(part out) in"), Tensor((4, 12), "in out"), ["out in -> in out"]),
        (Tensor((2, 3)), Tensor((2, 3)), ["a0 a1 -> a0 a1"]),
        (Tensor((2, 3)), Tensor((3, 2)), ["a0 a1 -> a1 a0"]),
        (Tensor((2, 3)), Tensor((4, 2)), []),
        (Tensor((2, 3)), Tensor((6,)), []),
    ],
)
def test_the_rules_that_may_fit(left: Tensor, right: Tensor, expected: list[str]) -> None:
    assert candidates(left, right) == expected
