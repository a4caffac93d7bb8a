"""The estimate of the time that remains, and the figures that are drawn meanwhile."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from cli_stubs import draw_line, draw_nothing
from rich.console import Console

from samestep.cli.progress import SECONDS_PER_WEIGHT, Estimate, RunProgress
from samestep.drawing import FigureWriter
from samestep.figures import FigureSpec


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_estimate_learns_from_what_is_finished():
    clock = Clock()
    estimate = Estimate([1.0, 2.0, 1.0], clock)
    assert estimate.seconds_left == pytest.approx(4 * SECONDS_PER_WEIGHT)
    assert estimate.fraction == 0.0
    estimate.start()
    clock.now += 10
    estimate.finish()
    assert estimate.seconds_left == pytest.approx(30)
    assert estimate.fraction == pytest.approx(1 / 4)
    estimate.start()
    clock.now += 5
    assert estimate.seconds_left == pytest.approx(25)
    clock.now += 15
    estimate.finish()
    estimate.start()
    clock.now += 5
    estimate.finish()
    assert estimate.seconds_left == 0
    assert estimate.fraction == 1


def test_estimate_grows_with_an_exercise_that_takes_too_long():
    clock = Clock()
    estimate = Estimate([1.0, 1.0], clock)
    estimate.start()
    clock.now += 100
    assert estimate.seconds_left >= 100
    assert 0.4 < estimate.fraction < 0.6
    last = Estimate([1.0], clock)
    clock.now += 100
    assert 0 < last.fraction < 1


@pytest.mark.parametrize("terminal", [True, False])
def test_bar_gives_way_and_is_gone_in_the_end(terminal):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=60, color_system=None)
    progress = RunProgress(console)
    progress.expect([SimpleNamespace(weight=1.0)])
    with progress:
        progress.start()
        progress.say("name", "a very long description with [brackets] " * 4)
        with progress.aside():
            screen.write("result\n")
        progress.finish()
    shown = screen.getvalue()
    assert "result\n" in shown
    assert ("s left" in shown) is terminal
    if not terminal:
        assert shown == "result\n"


def test_figures_are_drawn_in_another_process(tmp_path):
    good = FigureSpec("good", "", draw_line, {"height": 1.0})
    large = FigureSpec("large", "", np.zeros, {"shape": np.zeros(10**6)})  # no figure, 8 MB
    local = FigureSpec("local", "", lambda: None, {})
    bad = FigureSpec("bad", "", draw_nothing, {"height": 1.0})
    last = FigureSpec("last", "", draw_line, {"height": 2.0})
    with FigureWriter(tmp_path / "figures") as writer:
        for figure in (good, local, bad, large, last):
            writer.add(figure)
        assert writer.finish() == ["good", "last"]
        assert writer.finish() == ["good", "last"]
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {"good.svg", "good.png", "last.svg", "last.png"}


def test_figures_that_nobody_waits_for_are_given_up(tmp_path):
    with FigureWriter(tmp_path) as writer:
        writer.add(FigureSpec("good", "", draw_line, {"height": 1.0}))
    assert writer._process.poll() is not None
