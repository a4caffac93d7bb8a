"""The HTML templates of this package."""

from __future__ import annotations

import functools

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["templates"]

_VERDICTS = {True: "held", False: "failed", None: "undecided"}


@functools.cache
def templates() -> Environment:
    """Return the templates; what they fill in is escaped, what they lack is an error."""
    environment = Environment(
        loader=PackageLoader("samestep"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = "{:.4g}".format
    environment.filters["verdict"] = _VERDICTS.__getitem__
    return environment
