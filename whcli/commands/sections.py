"""Help whose examples can be copied; and in sections, for a command with many flags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typer.core import TyperCommand


class Command(TyperCommand):
    """A command whose help leaves the lines of its examples whole, however narrow the terminal is."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Indented lines are for copying; all others are text."""
        formatter.write_paragraph()
        for line in (self.epilog or "").splitlines():
            if line.startswith(" "):
                formatter.write(f"{line}\n")
            elif line:
                with formatter.indentation():
                    formatter.write_text(line)
            else:
                formatter.write("\n")


def in_sections(sections: Mapping[str, str]) -> type[TyperCommand]:
    """A command whose help has these sections, title -> flags, behind `Options` with all the others."""

    class Sectioned(Command):
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
