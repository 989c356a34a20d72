"""What commands write as JSON, held against the JSON Schema that `whcli schema` prints for it.

`tests.program` looks at the output of every command that any test runs, so that no object and no field stays without
its line in `whcli/rules/schemas/shapes.py`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from whcli.rules.schemas import names, schema_of

LOOKED_AT = 20  # objects of one kind in one output


def check(output: str) -> set[str]:
    """Fail for a JSON line that its schema does not allow, or does not mention in full; the objects that came."""
    seen: dict[str, int] = {}
    for line in output.splitlines():
        if not line.startswith('{"schema":"whcli.'):
            continue
        name = json.loads(line)["schema"].removeprefix("whcli.").removesuffix("/1")
        seen[name] = seen.get(name, 0) + 1
        if seen[name] <= LOOKED_AT:
            check_object(name, json.loads(line))
    return set(seen)


def check_object(name: str, value: dict[str, Any]) -> None:
    """Fail for an object that its schema does not allow, or that has a field which the schema does not mention."""
    assert name in names(), f"whcli.{name}/1 is missing in whcli/rules/schemas/shapes.py"
    wrong = [f"{error.json_path}: {error.message[:300]}" for error in strict(name).iter_errors(value)]
    assert not wrong, f"whcli.{name}/1 in whcli/rules/schemas/shapes.py does not say so: {wrong}"


@cache
def strict(name: str) -> Draft202012Validator:
    """The schema with every unmentioned field refused."""
    schema = closed(schema_of(name))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def closed(schema: Any) -> Any:
    """A schema whose objects have no fields but those it names."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return {**inner, "additionalProperties": False} if isinstance(schema.get("properties"), dict) else inner
