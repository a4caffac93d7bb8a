"""The registry: found without being imported, missing with a remedy, open to third parties."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

import samestep
from samestep import MissingParticipantError, Plan, SyntheticRegression, UsageError, registry
from samestep.interface import Backend
from samestep.runner import default_participants

# --- built in --------------------------------------------------------------------------------


def test_the_built_in_backends_are_registered() -> None:
    entries = registry.backend_entries()
    assert list(entries) == sorted(entries)
    assert {"jax", "numpy", "torch"} <= set(entries)
    assert all(e.distribution == "samestep" for e in entries.values() if e.name != "other")
    assert {r.name for r in entries["torch"].requirements} == {"torch"}
    assert {r.name for r in entries["jax"].requirements} == {"jax", "optax"}
    assert entries["numpy"].requirements == ()
    for entry in entries.values():
        assert entry.missing == ()
        assert issubclass(entry.load(), Backend)
    assert set(entries["jax"].versions) == {"jax", "optax"}


def test_entries_are_described_without_importing_a_framework() -> None:
    script = (
        "import json, sys\n"
        "from samestep import registry\n"
        "entries = registry.backend_entries().values()\n"
        "told = [[e.name, e.missing, e.install_command, e.versions] for e in entries]\n"
        "names = registry.experiment_names()\n"
        "print(json.dumps([told, names, sorted(sys.modules)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    told, names, modules = json.loads(done.stdout)
    assert [entry[0] for entry in told] == ["jax", "numpy", "torch"]
    assert [entry[2] for entry in told] == [
        "pip install 'samestep[jax]'",
        "pip install 'samestep'",
        "pip install 'samestep[torch]'",
    ]
    assert "loss-reduction" in names
    loaded = {name.partition(".")[0] for name in modules}
    packages = {"samestep_torch", "samestep_jax", "samestep_numpy", "samestep_experiments"}
    assert not loaded & ({"torch", "jax", "jaxlib", "optax"} | packages)


def test_exercises_come_in_the_books_order() -> None:
    names = registry.experiment_names()
    assert names[:6] == [
        "loss-reduction",
        "huber-loss",
        "gradient-access",
        "learning-rate-epochs",
        "data-size",
        "book-versions",
    ]
    assert registry.experiment("book-versions").id == "book-versions"
    with pytest.raises(
        UsageError, match=r"Unknown exercise 'data-sizes'.\nDid you mean 'data-size'"
    ):
        registry.experiment("data-sizes")


# --- looked up -------------------------------------------------------------------------------


def test_the_same_arguments_return_the_same_object() -> None:
    first = samestep.backend("torch", device="cpu", dtype="float64")
    assert samestep.backend("torch", dtype="float64") is first
    assert samestep.backend("torch@cpu", dtype="float64") is first
    assert samestep.backend("torch", dtype="float32") is not first
    assert samestep.oracle() is samestep.backend("numpy", dtype="float64")
    assert samestep.oracle().dtype == "float64"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("torch", ("torch", "cpu")),
        ("torch@gpu", ("torch", "gpu")),
        ("torch@gpu:1", ("torch", "gpu:1")),
        (" jax @ cuda:0 ", ("jax", "cuda:0")),
    ],
)
def test_a_participant_is_a_name_and_a_device(text: str, expected: tuple[str, str]) -> None:
    assert registry.parse_participant(text) == expected


@pytest.mark.parametrize("text", ["torch@", "@gpu", "", " @ "])
def test_half_a_participant_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no participant"):
        registry.parse_participant(text)


def test_a_device_in_the_name_is_the_one_that_counts() -> None:
    with pytest.raises(MissingParticipantError, match="Device 'gpu:98' is not there"):
        samestep.backend("torch@gpu:98", device="cpu")


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: samestep.backend("torhc"), "Unknown backend 'torhc'.\nDid you mean 'torch'?"),
        (lambda: samestep.backend("tensorflow"), "Known: jax, numpy, torch."),
        (lambda: samestep.backend("torch", dtype="float23"), "Did you mean 'float32'?"),
        (lambda: samestep.backend("torch", dtype="half"), "Known: float32, float64."),
    ],
)
def test_an_unknown_name_is_an_error_with_the_known_ones(work: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        work()
    assert message in str(caught.value)


# --- missing ---------------------------------------------------------------------------------


def test_a_missing_framework_comes_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(registry, "version", version)
    entry = registry.backend_entry("jax")
    assert [text.partition(">")[0] for text in entry.missing] == ["jax", "optax"]
    assert entry.versions == {}
    with pytest.raises(MissingParticipantError) as caught:
        entry.load()
    assert caught.value.message.startswith("Backend 'jax' needs jax>=")
    assert caught.value.hint == "Install it: pip install 'samestep[jax]'"
    # What needs nothing is still there.
    assert registry.backend_entry("numpy").missing == ()


def test_an_old_framework_is_missing_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "version", lambda name: "0.1")
    (lacking,) = registry.backend_entry("torch").missing
    assert lacking.startswith("torch>=")
    assert lacking.endswith("(found 0.1)")


# --- third parties ---------------------------------------------------------------------------

BACKEND = '''
import contextlib

import array_api_compat.numpy as xp
import numpy as np

from samestep.interface import SGD, Backend, Environment
from samestep.loss import find_closed_form


class OtherBackend(Backend):
    """Closed forms, with the update written in another order."""

    name = "other"
    native = {}

    def __init__(self, device="cpu", dtype="float32"):
        self.device, self.dtype, self.xp = device, dtype, xp

    @classmethod
    def environment(cls):
        return Environment({"other": "1.0"}, ("cpu",), None, {})

    def scope(self):
        return contextlib.nullcontext()

    def asarray(self, x):
        x = np.array(x)
        return x.astype(self.dtype) if x.dtype.kind == "f" else x

    def to_numpy(self, x):
        return np.array(x)

    def value_and_grad(self, loss, *, runs=False, has_aux=False):
        return find_closed_form(loss)

    def sgd(self, learning_rate, options):
        rate = np.asarray(learning_rate, self.dtype)

        def step(params, grads, state):
            new = {}
            for name, p in params.items():
                h = rate.reshape(rate.shape + (1,) * (p.ndim - rate.ndim))
                new[name] = RIGHT * -(h * grads[name]) + p
            return new, state

        return SGD(lambda params: {}, step)
'''


class Distribution:
    """A distribution on the path, as an installer would leave it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        info = folder / "other_backend-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-backend\nVersion: 1.0\n")
        self._entry_points = info / "entry_points.txt"
        self.register("other_backend:OtherBackend")
        self.write("RIGHT = 1" + BACKEND)

    def register(self, value: str) -> None:
        self._entry_points.write_text(f"[samestep.backends]\nother = {value}\n")

    def write(self, source: str) -> None:
        (self.folder / "other_backend.py").write_text(source)


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Distribution]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    installed = Distribution(tmp_path)
    importlib.invalidate_caches()
    yield installed
    sys.modules.pop("other_backend", None)
    registry._instance.cache_clear()
    importlib.invalidate_caches()


