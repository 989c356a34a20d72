"""`whcli schema`: every object has a JSON Schema, and every command writes what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from tests.program import whcli
from tests.schemas import check_object
from whcli.cli import COMMANDS
from whcli.rules.schemas import fields, names, schema_of, type_of
from whcli.rules.schemas.shapes import SHAPES


@pytest.mark.parametrize("name", names())
def test_every_object_has_a_schema_that_is_one(name: str) -> None:
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    assert schema["properties"]["schema"] == {"const": f"whcli.{name}/1"} and "schema" in schema["required"]


@pytest.mark.parametrize("name", SHAPES)
def test_every_line_of_a_table_has_a_name_a_type_and_a_meaning(name: str) -> None:
    rows = fields(SHAPES[name])
    assert rows and len({field for field, _, _ in rows}) == len(rows)
    Draft202012Validator.check_schema({"anyOf": [type_of(kind) for _, kind, _ in rows]})


def test_a_part_stands_in_an_object() -> None:
    used = {part.rpartition("/")[2] for name in names() for part in references(schema_of(name))}
    assert {name for name, shape in SHAPES.items() if shape.part} <= used <= set(SHAPES)


def references(schema: Any) -> list[str]:
    """Every `$ref` of a schema."""
    if isinstance(schema, list):
        return [each for item in schema for each in references(item)]
    if not isinstance(schema, dict):
        return []
    return [each for key, value in schema.items() for each in ([value] if key == "$ref" else references(value))]


def test_the_list_names_every_object(tmp_path: Path) -> None:
    done = whcli("schema", "--json", folder=tmp_path)
    assert [line["name"] for line in done.lines] == names()
    assert all(name in whcli("schema", folder=tmp_path).out for name in names())


@pytest.mark.parametrize("asked", ["event", "whcli.event/1"])
def test_a_schema_is_printed_as_json(tmp_path: Path, asked: str) -> None:
    assert json.loads(whcli("schema", asked, folder=tmp_path).out) == schema_of("event")
    [line] = whcli("schema", asked, "--json", folder=tmp_path).lines
    assert line == schema_of("event")


def test_an_unknown_object_is_a_usage_error_with_a_suggestion(tmp_path: Path) -> None:
    done = whcli("schema", "evnt", folder=tmp_path)
    assert done.code == 2 and "did you mean: 'event'" in done.err


def test_a_later_version_may_add_a_field_and_none_may_be_missing() -> None:
    allowed = Draft202012Validator(schema_of("note"))
    allowed.validate({"schema": "whcli.note/1", "note": "a", "new": 1})
    for wrong in ({"schema": "whcli.note/1"}, {"schema": "whcli.note/1", "note": 1}, {"schema": "x", "note": "a"}):
        with pytest.raises(ValidationError):
            allowed.validate(wrong)


def test_the_watch_sees_what_is_not_written_down() -> None:
    check_object("note", {"schema": "whcli.note/1", "note": "a"})
    with pytest.raises(AssertionError, match=r"whcli\.note/1"):
        check_object("note", {"schema": "whcli.note/1", "note": "a", "more": 1})
    with pytest.raises(AssertionError, match=r"whcli\.unheard_of/1"):
        check_object("unheard_of", {"schema": "whcli.unheard_of/1"})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_json(tmp_path: Path, command: str) -> None:
    """Of a command with commands of its own, each one; in a Python where no other command was read in before."""
    text = whcli(command, "--help", folder=tmp_path, afresh=True).out
    inner = re.findall(r"^  (\w+)  ", text.partition("\nCommands:\n")[2].partition("\n\n")[0], re.MULTILINE)
    for each in inner or [""]:
        assert "--json" in whcli(command, *filter(None, [each]), "--help", folder=tmp_path).out, each


def test_help_is_text_in_an_object(tmp_path: Path) -> None:
    for topic in ("exit-codes", "list"):
        [line] = whcli("help", topic, "--json", folder=tmp_path).lines
        assert line["topic"] == topic and len(line["text"]) > 100
