"""The kit as its users run it: ``pytest --pyargs samestep.testing`` and ``samestep check``."""

from __future__ import annotations

import importlib.util

import pytest

import samestep
from samestep.cli.check import check_backend
from samestep.errors import MissingParticipantError, UsageError
from samestep.interface import Backend
from samestep.planted import BUGS, BrokenBackend
from samestep.testing import session
from samestep.testing.catalogue import CHECKS

pytest_plugins = ["pytester"]

KIT = ("-p", "samestep.testing.plugin", "-p", "no:cacheprovider", "--pyargs", "samestep.testing")


def run_kit(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(*KIT, *arguments)


def test_a_sound_backend_gets_a_certificate(capfd: pytest.CaptureFixture[str]) -> None:
    assert check_backend("numpy") == 0
    printed = capfd.readouterr().out
    assert "Certificate: numpy on cpu conforms to the interface of samestep" in printed
    assert f"{2 * len(CHECKS) - 4} held, 0 failed, 4 not applicable" in printed


def test_a_broken_backend_gets_none(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str, *, device: str, dtype: str) -> Backend:
        return BrokenBackend(samestep.backend(name, device=device, dtype=dtype), BUGS[0])

    monkeypatch.setattr(session, "backend", broken)
    done = run_kit(pytester, "--backend", "numpy", "-k", "every_kind_of_step")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines(["*gradient of step 0*apart by*", "No certificate: * fails 2 of 2*"])


def test_a_part_of_the_kit_is_no_certificate(pytester: pytest.Pytester) -> None:
    done = run_kit(pytester, "--backend", "numpy", "-k", "border")
    assert done.ret == pytest.ExitCode.OK
    done.stdout.fnmatch_lines([f"No certificate: 8 of {2 * len(CHECKS)} checks were run*"])


def test_nothing_but_skips_is_a_failure(pytester: pytest.Pytester) -> None:
    done = run_kit(pytester, "--backend", "numpy", "-k", "compiled_once")
    done.assert_outcomes(skipped=4)
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines(["No certificate: nothing could be tried on numpy on cpu"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "*needs --backend NAME*"),
        (("--backend", "nunpy"), "*Unknown backend 'nunpy'*"),
        (("--backend", "numpy@gpu"), "*Device 'gpu' is not there*"),
    ],
)
def test_a_mistake_is_one_message(
    pytester: pytest.Pytester, arguments: tuple[str, ...], message: str
) -> None:
    done = run_kit(pytester, *arguments)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([message])
    done.stderr.no_fnmatch_line("*Traceback*")


def test_other_sessions_have_no_such_option(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    done = pytester.runpytest_inprocess("-p", "samestep.testing.plugin", "--backend", "numpy")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*unrecognized arguments: --backend*"])


def test_the_command_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="Unknown backend 'nunpy'"):
        check_backend("nunpy")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingParticipantError, match=r"pip install 'samestep\[testing\]'"):
        check_backend("numpy")
