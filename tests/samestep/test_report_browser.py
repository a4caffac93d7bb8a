"""The report of a real run in a real browser: by mouse, by keyboard, on a phone, on paper."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

import samestep
from samestep.loss import get_loss
from samestep.report import write_report
from samestep.summary import Summary, load_summary
from samestep.table import Column, Detail, Row, Table

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, as Debian packages it"),
]

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1440, "height": 1000}
LARGEST = 5_000_000
SLOWEST = 2_000
"""Milliseconds from the beginning of the navigation to the end of the load event."""

# Exercises register losses of their own, in whichever order the tests import them.
BUILT_IN = ("squared_error", "half_squared_error", "absolute_error", "huber", "smooth_l1")

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a real run, with two tables beside it."""
    folder = tmp_path_factory.mktemp("results")
    result = samestep.run("learning-rate-epochs", "book-versions", dtype="float32", seeds=2)
    result.save(folder)
    losses = [
        (loss.name, residual, float(loss.derivative(residual, 1.0)))
        for loss in map(get_loss, BUILT_IN)
        for residual in (-2.0, 0.5)
    ]
    Table(
        id="losses-slopes",
        title="Slopes",
        columns=(
            Column(title="loss"),
            Column(title="residual", kind="number"),
            Column(title="slope", kind="number"),
        ),
        rows=tuple(
            Row(cells=cells, details=(Detail(title="call", text=f"d({cells[0]})", language="py"),))
            for cells in losses
        ),
    ).save(folder)
    multiples = [(k, 7.0 * k if k < 9 else float("inf"), k < 9) for k in range(10)]
    Table(
        id="planted-bugs",
        title="Multiples of 7",
        columns=(
            Column(title="k", kind="number"),
            Column(title="multiple", kind="number"),
            Column(title="finite", kind="verdict"),
        ),
        rows=tuple(Row(cells=cells) for cells in reversed(multiples)),
    ).save(folder)
    return folder


@pytest.fixture(scope="module")
def summary(results: Path) -> Summary:
    return load_summary(results)


@pytest.fixture(scope="module")
def report(results: Path, summary: Summary) -> Path:
    return write_report(summary, results)


