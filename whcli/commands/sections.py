"""Help in sections, for a command with many flags: a table of the command says which flag stands where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typer.core import TyperCommand


def in_sections(sections: Mapping[str, str]) -> type[TyperCommand]:
    """A command whose help has these sections, title -> flags, behind `Options` with all the others."""

    class Sectioned(TyperCommand):
        def format_options(self, ctx: Any, formatter: Any) -> None:
            of = {flag: title for title, flags in sections.items() for flag in flags.split()}
            shown: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Options", *sections)}
            for param in self.get_params(ctx):
                record = param.get_help_record(ctx)
                if record is not None:
                    shown[of.get(param.opts[0], "Options")].append(record)
            for title, records in shown.items():
                with formatter.section(title):
                    formatter.write_dl(records)

    return Sectioned
