"""The report: well formed, complete, failures first, nothing unescaped, nothing from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from samestep.figures import FigureSpec, LossCurve, draw_loss_curves
from samestep.replay import AxisModel, CurveModel, FrameModel, PanelModel, ReplayModel
from samestep.report import render_report, write_report
from samestep.summary import (
    AgreementModel,
    ClaimModel,
    CodeModel,
    EvidenceModel,
    ExerciseModel,
    FigureModel,
    FitModel,
    PowerModel,
    PublishedModel,
    Summary,
)
from samestep.table import Column, Detail, Row, Table

LABELS = ("one/cpu/float32", "two/cpu/float32")
VOID = {"meta", "link", "br", "hr", "img", "input"}
INF, NAN = float("inf"), float("nan")


class Page(HTMLParser):
    """Checks that tags nest, and collects ids, links and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
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
        self.attributes += attrs
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("href", "src", "xlink:href"):
                self.links.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
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


def replay(*values: float) -> ReplayModel:
    """A replay of two rates: one runs through the values, the other contracts."""
    curves = [CurveModel(label=LABELS[0], x=list(range(len(y))), y=y) for y in (values, (9.0, 1.0))]
    panel = PanelModel(
        x=AxisModel(title="step", low=0, high=10),
        y=AxisModel(title="error", low=0.01, high=100, log=True),
    )
    return ReplayModel(
        name="rates",
        caption="A sweep.",
        control="learning rate",
        panels=[panel],
        frames=[
            FrameModel(label=f"0.{i}", outcome=f"outcome {i}", curves=[[curve]])
            for i, curve in enumerate(curves)
        ],
    )


CODE = [
    CodeModel(label="one", source="# model\nnet = Linear(2)\n\n# loss\nloss = (r < 1)\n"),
    CodeModel(label="two", source="# loss\nloss = mean(r)\n"),
    CodeModel(label="shared", source="# loss\nloss = xp.mean(r)\n"),
]


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
        "replays": [replay(9.0, 90.0, INF)],
        "code": CODE,
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


def report(
    *exercises: ExerciseModel,
    folder: Path = Path(),
    not_run: tuple[str, ...] = (),
    questions_only: bool = False,
) -> str:
    summary = Summary(
        ok=all(e.ok for e in exercises),
        environment=ENVIRONMENT,
        exercises=list(exercises),
        not_run=list(not_run),
    )
    return render_report(summary, folder, questions_only=questions_only)


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
        "learning rate what happens 0.0 outcome 0 0.1 outcome 1",
        "net = Linear( 2 )",
        "SHA-256",
        "0" * 64,
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
    section = page.text[page.text.index("What & why?", len(top) + 10) :]
    assert section.index("Statement <contradicted>") < section.index("Statement <held>")
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_run_that_ended_early_says_so():
    assert "Not run: later, last." in Page(report(exercise(), not_run=("later", "last"))).text


def test_bare_exercise():
    bare = {"claims": [], "agreements": [], "published": [], "power": [], "fits": []}
    page = Page(report(exercise(**bare, replays=[], code=[])))
    assert "Claims" not in page.text
    assert "not compared" in page.text
    assert page.tags["table"] == 1, "the summary's"


def test_nothing_at_all():
    page = Page(render_report(Summary(ok=True, environment={}, exercises=[]), Path()))
    assert "0 exercises" in page.text
    assert page.tags["table"] == 0


@pytest.mark.parametrize("value", [INF, NAN])
def test_numbers_that_are_not_finite(value):
    fits = [
        FitModel(title="f", participant="p", parameters=[value], truth=[], published=None),
    ]
    changes = {"max_error": value, "relative_gap": value, "holds": False}
    unbounded = agreement("update", 1e-7).model_copy(update=changes)
    lost = published("w1", LABELS[0], False).model_copy(
        update={"percentile": value, "value": value, "low": -INF, "high": INF}
    )
    text = report(
        exercise(fits=fits, agreements=[unbounded], published=[lost], replays=[replay(value)])
    )
    page = Page(text)
    assert str(value) in page.text
    assert "lies outside -inf to inf" in page.text
    assert "come apart by up to inf in float32" in page.text, "nan hides nothing"
    drawn = [str(value) for name, value in page.attributes if name in ("points", "d", "cx")]
    assert drawn
    assert not any(word in points for points in drawn for word in ("inf", "nan"))


