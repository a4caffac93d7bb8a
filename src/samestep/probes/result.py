"""What a run of the atlas found: one page per probe, with verdicts; as tables, text and JSON."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from samestep.errors import UsageError
from samestep.probes.isolation import Observed
from samestep.probes.observation import Absent, Raised
from samestep.probes.verdict import Verdict
from samestep.table import Column, Detail, Row, Table

if TYPE_CHECKING:
    from samestep.probes.changes import Changes

__all__ = ["FORMAT", "Atlas", "Page"]

FORMAT = 1
"""Version of the file format; another one is refused, never misread."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Page(_Model):
    """A probe, what each side did, and the verdict.

    Parameters
    ----------
    id, category, title, question, why, portable : str
        As in :class:`~samestep.probes.Probe`.
    references : tuple of str
    truth, brief : str
        The truth in a sentence, and in a cell of a table.
    quotients : str
        Difference quotients of the mathematical function in double precision, left | right in
        each direction; empty where the truth is no derivative.
    scale : float
        See :func:`samestep.probes.comparison.relate`.
    code : dict of str to str
        Source of what was run, by backend; a side without code has none.
    observed : dict of str to Observed
        By backend.
    cure : str
        Source of the portable code; empty without one.
    cured : dict of str to Observed
        What the portable code did, by backend.
    right : dict of str to (bool or None)
        By backend, whether the truth admits the observation; None where nothing can be wrong.
    verdict : Verdict
    """

    id: str
    category: str
    title: str
    question: str
    truth: str
    brief: str
    quotients: str
    scale: float
    code: dict[str, str]
    observed: dict[str, Observed]
    cure: str
    cured: dict[str, Observed]
    right: dict[str, bool | None]
    verdict: Verdict
    why: str
    portable: str
    references: tuple[str, ...]

    def observation(self, name: str) -> str:
        """What a side did, in full."""
        outcome = self.observed[name].outcome
        if isinstance(outcome, Raised):
            return f"raises {outcome.type}: {outcome.message}"
        return outcome.reason if isinstance(outcome, Absent) else outcome.text

    def to_markdown(self) -> str:
        """Return the whole page as Markdown."""
        lines = [f"## {self.title}", f"`{self.id}`, {self.category}. {self.question}"]
        lines += [f"**Truth.** {self.truth}"]
        if self.quotients:
            lines += [f"Difference quotients in double precision: {self.quotients}."]
        for name, code in self._codes().items():
            lines += [f"**{name}**", f"```python\n{code}\n```"]
        lines += ["\n".join(self._observations()), f"**Verdict:** {self.verdict}."]
        lines += [f"**Why.** {self.why}", f"**Portable.** {self.portable}"]
        if self.cure:
            lines += [f"```python\n{self.cure}\n```", f"It gives {self._cured()}."]
        lines += ["\n".join(f"- <{reference}>" for reference in self.references)]
        return "\n\n".join(lines) + "\n"

    def details(self) -> tuple[Detail, ...]:
        """What a report shows on demand."""
        return (
            Detail(title="Question", text=self.question),
            Detail(title="Truth", text=self.truth),
            *(Detail(title=n, text=c, language="python") for n, c in self._codes().items()),
            *(Detail(title=f"Observed: {n}", text=self.observation(n)) for n in self.observed),
            Detail(title="Why", text=self.why),
            Detail(title="Portable", text=self.portable),
            *([Detail(title="Cure", text=self.cure, language="python")] if self.cure else []),
            Detail(title="References", text=" ".join(self.references)),
        )

    def _codes(self) -> dict[str, str]:
        """Codes by side; shared code once, under the names of all that ran it."""
        names: dict[str, list[str]] = {}
        for name, code in self.code.items():
            names.setdefault(code, []).append(name)
        return {" and ".join(sharing): code for code, sharing in names.items()}

    def _cured(self) -> str:
        return ", ".join(f"{name}: `{seen.outcome.text}`" for name, seen in self.cured.items())

    def _observations(self) -> list[str]:
        lines = []
        for name, seen in self.observed.items():
            right = {True: " (right)", False: " (not what is true)", None: ""}[self.right[name]]
            lines.append(f"- {name}: `{self.observation(name)}`{right}")
            lines += [f"  - warns: {text}" for text in seen.warnings]
            lines += [f"  - leaves changed: {text}" for text in seen.left_changed]
        return lines


