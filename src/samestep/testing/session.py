"""A session of the kit under pytest: which backend, what was found, and the certificate."""

from __future__ import annotations

import io
from collections.abc import Generator
from typing import cast

import pytest
from rich.console import Console

from samestep.errors import SamestepError
from samestep.interface import DTYPES, Backend
from samestep.registry import backend, parse_participant
from samestep.testing.catalogue import CHECKS, Check
from samestep.testing.certificate import Certificate, Outcome

__all__ = ["Conformance"]


class Conformance:
    """The hooks of a session."""

    def __init__(self) -> None:
        self._backends: dict[str, Backend] = {}
        self._outcomes: dict[tuple[str, str], Outcome] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        """Load the backend at each precision, or end with one message."""
        given = config.getoption("backend")
        if not given:
            raise pytest.UsageError("samestep.testing needs --backend NAME, or NAME@DEVICE.")
        try:
            name, device = parse_participant(given)
            self._backends = {dtype: backend(name, device=device, dtype=dtype) for dtype in DTYPES}
        except SamestepError as error:
            raise pytest.UsageError(str(error)) from error

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Try every check at every precision."""
        if {"conforming_backend", "check"} <= set(metafunc.fixturenames):
            metafunc.parametrize("check", CHECKS, ids=lambda check: check.id)
            metafunc.parametrize("conforming_backend", self._backends.values(), ids=DTYPES)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note what became of a check."""
        report = yield
        if isinstance(item, pytest.Function) and (report.failed or report.when == "call"):
            check = cast(Check, item.callspec.params["check"])
            tried = cast(Backend, item.callspec.params["conforming_backend"])
            self._note(check, tried, report)
        return report

    def _note(self, check: Check, tried: Backend, report: pytest.TestReport) -> None:
        outcome = Outcome.HELD if report.passed else Outcome.FAILED
        self._outcomes[check.id, tried.dtype] = (
            Outcome.NOT_APPLICABLE if report.skipped else outcome
        )

    @property
    def certificate(self) -> Certificate:
        """What has been found until now."""
        return Certificate(next(iter(self._backends.values())), self._outcomes)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Count a session in which nothing was tried as failed."""
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            listing = session.config.getoption("collectonly")
            if not (listing or self.certificate.tried):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the certificate, or why there is none."""
        if terminalreporter.config.getoption("collectonly"):
            return
        text = io.StringIO()
        Console(file=text, width=100, markup=False, highlight=False, emoji=False).print(
            self.certificate.table()
        )
        terminalreporter.write_line("")
        terminalreporter.write(text.getvalue())
