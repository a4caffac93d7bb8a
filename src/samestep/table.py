"""A table as data: printed in the terminal, as Markdown, as HTML, as JSON, and kept for the report.

Every command that answers with a table makes one of these. :meth:`Table.save` puts it into the
folder of a run, where the report finds it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from samestep.errors import UsageError
from samestep.summary import FigureModel

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Cell", "Column", "Detail", "Row", "Table", "load_tables", "show_cell"]

Cell: TypeAlias = bool | int | float | str | None
"""A number, text, a verdict (true, false or undecided), or nothing."""

_VERDICTS = {True: "held", False: "failed", None: "undecided"}
_FOLDER = "tables"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Column(_Model):
    """What stands in one place of every row.

    Parameters
    ----------
    title : str
    kind : {"text", "number", "code", "verdict"}
        How it is shown; a verdict is true, false, undecided, or a word.
    form : str
        Format specification of a floating-point number.
    """

    title: str
    kind: Literal["text", "number", "code", "verdict"] = "text"
    form: str = ".3g"


class Detail(_Model):
    """Something about a row that is shown on demand.

    Parameters
    ----------
    title, text : str
    language : str
        ``"python"`` for code; empty for prose.
    """

    title: str
    text: str
    language: str = ""


class Row(_Model):
    """One row: a cell per column, and what is shown on demand.

    Parameters
    ----------
    cells : tuple
    details : tuple of Detail
    """

    cells: tuple[Cell, ...]
    details: tuple[Detail, ...] = ()


class Table(_Model):
    """A titled table.

    Parameters
    ----------
    id : str
        Name of its file, and its anchor in the report.
    title, note : str
        What it shows, and how to read it.
    columns : tuple of Column
    rows : tuple of Row
    figures : tuple of FigureModel
        Shown with it in the report; their files are relative to the folder it is saved in.
    """

    id: str
    title: str
    note: str = ""
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    figures: tuple[FigureModel, ...] = ()

    @model_validator(mode="after")
    def _rows_fit(self) -> Table:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(f"{len(row.cells)} cells for {len(self.columns)} columns: {row}")
        return self

    def texts(self, row: Row) -> list[str]:
        """Return the cells of a row as they are shown."""
        return [show_cell(c, column) for c, column in zip(row.cells, self.columns, strict=True)]

    def to_markdown(self) -> str:
        """Return title, note and table as GitHub's Markdown; details are left out."""

        def line(cells: list[str]) -> str:
            safe = [cell.replace("|", "\\|").replace("\n", " ") for cell in cells]
            return f"| {' | '.join(safe)} |"

        def shown(row: Row) -> list[str]:
            kinds = [column.kind for column in self.columns]
            texts = zip(self.texts(row), kinds, strict=True)
            return [f"`{text}`" if kind == "code" and text else text for text, kind in texts]

        rule = ["---:" if column.kind == "number" else "---" for column in self.columns]
        lines = [
            line([c.title for c in self.columns]),
            line(rule),
            *map(line, map(shown, self.rows)),
        ]
        head = [f"## {self.title}", *([self.note] if self.note else [])]
        return "\n\n".join([*head, "\n".join(lines)]) + "\n"

    def to_html(self) -> str:
        """Return the table as a fragment of HTML; everything in it is escaped."""
        from samestep.templating import templates

        return templates().get_template("table.html.j2").render(table=self)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __rich__(self) -> RenderableType:
        """Show it in a terminal: ``rich.print(table)``; details are left out."""
        from rich import box
        from rich.console import Group
        from rich.table import Table as RichTable
        from rich.text import Text

        shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in self.columns:
            justify: Literal["left", "right"] = "right" if column.kind == "number" else "left"
            # Long names are broken rather than cut short: a reader has to see them whole.
            shown.add_column(column.title, justify=justify, overflow="fold")
        for row in self.rows:
            shown.add_row(*map(Text, self.texts(row)))
        note = [Text(self.note, style="dim")] if self.note else []
        return Group(Text(self.title, style="bold"), *note, shown)

    def save(self, folder: Path) -> Path:
        """Write it where the report of that folder finds it, and return the file."""
        path = folder / _FOLDER / f"{self.id}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"Cannot write {str(path)!r}: {error.strerror}.", "Name another folder."
            ) from error
        return path


def load_tables(folder: Path) -> dict[str, Table]:
    """Read the tables that were saved in a folder, by id.

    Raises
    ------
    UsageError
        If a file is no table.
    """
    found = {}
    for path in sorted((folder / _FOLDER).glob("*.json")):
        try:
            table = Table.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise UsageError(
                f"{str(path)!r} is no table of Samestep's: {str(error).splitlines()[0]}",
                "Remove it, or write it again with the command that made it.",
            ) from error
        found[table.id] = table
    return found


def show_cell(cell: Cell, column: Column) -> str:
    """Return a cell as text."""
    if column.kind == "verdict" and (cell is None or isinstance(cell, bool)):
        return _VERDICTS[cell]
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return format(cell, column.form) if isinstance(cell, float) else str(cell)
