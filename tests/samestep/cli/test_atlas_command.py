"""``samestep atlas``: a table for many probes, a page for one, JSON, Markdown, changes."""

import json
from functools import partial
from pathlib import Path

import pytest

from samestep import UsageError
from samestep.cli import atlas
from samestep.probes.catalogue import select, sides

show_atlas = partial(atlas.show_atlas, in_process=True)


def test_many_probes_are_tables_and_one_is_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_atlas(["abs-at-0", "relu-at-0"]) == 0
    out = capsys.readouterr().out
    assert "[-1, 1]" in out
    assert "values differ" in out
    assert show_atlas(["relu-at-0"], markdown=True) == 0
    out = capsys.readouterr().out
    assert "torch.relu(x).backward()" in out
    assert "jax.grad(jax.nn.relu)" in out


def test_json_and_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "before.json"
    assert show_atlas(["abs-at-0"], as_json=True, save=path) == 0
    (probe,) = json.loads(capsys.readouterr().out)["probes"]
    assert probe["verdict"] == "values differ"
    assert set(probe["observed"]) == {"torch", "jax"}
    assert all(seen["seconds"] > 0 for seen in probe["observed"].values())
    path.write_text(path.read_text().replace("values differ", "agree"))
    assert show_atlas(["abs-at-0"], markdown=True, against=path) == 0
    assert "| abs-at-0 | verdict | agree | values differ |" in capsys.readouterr().out


def test_unknown_names_get_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="Did you mean 'abs-at-0'") as error:
        select(["abs-at-1"])
    assert "Categories: kinks, gradients" in str(error.value)
    with pytest.raises(UsageError, match="Did you mean 'torch'"):
        sides(["torhc"])
    with pytest.raises(UsageError, match="oracle"):
        sides(["numpy"])