def test_a_curve_ends_where_it_leaves_the_numbers():
    page = Page(report(exercise(replays=[replay(9.0, 90.0, INF, 9.0)])))
    points = [value for name, value in page.attributes if name == "points"]
    assert points == ["56.0,99.0 95.2,33.0", "56.0,99.0 95.2,162.0"]


def test_one_participant_met_the_oracle():
    alone = [
        a.model_copy(update={"participants": [LABELS[0], "oracle/float32"]})
        for a in exercise().agreements
    ]
    page = Page(report(exercise(agreements=alone)))
    assert "alone at its precision was compared with the oracle" in page.text


def test_summary_says_what_agrees_what_differs_and_why():
    lacking = claim("stored", True, None)
    lacking.evidence[LABELS[1]] = EvidenceModel(
        holds=None, applies=False, text="not applicable: it has none"
    )
    double = [
        a.model_copy(update={"dtype": "float64", "relative_gap": 1e-15})
        for a in exercise().agreements
    ]
    text = Page(
        report(exercise(claims=[lacking], agreements=[*exercise().agreements, *double]))
    ).text
    top = text[text.index("What agrees") : text.index("exercise same step")]
    for expected in (
        "8 of 8 agreements held (plans: 1). The largest error is 0.3 times what rounding can make",
        "Of 1 published numbers: 1 ordinary draws from our distribution over seeds.",
        "come apart by up to 1.0e-07 in float32, 1.0e-15 in float64",
        "Does not apply to two (stored): it has none.",
        "rounding carried from step to step: in float64",
    ):
        assert expected in top, expected


def test_what_failed_is_why():
    text = Page(report(exercise(agreements=[agreement("gradient", 5e-3)]))).text
    top = text[text.index("What agrees") : text.index("exercise same step")]
    assert "0 of 1 agreements held" in top
    assert "Findings that failed: 1." in top
    assert "Why a plan: one/cpu/float32: gradient at step 3." in top
    assert "rounding carried" not in top


def test_questions_only_fold_everything_else_away():
    shown = Page(report(exercise(), questions_only=True))
    assert shown.tags["details"] == Page(report(exercise())).tags["details"] + 2
    for secret in ("Yes, <b>surely</b>.", "Statement <held>.", "What agrees"):
        assert secret in folded(report(exercise(), questions_only=True)), secret
    assert "What & why?" not in folded(report(exercise(), questions_only=True))
    assert "Yes, <b>surely</b>." not in folded(report(exercise()))


def folded(text: str) -> str:
    """What stands in details that are closed until somebody opens them."""

    class Folded(Page):
        def handle_data(self, data: str) -> None:
            if "details" in self.open:
                super().handle_data(data)

    return Folded(text).text


HOSTILE = """\"'><script>alert(1)</script><img src=x onerror=alert(2)> {{ 7 * 7 }} ]]> url(#x)"""


def hostile(value: Any) -> Any:
    """Put something that must be escaped in place of every string, also of the keys."""
    if isinstance(value, dict):
        return {k if k in KEYS else f"{k} {HOSTILE}": hostile(v) for k, v in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return HOSTILE if isinstance(value, str) else value


def field_names() -> Iterator[str]:
    """Names of all fields of all models; other keys are names that somebody chose."""
    schema = Summary.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        yield from model["properties"]
    yield from ("command", "started", "samestep", "python", "numpy", "system", "cpus")
    yield from ("participants", "backends", "versions", "devices", "threads", "flags")


KEYS = set(field_names())


def test_names_and_messages_are_escaped_wherever_they_stand(tmp_path):
    failing = exercise(
        agreements=[agreement("gradient", 5e-3), agreement("update", 1e-7)],
        claims=[claim("open", False, None)],
        published=[published("w1", LABELS[0], False)],
        failures={"three": "RuntimeError"},
        error="KeyError",
        figures=[FigureModel(name="gone", caption="Its caption.", files=["gone.svg"])],
    )
    sound = Summary(ok=False, environment=ENVIRONMENT, exercises=[failing], not_run=["later"])
    data = hostile(sound.model_dump(mode="json"))
    # Numbers that are not finite are strings in JSON; put them back.
    data["exercises"][0]["replays"] = [hostile(replay(9.0, 90.0).model_dump(mode="json"))]
    table = Table(
        id=HOSTILE.replace("/", ""),
        title=HOSTILE,
        note=HOSTILE,
        columns=(Column(title=HOSTILE), Column(title=HOSTILE, kind="verdict")),
        rows=(
            Row(
                cells=(HOSTILE, HOSTILE),
                details=(Detail(title=HOSTILE, text=HOSTILE, language="python"),),
            ),
        ),
    )
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "hostile.json").write_text(table.model_dump_json())
    page = Page(render_report(Summary.model_validate(data), tmp_path))
    harmless = Page(render_report(sound, tmp_path / "nowhere"))
    assert page.tags["script"] == harmless.tags["script"] == 1
    assert page.tags["img"] == 0
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.text.count("<script>alert(1)</script>") > 50, "shown as it is"
    assert "49" not in page.text


