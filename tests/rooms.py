"""The architecture table of the README: every room with the first sentence of its docstring; a folder is one room.

`python -m tests.rooms` prints it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent / "whcli"
FLOORS = (
    ("words", "0 words: the records and errors that every room speaks of"),
    ("rules", "1 rules: pure functions and tables of facts"),
    ("hands", "2 hands: one outside thing each"),
    ("commands", "3 doors: one module per command"),
)


def sentence(path: Path) -> str:
    """The first paragraph of a module's docstring, in one line."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


def table() -> str:
    """The table's lines."""
    lines = ["| room | what it holds |", "|---|---|"]
    for folder, title in FLOORS:
        lines += [f"| **{title}** | `{folder}/` |", *rows(ROOT / folder)]
    return "\n".join(lines)


def rows(folder: Path) -> Iterator[str]:
    """A floor's modules, then its folders; a command is no row, the README has a table of them."""
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py" and folder.name != "commands":
            yield f"| `{path.relative_to(ROOT).as_posix()}` | {sentence(path)} |"
    for path in sorted(folder.glob("*/__init__.py")):
        yield f"| `{path.parent.relative_to(ROOT).as_posix()}/` | {sentence(path)} |"


if __name__ == "__main__":
    print(table())