PLAN = Plan.of(SyntheticRegression(num_train=20, num_val=0, batch_size=8).draw(0))


def test_a_third_partys_backend_is_found_runs_and_is_compared(distribution: Distribution) -> None:
    entry = registry.backend_entries()["other"]
    assert "other_backend" not in sys.modules
    assert (entry.distribution, entry.missing) == ("other-backend", ())
    assert "other" in default_participants()
    other = samestep.backend("other", dtype="float64")
    assert other.label == "other/cpu/float64"
    for plan in (PLAN, samestep.stack([PLAN, PLAN.vary(learning_rate=0.1)])):
        traces = [
            samestep.train(backend, plan)
            for backend in (other, samestep.backend("torch", dtype="float64"))
        ]
        assert samestep.compare(*traces).holds


def test_a_third_partys_mistake_is_found(distribution: Distribution) -> None:
    distribution.write("RIGHT = 1.001" + BACKEND)
    other = samestep.backend("other", dtype="float64")
    comparison = samestep.compare(
        samestep.train(other, PLAN), samestep.train(samestep.oracle(), PLAN)
    )
    assert not comparison.holds
    first = comparison.judgements["other/cpu/float64"].first
    assert first is not None
    assert (first[0], first[1].step) == ("update", 0)


def test_what_is_missing_in_a_third_partys_class_is_named(distribution: Distribution) -> None:
    distribution.write(
        "import samestep\nclass OtherBackend(samestep.Backend):\n    name = 'other'\n"
        "    def __init__(self, device, dtype): pass\n"
    )
    with pytest.raises(TypeError, match=r"abstract.*asarray"):
        samestep.backend("other")


def test_an_entry_point_that_names_no_backend_is_an_error(distribution: Distribution) -> None:
    distribution.write("OtherBackend = print")
    with pytest.raises(UsageError, match="'other_backend:OtherBackend' is no backend"):
        samestep.backend("other")


def test_a_backend_that_cannot_be_imported_is_missing(distribution: Distribution) -> None:
    distribution.write("import a_framework_that_is_not_there")
    with pytest.raises(MissingParticipantError) as caught:
        samestep.backend("other")
    assert "ModuleNotFoundError: No module named 'a_framework_that_is_not_there'" in (
        caught.value.message
    )
    assert "--force-reinstall" in caught.value.hint


def test_after_the_tests_it_is_gone() -> None:
    assert "other" not in registry.backend_entries()
