"""The report: well formed, complete, failures first, nothing unescaped, nothing from elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from samestep.figures import FigureSpec, LossCurve, draw_loss_curves
from samestep.report import render_report, write_report
from samestep.summary import (
    AgreementModel,
    ClaimModel,
    EvidenceModel,
    ExerciseModel,
    FigureModel,
    FitModel,
    PowerModel,
    PublishedModel,
    Summary,
)

LABELS = ("one/cpu/float32", "two/cpu/float32")
VOID = {"meta", "link", "br", "hr", "img"}


class Page(HTMLParser):
    """Checks that tags nest, and collects ids, links and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.tags: Counter[str] = Counter()
        self.feed(text)
        self.close()
        assert self.open == []

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("href", "src", "xlink:href"):
                self.links.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def claim(name: str, *holds: bool | None) -> ClaimModel:
    evidence = {
        label: EvidenceModel(holds=value, text=f"evidence of {name} & {value}", values={"x": 1.0})
        for label, value in zip(LABELS, holds, strict=True)
    }
    worst = False if False in holds else None if None in holds else True
    return ClaimModel(id=name, statement=f"Statement <{name}>.", holds=worst, evidence=evidence)


def agreement(quantity: str, error: float, plan: str = "a plan") -> AgreementModel:
    return AgreementModel(
        participants=list(LABELS),
        plan=plan,
        plan_hash="0" * 64,
        dtype="float32",
        quantity=quantity,
        max_error=error,
        bound=1e-6,
        step=3,
        gap=2e-7,
        relative_gap=1e-7,
        runs_checked=4,
        runs=9,
        steps=20,
        holds=error <= 1e-6,
        explanation="" if error <= 1e-6 else "one/cpu/float32: gradient at step 3",
    )


def published(name: str, participant: str, holds: bool | None) -> PublishedModel:
    return PublishedModel(
        id=name,
        participant=participant,
        value=1.9981,
        percentile=40.4,
        low=1.99,
        high=2.01,
        seeds=10_000,
        holds=holds,
    )


def exercise(name: str = "sound", **changes: object) -> ExerciseModel:
    fields: dict[str, object] = {
        "id": name,
        "title": f"Is <{name}> so?",
        "question": "What & why?",
        "answer": "Yes, <b>surely</b>.",
        "claims": [claim("held", True, True), claim("open", True, None)],
        "agreements": [agreement(q, 3e-7) for q in ("prediction", "loss", "gradient", "update")],
        "published": [published("w1", label, True) for label in LABELS],
        "power": [
            PowerModel(wrong_setting="half the rate", rejected=0.987, draws=1000, excluded=True)
        ],
        "fits": [
            FitModel(
                title="a fit",
                participant=label,
                parameters=[1.5, -3.25, 4.125],
                truth=[2.0, -3.4, 4.2],
                published=[1.9981, -3.3884, 4.1935],
            )
            for label in LABELS
        ],
        "figures": [],
        "failures": {},
        "seconds": 1.0,
    }
    return ExerciseModel.model_validate(fields | changes)


ENVIRONMENT = {
    "command": "samestep run sound --set 'x=<1>'",
    "started": "2026-01-01T00:00:00+00:00",
    "samestep": "0.1",
    "python": "3.12",
    "numpy": "2.4",
    "system": "Linux",
    "cpus": 2,
    "participants": list(LABELS),
    "backends": {
        "one": {"versions": {"one": "1.0"}, "devices": ["cpu"], "threads": None, "flags": {}},
        "two": {"versions": {}, "devices": ["cpu"], "threads": 2, "flags": {"f": "on"}},
    },
}


def report(*exercises: ExerciseModel, folder: Path = Path(), not_run: tuple[str, ...] = ()) -> str:
    summary = Summary(
        ok=all(e.ok for e in exercises),
        environment=ENVIRONMENT,
        exercises=list(exercises),
        not_run=list(not_run),
    )
    return render_report(summary, folder)


def test_everything_is_there():
    page = Page(report(exercise()))
    for expected in (
        "Nothing failed.",
        "Is <sound> so?",
        "What & why?",
        "Yes, <b>surely</b>.",
        "Statement <held>.",
        "evidence of open & None",
        "undecided",
        "1.500000",
        "published (an unknown seed)",
        "the truth",
        "40.4",
        "half the rate",
        "98.7 % 1000 yes",
        "0.3",
        "1.0e-07",
        "4 of 9",
        "samestep run sound --set 'x=<1>'",
        "one 1.0; devices: cpu; threads: not known",
        "threads: 2; f: on",
    ):
        assert expected in page.text, expected
    assert "What failed" not in page.text


