"""Small distributions that tests install, as pip would, but without fetching a build backend."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

__all__ = ["lay_out"]


def lay_out(source: Path, folder: Path) -> str:
    """Lay a distribution of one module out in a folder of ``sys.path``, with its entry points.

    Parameters
    ----------
    source : Path
        Folder with ``pyproject.toml`` and the module, which has the distribution's name.
    folder : Path
        May be the same.

    Returns
    -------
    str
        The name of its only entry point.
    """
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module = project["name"].replace("-", "_")
    if folder != source:
        shutil.copy(source / f"{module}.py", folder)
    info = folder / f"{module}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    ((group, points),) = project["entry-points"].items()
    ((name, target),) = points.items()
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {target}\n")
    return str(name)
