"""What all models of stored results share: how their numbers are written."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, WithJsonSchema

__all__ = ["Model", "Number"]

Number: TypeAlias = Annotated[
    float,
    WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["Infinity", "-Infinity", "NaN"]}]}),
]
"""A float as :class:`Model` writes it."""


class Model(BaseModel):
    """A part of stored results; a field that it does not know is an error."""

    # inf and nan are data here (divergent runs); as strings they are legal JSON.
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="strings")