def test_equal_evidence_stands_once():
    text = report(exercise(claims=[claim("held", True, True)], agreements=[], published=[]))
    assert text.count("evidence of held &amp; True") == 1
    assert f"{LABELS[0]}<br>{LABELS[1]}" in text


def test_failures_come_first():
    failing = exercise(
        "wrong",
        claims=[claim("held", True, True), claim("contradicted", True, False)],
        agreements=[agreement("loss", 3e-7), agreement("gradient", 5e-3, "second")],
        published=[published("w1", LABELS[0], True), published("b", LABELS[0], False)],
        failures={"three/gpu/float32": "RuntimeError: out of memory"},
        error="KeyError: 'x'",
        answer="",
    )
    page = Page(report(exercise(), failing))
    top = page.text[: page.text.index("What & why?")]
    for expected in (
        "What failed",
        "Claim: Statement <contradicted>. two/cpu/float32: evidence of contradicted & False",
        "Not the same step: gradient, one/cpu/float32 and two/cpu/float32. second.",
        "Published number b is no ordinary draw. 1.9981 lies outside 1.99 to 2.01, one/cpu/float32",
        "three/gpu/float32 raised. RuntimeError: out of memory",
        "The exercise was not finished. KeyError: 'x'",
    ):
        assert expected in top, expected
    assert "Everything held" not in page.text
    section = page.text[page.text.rindex("Is <wrong> so?") :]
    assert section.index("Statement <contradicted>") < section.index("Statement <held>")
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_run_that_ended_early_says_so():
    assert "Not run: later, last." in Page(report(exercise(), not_run=("later", "last"))).text


def test_bare_exercise():
    page = Page(report(exercise(claims=[], agreements=[], published=[], power=[], fits=[])))
    assert "Claims" not in page.text
    assert page.tags["table"] == 0


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_numbers_that_are_not_finite(value):
    fits = [
        FitModel(title="f", participant="p", parameters=[value], truth=[], published=None),
    ]
    unbounded = agreement("update", 1e-7).model_copy(update={"max_error": value, "holds": False})
    page = Page(report(exercise(fits=fits, agreements=[unbounded])))
    assert str(value) in page.text


@pytest.fixture
def figures(tmp_path):
    """Two figures, saved as a run saves them."""
    specs = [
        FigureSpec(
            f"sound-{name}",
            'A "caption" & <more>.',
            draw_loss_curves,
            {"panels": {"<title>": [LossCurve("one", [3.0, 2.0], [4.0, 3.0, 2.0])]}},
        )
        for name in ("first", "second")
    ]
    models = []
    for spec in specs:
        files = [f"figures/{path.name}" for path in _save(spec, tmp_path / "figures")]
        models.append(FigureModel(name=spec.name, caption=spec.caption, files=files))
    return models


def _save(spec: FigureSpec, folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    return spec.save(folder)


def test_figures_are_inlined_side_by_side(figures, tmp_path):
    text = report(exercise(figures=figures), folder=tmp_path)
    page = Page(text)
    assert page.tags["figure"] == page.tags["figcaption"] == 2
    assert len(page.ids) == len(set(page.ids)), "ids of one figure stand in another"
    referred = set(re.findall(r"url\(#([^)]+)\)", text))
    referred |= {link[1:] for link in page.links if link.startswith("#")}
    assert referred <= set(page.ids)
    assert 'aria-label="A &#34;caption&#34; &amp; &lt;more&gt;."' in text
    assert "#sound-first *{" in text
    assert text.count("<!DOCTYPE") == 1
    assert "<?xml" not in text


def test_page_needs_nothing_else(figures, tmp_path):
    page = Page(report(exercise(figures=figures), folder=tmp_path))
    outside = [link for link in page.links if not link.startswith("#")]
    assert outside == ["summary.json", "summary.schema.json"]
    assert page.tags["script"] == page.tags["link"] == page.tags["img"] == 0


def test_figure_that_was_not_drawn_is_only_described(tmp_path):
    missing = FigureModel(name="sound-gone", caption="Its caption.")
    page = Page(report(exercise(figures=[missing]), folder=tmp_path))
    assert page.tags["svg"] == 0
    assert "Its caption." in page.text


def test_written_beside_the_summary(tmp_path):
    summary = Summary(ok=True, environment={}, exercises=[exercise()])
    path = write_report(summary, tmp_path)
    assert path == tmp_path / "report.html"
    assert path.read_text(encoding="utf-8") == render_report(summary, tmp_path)
