"""``samestep step``: the table, its marks, and the verdict."""

from __future__ import annotations

import re

import pytest

ON = ("--on", "steady", "--on", "alone")


@pytest.mark.usefixtures("stubs")
def test_table_and_verdict(samestep):
    done = samestep("step", *ON)
    assert done.status == 0
    lines = done.output.splitlines()
    assert lines[0] == ("mean of squared_error, r^2; 32 rows a step; learning rate 0.03; seed 0")
    assert lines[1].split() == ["float32", "steady/cpu", "alone/cpu", "oracle", "err/bound"]
    labels = [line[:14].strip() for line in lines]
    shown = ["prediction 0", "prediction 1", "loss", "gradient w1", "gradient w2", "gradient b"]
    shown += ["update w1", "update w2", "update b"]
    assert labels[3:23] == ["step 0", *shown, "step 1", *shown]
    assert "Same step: yes. steady/cpu/float32 and alone/cpu/float32 are within" in done.output
    assert "78 of 78 numbers are equal to the bit." in " ".join(done.output.split())
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 30


@pytest.mark.usefixtures("stubs")
def test_marks_stand_where_digits_stop_being_right(samestep):
    done = samestep("step", "--on", "steady", "--on", "restless", "--steps", "1")
    assert done.status == 1
    gradient = next(line for line in done.output.splitlines() if line.startswith("gradient w1"))
    _, _, sound, wrong, oracle, *_ = gradient.split()
    assert sound.replace("|", "").startswith(oracle[:7])
    right = wrong.partition("|")[0]
    assert 3 <= len(re.sub(r"\D", "", right).lstrip("0")) <= 4  # it is off by one in a thousand
    assert "Same step: NO." in done.output
    assert "restless/cpu/float32: gradient w[" in " ".join(done.output.split())
    assert "times what rounding can make" in " ".join(done.output.split())


@pytest.mark.usefixtures("stubs")
def test_one_participant_stands_beside_the_oracle(samestep):
    done = samestep("step", "--on", "steady", "--dtype", "float64", "--dtype", "float32")
    assert done.status == 0
    assert done.output.count("Same step: yes. steady/cpu/") == 2
    assert "equal to the bit" not in done.output
    assert done.output.index("float64") < done.output.index("float32")


@pytest.mark.usefixtures("stubs")
def test_momentum_shows_velocities_and_short_batches_say_so(samestep):
    done = samestep(
        "step", "--on", "steady", "--momentum", "0.9", "--steps", "3", "--batch-size", "700"
    )
    assert "update v(w1)" in done.output
    assert "step 1 (300 rows)" in done.output
    assert "step 2\n" in re.sub(" +\n", "\n", done.output)


@pytest.mark.usefixtures("stubs")
def test_numbers_that_are_not_finite(samestep):
    done = samestep("step", *ON, "--learning-rate", "1e38", "--steps", "4")
    assert done.status == 0
    assert "not finite" in done.output
    assert " inf" in done.output
    assert done.errors == ""


@pytest.mark.usefixtures("stubs")
@pytest.mark.parametrize(("width", "tables"), [("100", 1), ("80", 2)])
def test_participants_share_a_table_where_there_is_room(samestep, monkeypatch, width, tables):
    monkeypatch.setenv("COLUMNS", width)
    done = samestep("step", *ON, "--dtype", "float64")
    assert done.output.count("err/bound\n") == tables
    assert "…" not in done.output
    assert max(map(len, done.output.splitlines())) <= int(width)


def test_frameworks_side_by_side(samestep):
    done = samestep("step", "--on", "torch", "--on", "jax", "--loss", "huber", "--delta", "0.5")
    assert done.status == 0
    assert done.output.startswith("mean of huber, r^2 / 2 if |r| < 0.5, else 0.5 (|r| - 0.5 / 2)")
    assert "Same step: yes. torch/cpu/float32 and jax/cpu/float32" in done.output
