"""A table is shown the same everywhere, escaped where it must be, and survives the disk."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from samestep.errors import UsageError
from samestep.table import Column, Detail, Row, Table, load_tables

TABLE = Table(
    id="trial",
    title="A trial",
    note="How to read it.",
    columns=(
        Column(title="name"),
        Column(title="error", kind="number", form=".1e"),
        Column(title="call", kind="code"),
        Column(title="verdict", kind="verdict"),
    ),
    rows=(
        Row(
            cells=("<b>", 0.125, "a | b", True),
            details=(
                Detail(title="why", text="1 < 2"),
                Detail(title="c", text="f(x)", language="python"),
            ),
        ),
        Row(cells=("none", None, "", None)),
        Row(cells=("infinite", float("inf"), "x", "values differ")),
    ),
)


def test_markdown_escapes_what_would_end_a_cell() -> None:
    lines = TABLE.to_markdown().splitlines()
    assert lines[:3] == ["## A trial", "", "How to read it."]
    assert lines[4:6] == ["| name | error | call | verdict |", "| --- | ---: | --- | --- |"]
    assert lines[6] == r"| <b> | 1.2e-01 | `a \| b` | held |"
    assert lines[7] == "| none |  |  | undecided |"


def test_html_is_escaped_and_holds_the_details() -> None:
    text = TABLE.to_html()
    assert "<b>" not in text
    assert "&lt;b&gt;" in text
    assert "1 &lt; 2" in text
    assert '<code class="python">f(x)</code>' in text
    assert 'class="badge values-differ"' in text
    assert TABLE._repr_html_() == text


def test_the_terminal_shows_text_as_it_is() -> None:
    stream = io.StringIO()
    Console(file=stream, width=100).print(TABLE)
    assert "<b>" in stream.getvalue()
    assert "1.2e-01" in stream.getvalue()


def test_it_survives_the_disk(tmp_path: Path) -> None:
    TABLE.save(tmp_path)
    assert load_tables(tmp_path) == {"trial": TABLE}
    assert load_tables(tmp_path / "nowhere") == {}


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    path = TABLE.save(tmp_path)
    path.write_text('{"id": 3}')
    with pytest.raises(UsageError, match=r"trial\.json' is no table"):
        load_tables(tmp_path)


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        Table(
            id="x",
            title="x",
            columns=(Column(title="a"), Column(title="b")),
            rows=(Row(cells=(1,)),),
        )