@pytest.fixture(scope="module")
def questions(results: Path, summary: Summary) -> Path:
    return write_report(summary, results, results / "questions.html", questions_only=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Open pages; afterwards no page may have complained, nor asked for anything but itself."""
    complaints: list[str] = []
    contexts = []

    def visit(
        path: Path, size: dict[str, int] = DESK, *, fragment: str = "", **options: Any
    ) -> Page:
        context = browser.new_context(viewport=size, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        address = path.as_uri()

        def note_request(url: str) -> None:
            if not url.startswith(("data:", address)):
                complaints.append(f"asks for {url}")

        page.on("request", lambda request: note_request(request.url))
        page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
        page.goto(address + fragment)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


def column(page: Page, table: str, number: int) -> list[str]:
    """Texts of the rows that are shown, in one column."""
    rows = page.locator(f"{table} tbody > tr:first-child:visible")
    return rows.locator(f"> :nth-child({number})").all_inner_texts()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_it_loads_quickly_and_is_small(
    visit: Open, report: Path, record_property: Callable[[str, object], None]
) -> None:
    page = visit(report)
    took = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    record_property("milliseconds", took)
    record_property("bytes", report.stat().st_size)
    assert 0 < took < SLOWEST
    assert report.stat().st_size < LARGEST


def test_figures_are_drawn_when_one_gets_there(visit: Open, report: Path, summary: Summary) -> None:
    page = visit(report)
    images = page.locator("figure img").all()
    assert len(images) == sum(len(exercise.figures) for exercise in summary.exercises) > 0
    for image in images:
        image.scroll_into_view_if_needed()
        page.wait_for_function("image => image.naturalWidth > 300", arg=image.element_handle())


def test_tabs_by_mouse(visit: Open, report: Path) -> None:
    page = visit(report)
    groups = page.get_by_role("tablist").all()
    assert len(groups) == 2
    for group in groups:
        names = group.get_by_role("tab").all_inner_texts()
        assert names == ["side by side", "jax", "torch", "shared"]
        expect(group.get_by_role("tab", selected=True)).to_have_text("side by side")
    groups[0].get_by_role("tab", name="torch").click()
    for group in groups:
        expect(group.get_by_role("tab", selected=True)).to_have_text("torch")
    for panel in page.get_by_role("tabpanel").all():
        expect(panel).to_have_accessible_name("torch")
        expect(panel).to_contain_text("nn.MSELoss()")
    page.reload()
    for group in groups:
        expect(group.get_by_role("tab", selected=True)).to_have_text("torch")


def test_tabs_by_keyboard(visit: Open, report: Path) -> None:
    page = visit(report)
    first = page.get_by_role("tablist").first
    first.get_by_role("tab", selected=True).focus()
    for key, name in [
        ("ArrowRight", "jax"),
        ("End", "shared"),
        ("ArrowRight", "side by side"),
        ("ArrowLeft", "shared"),
        ("Home", "side by side"),
    ]:
        press(page, key)
        expect(first.get_by_role("tab", name=name)).to_be_focused()
        expect(first.get_by_role("tab", selected=True)).to_have_text(name)
    press(page, "Tab")
    expect(first.locator(":focus")).to_have_count(0)  # one stop for all the tabs


def test_the_aligned_code_needs_a_wide_screen(visit: Open, report: Path) -> None:
    page = visit(report)
    tabs = page.get_by_role("tablist").first.get_by_role("tab")
    head = page.locator(".aligned").first.get_by_role("columnheader")
    assert head.all_inner_texts() == ["stage", "jax", "torch"]
    page.set_viewport_size(PHONE)
    expect(tabs.filter(visible=True)).to_have_text(["jax", "torch", "shared"])
    expect(page.get_by_role("tablist").first.get_by_role("tab", selected=True)).to_have_text("jax")


def test_tabs_work_where_nothing_may_be_stored(visit: Open, report: Path) -> None:
    page = visit(report)
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused') }})"
    )
    page.reload()
    page.get_by_role("tab", name="jax").first.click()
    expect(page.get_by_role("tab", selected=True)).to_have_text(["jax", "jax"])


def replay(page: Page) -> tuple[Locator, Locator]:
    """The slider, and what it says."""
    return page.get_by_role("slider", name="learning rate"), page.locator(".replay output")


def current(page: Page) -> list[int]:
    """The frame that stands out in each panel."""
    return page.locator(".replay .panels svg").evaluate_all(
        "panels => panels.map(p => [...p.querySelectorAll('.frame')]"
        ".findIndex(f => getComputedStyle(f).opacity === '1'))"
    )


def test_slider_by_keyboard(visit: Open, report: Path, summary: Summary) -> None:
    page = visit(report)
    slider, words = replay(page)
    frames = summary.exercises[0].replays[0].frames
    expect(words).to_have_text(f"learning rate {frames[0].label}: {frames[0].outcome}")
    slider.focus()
    for keys, now in [(["ArrowRight"] * 2, 2), (["End"], len(frames) - 1), (["Home"], 0)]:
        press(page, *keys)
        expect(slider).to_have_attribute("aria-valuetext", frames[now].label)
        expect(words).to_have_text(f"learning rate {frames[now].label}: {frames[now].outcome}")
        assert current(page) == [now, now]
    assert "until it leaves float32" in frames[-1].outcome


def test_slider_by_mouse(visit: Open, report: Path, summary: Summary) -> None:
    page = visit(report)
    slider, words = replay(page)
    box = slider.bounding_box()
    assert box
    slider.click(position={"x": box["width"] - 3, "y": box["height"] / 2})
    last = summary.exercises[0].replays[0].frames[-1]
    expect(words).to_contain_text(last.outcome)
    page.get_by_role("button", name="Play").click()
    expect(slider).to_have_value("1")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_curves_are_where_the_data_are(visit: Open, report: Path) -> None:
    page = visit(report)
    slider, _ = replay(page)
    slider.press("End")
    ends = page.locator(".replay .current polyline").evaluate_all(
        "lines => lines.map(l => l.points.numberOfItems)"
    )
    assert all(1 < points < 20 for points in ends), "the divergent run leaves the picture"
    slider.press("Home")
    ends = page.locator(".replay .current polyline").evaluate_all(
        "lines => lines.map(l => l.points.numberOfItems)"
    )
    assert ends == [97, 97, 41, 41]


def test_search(visit: Open, report: Path) -> None:
    page = visit(report)
    table = "#table-losses-slopes"
    box = page.locator(table).get_by_role("searchbox", name="Search this table")
    count = page.locator(f"{table} output")
    box.click()
    page.keyboard.type("HUBER -2")
    assert column(page, table, 1) == ["huber"]
    expect(count).to_have_text("1 of 10 rows")
    box.fill("d(huber)")  # in the details
    expect(count).to_have_text("2 of 10 rows")
    box.fill("nothing of the kind")
    assert column(page, table, 1) == []
    expect(count).to_have_text("0 of 10 rows")
    box.fill("")
    assert len(column(page, table, 1)) == 10


def test_sorting_by_mouse_and_by_keyboard(visit: Open, report: Path) -> None:
    page = visit(report)
    table = "#table-planted-bugs"
    head = page.locator(table).get_by_role("columnheader", name="multiple")
    before = column(page, table, 2)
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert column(page, table, 2) == before[::-1], "as numbers: 14 comes after 7, inf last"
    head.get_by_role("button").focus()
    press(page, "Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert column(page, table, 2) == before
    page.locator(table).get_by_role("columnheader", name="finite").get_by_role("button").click()
    expect(page.locator(f"{table} [aria-sort]")).to_have_text("finite")
    assert column(page, table, 3) == ["failed", *["held"] * 9]
    slopes = "#table-losses-slopes"
    page.locator(slopes).get_by_role("button", name="slope").click()
    first = page.locator(f"{slopes} tbody").first
    first.get_by_text("More about").click()
    expect(first.locator("pre")).to_be_visible()
    name = first.locator("th").inner_text()
    assert first.locator("pre").inner_text() == f"d({name})\n", "details go with their row"


def test_hidden_answers_by_mouse_and_by_keyboard(
    visit: Open, questions: Path, summary: Summary
) -> None:
    page = visit(questions)
    first, second = summary.exercises
    for exercise in (first, second):
        expect(page.get_by_text(exercise.question, exact=True)).to_be_visible()
        expect(page.get_by_text(exercise.answer, exact=True)).to_be_hidden()
    expect(page.get_by_role("slider")).to_have_count(0)
    locks = page.get_by_text("Show the answer and the evidence")
    locks.first.click()
    expect(page.get_by_text(first.answer, exact=True)).to_be_visible()
    expect(page.get_by_text(second.answer, exact=True)).to_be_hidden()
    locks.nth(1).focus()
    press(page, "Enter")
    expect(page.get_by_text(second.answer, exact=True)).to_be_visible()
    press(page, "Enter")
    expect(page.get_by_text(second.answer, exact=True)).to_be_hidden()


def test_a_link_opens_what_is_folded_away(visit: Open, questions: Path, summary: Summary) -> None:
    exercise = summary.exercises[0]
    claim = exercise.claims[0]
    page = visit(questions, fragment=f"#{exercise.id}--{claim.id}")
    evidence = next(iter(claim.evidence.values()))
    expect(page.get_by_text(evidence.text, exact=True).first).to_be_visible()
    page = visit(questions)
    page.get_by_role("navigation").get_by_text(exercise.title).click()
    assert page.url.endswith(f"#{exercise.id}")


def test_the_first_stop_of_the_keyboard_leads_past_the_contents(visit: Open, report: Path) -> None:
    page = visit(report)
    press(page, "Tab")
    skip = page.get_by_role("link", name="Skip to the findings")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    press(page, "Enter")
    expect(page.get_by_role("main")).to_be_focused()


def unfold(page: Page) -> None:
    page.locator("details").evaluate_all("all => all.forEach(d => { d.open = true })")


@pytest.mark.parametrize("script", [True, False])
def test_nothing_overflows_on_a_phone(
    visit: Open, report: Path, questions: Path, script: bool
) -> None:
    for path in (report, questions):
        page = visit(path, PHONE, java_script_enabled=script)
        if script:
            unfold(page)
        assert page.locator("html").evaluate("page => page.scrollWidth") == PHONE["width"]
        # The same with what must be there: without it, nothing could overflow.
        expect(page.locator(".samestep-table").first).to_be_attached()


def test_what_is_too_wide_scrolls_with_the_keyboard(visit: Open, report: Path) -> None:
    page = visit(report, PHONE)
    unfold(page)
    box = page.locator(".scroll", has=page.locator("img")).first
    expect(box).to_have_attribute("tabindex", "0")
    box.focus()
    press(page, "ArrowRight")
    page.wait_for_function("box => box.scrollLeft > 0", arg=box.element_handle())


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_axe_finds_no_fault(visit: Open, report: Path, size: dict[str, int], scheme: str) -> None:
    page = visit(report, size, color_scheme=scheme)
    unfold(page)
    found = Axe().run(page).response
    assert len(found["passes"]) > 20
    assert [
        (fault["id"], fault["nodes"][0]["html"], fault["nodes"][0]["failureSummary"])
        for fault in found["violations"]
    ] == []


def test_dark_mode_is_dark_but_figures_lie_on_white(visit: Open, report: Path) -> None:
    page = visit(report, color_scheme="dark")

    def background(where: str) -> str:
        box = page.locator(where).first
        return str(box.evaluate("box => getComputedStyle(box).backgroundColor"))

    assert background("body") == "rgb(20, 25, 31)"
    assert background(".card") == "rgb(255, 255, 255)"


def test_motion_is_reduced_where_that_is_wished(visit: Open, report: Path) -> None:
    for motion, behavior in (("reduce", "auto"), ("no-preference", "smooth")):
        page = visit(report, reduced_motion=motion)
        style = page.locator("html").evaluate("html => getComputedStyle(html).scrollBehavior")
        assert style == behavior


def test_it_is_complete_without_javascript(visit: Open, report: Path, summary: Summary) -> None:
    page = visit(report, java_script_enabled=False)
    expect(page.get_by_role("slider")).to_have_count(0)
    expect(page.locator(".replay polyline").first).to_be_visible()
    expect(page.locator(".replay tbody tr")).to_have_count(13)
    expect(page.get_by_role("searchbox")).to_have_count(0)
    assert len(column(page, "#table-losses-slopes", 1)) == 10
    for name in ("jax", "torch", "shared"):
        expect(page.get_by_role("heading", name=name, level=4).first).to_be_visible()
    page.get_by_text(summary.exercises[0].claims[0].statement).click()
    evidence = next(iter(summary.exercises[0].claims[0].evidence.values()))
    expect(page.get_by_text(evidence.text, exact=True).first).to_be_visible()


def test_on_paper(visit: Open, report: Path, questions: Path, summary: Summary) -> None:
    page = visit(report, color_scheme="dark")
    page.emulate_media(media="print")
    for hidden in ("nav", ".controls", ".search", "[role=tablist]", ".aligned"):
        expect(page.locator(hidden).first).to_be_hidden()
    sections = page.locator("main > section.exercise")
    assert sections.evaluate_all("all => all.map(s => getComputedStyle(s).breakBefore)") == (
        ["page"] * 2
    )
    ink = page.locator("body").evaluate("body => getComputedStyle(body).color")
    assert ink == "rgb(0, 0, 0)"
    evidence = next(iter(summary.exercises[0].claims[0].evidence.values()))
    shown = page.get_by_text(evidence.text, exact=True).first
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(shown).to_be_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(shown).to_be_hidden()
    sheet = visit(questions)
    sheet.emulate_media(media="print")
    sheet.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(sheet.get_by_text(summary.exercises[0].answer, exact=True)).to_be_hidden()


def test_hostile_names_do_nothing(
    visit: Open, results: Path, summary: Summary, tmp_path: Path
) -> None:
    hostile = """"'><script>alert(1)</script><img src=x onerror=alert(2)>"""
    changed = summary.model_copy(deep=True)
    exercise = changed.exercises[0]
    exercise.title = exercise.answer = exercise.code[0].label = exercise.claims[0].id = hostile
    exercise.replays[0].control = exercise.replays[0].frames[0].outcome = hostile
    exercise.id = hostile
    page = visit(write_report(changed, results, tmp_path / "hostile.html"))
    expect(page.get_by_role("heading", name=hostile)).to_be_visible()
    expect(page.get_by_role("tab", name=hostile)).to_be_visible()
    expect(page.locator(".replay output")).to_contain_text(hostile)
    page.get_by_role("navigation").get_by_text(hostile).click()
    expect(page.get_by_role("heading", name=hostile)).to_be_in_viewport()