class Atlas(_Model):
    """A run of the atlas.

    Parameters
    ----------
    format : int
    versions : dict of str to str
        Of the frameworks' distributions.
    probes : tuple of Page
        In the order of the catalogue.
    """

    format: int = FORMAT
    versions: dict[str, str]
    probes: tuple[Page, ...]

    def __getitem__(self, probe: str) -> Page:
        """Return the page of one probe."""
        return next(page for page in self.probes if page.id == probe)

    @property
    def backends(self) -> tuple[str, ...]:
        """Names of the sides."""
        return tuple(dict.fromkeys(name for page in self.probes for name in page.observed))

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the categories, in order."""
        return tuple(dict.fromkeys(page.category for page in self.probes))

    @property
    def versions_text(self) -> str:
        """The frameworks with their versions, without the mark of a local build."""
        return ", ".join(f"{n} {v.partition('+')[0]}" for n, v in sorted(self.versions.items()))

    def table(self, category: str | None = None) -> Table:
        """Return what was observed, probe by probe; of one category or of all."""
        pages = [page for page in self.probes if category in (None, page.category)]
        heads = ("probe", *(() if category else ("category",)), "truth", *self.backends)
        return Table(
            id=f"atlas-{category}" if category else "atlas",
            title=f"Autodiff atlas: {category}" if category else "Autodiff atlas",
            note=f"{self.versions_text}. [a, b]: the one-sided derivatives at a kink.",
            columns=(
                *(Column(title=head) for head in heads),
                Column(title="verdict", kind="verdict"),
            ),
            rows=tuple(
                Row(
                    cells=(
                        page.id,
                        *(() if category else (page.category,)),
                        page.brief,
                        *(page.observed[name].outcome.text for name in self.backends),
                        page.verdict.value,
                    ),
                    details=page.details(),
                )
                for page in pages
            ),
        )

    def summary(self) -> Table:
        """Count the verdicts by category."""
        counts = Counter((page.category, page.verdict) for page in self.probes)
        seen = [v for v in Verdict if any(page.verdict is v for page in self.probes)]
        numbers = {c: [counts[c, v] for v in seen] for c in self.categories}
        if len(numbers) > 1:
            numbers["all"] = [sum(column) for column in zip(*numbers.values(), strict=True)]
        heads = ("category", *(v.value for v in seen), "probes")
        return Table(
            id="atlas-summary",
            title="Verdicts",
            columns=tuple(
                Column(title=h, kind="text" if h == "category" else "number") for h in heads
            ),
            rows=tuple(Row(cells=(c, *row, sum(row))) for c, row in numbers.items()),
        )

    def to_markdown(self) -> str:
        """Return the tables, category by category, and the counts; of one probe its page."""
        if len(self.probes) == 1:
            return self.probes[0].to_markdown()
        tables = [self.table(category) for category in self.categories]
        return "\n".join(table.to_markdown() for table in [*tables, self.summary()])

    def to_json(self) -> str:
        """Return everything; NaN and infinities are the strings "NaN", "Infinity", "-Infinity"."""
        return self.model_dump_json(indent=1) + "\n"

    def save(self, path: Path) -> None:
        """Write it to a file that :meth:`load` reads."""
        try:
            path.write_text(self.to_json(), encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"Cannot write {str(path)!r}: {error.strerror}.", "Name another file."
            ) from error

    @classmethod
    def load(cls, path: Path) -> Atlas:
        """Read a stored run.

        Raises
        ------
        UsageError
            If the file is missing, or is no stored run of this format.
        """
        try:
            found = cls.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(
                f"Cannot read {str(path)!r}: {error.strerror}.",
                "Write one with: samestep atlas --out FILE",
            ) from error
        except (UnicodeDecodeError, ValidationError) as error:
            raise UsageError(
                f"{str(path)!r} is no stored run of the atlas.",
                "Write one with: samestep atlas --out FILE",
            ) from error
        if found.format != FORMAT:
            raise UsageError(
                f"{str(path)!r} has format {found.format}; this version reads {FORMAT}.",
                "Run the atlas anew on those versions: samestep atlas --out FILE",
            )
        return found

    def against(self, earlier: Atlas) -> Changes:
        """Say what is different from an earlier run, probe by probe."""
        from samestep.probes.changes import compare_runs

        return compare_runs(earlier, self)

    def _repr_html_(self) -> str:
        return self.table().to_html()
