"""The part of JSON Schema that pydantic writes, enough to validate ``summary.json``."""

from __future__ import annotations

from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_ANNOTATIONS = {"title", "description", "default", "$defs"}


def violations(
    value: Any, schema: dict[str, Any], root: dict[str, Any], path: str = "$"
) -> list[str]:
    """All places where a value does not follow a schema; a keyword it does not know is an error."""
    found: list[str] = []
    for keyword, rule in schema.items():
        if keyword == "$ref":
            found += violations(value, root["$defs"][rule.rpartition("/")[2]], root, path)
        elif keyword == "anyOf":
            if all(violations(value, option, root, path) for option in rule):
                found.append(f"{path} is {value!r}, which fits none of {rule}")
        elif keyword == "enum":
            if value not in rule:
                found.append(f"{path} is {value!r}, not one of {rule}")
        elif keyword == "type":
            boolean = isinstance(value, bool)
            if not isinstance(value, _TYPES[rule]) or (boolean and rule != "boolean"):
                found.append(f"{path} is {value!r}, not of type {rule}")
        elif keyword == "items":
            for i, item in enumerate(value if isinstance(value, list) else []):
                found += violations(item, rule, root, f"{path}[{i}]")
        elif keyword == "minItems":
            if isinstance(value, list) and len(value) < rule:
                found.append(f"{path} has {len(value)} items, fewer than {rule}")
        elif keyword == "maxItems":
            if isinstance(value, list) and len(value) > rule:
                found.append(f"{path} has {len(value)} items, more than {rule}")
        elif keyword == "properties":
            for name, inner in rule.items():
                if isinstance(value, dict) and name in value:
                    found += violations(value[name], inner, root, f"{path}.{name}")
        elif keyword == "required":
            found += [f"{path} lacks {name!r}" for name in rule if name not in value]
        elif keyword == "additionalProperties":
            present = value if isinstance(value, dict) else {}
            for name in sorted(present.keys() - schema.get("properties", {}).keys()):
                if rule is False:
                    found.append(f"{path} has {name!r}, which is not described")
                elif rule is not True:
                    found += violations(value[name], rule, root, f"{path}.{name}")
        elif keyword not in _ANNOTATIONS:
            found.append(f"{path}: unknown keyword {keyword!r} in the schema")
    return found
