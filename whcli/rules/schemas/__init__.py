"""JSON Schema for every object that whcli writes, made of the tables in `shapes.py`.

Draft 2020-12 (https://json-schema.org/draft/2020-12, read 2026-11-26). Unknown fields are allowed: a later whcli may
add some.
"""

from __future__ import annotations

import re
from typing import Any

from .shapes import SHAPES, Shape

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_COLUMNS = re.compile(r"\s{2,}")
_PAIR = {"type": "array", "prefixItems": [{"type": "string"}, {"type": "string"}], "minItems": 2, "maxItems": 2}
_WORDS: dict[str, dict[str, Any]] = {
    "any": {},
    "pairs": {"type": "array", "items": _PAIR},
    "time": {"type": "string", "format": "date-time"},
    "base64": {"type": "string", "contentEncoding": "base64"},
}


def names() -> list[str]:
    """The objects that stand by themselves, in the order of the tables."""
    return [name for name, shape in SHAPES.items() if not shape.part]


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of an object; raises KeyError for a name that is none."""
    whole = _object(SHAPES[name], name)
    parts = {part: _object(SHAPES[part], None if SHAPES[part].part else part) for part in _parts(name)}
    head = {"$schema": DRAFT, "$id": f"whcli.{name}/1", "title": f"whcli.{name}/1"}
    return {**head, **whole, **({"$defs": parts} if parts else {})}


def fields(shape: Shape) -> list[tuple[str, str, str]]:
    """A shape's lines: name, type, meaning."""
    lines = (_COLUMNS.split(line.strip(), 2) for line in shape.table.strip().splitlines())
    return [(name, kind, meaning) for name, kind, meaning in lines]


def _object(shape: Shape, name: str | None = None) -> dict[str, Any]:
    """A shape as an object; a `name` adds the schema field, which the standing ones have."""
    own = {"schema": {"const": f"whcli.{name}/1"}} if name else {}
    rows = fields(shape)
    properties = {field.rstrip("?"): {**type_of(kind), "description": meaning} for field, kind, meaning in rows}
    required = [*own, *(field for field, _, _ in rows if not field.endswith("?"))]
    return {"description": shape.says, "type": "object", "properties": {**own, **properties}, "required": required}


def type_of(kind: str) -> dict[str, Any]:
    """A type of the tables as JSON Schema."""
    if "|" in kind:
        return {"anyOf": [type_of(each) for each in kind.split("|")]}
    if kind.startswith("["):
        return {"type": "array", "items": type_of(kind[1:-1])}
    if kind.startswith("{"):
        return {"type": "object", "additionalProperties": type_of(kind[1:-1])}
    if kind.startswith("#"):
        return {"$ref": f"#/$defs/{kind[1:]}"}
    return _WORDS.get(kind, {"type": kind})


def _parts(name: str) -> list[str]:
    """The shapes that a shape refers to, directly or not."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        for _, kind, _ in fields(SHAPES[waiting.pop()]):
            for part in re.findall(r"#(\w+)", kind):
                if part not in found:
                    found[part] = None
                    waiting.append(part)
    return list(found)