def test_tables_beside_the_run_are_shown_and_those_that_lack_are_named(tmp_path):
    Table(
        id="planted-bugs",
        title="Planted bugs",
        columns=(
            Column(title="bug"),
            Column(title="error", kind="number"),
            Column(title="right", kind="verdict"),
        ),
        rows=(
            Row(cells=("sign", 0.25, True), details=(Detail(title="why", text="because"),)),
            Row(cells=("factor", INF, False)),
        ),
        figures=(FigureModel(name="teeth", caption="What is caught."),),
    ).save(tmp_path)
    Table(id="of-somebody", title="Another", columns=(Column(title="a"),), rows=()).save(tmp_path)
    page = Page(report(exercise(), folder=tmp_path))
    assert "Planted bugs, right: 1 held, 1 failed." in page.text
    assert "More about sign why because" in page.text
    assert ("data-value", "inf") in page.attributes
    assert "What is caught." in page.text
    assert "Other tables Found beside the run. Another" in page.text
    assert f"samestep atlas --out {tmp_path} adds it." in page.text
    assert "samestep selftest" not in page.text


def test_versions_of_the_code_lie_side_by_side():
    page = Page(report(exercise()))
    labels = [value for name, value in page.attributes if name == "data-label"]
    assert labels == ["side by side", "one", "two", "shared"]
    assert "one two model net = Linear( 2 ) loss loss = (r < 1 ) loss = mean(r)" in page.text


def test_code_that_names_no_stages_is_shown_as_it_is():
    code = [CodeModel(label=label, source="f(x)\n") for label in ("one", "two", "shared")]
    page = Page(report(exercise(code=code)))
    labels = [value for name, value in page.attributes if name == "data-label"]
    assert labels == ["one", "two", "shared"]


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


def test_figures_are_images_that_need_no_file(figures, tmp_path):
    page = Page(report(exercise(figures=figures), folder=tmp_path))
    assert page.tags["figure"] == 3, "and a replay"
    assert page.tags["img"] == 2
    images = [link for link in page.links if link.startswith("data:image/svg+xml,%3Csvg ")]
    assert len(images) == 2
    for image in images:
        drawn = unquote(image.partition(",")[2])
        assert drawn.rstrip().endswith("</svg>")
        assert "&lt;title&gt;" in drawn
        assert "<metadata>" not in drawn
    assert 'A "caption" & <more>.' in page.text
    assert dict(page.attributes)["alt"] == "Figure sound-second, described by its caption"


def test_figures_outside_the_folder_are_left_alone(figures, tmp_path):
    inside = tmp_path / "results"
    inside.mkdir()
    outside = [figures[0].model_copy(update={"files": [f"../{figures[0].files[0]}"]})]
    assert Page(report(exercise(figures=outside), folder=inside)).tags["img"] == 0
    foreign = tmp_path / "figures" / "foreign.svg"
    foreign.write_text("<svg onload='alert(1)'></svg>")
    strange = [FigureModel(name="foreign", caption="c", files=["figures/foreign.svg"])]
    assert Page(report(exercise(figures=strange), folder=tmp_path)).tags["img"] == 0


def test_page_needs_nothing_else(figures, tmp_path):
    page = Page(report(exercise(figures=figures), folder=tmp_path))
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert page.tags["script"] == 1
    assert page.tags["link"] == 0


def test_figure_that_was_not_drawn_is_only_described(tmp_path):
    missing = FigureModel(name="sound-gone", caption="Its caption.", files=["figures/gone.svg"])
    page = Page(report(exercise(figures=[missing]), folder=tmp_path))
    assert page.tags["img"] == 0
    assert "No drawing of this figure is in the folder.) Its caption." in page.text


def test_written_beside_the_summary(tmp_path):
    summary = Summary(ok=True, environment={}, exercises=[exercise()])
    path = write_report(summary, tmp_path)
    assert path == tmp_path / "report.html"
    assert path.read_text(encoding="utf-8") == render_report(summary, tmp_path)
